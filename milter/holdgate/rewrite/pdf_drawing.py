"""Draws pages of a PDF, and compares their appearance."""

import ctypes
from collections.abc import Sequence

import pypdfium2.raw as pdfium
from PIL import Image, ImageChops, ImageDraw

from holdgate.extract.readers.pdf.pdf_calls import Handle, closing
from holdgate.rewrite.pdf_text import Box

# The grey difference from which a pixel counts as different, and the share of a page that may be different.
_GREY, _SHARE = 96, 0.0005
_SIDE = 1_000
"""The longer side of compared pages, in pixels."""


def drawn(page: Handle, width: int, height: int) -> Image.Image:
    """Return a page as a colour image of a size in pixels."""
    data = bytearray(width * height * 4)
    buffer = (ctypes.c_char * len(data)).from_buffer(data)
    bitmap = pdfium.FPDFBitmap_CreateEx(width, height, pdfium.FPDFBitmap_BGRx, buffer, width * 4)
    with closing(bitmap, pdfium.FPDFBitmap_Destroy):
        pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xFFFFFFFF)
        pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, 0)
    return Image.frombuffer("RGB", (width, height), bytes(data), "raw", "BGRX", 0, 1)


def pixels_of(page: Handle, box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return a box in the pixels of a page drawn in a given size: left, top, right, bottom."""
    x, y = ctypes.c_int(), ctypes.c_int()
    corners = []
    for across, up in ((box[0], box[1]), (box[2], box[3])):
        pdfium.FPDF_PageToDevice(page, 0, 0, *size, 0, across, up, x, y)
        corners.append((x.value, y.value))
    (a, b), (c, d) = corners
    return min(a, c) - 1, min(b, d) - 1, max(a, c) + 1, max(b, d) + 1


def drawn_small(page: Handle) -> Image.Image:
    """Return a page as a grey image for comparison."""
    width, height = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
    scale = _SIDE / max(width, height, 1.0)
    return drawn(page, max(1, round(width * scale)), max(1, round(height * scale))).convert("L")


def looks_as(page: Handle, before: Image.Image, changed: Sequence[Box]) -> bool:
    """Return whether a page looks as before, except for the changed boxes."""
    difference = ImageChops.difference(before, drawn_small(page))
    draw = ImageDraw.Draw(difference)
    for box in changed:
        draw.rectangle(pixels_of(page, box, difference.size), fill=0)
    return sum(difference.histogram()[_GREY:]) <= _SHARE * difference.width * difference.height
