"""Pages and images of a PDF that only OCR can read: scans, photos, text drawn as curves or with unmapped glyphs."""

import ctypes
import re
from functools import partial

import pypdfium2.raw as pdfium
from PIL import Image

from holdgate.extract import ocr
from holdgate.extract.ocr import OcrError, Pixels
from holdgate.extract.readers.pdf import pdf_page
from holdgate.extract.readers.pdf.pdf_calls import Handle, closing
from holdgate.extract.readers.pdf.pdf_page import Contents, Picture
from holdgate.extract.reading import Sink

DPI = 200
"""Resolution of rendered pages: Tesseract reads 8-point type at 200 dpi, and 300 dpi takes twice as long."""
SPARSE_TEXT = 16
"""A page with fewer visible characters than this counts as having no text: a page number, a scanner's stamp."""
CURVES = 60
"""This many drawn paths on a page without text may be letters converted to curves."""
SHAPES = 30
"""Drawings with this many shapes may be letters or a code. They are rendered and analysed."""
PICTURES = 4
"""A page with more large images than this is read as one image."""

# PDFium's bitmap formats as Pillow's mode and raw mode.
_MODES = {
    pdfium.FPDFBitmap_Gray: ("L", "L"),
    pdfium.FPDFBitmap_BGR: ("RGB", "BGR"),
    pdfium.FPDFBitmap_BGRx: ("RGB", "BGRX"),
    pdfium.FPDFBitmap_BGRA: ("RGBA", "BGRA"),
    pdfium.FPDFBitmap_BGRA_Premul: ("RGBA", "BGRA"),
}
_POINTS_PER_INCH = 72
# Private use, replacement, controls: the result for glyphs without a mapping to characters.
_UNMAPPED = re.compile("[\x00-\x08\x0e-\x1f\ue000-\uf8ff\ufffd\uffff]")


def read_pictures(page: Handle, text: str, contents: Contents, place: str, sink: Sink) -> bool:
    """Read by OCR what a page shows but its `text` lacks; return whether it was read as a whole."""
    limits = ocr.current.limits
    large = [picture for picture in contents.pictures if limits.may_hold_text(picture.width, picture.height)]
    pictured = sum(picture.width * picture.height for picture in contents.pictures) >= limits.noticed_pixels
    visible = len("".join(text.split()))
    sparse = visible < SPARSE_TEXT and (pictured or contents.paths >= CURVES)
    unmapped = len(_UNMAPPED.findall(text)) > visible // 4
    in_strips = pictured and not large
    if sparse or unmapped or in_strips or (pictured and len(large) > PICTURES):
        width, height = _page_size(page)
        ocr.current.read(width, height, partial(_page_pixels, page, width, height), sink, place, scan=True)
        return True
    for picture in contents.pictures:
        ocr.current.read(picture.width, picture.height, partial(_picture_pixels, picture), sink, f"{place}, picture")
    return False


def read_drawing(page: Handle, place: str, sink: Sink) -> None:
    """Read what the paths of a page draw in addition to its text: letters converted to curves, codes.

    `page` must be loaded only for this: its text and images are removed.
    """
    pdf_page.remove_texts_and_images(page)
    width, height = _page_size(page)
    ocr.current.read(width, height, partial(_page_pixels, page, width, height), sink, f"{place}, drawing")


def _page_size(page: Handle) -> tuple[int, int]:
    """Return the size of a page in pixels at `DPI`, or smaller if that is beyond the limit of OCR."""
    width = max(1.0, pdfium.FPDF_GetPageWidthF(page)) * DPI / _POINTS_PER_INCH
    height = max(1.0, pdfium.FPDF_GetPageHeightF(page)) * DPI / _POINTS_PER_INCH
    scale = min(1.0, (ocr.current.limits.pixels / (width * height)) ** 0.5)
    return max(1, int(width * scale)), max(1, int(height * scale))


def _page_pixels(page: Handle, width: int, height: int) -> Pixels:
    data = bytearray(width * height)
    buffer = (ctypes.c_char * len(data)).from_buffer(data)
    bitmap = pdfium.FPDFBitmap_CreateEx(width, height, pdfium.FPDFBitmap_Gray, buffer, width)
    with closing(bitmap, pdfium.FPDFBitmap_Destroy):
        pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xFFFFFFFF)
        flags = pdfium.FPDF_ANNOT | pdfium.FPDF_GRAYSCALE
        pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, flags)
    return Pixels(width, height, bytes(data), DPI)


def _picture_pixels(picture: Picture) -> Pixels:
    """Decode one image in its own resolution and convert it to grey."""
    with closing(pdfium.FPDFImageObj_GetBitmap(picture.handle), pdfium.FPDFBitmap_Destroy) as bitmap:
        mode = _MODES.get(pdfium.FPDFBitmap_GetFormat(bitmap)) if bitmap else None
        if mode is None:
            raise OcrError("picture not decoded")
        width, height = pdfium.FPDFBitmap_GetWidth(bitmap), pdfium.FPDFBitmap_GetHeight(bitmap)
        stride = pdfium.FPDFBitmap_GetStride(bitmap)
        raw = ctypes.string_at(pdfium.FPDFBitmap_GetBuffer(bitmap), stride * height)
    image = Image.frombuffer(mode[0], (width, height), raw, "raw", mode[1], stride, 1)
    return Pixels(width, height, image.convert("L").tobytes())
