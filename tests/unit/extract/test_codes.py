"""Codes in images are read without OCR, in any size and position, and an image without one gives nothing."""

import pytest
from PIL import Image

from holdgate.extract.codes import MOST_PIXELS, codes_in, without
from holdgate.extract.legibility import may_hold_text
from holdgate.extract.ocr import Ocr, Pixels
from tests.support.codes import code
from tests.support.pictures import picture
from tests.support.sink import KeepingSink

TEXT = "Ann Example, IBAN DE89 3704 0044 0532 0130 00"


def texts_in(image: Image.Image) -> list[str]:
    return [one.text for one in codes_in(image)]


@pytest.mark.parametrize("kind", ["QRCode", "DataMatrix", "Aztec"])
def test_an_image_without_its_codes_has_no_text_left(kind: str) -> None:
    page = picture(900, 900, paper=255)
    page.paste(code(TEXT.upper(), kind, scale=3), (100, 300))
    assert may_hold_text(page)
    assert not may_hold_text(without(page, codes_in(page)))


def test_text_next_to_a_code_stays() -> None:
    page = picture(900, 900, *["a line of several words 4711"] * 3)
    page.paste(code(TEXT), (400, 500))
    assert may_hold_text(without(page, codes_in(page)))


@pytest.mark.parametrize("kind", ["QRCode", "DataMatrix", "Aztec", "PDF417", "Code128", "Code39"])
@pytest.mark.parametrize("turned", [0, 90, 180])
def test_codes_of_every_kind_are_read(kind: str, turned: int) -> None:
    text = TEXT.upper() if kind != "Code39" else "4111111111111111"
    assert texts_in(code(text, kind).rotate(turned, expand=True, fillcolor=255)) == [text]


@pytest.mark.parametrize("kind", ["QRCode", "DataMatrix", "PDF417"])
def test_line_breaks_stay_next_to_other_control_characters(kind: str) -> None:
    text = "@\n\x1e\rDL00410278\nDE89 3704 0044 0532 0130 00\nDCSEXAMPLE\r"
    assert texts_in(code(text, kind)) == [text]


@pytest.mark.parametrize("scale", [1, 2, 9])
def test_a_code_is_read_in_any_module_size(scale: int) -> None:
    assert texts_in(code(TEXT, scale=scale)) == [TEXT]


def test_a_code_on_a_large_scan_is_read() -> None:
    page = Image.new("L", (2_480, 3_508), 255)
    page.paste(code(TEXT, scale=6), (1_500, 300))
    assert page.width * page.height > MOST_PIXELS
    assert texts_in(page) == [TEXT]


def test_equal_codes_count_once_and_different_ones_each() -> None:
    sheet = Image.new("L", (900, 300), 255)
    for number, text in enumerate((TEXT, TEXT, "another")):
        sheet.paste(code(text, scale=4), (300 * number, 0))
    sink = KeepingSink()
    Ocr().read(*sheet.size, lambda: Pixels(*sheet.size, sheet.tobytes()), sink, "")
    assert sorted(sink.texts) == sorted([(TEXT, "code"), ("another", "code")])


def test_printed_text_is_not_a_code() -> None:
    assert texts_in(picture(800, 600, *["a line of several words 4711 | || |||"] * 12)) == []


@pytest.mark.parametrize("scale", [1, 4])
def test_codes_are_read_without_an_ocr_engine(scale: int) -> None:
    image = code(TEXT, scale=scale)
    sink = KeepingSink()
    Ocr().read(*image.size, lambda: Pixels(*image.size, image.tobytes()), sink, "page 2")
    assert (sink.texts, sink.limits) == ([(TEXT, "page 2, code")], [])
