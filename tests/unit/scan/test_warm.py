"""Documents that are read before the first fork: complete, of the kinds frequent in mail, each more than once."""

import io
import re
import zipfile
from email import message_from_bytes
from typing import Any, cast
from xml.etree import ElementTree as ET

from PIL import ExifTags, Image

from holdgate.scan.inspect import Inspector
from holdgate.scan.reading import ReadingOnly
from holdgate.scan.warm import _documents, warm, warm_reading

TEXT = "Dear Anna, we met on Monday."


class Recorder:
    """Records the documents that it gets."""

    def __init__(self) -> None:
        self.read: list[bytes] = []
        self.plain: list[bytes] = []

    def inspect(self, message: bytes, **_: str) -> None:
        self.read.append(message)

    def inspect_plain(self, message: bytes, **_: str) -> None:
        self.plain.append(message)

    def do(self, job: dict[str, Any], message: bytes) -> None:
        assert job == {"do": "read", "name": None}
        self.read.append(message)


def files(messages: list[bytes]) -> list[str]:
    return [
        part.get_filename() or ""
        for message in messages
        for part in message_from_bytes(message).walk()
        if part.get_filename()
    ]


NAMES = ["a.csv", "a.docx", "a.xlsx", "a.pptx", "a.pdf"]


def test_warming_reads_one_in_five_samples_and_each_kind_of_document_several_times() -> None:
    noted = Recorder()
    warm(cast(Inspector, noted), "\n".join(f"sample{number}" for number in range(11)))
    assert re.findall(rb"sample\d+", noted.read[0]) == [b"sample0", b"sample5", b"sample10"]
    assert files(noted.read) == NAMES * 3
    assert len(noted.read) == 1 + 3 * 6
    assert len(noted.plain) == 6
    assert [b"<html>" in one for one in noted.plain] == [False, True] * 3


def test_a_process_that_only_reads_reads_the_same_documents() -> None:
    noted = Recorder()
    warm_reading(cast(ReadingOnly, noted))
    assert files(noted.read) == NAMES * 3
    assert len(noted.read) == 18


def test_the_documents_are_complete_and_contain_the_text() -> None:
    found = dict(_documents(TEXT))
    assert list(found) == NAMES
    for name in NAMES[1:4]:
        with zipfile.ZipFile(io.BytesIO(found[name])) as package:
            types, part = (member for member in package.namelist() if not member.startswith("word/media/"))
            assert types == "[Content_Types].xml"
            (override,) = ET.fromstring(package.read(types))
            assert override.get("PartName") == f"/{part}"
            assert "Dear Anna" in "".join(ET.fromstring(package.read(part)).itertext())
    assert b"Dear Anna" in found["a.csv"]


def test_html_pages_and_word_documents_contain_usual_elements() -> None:
    noted = Recorder()
    warm_reading(cast(ReadingOnly, noted))
    assert noted.read[-1].count(b"<style>") == 1
    with zipfile.ZipFile(io.BytesIO(dict(_documents(TEXT))["a.docx"])) as package:
        picture = Image.open(io.BytesIO(package.read("word/media/image1.jpeg")))
    assert picture.size == (120, 120)
    assert picture.getexif()[ExifTags.Base.Software] == "Software"


def test_the_cross_reference_table_of_the_pdf_is_correct() -> None:
    pdf = dict(_documents(TEXT))["a.pdf"]
    (start,) = re.findall(rb"startxref\n(\d+)\n", pdf)
    assert pdf[int(start) :].startswith(b"xref\n0 6\n")
    places = re.findall(rb"(\d{10}) 00000 n \n", pdf)
    assert [pdf[int(place) :][:7] for place in places] == [b"%d 0 obj" % number for number in range(1, 6)]
    (length, drawn) = re.findall(rb"/Length (\d+)>>stream\n(.*?)\nendstream", pdf, re.DOTALL)[0]
    assert int(length) == len(drawn)


def test_a_document_stays_small_even_with_a_long_text() -> None:
    assert all(len(data) < 20_000 for _, data in _documents("word " * 10_000))
