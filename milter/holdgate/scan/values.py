"""Digests of single values, such as one IBAN, and of documents: the milter compares where each of them went before.

A document has a sketch: of all sequences of five words, those with the smallest checksums. Two documents that were made
from one template have most of it in common (A. Broder, On the resemblance and containment of documents, 1997).

A digest has no key, because a worker must not have one. So it stays in the memory of the milter, which replaces it by a
keyed hash (`relations`); no log, incident or page has it.
"""

import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from heapq import nsmallest
from itertools import islice
from zlib import crc32

from holdgate.detect import Confidence, Match
from holdgate.extract.part import Extraction
from holdgate.findings import DOCUMENT, MOST_VALUES, SKETCH

_WORD = re.compile(r"[^\W\d_]{2,}")
_SHINGLE = 5
# Of a document so many words are compared, and a shorter one is not. Reading of so many words takes 2 ms.
_WORDS, _FEWEST = 2000, 50
_DOCUMENTS = 4

_SHARED = """
biometric-data card-expiry card-verification-code classification-mark cusip date-of-birth email-address ethnic-origin
genetic-data gps-coordinates icd-code isin medical-term phone-number political-opinion postal-address religious-belief
sexual-orientation swift-bic trade-union-membership us-routing-number
"""
SHARED = frozenset(_SHARED.split())
"""Kinds that are in a sender's signature, or whose values belong to many clients."""


def identifies(identifier: str) -> bool:
    """Return whether a value of this kind belongs to one client or person."""
    return identifier not in SHARED


def digests(matches: Iterable[Iterable[Match]]) -> list[str]:
    """Return the identifier and digest of the first values, each once; without those of low confidence."""
    found: dict[tuple[str, str], None] = {}
    for match in (one for part in matches for one in part):
        if match.value and match.confidence is not Confidence.LOW and identifies(match.identifier):
            found[match.identifier, match.value] = None
    return [f"{identifier} {_digest(identifier, value)}" for identifier, value in list(found)[:MOST_VALUES]]


def sketches(extraction: Extraction) -> list[str]:
    """Return the sketches of the first attachments with text."""
    files = {file.name for file in extraction.attachments}
    texts = (part.text for part in extraction.parts if part.name in files and not part.trace)
    found = islice(filter(None, map(_sketch, texts)), _DOCUMENTS)
    return list(dict.fromkeys(f"{DOCUMENT} {_digest(DOCUMENT, one)}" for sketch in found for one in sketch))


def _sketch(text: str) -> list[str]:
    words = [match[0].casefold() for match in islice(_WORD.finditer(text), _WORDS)]
    if len(words) < _FEWEST:
        return []
    return nsmallest(SKETCH, set(_shingles(words)), key=lambda one: (crc32(one.encode("utf-8", "surrogatepass")), one))


def _shingles(words: list[str]) -> Iterator[str]:
    for at in range(len(words) - _SHINGLE + 1):
        yield " ".join(words[at : at + _SHINGLE])


def _digest(identifier: str, value: str) -> str:
    content = f"{identifier}\0{value}".encode("utf-8", "surrogatepass")
    return blake2b(content, digest_size=8).hexdigest()
