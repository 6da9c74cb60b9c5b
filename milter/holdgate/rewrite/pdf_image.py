"""Converts a page of a PDF to an image with its matches blacked out, and makes a page of such an image."""

import ctypes
import io

import pypdfium2.raw as pdfium
from PIL import Image

from holdgate.extract import ocr
from holdgate.extract.ocr import OcrError
from holdgate.extract.readers.pdf.pdf_calls import Handle, closing
from holdgate.rewrite import image, pdf_page, pdf_text
from holdgate.rewrite.finder import Spans
from holdgate.rewrite.pdf_drawing import drawn, pixels_of

_DPI = 200
_POINTS_PER_INCH = 72
_PIXELS = 12_000_000
_QUALITY = 85

# Made once, at import: a new callback needs executable memory, which a confined worker cannot have.
_jpeg = bytearray()


def _get_block(_parameter: object, position: int, buffer: int, size: int) -> int:
    block = bytes(_jpeg[position : position + size])
    ctypes.memmove(buffer, block, len(block))
    return int(len(block) == size)


_GET_BLOCK = type(pdfium.FPDF_FILEACCESS().m_GetBlock)(_get_block)


def page_image(document: Handle, spans: Spans) -> Image.Image | None:
    """Return the only page of a document as an image without its matches.

    None without OCR, because the result could not be checked. Annotations are drawn.
    """
    if ocr.current.engine is None or not pdf_page.flatten(document):
        return None
    with closing(pdfium.FPDF_LoadPage(document, 0), pdfium.FPDF_ClosePage) as page:
        pdf_page.remove_marks(page)
        if not pdfium.FPDFPage_GenerateContent(page):
            return None
    with closing(pdfium.FPDF_LoadPage(document, 0), pdfium.FPDF_ClosePage) as page:
        across, up = (max(1.0, side) for side in _size(page))
        scale = min(_DPI / _POINTS_PER_INCH, (_PIXELS / (across * up)) ** 0.5)
        size = max(1, round(across * scale)), max(1, round(up * scale))
        boxes = [pixels_of(page, box, size) for _, box in pdf_text.matches(page, spans)]
        try:
            return image.blacked(drawn(page, *size), spans, boxes)
        except OcrError:
            return None


def size_in_points(document: Handle) -> tuple[float, float]:
    """Return the size of a document's first page."""
    with closing(pdfium.FPDF_LoadPage(document, 0), pdfium.FPDF_ClosePage) as page:
        return _size(page)


def _size(page: Handle) -> tuple[float, float]:
    return pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)


def add_page(document: Handle, picture: Image.Image, size: tuple[float, float]) -> None:
    """Add a page that shows an image, with a size in points."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY)
    _jpeg[:] = out.getvalue()
    try:
        page = pdfium.FPDFPage_New(document, pdfium.FPDF_GetPageCount(document), *size)
        with closing(page, pdfium.FPDF_ClosePage):
            item = pdfium.FPDFPageObj_NewImageObj(document)
            access = pdfium.FPDF_FILEACCESS(len(_jpeg), _GET_BLOCK, None)
            pdfium.FPDFImageObj_LoadJpegFileInline(None, 0, item, access)
            pdfium.FPDFImageObj_SetMatrix(item, size[0], 0, 0, size[1], 0, 0)
            pdfium.FPDFPage_InsertObject(page, item)
            pdfium.FPDFPage_GenerateContent(page)
    finally:
        _jpeg.clear()
