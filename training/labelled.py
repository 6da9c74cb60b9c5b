"""Text in which people marked names of persons, organisations and places: public corpora beside the checkout.

`README.md` says where each file comes from, and under which licence. They are read from the folder `names` of
HOLDGATE_CORPORA, by default `../shared/corpora`.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from training.mail import ORGANISATION, PERSON, PLACE

_BESIDE: Final = Path(__file__).resolve().parents[2] / "shared" / "corpora"
_NO_SPACE_BEFORE: Final = frozenset(".,;:!?)]%…”’»") | {"...", "'s", "n't", "'ll", "'re", "'ve", "'d", "'m"}
_NO_SPACE_BEHIND: Final = frozenset("([„“«$#")
_ENOUGH: Final = 60
_TOO_LONG: Final = 150
_FARTHEST: Final = 40


_KINDS: Final = {"PER": PERSON, "ORG": ORGANISATION, "COR": ORGANISATION, "GRO": ORGANISATION, "LOC": PLACE}


class Marked(NamedTuple):
    """A text, and the place and kind of each name in it."""

    text: str
    names: list[tuple[int, int, str]]


class Missing(Exception):
    """A file of a corpus is not there, or is another one."""


class Source(NamedTuple):
    """A file of a corpus: how it is written, how often it is learned, and its SHA-256."""

    file: str
    written: str
    times: int
    digest: str


SOURCES: Final = (
    Source(
        "en_ewt-ud-dev.iob2", "documents", 4,
        "0cafd881cf31d39897b6d588420fab8fbbe4423d271725c59921ac9dd49c0713",
    ),
    Source(
        "pt_bosque-ud-train.iob2", "documents", 1, "1d8762040667fc15f4ec83801e20d14d10ebea2b90c16c312f3ba03da2d1f860"
    ),
    Source(
        "pt_bosque-ud-dev.iob2", "documents", 1,
        "0e6cb1db280e6677e2fd4380d695039791b5cb70bb5100376166aae5690da01a",
    ),
    Source(
        "pt_bosque-ud-test.iob2", "documents", 1, "45cf232ff7677cb6f4020dad96dbf8412d1f2cca38d81164ac96ee8c03b6b09f"
    ),
    Source(
        "mobie-train.conll2003", "sentences", 1,
        "87ba62335010601a2f7941ae758bc7917bf30c741564d5a38d8848743eaa2638",
    ),
    Source(
        "mobie-dev.conll2003", "sentences", 1,
        "8e0d227ad995de82cc271487b1d8bdd1a15ca3016b12b046bca9025257166e15",
    ),
    Source(
        "mobie-test.conll2003", "sentences", 1,
        "e9d533692596e6159118f8c273e241554a980fafda5df3a26c9ae6a4f824815e",
    ),
    Source(
        "wikigold.conll.txt", "sentences", 1,
        "c797a64d0cf73ed058363f77671486bcfd413e70fda1726ad4a6ba624455225f",
    ),
    Source(
        "wnut17train.conll", "sentences", 1,
        "707d8fbadf7ab186e7998fdcbea41470d25d0a453049f531d0c8d0c810a8d8cb",
    ),
    Source(
        "btc-a.conll", "sentences", 1,
        "ac824cc13c88283fe3cca05343e46c79ec4cd5b174429f27bf8fe0ebdc1bbf33",
    ),
    Source(
        "btc-b.conll", "sentences", 1,
        "504a094a0398e03fd7b394510e313b8fc844407102252182d90aea23f53cc322",
    ),
    Source(
        "btc-e.conll", "sentences", 1,
        "77aca745cdc28ae0fafbcf36a93ccfd15357a8db97c21d91083592dd85e348c5",
    ),
    Source(
        "btc-f.conll", "sentences", 1,
        "d0839ddb0bd57f3a59ac9ab35d371dc140db8280e0001469a4e56fe8f776ce8a",
    ),
    Source(
        "btc-g.conll", "sentences", 1,
        "d53a27645cabc4e63313d573498b48b0cc5ed780d280edfbdc4fedefe23479da",
    ),
    Source(
        "btc-h.conll", "sentences", 1,
        "7f31215a79f3131526236203907c8d003b8e0f8ee6eef2a216ebb685340ebe39",
    ),
    Source(
        "enp_DE.lft.bio", "pages", 1,
        "762c394ff09728e014bfe44e4fc38c0fc511e4e119a94c23be2b4034dc9a4d9b",
    ),
    Source(
        "enp_DE.onb.bio", "pages", 1,
        "479b0862870391cffb6f53f556e4f6160120eeb19a66421f67fe99c0b4ba6bf7",
    ),
    Source(
        "enp_DE.sbb.bio", "pages", 1,
        "6cc234c43dc4f6539feddc339f119bf6afb24c4981ab9eb46cbebd9cb06af3d7",
    ),
    Source(
        "enp_FR.bnf.bio", "pages", 1,
        "730402f0f21c4d538b93a969a8eeedbec37edc49d2133cd18a26b925d93b0961",
    ),
    Source(
        "enp_NL.kb.bio", "pages", 1,
        "0928f045ae3de9d5d85dbba4d50f206633b924eb3897783575d4581631d22674",
    ),
    Source(
        "NER-de-dev.tsv", "nested", 1,
        "a5a94e61338cd2f062d5ce722b58d4af1c191fa396b5986c0cbf6203bfc847e7",
    ),
    Source(
        "NER-de-test.tsv", "nested", 1,
        "a24e42fbbbb11f6900d6c892c331bf3fe5f4d3174507f11194b9f26c60c1f93e",
    ),
)  # fmt: skip


def texts(sources: Sequence[Source] = SOURCES) -> Iterator[tuple[Marked, int]]:
    """Yield each text of the corpora, and how often to learn it. Raises Missing."""
    folder = Path(os.environ.get("HOLDGATE_CORPORA", _BESIDE)) / "names"
    for source in sources:
        path = folder / source.file
        if not path.is_file():
            raise Missing(f"{path} does not exist: training/README.md says where it comes from")
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != source.digest:
            raise Missing(f"{path} is not the file that training/README.md names: its SHA-256 differs")
        lines = content.decode("utf-8", "replace").split("\n")
        read = {"documents": documents, "sentences": sentences, "pages": pages, "nested": nested}[source.written]
        for marked in read(lines):
            yield marked, source.times


def documents(lines: Iterable[str]) -> Iterator[Marked]:
    """Read Universal NER: the text of a sentence as a comment, then a token and its label in each line."""
    text, document, tokens = "", "", list[tuple[str, str]]()
    whole, names, last = "", list[tuple[int, int, str]](), None
    for line in lines:
        if line.startswith("# sent_id = "):
            document = re.sub(r"-\d+$", "", line[12:])
        elif line.startswith("# text = "):
            text = line[9:]
        elif line and line[0] != "#":
            number, token, label = line.split("\t")[:3]
            if number.isdigit():
                tokens.append((token, label))
        elif not line and tokens:
            if document != last:
                if last is not None:
                    yield Marked(whole, names)
                whole, names, last = "", [], document
            if whole:
                whole += "\n"
            names.extend(
                (len(whole) + start, len(whole) + end, kind)
                for start, end, kind in _placed(_found(text, tokens), tokens)
            )
            whole += text
            tokens = []
    if last is not None:
        yield Marked(whole, names)


def _found(text: str, tokens: list[tuple[str, str]]) -> list[tuple[int, int]]:
    """Return where the tokens stand in their text; one that is not there has no width."""
    at, places = 0, []
    for token, _ in tokens:
        begin = text.find(token, at, at + _FARTHEST + len(token))
        if begin < 0:
            places.append((at, at))
        else:
            at = begin + len(token)
            places.append((begin, at))
    return places


def sentences(lines: Iterable[str]) -> Iterator[Marked]:
    """Read sentences with an empty line between them: a token first in each line, its label last."""
    tokens: list[tuple[str, str]] = []
    for line in [*lines, ""]:
        fields = line.split()
        if not fields and tokens:
            yield _joined(tokens)
            tokens = []
        elif len(fields) > 1 and fields[0] != "-DOCSTART-":
            tokens.append((fields[0], _label(fields[-1])))


def nested(lines: Iterable[str]) -> Iterator[Marked]:
    """Read GermEval: a number, a token, its label and that of a name within it in each line; parts are no names."""
    kept = []
    for line in lines:
        fields = line.split("\t")
        if len(fields) > 2 and fields[0].isdigit():
            kept.append(f"{fields[1]} {fields[2] if fields[2][2:] in _KINDS else 'O'}")
        elif not line:
            kept.append("")
    return sentences(kept)


def pages(lines: Iterable[str]) -> Iterator[Marked]:
    """Read scanned pages without an end of sentences, in pieces that end with one where there is any."""
    tokens: list[tuple[str, str]] = []
    for line in lines:
        fields = line.split()
        if len(fields) > 1 and not line.startswith("#"):
            tokens.append((fields[0], _label(fields[-1])))
            if (len(tokens) >= _ENOUGH and fields[0] in (".", "!", "?")) or len(tokens) > _TOO_LONG:
                yield _joined(tokens)
                tokens = []


def _label(label: str) -> str:
    """Return a label of a corpus as B- or I-, and PER, ORG, LOC or what else it says; O for none."""
    if label[:1] not in ("B", "I", "b", "i") or label[1:2] != "-":
        return "O"
    return label[:2].upper() + label[2:5].upper()


def _joined(tokens: list[tuple[str, str]]) -> Marked:
    """Return tokens as a text, with spaces where people set them."""
    text, places = "", []
    quoted = glued = False
    for token, _ in tokens:
        closing = token == '"' and quoted
        if text and not glued and not closing and token not in _NO_SPACE_BEFORE:
            text += " "
        if token == '"':
            quoted = not quoted
        glued = token in _NO_SPACE_BEHIND or (token == '"' and quoted)
        places.append((len(text), len(text) + len(token)))
        text += token
    return Marked(text, list(_placed(places, tokens)))


def _placed(places: list[tuple[int, int]], tokens: list[tuple[str, str]]) -> Iterator[tuple[int, int, str]]:
    """Yield each name that the labels of tokens mark."""
    start = end = -1
    current = ""
    for (first, last), (_, label) in zip(places, tokens, strict=True):
        kind = _KINDS.get(label[2:], "")
        if current and kind == current and label[0] == "I":
            end = last
            continue
        if current:
            yield start, end, current
        start, end, current = first, last, kind
    if current:
        yield start, end, current
