"""Images: matches of OCR and codes are blackened, and metadata is removed."""

import io
import re
from array import array
from collections.abc import Iterator
from functools import cache

import pytest
from PIL import Image, PngImagePlugin

from holdgate.extract import ocr
from holdgate.extract.extractor import extract_file
from holdgate.extract.ocr import OcrLimits
from holdgate.extract.part import Status
from holdgate.extract.tesseract import TesseractEngine
from holdgate.rewrite import image
from holdgate.rewrite.entity import RefusedError
from tests.support.codes import code
from tests.support.pictures import picture, saved

CARD = "4111 1111 1111 1111"
SECRET = re.compile(r"4111[ -]?1111[ -]?1111[ -]?1111")


def spans(text: str) -> list[tuple[int, int]]:
    return [found.span() for found in SECRET.finditer(text)]


@cache
def tesseract() -> TesseractEngine:
    return TesseractEngine()


@pytest.fixture
def engine() -> Iterator[None]:
    ocr.configure(tesseract(), OcrLimits())
    yield
    ocr.configure(None, OcrLimits())


# Orientation is detected where there are enough letters.
LINES = (
    "Dear Ann, this is a letter.",
    f"The card {CARD} is hers.",
    "We have sent you some more lines of text,",
    "so that its orientation can be detected,",
    "as it can in most letters. Kind regards",
)


def letter(size: int = 32) -> Image.Image:
    return picture(1100, 500, *LINES, size=size)


def text_of(data: bytes) -> str:
    extraction = extract_file("a", data)
    assert extraction.status is Status.COMPLETE
    return "\n".join(part.text for part in extraction.parts)


@pytest.mark.slow
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP"])
def test_the_match_is_blackened_and_the_rest_stays_readable(kind: str) -> None:
    data = saved(letter(), kind)
    assert spans(text_of(data))
    done = image.rewrite(data, "a", spans)
    with Image.open(io.BytesIO(done)) as opened:
        assert (opened.format, opened.size) == (kind, (1100, 500))
    text = text_of(done)
    assert "1111" not in text
    assert "Dear Ann" in text


@pytest.mark.slow
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("turn", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270])
def test_a_match_in_a_rotated_image_is_blackened(turn: Image.Transpose) -> None:
    done = image.rewrite(saved(letter().transpose(turn), "PNG"), "a", spans)
    assert "1111" not in text_of(done)
    with Image.open(io.BytesIO(done)) as opened:
        assert 0.01 < opened.convert("L").histogram()[0] / (1100 * 500) < 0.15


@pytest.mark.slow
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("size", [14, 64])
def test_matches_in_small_and_large_text_are_blackened(size: int) -> None:
    wide = picture(1800, 400, f"The card {CARD} is hers.", size=size)
    assert "1111" not in text_of(image.rewrite(saved(wide, "PNG"), "a", spans))


@pytest.mark.slow
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(("kind", "mode"), [("PNG", "I;16"), ("TIFF", "I;16"), ("TIFF", "I;16B")])
def test_a_scan_with_16_bits_is_blackened_and_not_blank(kind: str, mode: str) -> None:
    faint = letter().convert("I").point(lambda value: value * 150 + 5_000)
    if mode == "I;16B":
        values = array("H", faint.convert("I;16").tobytes())
        values.byteswap()
        deep = Image.frombytes(mode, faint.size, values.tobytes())
    else:
        deep = faint.convert(mode)
    data = saved(deep, kind)
    assert spans(text_of(data))
    text = text_of(image.rewrite(data, "a", spans))
    assert "1111" not in text
    assert "Dear Ann" in text


@pytest.mark.slow
@pytest.mark.usefixtures("engine")
def test_matches_on_every_page_of_a_tiff_are_blackened() -> None:
    out = io.BytesIO()
    letter().save(out, "TIFF", save_all=True, append_images=[letter(28)])
    done = image.rewrite(out.getvalue(), "a", spans)
    with Image.open(io.BytesIO(done)) as opened:
        assert getattr(opened, "n_frames", 1) == 2
    assert "1111" not in text_of(done)


def test_image_metadata_is_removed_even_without_ocr() -> None:
    about = PngImagePlugin.PngInfo()
    about.add_text("Comment", CARD)
    exif = Image.Exif()
    exif[0x010E] = CARD
    blank = Image.new("RGB", (40, 40), (10, 200, 30))
    for data in (saved(blank, "PNG", pnginfo=about), saved(blank, "JPEG", exif=exif, comment=CARD.encode())):
        assert spans(text_of(data))
        done = image.rewrite(data, "a", spans)
        assert not text_of(done).strip()
        assert b"4111" not in done


def test_a_code_with_a_match_is_removed_and_another_stays() -> None:
    page = Image.new("L", (600, 300), 255)
    page.paste(code(CARD), (20, 20))
    page.paste(code("https://partner.example/"), (320, 20))
    text = text_of(image.rewrite(saved(page, "PNG"), "a", spans))
    assert text.split() == ["https://partner.example/"]


@pytest.mark.usefixtures("engine")
def test_an_image_without_a_match_keeps_its_pixels() -> None:
    data = saved(picture(800, 300, "nothing to see 12345"), "PNG")
    with Image.open(io.BytesIO(data)) as old, Image.open(io.BytesIO(image.rewrite(data, "a", spans))) as new:
        assert old.tobytes() == new.tobytes()


def test_an_animation_and_a_damaged_image_are_refused() -> None:
    out = io.BytesIO()
    letter().save(out, "GIF", save_all=True, append_images=[letter(28)])
    for data in (out.getvalue(), b"\x89PNG\r\n\x1a\nrubbish", saved(letter(), "ICO")):
        with pytest.raises(RefusedError):
            image.rewrite(data, "a", spans)
