"""The jobs of a worker, and after which jobs it is reusable."""

import json
from typing import Any, cast

import pytest

from holdgate.detect import Detector
from holdgate.extract.budget import Limits
from holdgate.extract.part import Extraction, Part, Status
from holdgate.findings import Inspection
from holdgate.scan import inspecting as module
from holdgate.scan import wire
from holdgate.scan.inspect import Inspector
from holdgate.scan.inspecting import Inspecting
from holdgate.scan.reading import ReadingOnly
from holdgate.scan.shapes import NOT_FOR_THIS_WORKER, READER_ENDED, READING, UNREADABLE, Reading
from holdgate.scan.worker import TRIAL

SSN = "536-90-4399"
MESSAGE = f"Subject: s\r\n\r\nher SSN: {SSN}\r\n".encode()
WORDS = {"subject": "s", "header_from": "f", "message_id": "m"}


@pytest.fixture(scope="module")
def work(detector: Detector) -> Inspecting:
    return Inspecting(Inspector(detector, ("dlp-pii",), Limits()))


def done(work: Inspecting, job: dict[str, Any], content: bytes = MESSAGE) -> Any:
    return json.loads(work.do(job, content))


def identifiers(answer: Any) -> list[str]:
    return [one["identifier"] for one in answer["findings"]]


@pytest.mark.parametrize(
    ("kind", "stays"),
    [
        ("trial", True),
        ("inspect plain", True),
        ("search", True),
        ("inspect", False),
        ("extract", False),
        ("explain", False),
        ("letter", False),
        ("change", False),
        ("preview", False),
    ],
)
def test_only_jobs_without_a_document_parser_leave_a_worker_reusable(work: Inspecting, kind: str, stays: bool) -> None:
    assert work.is_reusable({"do": kind}) is stays
    assert ReadingOnly(Limits()).is_reusable({"do": kind}) is False


def test_the_trial_job_inspects_a_text_and_returns_an_empty_answer(
    monkeypatch: pytest.MonkeyPatch, work: Inspecting
) -> None:
    read: list[bytes] = []
    inspect_plain = work._inspector.inspect_plain
    monkeypatch.setattr(work._inspector, "inspect_plain", lambda data: (read.append(data), inspect_plain(data))[1])
    assert work.do({"do": "trial"}, b"") == b"{}"
    assert read == [TRIAL]


@pytest.mark.parametrize("kind", ["inspect", "inspect plain"])
def test_an_inspection_returns_findings_and_header_values(work: Inspecting, kind: str) -> None:
    answer = done(work, {"do": kind, "name": None, "words": WORDS | {"subject": SSN}})
    assert identifiers(answer) == ["us-ssn"]
    assert (answer["subject"], answer["header_from"], answer["message_id"]) == ("***-**-*399", "f", "m")


def test_a_message_that_is_not_plain_text_is_returned_as_not_for_this_worker(work: Inspecting) -> None:
    page = b"Content-Type: application/pdf\r\n\r\n%PDF-1.4\r\n"
    assert work.do({"do": "inspect plain", "words": WORDS}, page) == NOT_FOR_THIS_WORKER


def test_a_file_is_read_as_its_name_says(work: Inspecting) -> None:
    answer = done(work, {"do": "inspect", "name": "note.txt", "words": WORDS}, f"her SSN: {SSN}".encode())
    assert [one["name"] for one in answer["attachments"]] in ([], ["note.txt"])
    assert answer["findings"][0]["parts"][0].startswith("note.txt")


# -- a search ---------------------------------------------------------------------------------------------------------


def test_a_search_finds_matches_in_text_that_another_process_read(work: Inspecting) -> None:
    frame = ReadingOnly(Limits()).do({"do": "read", "name": None}, MESSAGE)
    answer = done(work, {"do": "search", "words": WORDS}, frame)
    assert identifiers(answer) == ["us-ssn"]
    assert answer["subject"] == "s"


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        (b"", READER_ENDED),
        (NOT_FOR_THIS_WORKER, NOT_FOR_THIS_WORKER),
        (b'{"error":"no seccomp"}', b'{"error":"no seccomp"}'),
        (b"{}", UNREADABLE),
        (b"\xff", UNREADABLE),
        (b' {"error":"x"}', UNREADABLE),
    ],
    ids=["gone", "beyond", "error", "no reading", "no JSON", "no error"],
)
def test_a_search_returns_the_failure_of_the_reader(work: Inspecting, frame: bytes, answer: bytes) -> None:
    assert work.do({"do": "search", "words": WORDS}, frame) == answer


# -- reading for a search ---------------------------------------------------------------------------------------------


def test_a_reading_has_its_parts_and_its_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([1.0, 1.0055])
    monkeypatch.setattr("holdgate.scan.reading.time.perf_counter", lambda: next(clock))
    monkeypatch.setattr("holdgate.scan.reading.extract_message", lambda *_: Extraction([Part("body", "text", "words")]))
    reading = READING.validate_json(ReadingOnly(Limits()).do({"do": "read", "name": None}, MESSAGE))
    assert reading.milliseconds == 5.5
    assert [part.text for part in reading.extraction.parts] == ["words"]


def test_a_file_for_a_search_is_read_as_its_name_says() -> None:
    reading = READING.validate_json(ReadingOnly(Limits()).do({"do": "read", "name": "note.txt"}, b"words"))
    assert [(part.name, part.text) for part in reading.extraction.parts] == [("note.txt", "words")]


@pytest.mark.parametrize(
    ("texts", "is_beyond"),
    [(["x" * 2**21], False), (["x" * 2**21, "y"], True), (["x" * (2**21 + 1)], True), (["\ud800"], True), ([], False)],
    ids=["largest", "two", "larger", "half a pair", "none"],
)
def test_too_much_text_for_a_reusable_process_is_not_for_this_worker(
    monkeypatch: pytest.MonkeyPatch, texts: list[str], is_beyond: bool
) -> None:
    parts = [Part("body", "text", text) for text in texts]
    monkeypatch.setattr("holdgate.scan.reading.extract_message", lambda *_: Extraction(parts))
    frame = ReadingOnly(Limits()).do({"do": "read", "name": None}, b"")
    assert (frame == NOT_FOR_THIS_WORKER) is is_beyond
    if not is_beyond:
        assert isinstance(READING.validate_json(frame), Reading)


def test_the_trial_job_of_a_reader_reads_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    monkeypatch.setattr("holdgate.scan.reading.extract_message", lambda data, _limits: read.append(data))
    assert ReadingOnly(Limits()).do({"do": "trial"}, b"") == b"{}"
    assert read == [TRIAL]


# -- requests of people -----------------------------------------------------------------------------------------------


def test_the_extract_job_returns_the_text_to_print(work: Inspecting) -> None:
    answer = done(work, {"do": "extract", "name": "a.txt"}, "größer".encode())
    assert [(part["name"], part["text"]) for part in answer["parts"]] == [("a.txt", "größer")]
    assert "größer".encode() in work.do({"do": "extract", "name": "a.txt"}, "größer".encode())


@pytest.mark.parametrize(
    ("texts", "shown", "reasons"),
    [
        (["abcdef"], ["abcdef"], ["r"]),
        (["abc", "def"], ["abc", "def"], ["r", "r"]),
        (["abcd", "efg"], ["abcd", "ef"], ["r", "r; too much text to print"]),
        (["abcdefg", "h"], ["abcdef", ""], ["r; too much text to print"] * 2),
    ],
    ids=["fits", "both fit", "second", "first"],
)
def test_text_is_cut_at_the_limit_of_an_answer(
    work: Inspecting, monkeypatch: pytest.MonkeyPatch, texts: list[str], shown: list[str], reasons: list[str]
) -> None:
    parts = [Part("p", "text", text, reason="r", places=[(1, "one"), (4, "four"), (6, "six")]) for text in texts]
    extraction = Extraction(parts, Status.COMPLETE)
    monkeypatch.setattr(module, "_TEXT", 6)
    monkeypatch.setattr(work._inspector, "extract", lambda _data, _name: extraction)
    answer = done(work, {"do": "extract", "name": None})
    assert [part["text"] for part in answer["parts"]] == shown
    assert [part["reason"] for part in answer["parts"]] == reasons
    for part, text in zip(answer["parts"], texts, strict=True):
        if part["text"] != text:
            assert all(place < len(part["text"]) for place, _ in part["places"])
            assert len(part["places"]) == sum(place < len(part["text"]) for place in (1, 4, 6))
        else:
            assert len(part["places"]) == 3


def test_a_cut_part_without_a_reason_gets_one() -> None:
    part = Part("p", "text", "abc")
    module._cut_part(part, 2)
    assert (part.text, part.reason) == ("ab", "too much text to print")


def test_the_text_limit_fits_into_the_answer_limit() -> None:
    assert module._TEXT * 6 < wire.TEXT_LIMIT, "a letter takes up to six bytes of JSON"


def test_a_lone_surrogate_is_replaced() -> None:
    assert module._encoded({"a": "x\ud800y"}) == b'{"a": "x?y"}'


def test_the_jobs_for_reasons_a_moderators_mail_and_a_preview_return_answers(work: Inspecting) -> None:
    reasons = done(work, {"do": "explain", "name": None})
    assert reasons
    assert SSN not in json.dumps(reasons)
    letter = done(work, {"do": "letter"}, b"Subject: s\r\n\r\nyes\r\n")
    assert letter["plain"].strip() == "yes"
    hidden, revealed = (done(work, {"do": "preview", "reveal": number}) for number in (0, 1))
    assert SSN not in json.dumps(hidden)
    assert SSN in json.dumps(revealed)


def test_the_change_job_calls_the_change_function(work: Inspecting, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, bytes, dict[str, Any]]] = []
    monkeypatch.setattr(module, "changed", lambda *arguments: (asked.append(cast(Any, arguments)), b"report")[1])
    job = {"do": "change", "without": [], "note": "", "redact": False}
    assert work.do(job, MESSAGE) == b"report"
    assert asked == [(work._inspector, MESSAGE, job)]


def test_an_answer_of_an_inspection_is_encoded_once(work: Inspecting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work._inspector, "inspect", lambda _data, _name, **_words: Inspection(reason="r"))
    assert done(work, {"do": "inspect", "name": None, "words": {}})["reason"] == "r"
