"""One page of a PDF: its text, annotations, form fields, links, tagged alternatives and images.

Section numbers are those of ISO 32000-1:2008.
"""

import ctypes
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pypdfium2.raw as pdfium

from holdgate.extract.readers.pdf.pdf_calls import Handle, closing, page_text, wide_string, wide_string_out
from holdgate.extract.readers.pdf.pdf_document import Strings, read_action, read_attachment
from holdgate.extract.readers.pdf.pdf_fields import Field, join, read_field
from holdgate.extract.reading import Sink

FORM_DEPTH = 12
"""Form XObjects (8.10) are searched to this depth for images; text of deeper ones is still in the page's text."""
PAGE_OBJECTS = 100_000
"""Maximum number of objects of one page that are checked for images and replaced text."""
SHAPE_SEGMENTS = 8
"""A letter as a path has more segments than this; a rectangle has four or five."""
MODULE = (0.8, 6.0)
"""Smallest and largest side in points of a module of a code. Borders are thinner or longer."""
STRUCTURE_DEPTH = 60
STRUCTURE_ELEMENTS = 100_000

# Keys of annotation dictionaries (12.5.2, 12.5.6.2, 12.5.6.6, 12.5.6.23) with text that a person wrote.
_ANNOTATION_KEYS = (b"Contents", b"T", b"Subj", b"RC", b"NM", b"OverlayText")
_MARK_KEYS = (b"ActualText", b"Alt", b"E")
# Letters; the digits of Arabic and Persian (U+0660, U+06F0) are written from left to right.
_RIGHT_TO_LEFT = (
    "\u0590-\u065f\u066a-\u06ef\u06fa-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
)
_OTHER_WAY = re.compile(f"[^{_RIGHT_TO_LEFT}]+")
_PIECE = re.compile(r"\s+|[^\W\d_]+|(?:[^\w\s]|[\d_])+")
_HYPHEN_AT_LINE_END = re.compile("(?<=[^\\W\\d_])[\x02\ufffe](?:\r?\n)?(?=[^\\W\\d_])|([\x02\ufffe])(?:\r?\n)?")


@dataclass(frozen=True, slots=True)
class Picture:
    """An image on a page: PDFium's object for it, and its size in its own pixels."""

    handle: Handle
    width: int
    height: int


@dataclass(slots=True)
class Contents:
    """The content of a page in addition to its text.

    `shapes` is the estimated number of letters or modules of a code among its paths. `alternatives` are texts of marked
    content that replace what is drawn, `replaced` the marks whose ActualText keeps PDFium from reporting what is drawn.
    """

    objects: int = 0
    paths: int = 0
    shapes: int = 0
    pictures: list[Picture] = field(default_factory=list)
    alternatives: list[str] = field(default_factory=list)
    replaced: list[tuple[Handle, Handle]] = field(default_factory=list)


def read_text(page: Handle) -> str:
    """Return all text of a page, including hidden and off-page text; words broken at line ends are joined.

    A line in a script from right to left is followed by one with its numbers in the other order.
    """
    with closing(pdfium.FPDFText_LoadPage(page), pdfium.FPDFText_ClosePage) as text_page:
        count = pdfium.FPDFText_CountChars(text_page) if text_page else 0
        text = page_text(pdfium.FPDFText_GetText, text_page, count) if count > 0 else ""
    if "\x02" in text or "\ufffe" in text:
        text = _joined(text)
    text = text.replace("\r\n", "\n")
    return text if text.isascii() else "\n".join(_both_ways(text.split("\n")))


def _both_ways(lines: list[str]) -> Iterator[str]:
    """Yield lines, and those with Hebrew, Arabic and the like also with the pieces of their numbers in the other order.

    PDFium reverses the pieces of such a line from the order on the page, as a viewer does that reads from the right. If
    a number was drawn from left to right, its last group comes first.
    """
    for line in lines:
        yield line
        if not _OTHER_WAY.fullmatch(line) and (turned := _OTHER_WAY.sub(_turned, line)) != line:
            yield turned


def _turned(run: re.Match[str]) -> str:
    """Return words without right-to-left letters in the other order if several of them have digits."""
    pieces = _PIECE.findall(run[0])
    numbers = [piece for piece in pieces if any(map(str.isdigit, piece))]
    return "".join(reversed(pieces)) if len(numbers) > 1 else run[0]


def _joined(text: str) -> str:
    """Return text without PDFium's marks for hyphens at line ends."""
    # Between letters the hyphen divides a word; elsewhere it belongs to the text, such as a number in groups.
    return _HYPHEN_AT_LINE_END.sub(lambda found: "-" if found[1] else "", text)


def read_contents(page: Handle, sink: Sink) -> Contents:
    """Search the objects of a page for images and marked content."""
    contents = Contents()
    for item in _objects(pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject, page, 0):
        contents.objects += 1
        if not contents.objects % 256:
            sink.budget.check_time()
        if contents.objects > PAGE_OBJECTS:
            sink.limited("page with too many objects")
            break
        for index in range(pdfium.FPDFPageObj_CountMarks(item)):
            _read_mark(item, pdfium.FPDFPageObj_GetMark(item, index), contents)
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_PATH:
            contents.paths += 1
            contents.shapes += _shapes(item)
        elif kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            width, height = ctypes.c_uint(), ctypes.c_uint()
            pdfium.FPDFImageObj_GetImagePixelSize(item, width, height)
            contents.pictures.append(Picture(item, width.value, height.value))
    return contents


def _objects(
    count: Callable[[Handle], int], get: Callable[[Handle, int], Handle], parent: Handle, depth: int
) -> Iterator[Handle]:
    for index in range(count(parent)):
        item = get(parent, index)
        yield item
        if depth < FORM_DEPTH and pdfium.FPDFPageObj_GetType(item) == pdfium.FPDF_PAGEOBJ_FORM:
            yield from _objects(pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, item, depth + 1)


def _shapes(path: Handle) -> int:
    """Estimate how many letters or modules of a code a path can be: none for a border, a rule or an area."""
    segments: int = pdfium.FPDFPath_CountSegments(path)
    if segments >= SHAPE_SEGMENTS:
        return segments // SHAPE_SEGMENTS
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    pdfium.FPDFPageObj_GetBounds(path, left, bottom, right, top)
    sides = right.value - left.value, top.value - bottom.value
    return int(min(sides) >= MODULE[0] and max(sides) <= MODULE[1])


def remove_texts_and_images(page: Handle) -> None:
    """Remove text and images from a page in memory, so that only what paths draw is rendered."""
    _remove(page, pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject, pdfium.FPDFPage_RemoveObject, 0)


def _remove(
    parent: Handle, count: Callable[..., int], get: Callable[..., Handle], remove: Callable[..., bool], depth: int
) -> None:
    for index in reversed(range(count(parent))):
        item = get(parent, index)
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind in (pdfium.FPDF_PAGEOBJ_TEXT, pdfium.FPDF_PAGEOBJ_IMAGE):
            if remove(parent, item):
                pdfium.FPDFPageObj_Destroy(item)
        elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth < FORM_DEPTH:
            _remove(
                item, pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, pdfium.FPDFFormObj_RemoveObject,
                depth + 1,
            )  # fmt: skip


def _read_mark(item: Handle, mark: Handle, contents: Contents) -> None:
    """Keep the texts of a marked-content property list (14.9.3 to 14.9.5)."""
    for key in _MARK_KEYS:
        if text := wide_string_out(pdfium.FPDFPageObjMark_GetParamStringValue, mark, key):
            contents.alternatives.append(text)
            if key == b"ActualText":
                contents.replaced.append((item, mark))


def read_replaced_text(page: Handle, contents: Contents) -> str:
    """Return the text that is drawn where ActualText differs, together with the rest of the page.

    A reader that trusts ActualText sees "harmless" where people see a card number. The marks are removed from the page
    in memory, so call this last.
    """
    for item, mark in contents.replaced:
        pdfium.FPDFPageObj_RemoveMark(item, mark)
    return read_text(page)


def read_annotations(document: Handle, form: Handle, page: Handle, place: str, strings: Strings) -> None:
    """Pass on the texts of annotations (12.5): comments, authors, links, form fields, attached files."""
    parts: list[Field] = []
    for index in range(pdfium.FPDFPage_GetAnnotCount(page)):
        strings.sink.budget.check_time()
        with closing(pdfium.FPDFPage_GetAnnot(page, index), pdfium.FPDFPage_CloseAnnot) as annotation:
            if not annotation:
                continue
            subtype = pdfium.FPDFAnnot_GetSubtype(annotation)
            if subtype in (pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_XFAWIDGET):
                if form and (part := read_field(form, annotation, f"{place}, form field", strings)):
                    parts.append(part)
            else:
                for key in _ANNOTATION_KEYS:
                    strings.add(wide_string(pdfium.FPDFAnnot_GetStringValue, annotation, key), f"{place}, annotation")
                if link := pdfium.FPDFAnnot_GetLink(annotation):
                    read_action(document, pdfium.FPDFLink_GetAction(link), f"{place}, link", strings)
                if attached := pdfium.FPDFAnnot_GetFileAttachment(annotation):
                    read_attachment(attached, f"{place}, attachment", strings)
    join(page, parts, f"{place}, form fields", strings)


def draw_annotations(page: Handle) -> bool:
    """Make what annotations draw (12.5.5) part of the page, even if hidden or not printed; False if there is nothing.

    PDFium has no function for the text of an appearance. The page must be loaded again to see it.
    """
    drawn = False
    for index in range(pdfium.FPDFPage_GetAnnotCount(page)):
        with closing(pdfium.FPDFPage_GetAnnot(page, index), pdfium.FPDFPage_CloseAnnot) as annotation:
            if annotation and pdfium.FPDFAnnot_GetObjectCount(annotation) > 0:
                pdfium.FPDFAnnot_SetFlags(annotation, pdfium.FPDF_ANNOT_FLAG_PRINT)
                drawn = True
    return drawn and pdfium.FPDFPage_Flatten(page, pdfium.FLAT_PRINT) == pdfium.FLATTEN_SUCCESS


def read_structure(page: Handle, place: str, strings: Strings) -> None:
    """Pass on the alternative texts of a tagged page (14.7.2): alternate description, ActualText, expansion, title."""
    with closing(pdfium.FPDF_StructTree_GetForPage(page), pdfium.FPDF_StructTree_Close) as tree:
        if not tree:
            return
        count = pdfium.FPDF_StructTree_CountChildren(tree)
        stack = [(pdfium.FPDF_StructTree_GetChildAtIndex(tree, index), 0) for index in reversed(range(count))]
        for _ in range(STRUCTURE_ELEMENTS):
            if not stack:
                return
            element, depth = stack.pop()
            if not element:
                continue
            strings.sink.budget.check_time()
            for function in (
                pdfium.FPDF_StructElement_GetAltText,
                pdfium.FPDF_StructElement_GetActualText,
                pdfium.FPDF_StructElement_GetExpansion,
                pdfium.FPDF_StructElement_GetTitle,
            ):
                strings.add_new(wide_string(function, element), f"{place}, alternative text")
            if depth < STRUCTURE_DEPTH:
                for index in reversed(range(pdfium.FPDF_StructElement_CountChildren(element))):
                    stack.append((pdfium.FPDF_StructElement_GetChildAtIndex(element, index), depth + 1))
        strings.sink.limited("too many structure elements")
