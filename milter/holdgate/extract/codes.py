"""Reads QR codes, bar codes and other codes in images (zxing-cpp); the only user of zxingcpp.

No OCR engine is needed, and an image takes some milliseconds, so codes are always read.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import zxingcpp
from PIL import Image

from holdgate.extract.coarse import is_coarse
from holdgate.extract.grain import is_grain

SMALLEST = 21
"""Side in pixels of the smallest QR code (ISO/IEC 18004: 21 modules)."""
MOST_PIXELS = 2_500_000
"""A larger image is reduced first: a code of a few centimetres on a scan at 200 dpi is still readable."""
COARSE_PIXELS = 500_000
"""In an image from this size on, it is worth looking whether it has fine detail; one without it is halved."""
_MARGIN = 0.06
_PAPER = 255


@dataclass(frozen=True, slots=True)
class Code:
    """The text of a code, and its box in pixels: left, top, right, bottom."""

    text: str
    box: tuple[int, int, int, int]


def codes_in(image: Image.Image, pixels: bytes = b"") -> list[Code]:
    """Return all codes with text in an image in mode "L", whose `pixels`, if given, need not be copied for that."""
    factor = 1
    while (image.width // factor) * (image.height // factor) > MOST_PIXELS:
        factor += 1
    searched = image.reduce(factor) if factor > 1 else image
    if is_grain(searched):
        return []
    if searched.width * searched.height >= COARSE_PIXELS and is_coarse(searched):
        factor *= 2
        searched = image.reduce(factor)
    # By default a code with one control character, such as a driver's licence, has "<LF>" in place of its line breaks.
    rows = memoryview(pixels).cast("B", (image.height, image.width)) if pixels and factor == 1 else searched
    found = zxingcpp.read_barcodes(rows, text_mode=zxingcpp.TextMode.Plain)
    return [Code(one.text, _box(one.position, factor, image)) for one in found if one.text.strip()]


def without(image: Image.Image, codes: Iterable[Code]) -> Image.Image:
    """Return an image without its codes, because their modules look like lines of letters."""
    copy = image.copy()
    for code in codes:
        copy.paste(_PAPER, code.box)
    return copy


def _box(position: zxingcpp.Position, factor: int, image: Image.Image) -> tuple[int, int, int, int]:
    """Return the box around a code, with a margin, because the outermost modules are not always inside."""
    corners = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    across, down = [factor * point.x for point in corners], [factor * point.y for point in corners]
    margin = round(_MARGIN * max(max(across) - min(across), max(down) - min(down))) + factor
    left, top = max(0, min(across) - margin), max(0, min(down) - margin)
    return left, top, min(image.width, max(across) + margin), min(image.height, max(down) + margin)
