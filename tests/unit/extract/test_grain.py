"""Grain is distinguished from images that may have a code, and a code on grain is read."""

import random

import pytest
from PIL import Image, ImageFilter

from holdgate.extract.codes import codes_in
from holdgate.extract.grain import SMALLEST, is_grain
from holdgate.extract.legibility import may_hold_text
from tests.support.codes import code
from tests.support.pictures import picture

SIDE = 256
NUMBER = "4111111111111111"


def grain(width: int = SIDE, height: int = SIDE, seed: int = 1) -> Image.Image:
    return Image.frombytes("L", (width, height), random.Random(seed).randbytes(width * height))


@pytest.mark.parametrize("size", [(SIDE, SIDE), (1_001, 333), (333, 1_001)])
def test_random_pixels_are_grain(size: tuple[int, int]) -> None:
    assert is_grain(grain(*size))


def test_a_small_image_is_never_grain() -> None:
    assert SIDE * SIDE > SMALLEST > 80 * 80
    assert not is_grain(grain(80, 80))


@pytest.mark.parametrize(
    "other",
    [
        Image.new("L", (SIDE, SIDE), 128),
        grain(32, 32).resize((SIDE, SIDE), Image.Resampling.NEAREST),
        grain(64, 64).resize((SIDE, SIDE), Image.Resampling.BICUBIC),
        grain().filter(ImageFilter.GaussianBlur(2)),
        grain().point([0] * 128 + [255] * 128),
        picture(SIDE, SIDE, "a line of letters"),
    ],
    ids=["one shade", "squares", "clouds", "blurred", "black and white", "print"],
)
def test_an_image_with_structure_is_not_grain(other: Image.Image) -> None:
    assert not is_grain(other)


@pytest.mark.parametrize("kind", ["QRCode", "DataMatrix", "Aztec", "PDF417", "Code128", "Code39", "MicroQRCode"])
@pytest.mark.parametrize("scale", [1, 2, 5])
@pytest.mark.parametrize("place", [(0, 0), (37, 101), (-1, -1)])
def test_an_image_with_a_code_on_grain_is_not_skipped(kind: str, scale: int, place: tuple[int, int]) -> None:
    drawn = code(NUMBER, kind, scale)
    page = grain(drawn.width + SIDE, drawn.height + SIDE)
    across, down = (at if at >= 0 else SIDE for at in place)
    page.paste(drawn, (across, down))
    assert not is_grain(page)


@pytest.mark.parametrize("kind", ["QRCode", "DataMatrix", "PDF417"])
@pytest.mark.parametrize("depth", [20, 40])
def test_a_code_with_grain_on_it_is_read(kind: str, depth: int) -> None:
    drawn = code(NUMBER, kind, 5)
    page = grain(drawn.width + SIDE, drawn.height + SIDE)
    rough = grain(*drawn.size, seed=2)
    page.paste(Image.blend(drawn, rough, depth / 100), (64, 64))
    assert [one.text for one in codes_in(page)] == [NUMBER]


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_grain_has_no_text_and_text_under_grain_is_found(share: float) -> None:
    assert not may_hold_text(grain(600, 600))
    page = Image.blend(picture(900, 600, "Amount due 4711", size=80), grain(900, 600), share)
    assert not is_grain(page)
    assert may_hold_text(page)
