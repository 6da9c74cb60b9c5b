r"""Reads the text of drawings in DXF, and everything in them that is not a number.

Follows Autodesk's DXF Reference: pairs of a line with a group code and a line with its value, and the format codes of
MTEXT and TEXT, which programs write between letters.
"""

import re

from holdgate.extract import charset
from holdgate.extract.format import Format
from holdgate.extract.reading import Document, Sink

_BEGINNING = re.compile(rb"\s{0,20}(?:999\s*\r?\n[^\n]{0,300}\n\s{0,20}){0,20}0[ \t]*\r?\n[ \t]*SECTION[ \t]*\r?\n")
# Names of entities and classes, and handles: internal data of the program.
_WITHOUT_TEXT = frozenset({"0", "5", "100", "102", "105", *map(str, range(320, 370)), *map(str, range(390, 400))})
_PIECE, _LAST_PIECE = "3", "1"
_NUMBER = re.compile(r"\s*[-+]?[\d.]{1,40}(?:[eE][-+]?\d{1,5})?\s*")
_STRINGS = frozenset(map(str, [*range(1, 10), *range(300, 310), *range(410, 420), *range(430, 440), *range(470, 482),
                               999, *range(1000, 1010)]))  # fmt: skip
_CODE = re.compile(
    r"\\U\+(?P<unicode>[0-9A-Fa-f]{4})|\\(?P<paragraph>[PXN])|\\(?P<space>~)|\\S(?P<stacked>[^;]{0,200});"
    r"|\\[ACFHQTWfp][^;\\{}]{0,200};|\\[LlOoKk]|\\(?P<plain>[\\{}])|[{}]|%%(?P<number>\d{3})|%%[cdpuokCDPUOK]"
)


def read(document: Document, sink: Sink) -> None:
    """Pass on each value that is text, with the pieces of one text joined, and everything that is not a number."""
    lines = charset.decode(document.data, document.charset).splitlines()
    pieces: list[str] = []
    for at in range(0, len(lines), 2):
        if not at % 4_096:
            sink.budget.check_time()
        code, value = lines[at].strip(), "".join(lines[at + 1 : at + 2])
        if not code.lstrip("-").isdigit():  # not a pair: none of it is skipped
            sink.text(f"{lines[at]}\n{value}".strip())
        elif code == _PIECE:
            pieces.append(value)
        else:
            if pieces and code != _LAST_PIECE:
                sink.text(plain("".join(pieces)))
                pieces.clear()
            if code not in _WITHOUT_TEXT and (code in _STRINGS or not _NUMBER.fullmatch(value)):
                sink.text(plain("".join([*pieces, value])))
                pieces.clear()
    sink.text(plain("".join(pieces)))


def plain(value: str) -> str:
    r"""Return a text without its format codes.

    >>> plain(r"{\fArial|b1;41\H0.7x;11} 1111\PGr\U+00FC\U+00DFe, 50%%037")
    '4111 1111\nGrüße, 50%'
    """
    return _CODE.sub(_undone, value) if "\\" in value or "%%" in value or "{" in value else value


def _undone(found: re.Match[str]) -> str:
    if found["unicode"]:
        return chr(int(found["unicode"], 16))
    if found["number"]:
        return chr(int(found["number"]))
    return "\n" if found["paragraph"] else " " if found["space"] else found["stacked"] or found["plain"] or ""


FORMAT = Format(
    kind="dxf",
    read=read,
    holds="drawings in DXF",
    read_by="Holdgate",
    unread="",
    in_text=lambda head: _BEGINNING.match(head) is not None,
    extensions="dxf",
    types="image/vnd.dxf",
    textual=True,
)
