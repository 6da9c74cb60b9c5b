"""What leaves a worker about a message: findings and names, masked, and which messages are plain text and HTML."""

import pytest

from holdgate.detect import Detector
from holdgate.extract.budget import Limits
from holdgate.extract.extractor import _Reading, extract_plain
from holdgate.extract.format import Format
from holdgate.extract.part import Extraction, Part, Role, Status
from holdgate.extract.readers.texts import html
from holdgate.extract.reading import Document
from holdgate.scan.inspect import Inspector

SSN = "536-90-4399"


@pytest.fixture(scope="module")
def inspector(detector: Detector) -> Inspector:
    return Inspector(detector, ("dlp-pii",), Limits())


def test_nothing_that_was_found_leaves_unmasked(inspector: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [
        Part("message body", "text", f"her SSN: {SSN}"),
        Part(f"{SSN}.pdf", "pdf", size=7, status=Status.LIMITED, reason="encrypted"),
    ]
    extraction = Extraction(
        parts, Status.LIMITED, f"{SSN}.pdf: encrypted", signals=[f"type mismatch: text named .{SSN}"]
    )
    monkeypatch.setattr(inspector, "extract", lambda _data, _name: extraction)
    inspection = inspector.inspect(b"", subject=f"about {SSN}", header_from=f'"{SSN}" <anna@corp.example>')
    assert [one.identifier for one in inspection.findings] == ["us-ssn"]
    assert inspection.signals == ["type mismatch: text named .***-**-*399"]
    assert inspection.header_from == '"***-**-*399" <anna@corp.example>'
    assert SSN not in repr(inspection)


PLAIN = {
    "no header": b"\r\nHello\r\n",
    "no type": b"Subject: s\r\n\r\nHello\r\n",
    "text/plain": b"Content-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n",
    "another charset": b"Content-Type: text/plain; charset=koi8-r\r\n\r\n\xf0\xd2\xc9\xd7\xc5\xd4\r\n",
    "quoted-printable": b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=48i\r\n",
    "several": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n',
    "empty": b"Subject: s\r\n\r\n",
    "html": b"Content-Type: text/html\r\n\r\n<p title=t>Hello<br>you</p><!-- a -->\r\n",
    "html in another charset": b"Content-Type: text/html\r\n\r\n<meta charset=koi8-r>\xf0\xd2\xc9\xd7\xc5\xd4\r\n",
    "plain text and html": b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\n\r\none\r\n--b\r\n'
    b"Content-Type: text/html\r\n\r\n<html><body><p hidden>1</p><p>one</p></body></html>\r\n--b--\r\n",
}
BEYOND = {
    "html for lexbor": b"Content-Type: text/html\r\n\r\n<svg><text>Hello</text></svg>\r\n",
    "html with a name": b'Content-Type: text/html; name="a.htm"\r\n\r\n<p>Hello</p>\r\n',
    "html with a file in it": b"Content-Type: text/html\r\n\r\n<img src='data:text/plain;base64,SGVsbG8='>\r\n",
    "text that is called html": b"Content-Type: text/html\r\n\r\n%PDF-1.4\r\n",
    "html that is called text": b"Content-Type: text/plain\r\n\r\n<html><p>Hello</p>\r\n",
    "csv": b"Content-Type: text/csv\r\n\r\na,b\r\n",
    "pdf that is called text": b"Content-Type: text/plain\r\n\r\n%PDF-1.4\r\n",
    "zip that is called text": b"Content-Type: text/plain\r\n\r\nPK\x03\x04 and some words\r\n",
    "a name": b'Content-Type: text/plain; name="a.txt"\r\n\r\nHello\r\n',
    "a message": b"Content-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\nHello\r\n",
    "a mailbox": b"Content-Type: text/plain\r\n\r\nFrom a Thu Jan  1 10:00:00 2026\r\nSubject: s\r\n\r\nHello\r\n",
    "bytes": b"Content-Type: text/plain\r\n\r\n" + bytes(range(1, 31)) * 4,
    "uuencode": b"Content-Type: text/plain\r\n\r\nbegin 644 a.txt\r\n#86)C\r\n`\r\nend\r\n",
    "a part beside": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\none\r\n--b\r\n'
    b"Content-Type: image/png\r\n\r\n\x89PNG\r\n--b--\r\n",
}


@pytest.mark.parametrize("message", PLAIN.values(), ids=PLAIN)
def test_plain_text_is_read_as_any_message(inspector: Inspector, message: bytes) -> None:
    extraction = extract_plain(message)
    assert extraction is not None
    assert extraction == inspector.extract(message, None)


@pytest.mark.parametrize("message", BEYOND.values(), ids=BEYOND)
def test_what_is_more_than_plain_text_meets_no_reader(
    inspector: Inspector, message: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[str] = []
    read_with = _Reading._read_with

    def noting(reading: _Reading, format_: Format, document: Document, name: str, role: Role) -> None:
        met.append(format_.kind)
        read_with(reading, format_, document, name, role)

    monkeypatch.setattr(_Reading, "_read_with", noting)
    lexbor: list[str] = []
    monkeypatch.setattr(html, "LexborHTMLParser", lexbor.append)
    assert extract_plain(message) is None
    assert inspector.inspect_plain(message) is None
    assert set(met) <= {"text", "html"}
    assert lexbor == []
