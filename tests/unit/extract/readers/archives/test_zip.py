"""Zip archives: every member, also hidden ones, and every unread one is reported."""

import io
import zipfile

import pytest

from holdgate.extract.budget import Limits
from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from holdgate.extract.readers.archives import zip as zip_reader
from tests.support.samples import zipped
from tests.support.sink import read_all


def test_members_and_comments_are_read() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.comment = b"about all"
        info = zipfile.ZipInfo("dir/a.txt")
        info.comment = b"about one"
        archive.writestr(info, b"content")
        archive.writestr("empty/", b"")
    sink = read_all(zip_reader.read, out.getvalue())
    assert [(document.name, document.data) for document in sink.documents] == [("dir/a.txt", b"content")]
    assert sink.places_of("about all") == ["ZIP comment"]
    assert sink.places_of("about one") == ["ZIP directory"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_compression_method_is_read(method: int) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("a.txt", b"content " * 50)
    assert read_all(zip_reader.read, out.getvalue()).documents[0].data == b"content " * 50


def test_encrypted_members_are_named() -> None:
    data = bytearray(zipped({"a.txt": b"content", "b.txt": b"other"}))
    at = data.find(b"PK\x01\x02")
    data[at + 8] |= 1
    sink = read_all(zip_reader.read, bytes(data))
    assert sink.limits == ["encrypted member"]
    assert [document.data for document in sink.documents] == [b"other"]
    assert "a.txt" in [text for text, _ in sink.texts]


def test_members_missing_in_the_directory_are_read() -> None:
    visible, hidden = zipped({"a.txt": b"visible"}), zipped({"b.txt": b"Rosenquist"})
    extraction = extract_file("a.zip", hidden + visible)
    assert any("Rosenquist" in part.text for part in extraction.parts)
    assert "zip: data outside the directory" in extraction.signals


def test_an_ordinary_archive_has_no_signal() -> None:
    assert extract_file("a.zip", zipped({"a.txt": b"x", "b.txt": b"y"})).signals == []


def test_a_cut_archive_is_read_and_limited() -> None:
    data = zipped({"a.txt": b"first content", "b.txt": b"second content"})
    extraction = extract_file("a.zip", data[: data.find(b"PK\x01\x02") - 3])
    assert any("first content" in part.text for part in extraction.parts)
    assert extraction.status is Status.LIMITED


def test_a_member_over_the_size_limit_is_not_decompressed() -> None:
    extraction = extract_file("a.zip", zipped({"a.txt": b"x" * 100, "b.txt": b"small"}), Limits(entry_bytes=50))
    assert [part.name for part in extraction.parts] == ["a.zip", "a.zip › b.txt"]
    assert extraction.reason == "a.zip: member too large"


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_the_member_after_a_damaged_one_is_read(method: int) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("a.txt", " ".join(map(str, range(300))))
        archive.writestr("b.txt", "Rosenquist")
    damaged = bytearray(out.getvalue())
    damaged[39:60] = b"\xff" * 21
    extraction = extract_file("a.zip", bytes(damaged))
    assert any("Rosenquist" in part.text for part in extraction.parts)
    assert extraction.reason == "a.zip: damaged member"
