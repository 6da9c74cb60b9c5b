"""Readers work in the sandbox as outside it, and a hang or crash ends only their process."""

import re
import signal
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path

import chardet
import phonenumbers
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from stdnum.cn import ric
from stdnum.us import ein

from holdgate.extract import ocr
from holdgate.extract.budget import Budget, LimitReachedError, Limits
from holdgate.extract.extractor import extract_file
from holdgate.extract.ocr import OcrLimits
from holdgate.extract.part import Status
from holdgate.extract.readers.pdf import pdf
from holdgate.extract.readers.pictures import image
from holdgate.extract.reading import Document, Reader, UnreadableError
from holdgate.extract.tesseract import TesseractEngine
from holdgate.rewrite.finder import Finder
from holdgate.rewrite.image import rewrite as rewrite_image
from holdgate.rewrite.pdf import rewrite as rewrite_pdf
from tests.data.hangul import DISTRIBUTED, distributed, hwp, paragraph
from tests.support.confined import Outcome, run_confined
from tests.support.pdf_writer import simple_pdf
from tests.support.pictures import picture, saved, scanned_pdf
from tests.support.planted_pdf import planted_pdf
from tests.support.samples import samples
from tests.support.sink import KeepingSink

pytestmark = pytest.mark.slow(seconds=0.5)

DOCUMENTS = Path(__file__).parents[2] / "data/documents"
FORMATS = samples()
WORDS = "a line of words"
PICTURES = {
    kind: saved(picture(300, 120, WORDS).convert("RGB"), kind)
    for kind in ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP", "JPEG2000", "AVIF")
}
SAMPLES: dict[str, bytes] = {
    "planted.pdf": planted_pdf(),
    "packed.pdf": planted_pdf(packed=True),
    "scanned.pdf": scanned_pdf(picture(600, 800, WORDS)),
    "text.txt": "Grüße, ein Text\n".encode("cp1252") * 20,
    "page.html": b"<html><body><p>a paragraph</p></body></html>",
    "mail.eml": b"Subject: words\r\nContent-Type: text/plain\r\n\r\na body\r\n",
    "view.hwp": hwp(flags=DISTRIBUTED, ViewText={"Section0": distributed(paragraph("words"), 4711)}),
    **{f"picture.{kind.lower()}": data for kind, data in PICTURES.items()},
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_reads_the_same_as_without_sandbox(name: str) -> None:
    def read() -> tuple[object, ...]:
        return astuple(extract_file(name, FORMATS[name]))

    assert run_confined(read) == Outcome(result=read())


def test_no_reader_imports_anything_after_confinement() -> None:
    """In a separate process: this one has imported the modules that the tests use."""
    code = """
import os, sys
from pathlib import Path
from holdgate.scan.sandbox import preload
from holdgate.extract.extractor import extract_file
documents = [(Path(name).name, Path(name).read_bytes()) for name in sys.argv[1:]]
preload()
before = set(sys.modules)
for name, data in documents:
    extract_file(name, data)
print(*sorted(set(sys.modules) - before))
"""
    with tempfile.TemporaryDirectory() as directory:
        files = [Path(directory, name) for name in FORMATS]
        for file in files:
            file.write_bytes(FORMATS[file.name])
        files += sorted(DOCUMENTS.iterdir())
        found = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


@pytest.mark.parametrize("name", SAMPLES)
def test_a_document_reads_the_same_as_without_sandbox(name: str) -> None:
    def read() -> tuple[object, ...]:
        return astuple(extract_file(name, SAMPLES[name]))

    assert run_confined(read) == Outcome(result=read())


def test_charsets_are_detected_in_the_sandbox() -> None:
    words = {
        "koi8-r": "Съешь ещё этих мягких французских булок ",
        "euc-jp": "これは日本語の文章です。",
        "iso8859-2": "Zażółć gęślą jaźń i jeszcze trochę ",
        "gb18030": "这是中文文本用于测试字符编码检测",
        "cp1252": "Größe, naïve café ",
    }
    samples = [(text * times).encode(codec) for codec, text in words.items() for times in (1, 20, 300)]
    samples += [bytes(range(128, 256)) * times for times in (1, 60)]

    def detect() -> list[object]:
        return [chardet.detect(sample)["encoding"] for sample in samples]

    assert run_confined(detect) == Outcome(result=detect())


def test_phone_numbers_of_every_country_are_validated_in_the_sandbox() -> None:
    def judge() -> list[bool]:
        numbers = [phonenumbers.example_number(region) for region in sorted(phonenumbers.SUPPORTED_REGIONS)]
        valid = [number is not None and phonenumbers.is_valid_number(number) for number in numbers]
        return [*valid, ric.is_valid("360426199101010071"), ein.is_valid("04-2103594")]

    assert run_confined(judge) == Outcome(result=judge())
    assert all(judge())


@pytest.fixture(scope="module")
def tesseract() -> Iterator[None]:
    ocr.configure(TesseractEngine(), OcrLimits())
    yield
    ocr.configure(None, OcrLimits())


@pytest.mark.usefixtures("tesseract")
@pytest.mark.parametrize("name", ["scanned.pdf", *(f"picture.{kind.lower()}" for kind in PICTURES)])
def test_ocr_works_in_the_sandbox(name: str) -> None:
    outcome = run_confined(lambda: extract_file(name, SAMPLES[name]).parts[0].text)
    assert WORDS in outcome.result


def secret_spans(text: str) -> list[tuple[int, int]]:
    return [found.span() for found in re.finditer(r"TOKEN\d\dX|line of", text)]


def secret_check(name: str, data: bytes) -> tuple[bool, bool]:
    extraction = extract_file(name, data)
    return extraction.status is Status.COMPLETE, any(secret_spans(part.text) for part in extraction.parts)


@pytest.mark.usefixtures("tesseract")
@pytest.mark.parametrize("name", ["planted.pdf", "scanned.pdf"])
def test_a_pdf_is_redacted_the_same_as_without_sandbox(name: str) -> None:
    finder = Finder(secret_spans, secret_spans, secret_check, ())

    def redact() -> bytes:
        return rewrite_pdf(SAMPLES[name], name, finder, lambda _, content: content[:1], Budget(Limits()))

    assert run_confined(redact) == Outcome(result=redact())


@pytest.mark.usefixtures("tesseract")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP"])
def test_an_image_is_redacted_the_same_as_without_sandbox(kind: str) -> None:
    def redact() -> bytes:
        return rewrite_image(PICTURES[kind], "a", secret_spans)

    assert run_confined(redact) == Outcome(result=redact())


def reading(reader: Reader, data: bytes, limits: Limits | None = None) -> Callable[[], str]:
    """Return a job that reads `data` as a worker does and returns its status."""

    def read() -> str:
        sink = KeepingSink(Budget(limits or Limits()))
        sink.budget.begin_part()
        try:
            reader(Document(data), sink)
        except (LimitReachedError, UnreadableError) as error:
            return str(error)
        return ", ".join(sink.limits) or "complete"

    return read


def test_a_pdf_over_the_time_limit_is_abandoned() -> None:
    outcome = run_confined(reading(pdf.read, planted_pdf(), Limits(part_seconds=-1.0)))
    assert outcome == Outcome(result="time limit")


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV, signal.SIGTRAP])
def test_a_library_that_crashes_ends_only_its_own_process(number: signal.Signals) -> None:
    def crash() -> None:
        signal.raise_signal(number)

    assert run_confined(crash) == Outcome(killed_by=number)


def test_a_reader_that_does_not_stop_is_killed_with_its_process() -> None:
    def spin() -> None:
        while True:
            pass

    assert run_confined(spin, seconds=0.2) == Outcome(timed_out=True)


def mutations(originals: list[bytes]) -> st.SearchStrategy[bytes]:
    """Return damaged copies: cut, bits flipped, ranges zeroed or repeated."""

    @st.composite
    def mutant(draw: st.DrawFn) -> bytes:
        data = bytearray(draw(st.sampled_from(originals)))
        for _ in range(draw(st.integers(1, 6))):
            start = draw(st.integers(0, max(0, len(data) - 1)))
            length = draw(st.integers(1, 64))
            match draw(st.sampled_from(("cut", "flip", "zero", "repeat", "number"))):
                case "cut":
                    del data[start:]
                case "flip":
                    data[start : start + 1] = draw(st.binary(min_size=1, max_size=4))
                case "zero":
                    data[start : start + length] = bytes(length)
                case "repeat":
                    data[start:start] = data[start : start + length] * draw(st.integers(1, 50))
                case "number":
                    data[start : start + 1] = draw(st.sampled_from([b"9999999", b"-1", b"0", b"4294967295"]))
        return bytes(data)

    return mutant()


MUTATED = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MUTATED
@given(mutations([planted_pdf(), planted_pdf(packed=True), simple_pdf("one", "two"), SAMPLES["scanned.pdf"]]))
def test_a_damaged_pdf_never_hangs_and_raises_only_the_expected_errors(data: bytes) -> None:
    outcome = run_confined(reading(pdf.read, data, Limits(part_seconds=5.0)), seconds=90)
    assert not outcome.timed_out
    assert not outcome.raised


@MUTATED
@given(mutations([*PICTURES.values()]))
def test_a_damaged_image_never_hangs_and_raises_only_the_expected_errors(data: bytes) -> None:
    outcome = run_confined(reading(image.read, data, Limits(part_seconds=5.0)), seconds=90)
    assert not outcome.timed_out
    assert not outcome.raised


def test_an_image_that_claims_to_be_huge_is_not_decoded() -> None:
    data = bytearray(saved(Image.new("L", (10, 10)), "PNG"))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    assert run_confined(reading(image.read, bytes(data))) == Outcome(result=ocr.NOT_READ)
