"""Images with text on them, and PDF pages that contain only an image."""

import io
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from tests.support.pdf_writer import FONT, PdfWriter


def picture(
    width: int, height: int, *lines: str, size: int = 28, paper: Any = 255, ink: Any = 0, mode: str = "L"
) -> Image.Image:
    """Draw lines of text with Pillow's built-in font."""
    image = Image.new(mode, (width, height), paper)
    font = ImageFont.load_default(size)
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((width // 12, height // 12 + number * size * 1.6), line, font=font, fill=ink)
    return image


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return an image as a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def scanned_pdf(image: Image.Image, text: str = "", pages: int = 1, points: tuple[int, int] = (595, 842)) -> bytes:
    """Return a PDF whose pages are covered by an image, with an optional line of real text."""
    writer = PdfWriter()
    font, tree = writer.add(FONT), writer.reserve()
    drawing = writer.stream(
        saved(image, "JPEG"),
        f"/Type /XObject /Subtype /Image /Width {image.width} /Height {image.height} /ColorSpace /DeviceGray"
        " /BitsPerComponent 8 /Filter /DCTDecode",
    )
    width, height = points
    contents = writer.stream(f"q {width} 0 0 {height} 0 0 cm /Scan Do Q BT /F1 12 Tf 50 50 Td ({text}) Tj ET".encode())
    kids = [
        writer.add(
            f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 595 842] /Contents {contents} 0 R"
            f" /Resources << /Font << /F1 {font} 0 R >> /XObject << /Scan {drawing} 0 R >> >> >>"
        )
        for _ in range(pages)
    ]
    references = " ".join(f"{kid} 0 R" for kid in kids)
    writer.put(tree, f"<< /Type /Pages /Count {pages} /Kids [{references}] >>")
    root = writer.add(f"<< /Type /Catalog /Pages {tree} 0 R >>")
    return writer.file(f"/Root {root} 0 R")
