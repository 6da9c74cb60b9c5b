"""Codes as images, written by zxing-cpp."""

import zxingcpp
from PIL import Image


def code(text: str, kind: str = "QRCode", scale: int = 4) -> Image.Image:
    """Return a code in mode "L", modules of `scale` pixels, with a quiet zone."""
    barcode = zxingcpp.create_barcode(text, zxingcpp.barcode_format_from_str(kind))
    rows = memoryview(zxingcpp.write_barcode_to_image(barcode, scale=scale))
    height, width = rows.shape
    return Image.frombytes("L", (width, height), bytes(rows))
