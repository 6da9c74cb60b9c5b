"""Drawings in place of text: letters as paths, and codes as squares, as operators of a PDF page (8.5)."""

import ctypes
from itertools import pairwise

import pypdfium2.raw as pdfium

from tests.support.codes import code

_MOVE, _LINE = pdfium.FPDF_SEGMENT_MOVETO, pdfium.FPDF_SEGMENT_LINETO


def letters(text: str, x: float, y: float, size: float) -> str:
    """Return operators that draw a text as filled outlines of Helvetica's letters, all of one width."""
    document = pdfium.FPDF_CreateNewDocument()
    font = pdfium.FPDFText_LoadStandardFont(document, b"Helvetica")
    drawn = [_letter(font, letter, x + 0.62 * size * number, y, size) for number, letter in enumerate(text)]
    pdfium.FPDFFont_Close(font)
    pdfium.FPDF_CloseDocument(document)
    return "\n".join(drawn)


def _letter(font: object, letter: str, x: float, y: float, size: float) -> str:
    path = pdfium.FPDFFont_GetGlyphPath(font, ord(letter), size)
    if not path:
        return ""
    operators, curve = [], list[str]()
    across, up = ctypes.c_float(), ctypes.c_float()
    for index in range(pdfium.FPDFGlyphPath_CountGlyphSegments(path)):
        segment = pdfium.FPDFGlyphPath_GetGlyphPathSegment(path, index)
        pdfium.FPDFPathSegment_GetPoint(segment, across, up)
        point = f"{x + across.value * size:.2f} {y + up.value * size:.2f}"
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind in (_MOVE, _LINE):
            operators.append(f"{point} {'m' if kind == _MOVE else 'l'}")
        else:
            curve.append(point)
            if len(curve) == 3:
                operators.append(f"{' '.join(curve)} c")
                curve.clear()
    return " ".join([*operators, "f"])


def squares(text: str, x: float, y: float, module: float) -> str:
    """Return operators that draw a QR code, each row as rectangles."""
    image = code(text, scale=1)
    rectangles = []
    for row in range(image.height):
        line = [column < image.width and image.getpixel((column, row)) == 0 for column in range(-1, image.width + 1)]
        edges = [column for column, (before, after) in enumerate(pairwise(line)) if before != after]
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            at = f"{x + start * module:.2f} {y - row * module:.2f}"
            rectangles.append(f"{at} {(end - start) * module:.2f} {module:.2f} re")
    return "\n".join([*rectangles, "f"])
