"""PDF (ISO 32000): page text, annotations, forms, attachments, links, bookmarks, properties and scanned pages.

PDFium reads the document; `pdf_strings` finds data for which PDFium has no function. A hostile file of a few kB can
make PDFium abort or run for seconds: that ends the worker process, but never leads to `complete`.
"""

from collections.abc import Callable

import pypdfium2  # noqa: F401  Its import initialises PDFium.
import pypdfium2.raw as pdfium

from holdgate.extract.format import Format
from holdgate.extract.readers.pdf import pdf_document, pdf_page, pdf_pictures, pdf_strings
from holdgate.extract.readers.pdf.pdf_calls import Handle, closing, copy_without_encryption
from holdgate.extract.readers.pdf.pdf_document import Strings
from holdgate.extract.reading import Document, Sink, UnreadableError

TRAILING_BYTES = 32
"""More bytes than this after the last %%EOF are a separate document, not a stray line end or signature padding."""

EARLIER_VERSIONS = 8
LINEARIZED_BYTES = 1_024

_ENCRYPTED = (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
_DOCUMENT_READERS: tuple[Callable[[Handle, Strings], None], ...] = (
    pdf_document.read_properties,
    pdf_document.read_bookmarks,
    pdf_document.read_attachments,
    pdf_document.read_scripts,
    pdf_document.read_xfa,
    pdf_document.read_signatures,
)


def read(document: Document, sink: Sink) -> None:
    """Read a PDF. One that needs a password is `encrypted`; PDFium tries an empty user password."""
    strings = Strings(sink)
    data = document.data
    _read_surroundings(data, sink)
    handle = _opened(data)
    if not handle:
        data = pdf_strings.with_page_tree(data, pdf_strings.page_objects(data))
        handle = _opened(data)
        if not handle:
            pdf_strings.read_strings(document.data, strings)
            raise UnreadableError("damaged")
        sink.limited("damaged")
    with closing(handle, pdfium.FPDF_CloseDocument):
        for read_document in _DOCUMENT_READERS:
            read_document(handle, strings)
        _read_pages(handle, strings)
        _read_earlier_versions(handle, data, strings)
        in_tree = pdfium.FPDF_GetPageCount(handle)
        plain = pdf_strings.page_objects(data)
        if len(plain) > in_tree:
            _read_removed_pages(pdf_strings.with_page_tree(data, plain), strings)
        if pdfium.FPDF_GetSecurityHandlerRevision(handle) >= 0:
            data = copy_without_encryption(handle)
    packed = pdf_strings.read_strings(data, strings)
    if packed and len(packed.union(plain)) > in_tree:
        sink.limited("removed pages not read")


def _opened(data: bytes) -> Handle:
    """Open a document; None if it is damaged. `data` must outlive it."""
    handle = pdfium.FPDF_LoadMemDocument64(data, len(data), None)
    if not handle and pdfium.FPDF_GetLastError() in _ENCRYPTED:
        raise UnreadableError("encrypted")
    return handle


def _read_surroundings(data: bytes, sink: Sink) -> None:
    """Pass on data before the header and after the last end mark, because another document may hide there."""
    start = data.find(b"%PDF-", 0, 1_024 + 5)
    if start > TRAILING_BYTES:
        sink.embedded(data[:start], "before the PDF")
    end = data.rfind(b"%%EOF")
    if end >= 0 and len(data[end + 5 :].strip(b"\0 \t\r\n")) > TRAILING_BYTES:
        sink.embedded(data[end + 5 :].lstrip(b"\r\n"), "after the PDF")


def _read_pages(document: Handle, strings: Strings) -> None:
    sink = strings.sink
    count = pdfium.FPDF_GetPageCount(document)
    if count > sink.budget.limits.pdf_pages:
        sink.limited("too many pages")
        count = sink.budget.limits.pdf_pages
    unreadable = 0
    with closing(_form(document), pdfium.FPDFDOC_ExitFormFillEnvironment) as form:
        for index in range(count):
            sink.budget.check_time()
            with closing(pdfium.FPDF_LoadPage(document, index), pdfium.FPDF_ClosePage) as page:
                if page:
                    _read_page(document, form, page, index, strings)
                else:
                    unreadable += 1
    if unreadable:
        sink.limited(f"{unreadable} damaged pages")


def _read_earlier_versions(document: Handle, data: bytes, strings: Strings) -> None:
    """Pass on page text that an incremental update (7.5.6) removed: a recipient can restore it."""
    ends = pdf_document.version_ends(document)
    if b"/Linearized" in data[:LINEARIZED_BYTES]:
        # The first of its two end marks closes the first page's section (Annex F), not a version.
        ends = ends[1:]
    if len(ends) > EARLIER_VERSIONS + 1:
        strings.sink.limited("earlier versions not read")
    known = {line for text in strings.seen for line in text.split("\n")}
    for end in ends[-2 : -EARLIER_VERSIONS - 2 : -1]:
        earlier = data[:end]
        with closing(_opened(earlier), pdfium.FPDF_CloseDocument) as handle:
            count = pdfium.FPDF_GetPageCount(handle) if handle else 0
            for index in range(min(count, strings.sink.budget.limits.pdf_pages)):
                strings.sink.budget.check_time()
                with closing(pdfium.FPDF_LoadPage(handle, index), pdfium.FPDF_ClosePage) as page:
                    text = pdf_page.read_text(page) if page else ""
                _add_new_lines(text, known, f"page {index + 1}, earlier version", strings)


def _read_removed_pages(rebuilt: bytes, strings: Strings) -> None:
    """Pass on the text of pages that are no longer in the page tree but still in the file (7.7.3).

    `rebuilt` is the file with a page tree that contains all of them.
    """
    known = {line for text in strings.seen for line in text.split("\n")}
    with closing(_opened(rebuilt), pdfium.FPDF_CloseDocument) as handle:
        count = pdfium.FPDF_GetPageCount(handle) if handle else 0
        for index in range(min(count, strings.sink.budget.limits.pdf_pages)):
            strings.sink.budget.check_time()
            with closing(pdfium.FPDF_LoadPage(handle, index), pdfium.FPDF_ClosePage) as page:
                text = pdf_page.read_text(page) if page else ""
            _add_new_lines(text, known, "removed page", strings)


def _form(document: Handle) -> Handle:
    """Open PDFium's form environment, which returns the values of form fields. No script runs: it has no engine."""
    if pdfium.FPDF_GetFormType(document) == pdfium.FORMTYPE_NONE:
        return None
    return pdfium.FPDFDOC_InitFormFillEnvironment(document, _FORM_CALLBACKS)


_FORM_CALLBACKS = pdfium.FPDF_FORMFILLINFO(version=2)


def _read_page(document: Handle, form: Handle, page: Handle, index: int, strings: Strings) -> None:
    place = f"page {index + 1}"
    sink = strings.sink
    text = pdf_page.read_text(page)
    strings.add(text, place)
    pdf_document.read_page_label(document, index, place, strings)
    contents = pdf_page.read_contents(page, sink)
    for alternative in contents.alternatives:
        strings.add_new(alternative, f"{place}, alternative text")
    pdf_page.read_structure(page, place, strings)
    rendered = pdf_pictures.read_pictures(page, text, contents, place, sink)
    if not rendered and contents.shapes >= pdf_pictures.SHAPES:
        with closing(pdfium.FPDF_LoadPage(document, index), pdfium.FPDF_ClosePage) as drawing:
            pdf_pictures.read_drawing(drawing, place, sink)
    pdf_page.read_annotations(document, form, page, place, strings)
    known = set(text.split("\n"))
    if contents.replaced:
        _add_new_lines(pdf_page.read_replaced_text(page, contents), known, place, strings)
    if pdf_page.draw_annotations(page):
        with closing(pdfium.FPDF_LoadPage(document, index), pdfium.FPDF_ClosePage) as drawn:
            _add_new_lines(pdf_page.read_text(drawn), known, f"{place}, annotation", strings)


def _add_new_lines(text: str, known: set[str], place: str, strings: Strings) -> None:
    """Pass on the lines of another reading of a page that earlier readings lacked."""
    lines = [line for line in text.split("\n") if line not in known and line.strip() not in strings.seen]
    known.update(lines)
    strings.add("\n".join(lines), place)


FORMAT = Format(
    kind="pdf",
    read=read,
    holds="PDF",
    read_by="PDFium",
    unread="text in tiling patterns; undrawn images; objects encrypted with a password, which are `encrypted`",
    signatures=((0, b"%PDF-"),),  # ISO 32000-2, 7.5.2
    in_text=lambda head: head.startswith(b"%PDF-") or b"\n%PDF-" in head,
    recognise_binary=lambda document: b"%PDF-" in document.data[:1024],
    extensions="pdf ai",
    types="application/pdf",
)
