"""A text that turns into bytes: the rest is a separate document, and never complete unread."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.identify import binary_part, identify
from holdgate.extract.part import Status
from holdgate.extract.reading import Document
from tests.support.samples import signed, zipped

SCRIPT = b"#!/bin/sh\n" + b"echo a line of a script\n" * 4_000
END = b"\nexit 0\n" + b"# the end of it\n" * 400
SECRET = b"Rosenquist in an archive behind a script\n" + bytes(range(256)) * 20
NOISE = bytes((byte * 7 + 3) % 256 for byte in range(20_000))


@pytest.mark.parametrize("packed", [gzip.compress(SECRET, mtime=0), zipped({"a.txt": SECRET})])
def test_an_archive_after_a_script_is_read(packed: bytes) -> None:
    data = SCRIPT + packed
    extraction = extract_file("setup.sh", data)
    assert any("Rosenquist" in part.text for part in extraction.parts[1:])


def test_bytes_between_two_texts_are_limited() -> None:
    assert extract_file("a.txt", SCRIPT + NOISE[:1_500] + END).status is Status.LIMITED


@pytest.mark.parametrize(
    "text",
    [
        b"",
        SCRIPT,
        b"\x1b[1mred\x1b[0m and \x1b[32mgreen\x1b[0m\n" * 500,
        b"a log with a hole\n" + bytes(5_000) + b"and more\n",
        "größere Umlaute überall\n".encode("latin-1") * 300,
        "Привет\n".encode("koi8-r") * 300,
        "wide text\n".encode("utf-16-le") * 300,
        b"a form feed\x0c\n" * 200,
        b"one \x01 and \x02 another of the words that stand here\n" * 30,
    ],
)
def test_text_is_not_a_binary_part(text: bytes) -> None:
    assert binary_part(text) == b""


@given(st.binary(max_size=3_000))
def test_the_binary_part_is_contained_in_the_data(data: bytes) -> None:
    assert binary_part(data) in data


def test_white_pixels_are_not_text() -> None:
    assert identify(Document(b"\xff" * 9_000)) == "binary"
    assert identify(Document("Привет, это письмо. ".encode("koi8-r") * 200)) == "text"


def test_a_signature_around_a_text_is_not_text() -> None:
    page = b"%PDF-1.4\n" + b"% a line of a comment that is text\n" * 300
    assert identify(Document(signed(page), "x.pdf.p7m")) == "pkcs7"
