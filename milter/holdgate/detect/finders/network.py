"""IP addresses: four decimal numbers (RFC 791), and the colon forms of IPv6 (RFC 4291 section 2.2)."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from holdgate.detect.finders.finder import DOTTED, Dictionaries, Place, Text

_FOUR: Final = re.compile(rb"0\.0{1,3}\.0{1,3}\.0{1,3}(?![0Aa]|\.0)")
_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_BYTES: Final = re.compile(rf"(?:{_OCTET}\.){{3}}{_OCTET}")
# A program's name before its version, "LibreOffice/25.2.3.2": with capitals, unlike names of hosts.
_VERSION: Final = re.compile(r"(?:^|[\s;,(])[A-Za-z]{0,30}[A-Z][A-Za-z]{0,30}/\Z")
_COLONS: Final = re.compile(rb":[0Aa]{0,4}:")
# Without "::", an address has eight groups; times of day have three.
_GROUPS: Final = re.compile(rb":(?:[0Aa]{1,4}:){6}")
_PAIRS: Final = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){7}")
_AROUND: Final = re.compile(rb"[0Aa:.]{0,200}")


def find(text: Text, _: Dictionaries) -> Iterator[Place]:
    """Yield each address that is not part of a longer dotted number or name."""
    mask = text.mask
    for found in _FOUR.finditer(mask) if text.signs & DOTTED else ():
        start, end = found.span()
        # The search begins with the last digit of the first number, because two plain bytes are found faster than one.
        while start and mask[start - 1] == 48:
            start -= 1
        if found.start() - start > 2:
            continue
        if (
            start
            and mask[start - 1] in b"0Aa."
            and not (mask[start - 1] == 46 and (start < 2 or mask[start - 2] not in b"0Aa"))
        ):
            continue
        if _VERSION.search(text.text, max(0, start - 32), start) or text.text.startswith("$", end):
            continue
        raw = text.text[start:end]
        if _BYTES.fullmatch(raw):
            yield Place(start, end, raw)
    if b"::" not in mask and (mask.count(b":") < 7 or _GROUPS.search(mask) is None):
        return
    last = -1
    for found in _COLONS.finditer(mask):
        if found.start() < last:
            continue
        # There are at most four digits before the first colon.
        start = found.start()
        while start > max(0, found.start() - 4) and mask[start - 1] in b"0Aa":
            start -= 1
        around = _AROUND.match(mask, start)
        assert around is not None
        last = around.end()
        raw = text.text[start:last].rstrip(".:") if not text.text[start:last].endswith("::") else text.text[start:last]
        if raw.count(":") >= 2 and ("::" in raw or raw.count(":") == 7) and _is_six(raw):
            yield Place(start, start + len(raw), raw.lower())


def _is_six(raw: str) -> bool:
    # Eight pairs of digits name a network card or a disk (EUI-64, WWN).
    if sum(map(str.isdigit, raw)) < 2 or _PAIRS.fullmatch(raw):
        return False
    try:
        ipaddress.IPv6Address(raw)
    except ValueError:
        return False
    return True
