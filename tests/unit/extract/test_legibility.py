"""Images that look like lines of letters, and images that do not, drawn by code."""

import random

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from holdgate.extract.legibility import may_hold_text

NUMBER = "4111 1111 1111 1111"


def blank_image(width: int = 640, height: int = 380, shade: int = 255) -> Image.Image:
    return Image.new("L", (width, height), shade)


def with_lines(size: int, *lines: str, shade: int = 255, ink: int = 20) -> Image.Image:
    image = blank_image(shade=shade)
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((25, 20 + 1.5 * size * number), line, font=ImageFont.load_default(size), fill=ink)
    return image


@pytest.mark.parametrize("size", [16, 20, 24, 36, 60])
@pytest.mark.parametrize(("shade", "ink"), [(255, 0), (255, 90), (0, 255), (150, 10)])
def test_a_single_line_with_a_number_is_recognised(size: int, shade: int, ink: int) -> None:
    image = with_lines(size, NUMBER, shade=shade, ink=ink)
    assert may_hold_text(image)
    assert may_hold_text(image.rotate(90, expand=True))


@pytest.mark.parametrize("size", [10, 12, 14, 18, 28])
def test_a_list_is_recognised(size: int) -> None:
    assert may_hold_text(with_lines(size, *[f"Alice Example {NUMBER}"] * 6))


def test_faint_and_blurred_text_is_recognised() -> None:
    image = with_lines(18, *[f"Alice Example {NUMBER}"] * 8, shade=150, ink=100)
    assert may_hold_text(image.filter(ImageFilter.GaussianBlur(0.6)))


def landscape(seed: int) -> Image.Image:
    """Return something like a photograph: noise in several octaves, as clouds, grass and walls have it."""
    rng = random.Random(seed)
    image = Image.new("L", (640, 480), 128)
    for cells in (4, 9, 20, 45, 100):
        noise = Image.frombytes("L", (cells, cells), rng.randbytes(cells * cells))
        image = Image.blend(image, noise.resize(image.size, Image.Resampling.BICUBIC), 0.4)
    return image


@pytest.mark.parametrize("seed", range(12))
def test_a_photograph_is_not_recognised_as_text(seed: int) -> None:
    assert not may_hold_text(landscape(seed))


def shapes() -> list[Image.Image]:
    circle, frame = blank_image(), blank_image()
    ImageDraw.Draw(circle).ellipse((100, 50, 400, 350), fill=40)
    ImageDraw.Draw(frame).rectangle((5, 5, 630, 370), outline=0, width=3)
    return [circle, frame, blank_image(), Image.linear_gradient("L"), Image.radial_gradient("L")]


@pytest.mark.parametrize("number", range(5))
def test_a_drawing_is_not_recognised_as_text(number: int) -> None:
    assert not may_hold_text(shapes()[number])


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (11, 48), (48, 12), (3, 3)])
def test_an_image_of_any_size_is_examined(size: tuple[int, int]) -> None:
    assert not may_hold_text(Image.new("L", size))


def test_large_text_is_found_in_the_reduced_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest size, which takes three quarters of the time, is not needed for it."""
    compared: list[tuple[int, int]] = []

    offset = ImageChops.offset

    def compare(picture: Image.Image, *distance: int) -> Image.Image:
        compared.append(picture.size)
        return offset(picture, *distance)

    monkeypatch.setattr(ImageChops, "offset", compare)
    image = with_lines(60, NUMBER)
    assert may_hold_text(image)
    assert compared
    assert image.size not in compared
    assert not may_hold_text(landscape(0))  # only the largest size proves that there is no print
    assert landscape(0).size in compared
