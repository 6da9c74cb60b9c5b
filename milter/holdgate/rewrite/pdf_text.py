"""Finds the matches on a page of a PDF: the text as the PDF reader extracts it, and the boxes of the characters."""

import ctypes
import re
from collections.abc import Iterable

import pypdfium2.raw as pdfium

from holdgate.extract.readers.pdf.pdf_calls import Handle, closing
from holdgate.rewrite.finder import Spans

# Marks of hyphens at line ends: between letters they are not text; elsewhere they belong to the text around them.
_NOT_TEXT = re.compile("(?<=[^\\W\\d_])[\x02\ufffe](?:\r?\n)?(?=[^\\W\\d_])|([\x02\ufffe])(?:\r?\n)?|\r(?=\n)")
_MARGIN = 0.08
"""How far a box extends beyond its character, as a share of its height."""
_ADJACENT = 1.3
"""Two boxes are merged if the merged box is at most this many times larger than both together."""

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in points."""


def matches(page: Handle, spans: Spans) -> list[tuple[int, Box]]:
    """Return the characters of a page to mask: PDFium's index, and the box in points."""
    found = []
    with closing(pdfium.FPDFText_LoadPage(page), pdfium.FPDFText_ClosePage) as text_page:
        text, indexes = _text(text_page)
        for start, end in spans(text):
            for index in dict.fromkeys(indexes[start:end]):
                if not pdfium.FPDFText_IsGenerated(text_page, index):
                    found.append((index, _covering(text_page, index)))
    return found


def joined(boxes: Iterable[Box]) -> list[Box]:
    """Merge boxes that follow one another on a line."""
    joined: list[Box] = []
    for box in boxes:
        last = joined[-1] if joined else box
        both = (min(last[0], box[0]), min(last[1], box[1]), max(last[2], box[2]), max(last[3], box[3]))
        if joined and area(both) <= _ADJACENT * (area(last) + area(box)):
            joined[-1] = both
        else:
            joined.append(box)
    return joined


def area(box: Box) -> float:
    """Return the area of a box in square points."""
    return (box[2] - box[0]) * (box[3] - box[1])


def _text(text_page: Handle) -> tuple[str, list[int]]:
    """Return the text of a page as the PDF reader extracts it, and the index of each character."""
    characters, indexes = [], []
    for index in range(max(0, pdfium.FPDFText_CountChars(text_page)) if text_page else 0):
        code = pdfium.FPDFText_GetUnicode(text_page, index)
        if code and code <= 0x10FFFF:
            characters.append(chr(code))
            indexes.append(index)
    text = "".join(characters)
    pieces, kept, position = [], [], 0
    for hyphen in _NOT_TEXT.finditer(text):
        start, end = hyphen.span()
        dash = 1 if hyphen[1] else 0
        pieces += [text[position:start], "-" * dash]
        kept += [*indexes[position:start], *indexes[start : start + dash]]
        position = end
    return "".join([*pieces, text[position:]]), [*kept, *indexes[position:]]


def box_of(text_page: Handle, index: int) -> Box:
    """Return the box around a character's drawing."""
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    pdfium.FPDFText_GetCharBox(text_page, index, left, right, bottom, top)
    return left.value, bottom.value, right.value, top.value


def _covering(text_page: Handle, index: int) -> Box:
    """Return a box that covers a character: its own box and that of its line, with a margin."""
    left, bottom, right, top = box_of(text_page, index)
    loose = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(text_page, index, loose)
    left, bottom = min(left, loose.left), min(bottom, loose.bottom)
    right, top = max(right, loose.right), max(top, loose.top)
    margin = _MARGIN * max(1.0, top - bottom)
    return left - margin, bottom - margin, right + margin, top + margin
