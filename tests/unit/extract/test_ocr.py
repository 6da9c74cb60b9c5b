"""Which images are read by OCR, its limits, and the reason for images that are not read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pypdfium2
import pytest

from holdgate.extract.ocr import NOT_READ, Ocr, OcrError, OcrLimits, Pixels, is_blank
from holdgate.extract.ocr_lines import Word
from holdgate.extract.tesseract import TesseractEngine
from tests.support.pdf_writer import PdfWriter
from tests.support.pictures import picture
from tests.support.sink import KeepingSink


@dataclass
class CountingEngine:
    answer: str = "text"
    fails: bool = False
    read: list[Pixels] = field(default_factory=list)

    def recognise(self, pixels: Pixels, seconds: float) -> str:
        self.read.append(pixels)
        if self.fails:
            raise OcrError("time limit")
        return self.answer

    def rows(self, pixels: Pixels, seconds: float) -> list[list[Word]]:
        raise NotImplementedError


LINE = "a line of several words 4711"


def written(width: int, height: int, ink: int = 0) -> Callable[[], Pixels]:
    """Return an image full of lines, rotated if it is higher than wide."""
    turned = height > width
    across, down = (height, width) if turned else (width, height)
    image = picture(across, down, *[LINE] * 20, size=14, ink=ink)
    image = image.rotate(90, expand=True) if turned else image
    return lambda: Pixels(image.width, image.height, image.tobytes())


def never() -> Pixels:
    raise AssertionError("decoded")


@pytest.fixture
def sink() -> KeepingSink:
    return KeepingSink()


@pytest.mark.parametrize(
    ("width", "height", "read"),
    [(100, 30, True), (30, 100, True), (99, 40, False), (100, 29, False), (1, 1, False), (5_000, 2, False)],
)
def test_icons_and_lines_are_skipped_without_a_limit(width: int, height: int, read: bool, sink: KeepingSink) -> None:
    engine = CountingEngine()
    Ocr(engine).read(width, height, written(width, height), sink, "")
    assert bool(engine.read) == read
    assert sink.limits == []


@pytest.mark.parametrize(("width", "height"), [(300, 200), (640, 380), (1_654, 2_339)])
def test_without_an_engine_an_image_with_lines_is_limited(width: int, height: int, sink: KeepingSink) -> None:
    Ocr().read(width, height, written(width, height), sink, "")
    assert sink.limits == [NOT_READ]


def test_without_an_engine_a_small_image_counts_as_a_logo(sink: KeepingSink) -> None:
    Ocr().read(300, 199, written(300, 199), sink, "")
    assert (sink.texts, sink.limits) == ([], [])


@pytest.mark.parametrize("engine", [None, CountingEngine()])
def test_an_image_without_lines_is_neither_read_nor_limited(engine: CountingEngine | None, sink: KeepingSink) -> None:
    logo = picture(600, 500, "X", size=300)
    Ocr(engine).read(600, 500, lambda: Pixels(600, 500, logo.tobytes()), sink, "")
    assert (sink.limits, engine.read if engine else []) == ([], [])


def test_a_scan_is_always_read(sink: KeepingSink) -> None:
    engine = CountingEngine()
    logo = picture(600, 500, "X", size=300)
    Ocr(engine).read(600, 500, lambda: Pixels(600, 500, logo.tobytes()), sink, "", scan=True)
    assert len(engine.read) == 1
    Ocr().read(600, 500, never, sink, "", scan=True)
    assert sink.limits == [NOT_READ]


def test_text_has_its_place(sink: KeepingSink) -> None:
    Ocr(CountingEngine()).read(200, 100, written(200, 100), sink, "page 3")
    assert sink.texts == [("text", "page 3")]


def test_too_many_pixels_are_not_decoded(sink: KeepingSink) -> None:
    Ocr(CountingEngine()).read(8_000, 8_000, never, sink, "")
    assert sink.limits == [NOT_READ]


def test_pages_are_counted_separately_for_each_message() -> None:
    engine = CountingEngine()
    reading = Ocr(engine, OcrLimits(pages=2))
    sink = KeepingSink()
    for ink in range(3):
        reading.read(200, 100, written(200, 100, ink), sink, "")
    assert (len(engine.read), sink.limits) == (2, [NOT_READ])
    after = KeepingSink()
    reading.read(200, 100, written(200, 100, 9), after, "")
    assert (len(engine.read), after.limits) == (3, [])


def test_the_same_pixels_are_read_once(sink: KeepingSink) -> None:
    engine = CountingEngine()
    reading = Ocr(engine)
    for _ in range(3):
        reading.read(200, 100, written(200, 100), sink, "")
    reading.read(100, 200, written(100, 200), sink, "")
    assert len(engine.read) == 2
    assert len(sink.texts) == 4


def test_an_image_over_the_time_limit_is_not_read(sink: KeepingSink) -> None:
    Ocr(CountingEngine(fails=True)).read(200, 100, written(200, 100), sink, "")
    assert (sink.texts, sink.limits) == ([], [NOT_READ])


def test_text_read_before_the_engine_gave_up_counts(sink: KeepingSink, monkeypatch: pytest.MonkeyPatch) -> None:
    def recognise(pixels: Pixels, seconds: float) -> str:
        raise OcrError("time limit", "half of it")

    engine = CountingEngine()
    monkeypatch.setattr(engine, "recognise", recognise)
    Ocr(engine).read(200, 100, written(200, 100), sink, "page 1")
    assert (sink.texts, sink.limits) == ([("half of it", "page 1")], [NOT_READ])


def test_an_image_that_cannot_be_decoded_is_not_read(sink: KeepingSink) -> None:
    def broken() -> Pixels:
        raise OcrError("picture not decoded")

    Ocr(CountingEngine()).read(200, 100, broken, sink, "")
    assert sink.limits == [NOT_READ]


def test_the_clock_of_the_message_is_paused_during_ocr(sink: KeepingSink, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 107.0])
    monkeypatch.setattr("holdgate.extract.ocr.time.monotonic", lambda: next(clock))
    deadline, part_deadline = sink.budget.deadline, sink.budget.part_deadline
    Ocr(CountingEngine()).read(200, 100, written(200, 100), sink, "")
    assert (sink.budget.deadline - deadline, sink.budget.part_deadline - part_deadline) == (7.0, 7.0)


def test_the_ocr_time_of_one_message_has_a_limit(sink: KeepingSink, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 61.0])
    monkeypatch.setattr("holdgate.extract.ocr.time.monotonic", lambda: next(clock))
    reading = Ocr(CountingEngine())
    reading.read(200, 100, written(200, 100), sink, "")
    reading.read(200, 100, written(200, 100, 9), sink, "")
    assert sink.limits == [NOT_READ]


def test_blank_paper_is_not_read() -> None:
    assert is_blank(Pixels(2, 2, b"\xff\xf0\xff\xff"))
    assert not is_blank(Pixels(2, 2, b"\xff\x80\xff\xff"))


@pytest.fixture(scope="module")
def tesseract() -> TesseractEngine:
    return TesseractEngine()


@pytest.mark.slow  # Tesseract
@pytest.mark.parametrize("turned", [0, 90])
def test_tesseract_reads_german_and_numbers_in_rotated_images_too(tesseract: TesseractEngine, turned: int) -> None:
    lines = ["IBAN DE89 3704 0044 0532 0130 00", "Geburtsdatum und Staatsangehoerigkeit"] * 4
    image = picture(1_000, 800, *lines, size=36).rotate(turned, expand=True)
    text = tesseract.recognise(Pixels(image.width, image.height, image.tobytes()), 20.0)
    assert "DE89 3704 0044 0532 0130 00" in text
    assert "Staatsangehoerigkeit" in text


def typed(size: int, *rows: str) -> Pixels:
    """Draw lines in a typewriter face, as a terminal shows them."""
    writer = PdfWriter()
    tree, face = writer.reserve(), writer.add("<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>")
    width, height = size * 24, size * (len(rows) + 2) * 2
    lines = "".join(f"({row}) Tj 0 -{2 * size} Td\n" for row in rows)
    contents = writer.stream(f"BT /F {size} Tf {size} {height - 2 * size} Td\n{lines}ET".encode())
    page = writer.add(
        f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {width} {height}] /Contents {contents} 0 R"
        f" /Resources << /Font << /F {face} 0 R >> >> >>"
    )
    writer.put(tree, f"<< /Type /Pages /Count 1 /Kids [{page} 0 R] >>")
    document = pypdfium2.PdfDocument(writer.file(f"/Root {writer.add(f'<< /Type /Catalog /Pages {tree} 0 R >>')} 0 R"))
    image = document[0].render(scale=1).to_pil().convert("L")
    return Pixels(image.width, image.height, image.tobytes())


CARDS = (
    "4000 0000 0000 0002",
    "4111 1111 1111 1111",
    "5555 5555 5555 4444",
    "4000 0566 5566 5556",
    "5200 8282 8282 8210",
)


@pytest.mark.slow  # Tesseract
@pytest.mark.parametrize("size", [16, 25, 70])
def test_a_list_in_a_monospaced_font_keeps_its_lines(tesseract: TesseractEngine, size: int) -> None:
    names = ("Alice", "David", "Carol", "Frank", "Grace")
    rows = [f"{name}  {card}" for name, card in zip(names, CARDS, strict=True)]
    text = tesseract.recognise(typed(size, *rows), 60.0)
    assert [card for card in CARDS if card not in text] == []


def test_text_read_before_the_time_limit_counts(tesseract: TesseractEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = typed(25, "Alice  4111 1111 1111 1111", "David  5555 5555 5555 4444")
    clock = iter([0.0, 0.0])
    monkeypatch.setattr("holdgate.extract.tesseract.time.monotonic", lambda: next(clock, 1e6))
    with pytest.raises(OcrError) as stopped:
        tesseract.recognise(pixels, 60.0)
    assert "4111 1111 1111 1111" in stopped.value.text


@pytest.mark.slow  # Tesseract
def test_tesseract_stops_at_the_time_limit(tesseract: TesseractEngine) -> None:
    image = picture(2_000, 2_800, *["many words in many lines, one after the other"] * 55, size=30)
    with pytest.raises(OcrError):
        tesseract.recognise(Pixels(image.width, image.height, image.tobytes()), 0.001)


def test_missing_language_data_names_the_package(tmp_path: Path) -> None:
    (tmp_path / "tesseract-ocr/5/tessdata").mkdir(parents=True)
    with pytest.raises(OcrError, match="install tesseract-ocr-chi-sim"):
        TesseractEngine(("chi_sim",), tmp_path)
