"""Masks a PDF: its pages and attached files are masked and put into a new document.

Only what a page draws or refers to is kept. Properties, bookmarks, scripts, forms, layer names, signatures, removed
pages and earlier versions are left out. Each page is first a separate document, which is read and searched. The result
decides whether the page is kept, edited or drawn as an image.
"""

import ctypes
import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import pypdfium2  # noqa: F401  Its import initialises PDFium.
import pypdfium2.raw as pdfium

from holdgate.extract.budget import Budget, LimitReachedError
from holdgate.extract.readers.pdf.pdf_calls import (
    Handle,
    closing,
    copy_without_encryption,
    data,
    data_size,
    wide_string,
)
from holdgate.rewrite import pdf_image, pdf_page
from holdgate.rewrite.entity import RefusedError
from holdgate.rewrite.finder import Finder, Inside
from holdgate.rewrite.markup import hidden

_FILE_ID = re.compile(rb"/ID\[<([0-9A-F]{32})><[0-9A-F]{32}>\]>>\s+startxref\s+\d+\s+%%EOF\s*$")

# A changed message is made twice and must be identical, so no date may be the current time. The callback is made at
# import, because a confined worker cannot make memory executable.
_EPOCH = pdfium.FSDK_SetTimeFunction.argtypes[0](lambda: 0)
pdfium.FSDK_SetTimeFunction(_EPOCH)


def rewrite(content: bytes, name: str, finder: Finder, inside: Inside, budget: Budget) -> bytes:
    """Return a PDF without matches, with as many pages. Raises RefusedError."""
    try:
        with _opened(content, name) as source, _made() as target, ExitStack() as kept:
            run: list[int] = []
            noted: list[tuple[str, bytes]] = []
            for index in range(pdfium.FPDF_GetPageCount(source)):
                budget.check_time()
                single = _saved(source, [index], name)
                if finder.check("page.pdf", single) == (True, False):
                    run.append(index)
                    continue
                with _opened(single, name) as page:
                    noted += _files(_noted_files(page), name, budget)
                changed = kept.enter_context(_opened(_masked_page(single, name, finder), name))
                _import(target, source, run, name)
                _import(target, changed, [0], name)
                run = []
            _import(target, source, run, name)
            for about, file in (*_files(_attachments(source), name, budget), *noted):
                _attach(target, hidden(about, finder.spans(about), "_"), inside(f"{name} › {about}", file), name)
            return _with_steady_id(copy_without_encryption(target))
    except LimitReachedError as error:
        raise RefusedError(name, "too long") from error


def _masked_page(single: bytes, name: str, finder: Finder) -> bytes:
    """Return a document of one page without its matches. Raises RefusedError."""
    with _opened(single, name) as document:
        if pdf_page.mask(document, finder.spans):
            edited = _saved(document, [0], name)
            if finder.check("page.pdf", edited) == (True, False):
                return edited
    with _opened(single, name) as document:
        if (image := pdf_image.page_image(document, finder.spans)) is not None:
            size = pdf_image.size_in_points(document)
            with _made() as target:
                pdf_image.add_page(target, image, size)
                drawn = copy_without_encryption(target)
            if finder.check("page.pdf", drawn) == (True, False):
                return drawn
    raise RefusedError(name, "not removed")


@contextmanager
def _opened(content: bytes, name: str) -> Iterator[Handle]:
    """Open a document. PDFium reads `content` while it is open, so a reference is kept here."""
    with closing(pdfium.FPDF_LoadMemDocument64(content, len(content), None), pdfium.FPDF_CloseDocument) as document:
        if not document:
            raise RefusedError(name, "not read")
        yield document


@contextmanager
def _made() -> Iterator[Handle]:
    with closing(pdfium.FPDF_CreateNewDocument(), pdfium.FPDF_CloseDocument) as document:
        yield document


def _import(target: Handle, source: Handle, pages: list[int], name: str) -> None:
    """Add pages of a document to another. Pages added by one call share their fonts and images."""
    if not pages:
        return
    numbers = (ctypes.c_int * len(pages))(*pages)
    if not pdfium.FPDF_ImportPagesByIndex(target, source, numbers, len(pages), pdfium.FPDF_GetPageCount(target)):
        raise RefusedError(name, "not read")


def _saved(source: Handle, pages: list[int], name: str) -> bytes:
    with _made() as target:
        _import(target, source, pages, name)
        return copy_without_encryption(target)


def _attachments(document: Handle) -> Iterator[Handle]:
    """Yield the files of a document's name tree (7.11.4)."""
    for index in range(pdfium.FPDFDoc_GetAttachmentCount(document)):
        if attached := pdfium.FPDFDoc_GetAttachment(document, index):
            yield attached


def _noted_files(document: Handle) -> Iterator[Handle]:
    """Yield the files in annotations of a document's first page (12.5.6.15)."""
    with closing(pdfium.FPDF_LoadPage(document, 0), pdfium.FPDF_ClosePage) as page:
        for index in range(pdfium.FPDFPage_GetAnnotCount(page)):
            with closing(pdfium.FPDFPage_GetAnnot(page, index), pdfium.FPDFPage_CloseAnnot) as annotation:
                if attached := annotation and pdfium.FPDFAnnot_GetFileAttachment(annotation):
                    yield attached


def _files(found: Iterable[Handle], name: str, budget: Budget) -> list[tuple[str, bytes]]:
    """Return name and content of attached files that are stored in the document."""
    files = []
    for attached in found:
        size = data_size(pdfium.FPDFAttachment_GetFile, attached)
        if size is None:
            continue
        if size > budget.limits.entry_bytes:
            raise RefusedError(name, "too long")
        budget.spend_bytes(size)
        about = wide_string(pdfium.FPDFAttachment_GetName, attached)
        files.append((about, data(pdfium.FPDFAttachment_GetFile, size, attached)))
    return files


def _attach(target: Handle, about: str, content: bytes, name: str) -> None:
    wide = (about or "file").encode("utf-16-le") + b"\0\0"
    title = (ctypes.c_ushort * (len(wide) // 2)).from_buffer_copy(wide)
    added = pdfium.FPDFDoc_AddAttachment(target, title)
    if not added or not pdfium.FPDFAttachment_SetFile(added, target, content, len(content)):
        raise RefusedError(name, "format")


def _with_steady_id(content: bytes) -> bytes:
    """Replace PDFium's random document identifier by one computed from the content (14.4)."""
    found = _FILE_ID.search(content)
    if found is None:
        return content
    start, end = found.span(1)
    empty = content[:start] + content[end + 34 :]
    steady = hashlib.sha256(empty).hexdigest()[:32].upper().encode()
    return content[:start] + steady + b"><" + steady + content[end + 34 :]
