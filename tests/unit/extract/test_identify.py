"""Identification: the content decides, the name and the declared type are only compared."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract import identify as identification
from holdgate.extract.formats import REGISTRY
from holdgate.extract.identify import identify, mismatch
from holdgate.extract.reading import Document
from tests.support.samples import archived, cab, message, rar, rar5, samples, signed, zipped

DOCX = zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<document/>"})


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "text"),
        (b"plain words", "text"),
        (b"%PDF-1.7\n", "pdf"),
        (b"\n\n%PDF-1.7\n\x00\x01\x02\x03\x04", "pdf"),
        (b"{\\rtf1 x}", "rtf"),
        (DOCX, "ooxml"),
        (zipped({"a.docx": DOCX}), "zip"),
        (zipped({"mimetype": b"application/vnd.oasis.opendocument.text"}), "odf"),
        (zipped({"mimetype": b"application/epub+zip"}), "zip"),
        (rar(), "archive"),
        (rar5(), "archive"),
        (cab(), "archive"),
        (archived("7zip"), "archive"),
        (archived("iso9660"), "archive"),
        (archived("v7tar"), "archive"),
        (archived("ustar", "gzip"), "compressed"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"<!DOCTYPE html><p>x", "html"),
        (b"  <!-- note --><HTML>", "html"),
        (b"<?xml version='1.0'?><html/>", "html"),
        (b"<?xml version='1.0'?><note/>", "xml"),
        (b"<note a='b'>x</note>", "xml"),
        (b"<3 you", "text"),
        (b"From: a@corp.example\nSubject: x\n\nbody", "message"),
        (b"From: the desk\n\nbody", "text"),
        (b"From a@corp.example Mon Nov 23 09:00:00 2026\nSubject: x\n\n", "mbox"),
        (b"From here it is 12:30 hours\nto there", "text"),
        (b"BEGIN:VCARD\r\nFN:x\r\n", "card"),
        (b"BEGIN:VCALENDAR\r\n", "calendar"),
        (signed(message()), "pkcs7"),
        (b"-----BEGIN PGP MESSAGE-----\n", "encrypted"),
        (b"\x30\x82\x0a\x2f\x02\x01\x03\x30\x82\x09\xf5\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", "encrypted"),
        (b"\x00\x01\x02\x03\x04\x05", "binary"),
        ("Größe".encode("utf-16"), "text"),
        ("<html><p>x</p>".encode("utf-16"), "html"),
    ],
)
def test_the_content_decides_the_format(data: bytes, kind: str) -> None:
    assert identify(Document(data, "report.dat")) == kind


def test_name_and_declared_type_decide_only_among_text_formats() -> None:
    assert identify(Document(b"a;b\n", "table.csv")) == "csv"
    assert identify(Document(b"a;b\n", "", "text/csv")) == "csv"
    assert identify(Document(b"From: a\nSubject: b\n\n", "", "text/plain")) == "text"
    assert identify(Document(b"no fields at all", "", "message/rfc822")) == "message"
    assert identify(Document(b"%PDF-1.7", "table.csv", "text/html")) == "pdf"


@pytest.mark.parametrize(
    ("data", "name", "declared"),
    [
        (DOCX, "photo.jpg", ""),
        (DOCX, "folder.zip", ""),
        (b"%PDF-1.7", "note.txt", ""),
        (b"%PDF-1.7", "", "image/png"),
        (b"\x89PNG\r\n\x1a\n", "scan.pdf", "application/octet-stream"),
    ],
)
def test_a_wrong_name_or_type_is_a_signal(data: bytes, name: str, declared: str) -> None:
    document = Document(data, name, declared)
    assert mismatch(document, identify(document)).startswith("type mismatch: ")


@pytest.mark.parametrize(
    ("data", "name", "declared"),
    [
        (DOCX, "report.docx", "application/octet-stream"),
        (DOCX, "report", ""),
        (b"<p>x</p>", "note.txt", "text/plain"),
        (b"{\\rtf1 x}", "letter.doc", "application/msword"),
        (b"", "empty.pdf", "application/pdf"),
        (b"%PDF-1.7", "x.unknown", "application/x-unknown"),
    ],
)
def test_a_usual_name_or_type_is_not_a_signal(data: bytes, name: str, declared: str) -> None:
    document = Document(data, name, declared)
    assert mismatch(document, identify(document)) == ""


@pytest.mark.parametrize("name", samples())
def test_each_sample_matches_its_name(name: str) -> None:
    document = Document(samples()[name], name)
    assert mismatch(document, identify(document)) == ""


@given(st.binary(max_size=600), st.sampled_from(["", "a.zip", "a.csv"]), st.sampled_from(["", "text/html"]))
def test_any_document_has_a_reader(data: bytes, name: str, declared: str) -> None:
    assert identify(Document(data, name, declared)) in REGISTRY.formats.keys() | {"message"}


@given(st.lists(st.sampled_from([b"<!--", b"-->", b"<b>", b"<x>", b" ", b"a", b"-", b">"]), max_size=9).map(b"".join))
def test_markup_after_comments_is_recognised(text: bytes) -> None:
    """The pattern is a quick form of this one, which takes exponential time for many comments."""
    simple = identification._MARKUP.pattern.replace(rb"\s*+(?:<!--.*?-->\s*+)?", rb"\s*(?:<!--.*?-->\s*)*")
    expected = re.match(simple, text, identification._MARKUP.flags)
    assert bool(identification._MARKUP.match(text)) == bool(expected)


def test_text_after_many_comments_is_identified_as_text() -> None:
    assert identify(Document(b"<!---->" * 200 + b"x")) == "text"
    assert identify(Document(b"<!---->" * 200 + b"<html>")) == "html"
