"""Edits a page of a PDF: text objects with a match are removed, and their other characters are drawn again.

A black bar covers the place of each match. Section numbers are those of ISO 32000-1:2008.
"""

import ctypes
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import pypdfium2.raw as pdfium

from holdgate.extract.readers.pdf.pdf_calls import Handle, closing
from holdgate.rewrite.finder import Spans
from holdgate.rewrite.pdf_drawing import drawn_small, looks_as
from holdgate.rewrite.pdf_text import Box, area, box_of, joined, matches

# Text drawn twice, as a shadow or as bold print, is found once; the second copy is found after the first is removed.
_ROUNDS = 6
_MARKS = (b"ActualText", b"Alt", b"E")
_FIELD = 0.05
"""Maximum size of a form field, as a share of the page."""
_APART = 1.0
"""If a word would differ in length by more points than this, its letters are drawn one by one."""
_BLACK = (0, 0, 0, 255)


@dataclass(slots=True)
class _Top:
    """An object directly on a page, and its text objects by their addresses; `other`: it contains images."""

    handle: Handle
    index: int
    texts: dict[int, Handle] = field(default_factory=dict)
    other: bool = False


def mask(document: Handle, spans: Spans) -> bool:
    """Mask the only page of a document where `spans` finds matches; return whether that was possible.

    Annotations that draw something become part of the page; others are removed.
    """
    if not flatten(document):
        return False
    bars: list[Box] = []
    fields: list[Box] = []
    with closing(pdfium.FPDF_LoadPage(document, 0), pdfium.FPDF_ClosePage) as page:
        before = drawn_small(page)
        remove_marks(page)
        if not pdfium.FPDFPage_GenerateContent(page):
            return False
    for _ in range(_ROUNDS):
        with closing(pdfium.FPDF_LoadPage(document, 0), pdfium.FPDF_ClosePage) as page:
            found = matches(page, spans)
            if not found:
                for bar in bars:
                    _add_bar(page, bar)
                done = pdfium.FPDFPage_GenerateContent(page)
                break
            bars += joined(box for _, box in found)
            removed = _replace(document, page, {index for index, _ in found})
            if removed is None:
                return False
            fields += removed
            if not pdfium.FPDFPage_GenerateContent(page):
                return False
    else:
        return False
    with closing(pdfium.FPDF_LoadPage(document, 0), pdfium.FPDF_ClosePage) as page:
        return bool(done) and looks_as(page, before, [*bars, *fields])


def flatten(document: Handle) -> bool:
    """Make what annotations draw part of the document's only page, and remove them; return whether that worked."""
    with closing(pdfium.FPDF_LoadPage(document, 0), pdfium.FPDF_ClosePage) as page:
        return bool(page) and pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY) != pdfium.FLATTEN_FAIL


def remove_marks(page: Handle) -> None:
    """Remove the replacement texts of marked content (14.9.3 to 14.9.5)."""
    for item in _objects(page):
        for index in reversed(range(pdfium.FPDFPageObj_CountMarks(item))):
            mark = pdfium.FPDFPageObj_GetMark(item, index)
            size = ctypes.c_ulong()
            if any(pdfium.FPDFPageObjMark_GetParamStringValue(mark, key, None, 0, size) for key in _MARKS):
                pdfium.FPDFPageObj_RemoveMark(item, mark)


def _objects(page: Handle) -> Iterator[Handle]:
    for index in range(pdfium.FPDFPage_CountObjects(page)):
        yield pdfium.FPDFPage_GetObject(page, index)


def _replace(document: Handle, page: Handle, masked: Collection[int]) -> list[Box] | None:
    """Remove the text objects with characters `masked`, and draw their other characters again; None if that fails.

    PDFium does not write a changed form (8.10), so a form with only text and lines is removed completely. Returns the
    boxes of removed forms that are as small as a form field: their borders may be missing.
    """
    tops = [_top(item, index) for index, item in enumerate(_objects(page))]
    with closing(pdfium.FPDFText_LoadPage(page), pdfium.FPDFText_ClosePage) as text_page:
        owners = {index: _address(pdfium.FPDFText_GetTextObject(text_page, index)) for index in masked}
        doomed = [top for top in tops if any(owner in top.texts for owner in owners.values())]
        held = set[int]().union(*(top.texts for top in doomed)) if doomed else set()
        if not set(owners.values()) <= held or any(top.other for top in doomed):
            return None
        drawn: dict[int, list[Handle]] = {top.index: [] for top in doomed}
        places = {address: top.index for top in doomed for address in top.texts}
        for word in _words(text_page, masked, held):
            letters = _drawn_again(document, text_page, word)
            if letters is None:
                return None
            drawn[places[_address(pdfium.FPDFText_GetTextObject(text_page, word[0]))]] += letters
    for top in reversed(doomed):
        if not pdfium.FPDFPage_RemoveObject(page, top.handle):
            return None
        for letter in reversed(drawn[top.index]):
            pdfium.FPDFPage_InsertObjectAtIndex(page, letter, top.index)
    fields = [_bounds(top.handle) for top in doomed if _address(top.handle) not in top.texts]
    for top in doomed:
        pdfium.FPDFPageObj_Destroy(top.handle)
    most = _FIELD * pdfium.FPDF_GetPageWidthF(page) * pdfium.FPDF_GetPageHeightF(page)
    return [box for box in fields if area(box) <= most]


def _bounds(item: Handle) -> Box:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    pdfium.FPDFPageObj_GetBounds(item, left, bottom, right, top)
    return left.value, bottom.value, right.value, top.value


def _top(item: Handle, index: int) -> _Top:
    top = _Top(item, index)
    waiting = [item]
    while waiting:
        one = waiting.pop()
        kind = pdfium.FPDFPageObj_GetType(one)
        if kind == pdfium.FPDF_PAGEOBJ_TEXT:
            top.texts[_address(one)] = one
        elif kind == pdfium.FPDF_PAGEOBJ_FORM:
            waiting += [pdfium.FPDFFormObj_GetObject(one, at) for at in range(pdfium.FPDFFormObj_CountObjects(one))]
        elif kind != pdfium.FPDF_PAGEOBJ_PATH:
            top.other = True
    return top


def _address(handle: Handle) -> int:
    return ctypes.cast(handle, ctypes.c_void_p).value or 0


def _words(text_page: Handle, masked: Collection[int], held: Collection[int]) -> Iterator[list[int]]:
    """Yield the characters of text objects `held` that are not masked, grouped by words."""
    word: list[int] = []
    owner = 0
    for index in range(pdfium.FPDFText_CountChars(text_page)):
        address = _address(pdfium.FPDFText_GetTextObject(text_page, index))
        is_kept = address in held and index not in masked and not pdfium.FPDFText_IsGenerated(text_page, index)
        is_kept = is_kept and not chr(pdfium.FPDFText_GetUnicode(text_page, index)).isspace()
        if word and not (is_kept and address == owner):
            yield word
            word = []
        if is_kept:
            word.append(index)
            owner = address
    if word:
        yield word


def _drawn_again(document: Handle, text_page: Handle, word: Sequence[int]) -> list[Handle] | None:
    """Return text objects that draw a word as before: one, or one for each letter if the letters are spaced."""
    whole = _text_object(document, text_page, word)
    if whole is None or len(word) == 1:
        return whole and [whole]
    boxes = [box_of(text_page, index) for index in word]
    across = max(box[2] for box in boxes) - min(box[0] for box in boxes)
    up = max(box[3] for box in boxes) - min(box[1] for box in boxes)
    left, bottom, right, top = _bounds(whole)
    if abs(right - left - across) <= _APART and abs(top - bottom - up) <= _APART:
        return [whole]
    pdfium.FPDFPageObj_Destroy(whole)
    letters = [_text_object(document, text_page, [index]) for index in word]
    return None if None in letters else letters


def _text_object(document: Handle, text_page: Handle, word: Sequence[int]) -> Handle | None:
    """Return a new text object with some of the characters of another, in their place, font and colours."""
    item = pdfium.FPDFText_GetTextObject(text_page, word[0])
    size = ctypes.c_float()
    pdfium.FPDFTextObj_GetFontSize(item, size)
    font = pdfium.FPDFTextObj_GetFont(item)
    made = pdfium.FPDFPageObj_CreateTextObj(document, font, size.value) if font else None
    if not made:
        return None
    text = "".join(chr(pdfium.FPDFText_GetUnicode(text_page, index)) for index in word)
    wide = (text + "\0").encode("utf-16-le", "replace")
    pdfium.FPDFText_SetText(made, (ctypes.c_ushort * (len(wide) // 2)).from_buffer_copy(wide))
    matrix, across, up = pdfium.FS_MATRIX(), ctypes.c_double(), ctypes.c_double()
    pdfium.FPDFText_GetMatrix(text_page, word[0], matrix)
    pdfium.FPDFText_GetCharOrigin(text_page, word[0], across, up)
    matrix.e, matrix.f = across.value, up.value
    pdfium.FPDFPageObj_SetMatrix(made, matrix)
    pdfium.FPDFTextObj_SetTextRenderMode(made, pdfium.FPDFTextObj_GetTextRenderMode(item))
    colours = [ctypes.c_uint() for _ in range(4)]
    if pdfium.FPDFPageObj_GetFillColor(item, *colours):
        pdfium.FPDFPageObj_SetFillColor(made, *(one.value for one in colours))
    if pdfium.FPDFPageObj_GetStrokeColor(item, *colours):
        pdfium.FPDFPageObj_SetStrokeColor(made, *(one.value for one in colours))
    return made


def _add_bar(page: Handle, bar: Box) -> None:
    left, bottom, right, top = bar
    rectangle = pdfium.FPDFPageObj_CreateNewRect(left, bottom, right - left, top - bottom)
    pdfium.FPDFPageObj_SetFillColor(rectangle, *_BLACK)
    pdfium.FPDFPath_SetDrawMode(rectangle, pdfium.FPDF_FILLMODE_WINDING, 0)
    pdfium.FPDFPage_InsertObject(page, rectangle)
