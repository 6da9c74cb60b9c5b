"""The result of an inspection: findings and names, masked, and which messages are plain text and HTML."""

from types import SimpleNamespace
from typing import Any

import pytest

from holdgate.detect import Confidence, Detector, Match
from holdgate.detect.detector import EVERYWHERE
from holdgate.extract.budget import Limits
from holdgate.extract.extractor import _Reading, extract_plain
from holdgate.extract.format import Format
from holdgate.extract.ocr import NOT_READ
from holdgate.extract.part import Extraction, Part, Role, Status
from holdgate.extract.readers.texts import html
from holdgate.extract.reading import Document
from holdgate.findings import Inspection
from holdgate.scan.inspect import Inspector, counted, gather
from holdgate.scan.shapes import Reading

SSN = "536-90-4399"


@pytest.fixture(scope="module")
def inspector(detector: Detector) -> Inspector:
    return Inspector(detector, ("dlp-pii",), Limits())


def test_every_found_value_leaves_the_inspection_masked(inspector: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
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
    "a second part": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\none\r\n--b\r\n'
    b"Content-Type: image/png\r\n\r\n\x89PNG\r\n--b--\r\n",
}


@pytest.mark.parametrize("message", PLAIN.values(), ids=PLAIN)
def test_plain_text_gives_the_same_result_as_the_complete_reader(inspector: Inspector, message: bytes) -> None:
    extraction = extract_plain(message)
    assert extraction is not None
    assert extraction == inspector.extract(message, None)


@pytest.mark.parametrize("message", BEYOND.values(), ids=BEYOND)
def test_the_plain_text_reader_refuses_other_messages_before_any_parser_runs(
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


# -- gathered findings -------------------------------------------------------------------------------------------------


def matches(count: int, identifier: str = "x", confidence: Confidence = Confidence.HIGH) -> list[Match]:
    return [Match(identifier, at * 10, at * 10 + 9, confidence, f"v{at}") for at in range(count)]


def long_part(count: int, name: str = "body") -> Part:
    text = "".join(f"{number:09} " for number in range(count))
    return Part(name, "text", text, places=[(at * 10, f"row {at}") for at in range(count)])


def test_samples_and_places_have_a_limit_and_counts_have_none() -> None:
    (one,) = gather([long_part(30)], [matches(30)], str)
    assert (one.count, one.unique) == (30, 30)
    assert one.parts == [f"body, row {at}" for at in range(20)]
    # The last digits differ, so each of the five is another.
    assert 1 <= len(one.masked) <= 5
    (few,) = gather([long_part(3)], [matches(3)], str)
    assert (few.count, few.parts) == (3, ["body, row 0", "body, row 1", "body, row 2"])


def test_equal_masked_samples_are_listed_once() -> None:
    part = Part("body", "text", "123456789 123456789")
    (one,) = gather([part], [[Match("x", 0, 9, Confidence.HIGH, "v"), Match("x", 10, 19, Confidence.HIGH, "v")]], str)
    assert (one.count, one.unique, one.parts, len(one.masked)) == (2, 1, ["body"], 1)


def test_at_most_five_different_samples_are_shown() -> None:
    text = " ".join("x" * length + "-1" for length in range(5, 12))
    spans, start = [], 0
    for word in text.split():
        spans.append(Match("x", start, start + len(word), Confidence.HIGH, word))
        start += len(word) + 1
    (one,) = gather([Part("body", "text", text)], [spans], str)
    assert [len(masked) for masked in one.masked] == [7, 8, 9, 10, 11]


def test_findings_are_sorted_by_falling_confidence_and_then_by_name() -> None:
    found = [
        *matches(1, "b", Confidence.LOW),
        *matches(1, "b", Confidence.HIGH),
        *matches(1, "a", Confidence.HIGH),
        *matches(1, "a", Confidence.MEDIUM),
    ]
    result = gather([long_part(1)], [found], str)
    assert [(one.identifier, one.confidence) for one in result] == [
        ("a", "high"),
        ("b", "high"),
        ("a", "medium"),
        ("b", "low"),
    ]


def test_names_of_parts_are_masked() -> None:
    (one,) = gather([Part("secret", "text", "123456789 ")], [matches(1)], lambda name: name.replace("secret", "***"))
    assert one.parts == ["***"]


@pytest.mark.parametrize("confidence", list(Confidence))
@pytest.mark.parametrize("trace", [True, False])
def test_only_certain_matches_count_in_text_that_programs_write(confidence: Confidence, trace: bool) -> None:
    part = Part("header", "mime", "x" * 20, trace=trace)
    everywhere = min(EVERYWHERE)
    found = [*matches(1, "x", confidence), *matches(1, everywhere, confidence)]
    kept = [one.identifier for one in counted(part, found)]
    assert kept == (["x", everywhere] if not trace else ["x"] if confidence is Confidence.HIGH else [])


# -- the status -------------------------------------------------------------------------------------------------------


def judged(inspector: Inspector, extraction: Extraction, **words: Any) -> Inspection:
    return inspector.search(Reading(extraction, 5.0), **words)


@pytest.mark.parametrize(
    ("reasons", "pictures", "encrypted"),
    [
        (["encrypted"], False, True),
        (["member encrypted; x"], False, True),
        ([NOT_READ], True, False),
        (["too many cells", ""], False, False),
        ([NOT_READ, "encrypted"], True, True),
    ],
    ids=["encrypted", "inside", "image", "neither", "both"],
)
def test_unread_images_and_encrypted_parts_are_reported(
    inspector: Inspector, reasons: list[str], pictures: bool, encrypted: bool
) -> None:
    parts = [Part(f"{at}", "x", "", status=Status.LIMITED, reason=reason) for at, reason in enumerate(reasons)]
    result = judged(inspector, Extraction(parts, Status.LIMITED, "r"))
    assert (result.pictures_unread, result.encrypted) == (pictures, encrypted)


def test_a_search_with_a_limit_makes_a_complete_message_limited(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Limited:
        loaded = inspector._detector.loaded

        @staticmethod
        def scan(*_: Any) -> Any:
            return SimpleNamespace(matches=[], limited="too many matches")

    monkeypatch.setattr(inspector, "_detector", Limited)
    result = judged(inspector, Extraction([Part("body", "text", "x"), Part("b", "text", "x")]))
    assert (result.status, result.reason) == ("limited", "body: too many matches")
    failed = judged(inspector, Extraction([Part("body", "text", "x")], Status.FAILED, "r"))
    assert (failed.status, failed.reason) == ("failed", "r")


def test_link_hosts_come_only_from_text_of_people_and_only_on_request(inspector: Inspector) -> None:
    parts = [
        Part("body", "text", "see https://partner.example/ and https://partner.example/x"),
        Part("header", "mime", "https://list.example/", trace=True),
    ]
    assert judged(inspector, Extraction(parts), links=True).hosts == ["partner.example"]
    assert judged(inspector, Extraction(parts)).hosts == []
    plain = b"Subject: s\r\n\r\nhttps://partner.example\r\n"
    for ask in (inspector.inspect, inspector.inspect_plain):
        with_links, without = ask(plain, links=True), ask(plain)
        assert with_links is not None
        assert without is not None
        assert (with_links.hosts, without.hosts) == (["partner.example"], [])


def test_the_times_of_reading_and_searching_are_reported(inspector: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([1.0, 1.2501236, 1.5001236])
    monkeypatch.setattr("holdgate.scan.inspect.time.perf_counter", lambda: next(clock))
    monkeypatch.setattr(inspector, "extract", lambda *_: Extraction())
    result = inspector.inspect(b"")
    assert (result.extract_ms, result.elapsed_ms) == (250.124, 500.124), "in milliseconds, to the microsecond"
    clock = iter([2.0, 2.0, 2.25])
    monkeypatch.setattr("holdgate.scan.inspect.time.perf_counter", lambda: next(clock))
    searched = inspector.search(Reading(Extraction(), 500.0))
    assert (searched.extract_ms, searched.elapsed_ms) == (500.0, 750.0)


def test_the_inspector_lists_all_identifiers_and_their_samples(inspector: Inspector) -> None:
    assert "us-ssn" in inspector.identifiers
    assert "«" not in inspector.samples
    assert len(inspector.samples.splitlines()) > len(inspector.identifiers)
    assert inspector.limits == Limits()
    rules = inspector._detector.loaded.identifiers["us-ssn"].samples
    for text in (*rules.high, *rules.medium, *rules.low):
        assert text.replace("«", "").replace("»", "") in inspector.samples


def test_the_reasons_for_a_match_name_its_part_and_its_masked_place(inspector: Inspector) -> None:
    reasons = inspector.explain(f"Subject: s\r\n\r\nher SSN: {SSN}\r\n".encode())
    assert {one["part"] for one in reasons} == {"message body"}
    assert SSN not in repr(reasons)
    sheet = inspector.explain(f"name,ssn\nanna,{SSN}\n".encode(), f"{SSN}.csv")
    assert sheet
    assert SSN not in repr(sheet)
