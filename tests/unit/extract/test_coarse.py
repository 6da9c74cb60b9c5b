"""An image is coarse if a code in it could only have large modules; then half the size is searched, and reads it."""

import random
from typing import Any

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from holdgate.extract.coarse import is_coarse
from holdgate.extract.codes import codes_in
from tests.support.codes import code
from tests.support.pictures import picture

NUMBER = "4111111111111111"
KINDS = ("QRCode", "MicroQRCode", "DataMatrix", "Aztec", "PDF417", "Code128", "Code39", "EAN8", "ITF")


def sheet(image: Image.Image | None = None, at: tuple[int, int] = (300, 200), shade: int = 255) -> Image.Image:
    page = Image.new("L", (1_000, 700), shade)
    if image:
        page.paste(image, at)
    return page


def areas() -> Image.Image:
    """A map: even areas with borders."""
    page = sheet()
    draw = ImageDraw.Draw(page)
    for number in range(4):
        box = (200 * number + 50, 100, 200 * number + 240, 600)
        draw.ellipse(box, fill=180 - 30 * number, outline=255, width=3)
    return page


def held(kind: str) -> str:
    return {"EAN8": "1234567", "MicroQRCode": "4111"}.get(kind, NUMBER)


@pytest.mark.parametrize("image", [sheet(), areas(), areas().rotate(90, expand=True)])
def test_uniform_areas_are_coarse(image: Image.Image) -> None:
    assert is_coarse(image)


@pytest.mark.parametrize("lines", [["a line of letters"], ["", "", "", "Total"]])
def test_printed_text_is_not_coarse(lines: list[str]) -> None:
    assert not is_coarse(picture(1_000, 700, *lines, size=16))


def test_a_narrow_image_is_not_coarse() -> None:
    assert not is_coarse(Image.new("L", (4_000, 255), 255))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("turned", [0, 90])
def test_a_code_with_small_modules_is_not_coarse(kind: str, scale: int, turned: int) -> None:
    image = code(held(kind), kind, scale=scale).rotate(turned, expand=True, fillcolor=255)
    assert not is_coarse(sheet(image))
    assert not is_coarse(sheet(image.point([200 + shade // 12 for shade in range(256)]), shade=221))


def test_a_code_across_the_edge_of_a_strip_is_not_coarse() -> None:
    image = code("1", "DataMatrix", scale=1)
    for top in range(150, 280, 7):
        assert not is_coarse(sheet(image, (620, top)))


def test_a_large_code_in_a_coarse_image_is_read_in_half_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[tuple[int, int]] = []

    def searched(rows: Image.Image, **options: Any) -> object:
        sizes.append(rows.size)
        return by_library(rows, **options)

    by_library = zxingcpp.read_barcodes
    monkeypatch.setattr(zxingcpp, "read_barcodes", searched)
    page = sheet(code("1", "DataMatrix", scale=24))
    assert is_coarse(page)
    found = codes_in(page)
    assert [one.text for one in found] == ["1"]
    assert sizes == [(500, 350)]
    left, top, right, bottom = found[0].box
    assert left < 330 < 500 < right
    assert top < 230 < 400 < bottom


@given(st.sampled_from(KINDS), st.sampled_from([1.0, 1.5, 2, 3, 4, 6, 10]), st.integers(0, 9), st.integers(0, 2**16))
def test_codes_read_in_full_size_are_also_found(kind: str, scale: float, blur: int, seed: int) -> None:
    chance = random.Random(seed)
    image = code(held(kind), kind, scale=8).rotate(chance.choice((0, 0, 90, 45, 12)), expand=True, fillcolor=255)
    side = round(image.width * scale / 8), round(image.height * scale / 8)
    image = image.resize(side, Image.Resampling.BILINEAR).filter(ImageFilter.GaussianBlur(blur / 10))
    page = sheet(shade=255)
    page.paste(image, (chance.randrange(1_000 - min(999, side[0])), chance.randrange(700 - min(699, side[1]))))
    full = {one.text for one in zxingcpp.read_barcodes(page, text_mode=zxingcpp.TextMode.Plain)}
    assert full <= {one.text for one in codes_in(page)}
