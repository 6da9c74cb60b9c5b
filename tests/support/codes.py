"""Codes as images, written by zxing-cpp."""

from typing import Any

import zxingcpp
from PIL import Image


def code(text: str, kind: str = "QRCode", scale: int = 4) -> Image.Image:
    """Return a code in mode "L", modules of `scale` pixels, with a quiet zone."""
    barcode = zxingcpp.create_barcode(text, zxingcpp.barcode_format_from_str(kind))
    image: Any = zxingcpp.write_barcode_to_image(barcode, scale=scale)  # a buffer, which its type does not show
    rows = memoryview(image)
    assert rows.shape is not None
    height, width = rows.shape
    return Image.frombytes("L", (width, height), bytes(rows))
