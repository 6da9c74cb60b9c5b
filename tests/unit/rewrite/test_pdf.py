"""PDF: no planted value remains in the file; its other text and its pages are kept."""

import io
import re
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pypdf
import pytest
import reportlab
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from holdgate.extract import ocr
from holdgate.extract.budget import Budget, Limits
from holdgate.extract.extractor import extract_file
from holdgate.extract.ocr import OcrLimits
from holdgate.extract.part import Status
from holdgate.extract.readers.pdf import pdf_strings
from holdgate.extract.tesseract import TesseractEngine
from holdgate.rewrite import pdf
from holdgate.rewrite.entity import RefusedError
from holdgate.rewrite.finder import Finder
from tests.support.pdf_writer import simple_pdf
from tests.support.pictures import picture, scanned_pdf
from tests.support.planted_pdf import PLACES, planted_pdf, token

CARD = "4111 1111 1111 1111"
SECRET = re.compile(r"TOKEN\d\dX|4111[ \n-]?1111[ \n-]?1111[ \n-]?1111|secretword")
# PDFium keeps the resources of a page that it changes, and so the names of its layers.
KEPT = token("layer name")

Draw = Callable[[Canvas], None]


def finder(ignored: str = "") -> Finder:
    def spans(text: str) -> list[tuple[int, int]]:
        return [found.span() for found in SECRET.finditer(text) if found[0] != ignored]

    def check(name: str, data: bytes) -> tuple[bool, bool]:
        extraction = extract_file(name, data)
        return extraction.status is Status.COMPLETE, any(spans(part.text) for part in extraction.parts)

    return Finder(spans, spans, check, ())


def masked_file(_name: str, content: bytes) -> bytes:
    return re.sub(rb"TOKEN\d\dX", b"*", content)


def redacted(data: bytes, ignored: str = "") -> bytes:
    return pdf.rewrite(data, "a.pdf", finder(ignored), masked_file, Budget(Limits()))


def drawn(*pages: Draw, title: str = "") -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.setTitle(title)
    for page in pages:
        page(canvas)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def text_of(data: bytes) -> str:
    return "\n".join(part.text for part in extract_file("a.pdf", data).parts)


def contents(data: bytes) -> bytes:
    """Return a file followed by all its streams, decompressed."""
    unpacked = [data]
    for stream in pdf_strings.split(data)[1]:
        unpacker = zlib.decompressobj()
        try:
            unpacked.append(unpacker.decompress(data[stream.start : stream.end]))
        except zlib.error:
            continue
    return b"\n".join(unpacked)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_no_planted_value_remains_in_the_pdf(packed: bool) -> None:
    done = redacted(planted_pdf(packed=packed), ignored=KEPT)
    everything = contents(done)
    for place in PLACES:
        for codec in ("utf-8", "utf-16-le", "utf-16-be"):
            if token(place) != KEPT:
                assert token(place).encode(codec) not in everything, place
                assert token(place).encode(codec).hex().encode() not in everything.lower(), place
    assert "tagged" in text_of(done)
    assert len(pypdf.PdfReader(io.BytesIO(done)).pages) == 1


def test_a_page_object_that_keeps_a_value_is_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        redacted(planted_pdf())
    assert (refused.value.part, refused.value.why) == ("a.pdf", "not removed")


def test_attached_files_are_masked_and_stay_attached() -> None:
    reader = pypdf.PdfReader(io.BytesIO(redacted(planted_pdf(), ignored=KEPT)))
    assert {name: list(files) for name, files in reader.attachments.items()} == {
        "________.txt": [b"*"],
        "note.txt": [b"*"],
    }


def test_an_attached_file_that_cannot_be_masked_is_refused() -> None:
    def refuse(name: str, content: bytes) -> bytes:
        raise RefusedError("a.pdf › inner", "format")

    with pytest.raises(RefusedError, match="inner"):
        pdf.rewrite(planted_pdf(), "a.pdf", finder(KEPT), refuse, Budget(Limits()))


def test_the_same_file_gives_the_same_bytes() -> None:
    data = planted_pdf()
    assert redacted(data, KEPT) == redacted(data, KEPT)


def test_pages_without_a_match_are_kept_and_document_properties_removed() -> None:
    def linked(canvas: Canvas) -> None:
        canvas.drawString(72, 700, "a page with a link")
        canvas.linkURL("https://partner.example/kept", (0, 0, 9, 9))

    def secret(canvas: Canvas) -> None:
        canvas.drawString(72, 700, f"The card {CARD} is hers.")

    done = redacted(drawn(linked, secret, linked, title=f"About {CARD}"))
    pages = pypdf.PdfReader(io.BytesIO(done)).pages
    assert ["/Annots" in page for page in pages] == [True, False, True]
    assert re.findall(r"a page with a link|The card is hers", re.sub(r"\s+", " ", text_of(done))) == [
        "a page with a link",
        "The card is hers",
        "a page with a link",
    ]
    assert b"About" not in contents(done)


def test_a_file_without_a_match_has_the_same_pages() -> None:
    done = redacted(simple_pdf("first", "second"))
    assert [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(done)).pages] == ["first", "second"]


def upright(canvas: Canvas) -> None:
    canvas.drawString(72, 700, f"before {CARD} after")


def turned(canvas: Canvas) -> None:
    canvas.rotate(35)
    canvas.setFillColorRGB(1, 0, 0)
    canvas.drawString(300, 300, f"before {CARD} after")


def shadowed(canvas: Canvas) -> None:
    for shift in (0.3, 0):
        canvas.drawString(72 + shift, 700, f"before {CARD} after")


def broken(canvas: Canvas) -> None:
    canvas.drawString(72, 700, "before 4111 1111")
    canvas.drawString(72, 686, "1111 1111 after")


def subset(canvas: Canvas) -> None:
    font = Path(reportlab.__file__).parent / "fonts/Vera.ttf"
    pdfmetrics.registerFont(TTFont("Vera", str(font)))
    canvas.setFont("Vera", 11)
    canvas.drawString(72, 700, f"before {CARD} after")


def filled(canvas: Canvas) -> None:
    canvas.drawString(72, 700, "before")
    canvas.acroForm.textfield(name="card", value=CARD, x=72, y=600, width=200)
    canvas.drawString(72, 500, "after")


def in_a_form(canvas: Canvas) -> None:
    canvas.beginForm("stamp")
    canvas.drawString(72, 700, f"before {CARD} after")
    canvas.endForm()
    canvas.doForm("stamp")


@pytest.mark.parametrize("draw", [upright, turned, shadowed, broken, subset, filled, in_a_form])
def test_a_match_is_removed_and_the_text_around_it_stays(draw: Draw) -> None:
    done = redacted(drawn(draw))
    text = " ".join(text_of(done).split())
    assert not re.search("4111|1111", text)
    assert re.search("before.*after", text), text


def test_a_page_that_cannot_be_edited_is_refused_without_ocr() -> None:
    def in_a_picture_form(canvas: Canvas) -> None:
        canvas.beginForm("stamp")
        canvas.drawInlineImage(picture(60, 60, size=20), 100, 100)
        canvas.drawString(72, 700, f"before {CARD} after")
        canvas.endForm()
        canvas.doForm("stamp")

    with pytest.raises(RefusedError):
        redacted(drawn(in_a_picture_form))


@given(
    st.lists(st.sampled_from(["secretword", "plain", "other words", "x"]), min_size=1, max_size=6), st.integers(0, 3)
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_found_words_are_removed_at_any_place_and_others_stay(words: list[str], quarter: int) -> None:
    def page(canvas: Canvas) -> None:
        canvas.translate(300, 400)
        canvas.rotate(90 * quarter)
        for number, word in enumerate(words):
            canvas.drawString(10, -20 * number, f"{word} w{number}")

    text = text_of(redacted(drawn(page)))
    assert "secret" not in text
    assert sorted(re.findall(r"w\d", text)) == [f"w{number}" for number in range(len(words))]


@cache
def tesseract() -> TesseractEngine:
    return TesseractEngine()


@pytest.fixture
def engine() -> Iterator[None]:
    ocr.configure(tesseract(), OcrLimits())
    yield
    ocr.configure(None, OcrLimits())


@pytest.mark.slow
@pytest.mark.usefixtures("engine")
def test_a_scanned_page_becomes_an_image_without_the_match() -> None:
    scan = picture(1200, 1600, "Dear Ann, this is a letter.", f"The card {CARD} is hers.", "Kind regards", size=40)
    done = redacted(scanned_pdf(scan, pages=2))
    assert len(pypdf.PdfReader(io.BytesIO(done)).pages) == 2
    text = text_of(done)
    assert "Dear Ann" in text
    assert "1111" not in text


@pytest.mark.slow
@pytest.mark.usefixtures("engine")
def test_a_page_that_cannot_be_edited_becomes_an_image() -> None:
    text = text_of(redacted(planted_pdf()))
    assert "TOKEN" not in text
    assert "tagged" in text


def test_without_ocr_a_scanned_page_is_refused() -> None:
    with pytest.raises(RefusedError):
        redacted(scanned_pdf(picture(1200, 1600, CARD, size=40), f"the card {CARD}"))
