"""Only an answer that an uncompromised worker could give is accepted."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.part import Attachment as Files
from holdgate.extract.part import Extraction, Part, Status
from holdgate.findings import Attachment, Finding, Inspection
from holdgate.mask import mask
from holdgate.scan import answer, wire
from holdgate.scan.shapes import READING, TEXT_LIMIT, Listed, Reading, Refusal

IDENTIFIERS = {"us-ssn", "iban"}
PROFILES = {"dlp-pii"}
VALID: dict[str, Any] = {
    "status": "complete",
    "findings": [
        {
            "identifier": "us-ssn",
            "confidence": "high",
            "count": 2,
            "unique": 1,
            "parts": ["message body"],
            "masked": ["***-**-*399", "a***@****.*******"],
        }
    ],
    "profiles": {"dlp-pii": "high"},
    "attachments": [{"name": "a.pdf", "kind": "pdf", "size": 7}],
    "elapsed_ms": 1.5,
}


def read(**changes: Any) -> Inspection:
    return answer.inspection(json.dumps(VALID | changes).encode(), IDENTIFIERS, PROFILES)


def finding(**changes: Any) -> dict[str, Any]:
    return {"findings": [VALID["findings"][0] | changes]}


def test_digests_of_values_are_accepted() -> None:
    values = ["iban 0123456789abcdef", "document 0123456789abcdef"]
    assert read(values=values).values == values


def test_a_valid_answer_is_accepted() -> None:
    inspection = read()
    assert (inspection.findings[0].count, inspection.attachments) == (2, [Attachment("a.pdf", "pdf", 7)])


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "clean"},
        {"values": ["us-ssn 0123456789abcdeF"]},
        {"values": ["us-ssn 536-90-4399"]},
        {"values": ["de-tax-id 0123456789abcdef"]},
        {"values": ["iban 0123456789abcdef"] * 65},
        {"status": None},
        {"mood": "good"},
        {"findings": "none"},
        {"profiles": {"dlp-other": "high"}},
        {"profiles": {"dlp-pii": "enormous"}},
        {"elapsed_ms": -1},
        {"elapsed_ms": float("nan")},
        {"elapsed_ms": "1"},
        {"encrypted": 1},
        {"reason": "x" * 10_001},
        {"signals": ["x"] * 10_001},
        {"attachments": [{"name": "a", "kind": "pdf", "size": -1}]},
        {"attachments": [{"name": "a", "kind": "pdf", "size": 1, "content": "x"}]},
        {"attachments": [{"name": "a", "kind": "x" * 101, "size": 1}]},
        finding(identifier="unheard-of"),
        finding(confidence="certain"),
        finding(count=True),
        finding(count=-1),
        finding(count=10**12),
        finding(unique=3),
        finding(unique=0),
        finding(masked=["536-90-4399"]),
        finding(parts=["x"] * 101),
    ],
    ids=str,
)
def test_an_invalid_answer_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(answer.AnswerError):
        read(**changes)


@pytest.mark.parametrize("frame", [b"", b"{", b"[]", b"\xff", b"null", b"[" * 100_000])
def test_a_frame_that_is_not_an_answer_is_refused(frame: bytes) -> None:
    with pytest.raises(answer.AnswerError):
        answer.inspection(frame, IDENTIFIERS, PROFILES)
    for other in (answer.extraction, answer.reasons):
        with pytest.raises(answer.AnswerError):
            other(frame if frame != b"[]" else b"[1]")
    with pytest.raises(answer.AnswerError):
        answer.preview(frame, IDENTIFIERS)


def test_the_error_does_not_quote_the_answer() -> None:
    with pytest.raises(answer.AnswerError) as refused:
        answer.inspection(json.dumps(VALID | {"536-90-4399": 1}).encode(), IDENTIFIERS, PROFILES)
    assert "4399" not in str(refused.value)


@given(st.text(max_size=60).filter(str.strip))
def test_every_output_of_mask_is_accepted_as_masked(value: str) -> None:
    one = Finding("iban", "low", 1, 1, ["message body"], [mask(value)])
    frame = answer.encode(Inspection(findings=[one]))
    assert len(answer.inspection(frame, IDENTIFIERS, PROFILES).findings) == 1


TEXTS = st.text(st.characters(), max_size=30)


@given(TEXTS, st.lists(TEXTS, max_size=3), TEXTS)
def test_an_encoded_answer_is_read_back(reason: str, signals: list[str], subject: str) -> None:
    inspection = Inspection(status="limited", reason=reason, signals=signals, subject=subject)
    back = answer.inspection(answer.encode(inspection), IDENTIFIERS, PROFILES)
    assert back == inspection
    assert back.subject == subject.encode("utf-8", "replace").decode()


def test_half_a_surrogate_pair_is_replaced() -> None:
    back = answer.inspection(answer.encode(Inspection(subject="a\ud800b")), IDENTIFIERS, PROFILES)
    assert back.subject == "a?b"


def test_an_answer_that_is_too_large_is_cut_and_marked_as_limited() -> None:
    names = [Attachment("n" * 20_000, "pdf", 1) for _ in range(9_000)]
    frame = answer.encode(Inspection(attachments=names, subject="s" * 2_000_000))
    assert len(frame) <= wire.ANSWER_LIMIT
    back = answer.inspection(frame, IDENTIFIERS, PROFILES)
    assert (back.status, back.reason) == ("limited", "too many parts to list")
    assert 0 < len(back.attachments) < 9_000


def test_a_single_long_name_is_shortened_and_the_status_stays_complete() -> None:
    frame = answer.encode(Inspection(attachments=[Attachment("n" * 20_000, "pdf", 1)]))
    assert answer.inspection(frame, IDENTIFIERS, PROFILES).status == "complete"


def test_a_reading_is_encoded_and_read_back_unchanged() -> None:
    part = Part("a.xlsx", "xlsx", "one\ttwo 𝄞", [(0, "A1"), (4, "B1")], Status.LIMITED, "too many cells", 7, trace=True)
    extraction = Extraction(
        [part], Status.LIMITED, "too many cells", ["a"], "s", [Files("a.xlsx", "xlsx", 7, member=True)]
    )
    reading = Reading(extraction, 1.5)
    assert answer.reading(READING.dump_json(reading)) == reading


@pytest.mark.parametrize(
    ("received", "wrong"),
    [
        (b"{}", "missing"),
        (b'{"extraction":{"parts":[{"name":1,"reader":"x"}]},"milliseconds":0}', "string_type"),
        (b'{"extraction":{},"milliseconds":-1}', "greater_than_equal"),
        (b'{"extraction":{},"milliseconds":NaN}', "finite_number"),
        (b'{"extraction":{"parts":[{"name":"a","reader":"x","places":[[3,"a"],[1,"b"]]}]},"milliseconds":0}', "places"),
        (b'{"extraction":{"parts":[{"name":"a","reader":"x","places":[[-1,"a"]]}]},"milliseconds":0}', "places"),
    ],
)
def test_a_reading_that_no_reader_could_give_is_refused(received: bytes, wrong: str) -> None:
    with pytest.raises(answer.AnswerError, match=wrong):
        answer.reading(received)


# -- other answers of a worker ---------------------------------------------------------------------------------------

PREVIEW: dict[str, Any] = {
    "subject": "s",
    "attachments": [],
    "findings": VALID["findings"],
    "status": "complete",
    "reason": "",
    "parts": [{"name": "body", "status": "complete", "reason": "", "segments": [{"text": "a"}], "cut": False}],
}
LETTER: dict[str, Any] = {"report": "", "plain": "yes", "html": "", "struck": "", "incidents": ["7K3M-Q9TX-2ABC"]}
LISTED = {"number": 1, "name": "a", "kind": "text/plain", "size": 0}
CHANGE: dict[str, Any] = {"attachments": [LISTED], "removed": [1], "signatures": ["DKIM"], "refused": None}


def frame(values: Any) -> bytes:
    return json.dumps(values).encode()


def test_a_valid_preview_is_accepted_unchanged() -> None:
    assert answer.preview(frame(PREVIEW), IDENTIFIERS) == PREVIEW


@pytest.mark.parametrize(
    "changes",
    [
        {"mood": "good"},
        {"status": "clean"},
        {"subject": 1},
        {"attachments": [VALID["attachments"][0]] * 101},
        {"parts": [{"name": "b"}]},
        finding(identifier="unheard-of"),
        finding(unique=3),
        finding(unique=0),
        finding(masked=["12345"]),
    ],
    ids=str,
)
def test_an_invalid_preview_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(answer.AnswerError):
        answer.preview(frame(PREVIEW | changes), IDENTIFIERS)


@pytest.mark.parametrize(
    "changes", [finding(masked=["1234"]), finding(masked=["ä" * 9 + "1234"]), finding(unique=2)], ids=str
)
def test_values_at_their_limits_are_accepted(changes: dict[str, Any]) -> None:
    assert read(**changes).findings


def test_a_preview_lists_at_most_100_attachments() -> None:
    assert (
        len(answer.preview(frame(PREVIEW | {"attachments": VALID["attachments"] * 100}), IDENTIFIERS)["attachments"])
        == 100
    )


def test_a_valid_mail_is_accepted_unchanged() -> None:
    assert answer.letter(frame(LETTER)) == LETTER
    most = LETTER | {"plain": "x" * TEXT_LIMIT, "incidents": ["x" * 16] * 50, "report": "failed"}
    assert answer.letter(frame(most)) == most


@pytest.mark.parametrize(
    "changes",
    [
        {"mood": "good"},
        {"report": "none"},
        {"plain": "x" * (TEXT_LIMIT + 1)},
        {"html": "x" * (TEXT_LIMIT + 1)},
        {"struck": "x" * (TEXT_LIMIT + 1)},
        {"incidents": ["x" * 17]},
        {"incidents": ["x"] * 51},
        {"plain": 1},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_an_invalid_mail_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(answer.AnswerError):
        answer.letter(frame(LETTER | changes))


def test_a_valid_change_is_accepted() -> None:
    report, content = answer.change(frame(CHANGE) + b"\nthe\nmessage")
    assert (report.attachments, report.removed, report.signatures) == ([Listed(1, "a", "text/plain", 0)], [1], ["DKIM"])
    assert (report.refused, content) == (None, b"the\nmessage")
    refused, nothing = answer.change(frame(CHANGE | {"refused": {"part": "a", "why": "no such attachment"}}))
    assert (refused.refused, nothing) == (Refusal("a", "no such attachment"), b"")


@pytest.mark.parametrize("content", [b"", b"\nmessage"])
def test_a_change_has_either_a_refusal_or_a_message(content: bytes) -> None:
    refused = {"part": "a", "why": "x"} if content else None
    with pytest.raises(answer.AnswerError, match=r"^a refusal and a message$"):
        answer.change(frame(CHANGE | {"refused": refused}) + content)


MOST: dict[str, Any] = {
    "attachments": [LISTED | {"number": 10_000, "name": "n" * 2_000, "kind": "k" * 2_000}] * 1_000,
    "removed": [10_000] * 1_000,
    "signatures": ["DKIM", "S/MIME", "OpenPGP", "other"],
}


def test_the_largest_change_is_accepted() -> None:
    report, _ = answer.change(frame(CHANGE | MOST) + b"\nx")
    assert len(report.attachments) == len(report.removed) == 1_000


@pytest.mark.parametrize(
    "changes",
    [
        {"mood": "good"},
        {"attachments": [LISTED | {"number": 0}]},
        {"attachments": [LISTED | {"number": 10_001}]},
        {"attachments": [LISTED | {"size": -1}]},
        {"attachments": [LISTED | {"name": "n" * 2_001}]},
        {"attachments": [LISTED | {"kind": "n" * 2_001}]},
        {"attachments": [LISTED | {"x": 1}]},
        {"attachments": [LISTED] * 1_001},
        {"removed": [0]},
        {"removed": [10_001]},
        {"removed": [1] * 1_001},
        {"signatures": ["X"]},
        {"signatures": ["DKIM"] * 5},
    ],
    ids=lambda changes: str(changes)[:50],
)
def test_an_invalid_change_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(answer.AnswerError):
        answer.change(frame(CHANGE | changes) + b"\nx")


@pytest.mark.parametrize(
    "refused",
    [
        {"part": "p" * 2_001, "why": "x"},
        {"part": "p", "why": "x" * 41},
        {"part": "p", "why": ""},
        {"part": "p", "why": "X"},
    ],
    ids=["long", "long reason", "no reason", "no words"],
)
def test_an_invalid_refusal_is_refused(refused: dict[str, Any]) -> None:
    with pytest.raises(answer.AnswerError):
        answer.change(frame(CHANGE | {"refused": refused}))
    assert answer.change(frame(CHANGE | {"refused": {"part": "p" * 2_000, "why": "x" * 40}}))[0].refused


def test_the_text_of_a_file_and_the_reasons_are_plain_values() -> None:
    extraction = {"parts": [], "status": "complete", "reason": "", "signals": []}
    assert answer.extraction(frame(extraction)) == extraction
    reason = {"part": "body", "place": "", "why": "high"}
    assert answer.reasons(frame([reason])) == [reason]


# -- how an inspection becomes an answer -----------------------------------------------------------------------------


def test_a_cut_answer_keeps_the_first_entries_of_each_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "ANSWER_LIMIT", 2_000)
    monkeypatch.setattr(answer, "_LISTED", 2)
    inspection = Inspection(
        attachments=[Attachment(f"{number}", "pdf", 1) for number in range(3)],
        signals=["a", "b", "c"],
        subject="s" * 3_000,
        header_from="f" * 3_000,
        message_id="m" * 3_000,
    )
    back = answer.inspection(answer.encode(inspection), IDENTIFIERS, PROFILES)
    assert [one.name for one in back.attachments] == ["0", "1"]
    assert back.signals == ["a", "b"]
    assert (back.subject, back.header_from, back.message_id) == ("s" * 1_000, "f" * 1_000, "m" * 1_000)
    assert (back.status, back.reason) == ("limited", "too many parts to list")


def test_a_cut_answer_keeps_its_status_and_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "ANSWER_LIMIT", 2_000)
    inspection = Inspection(status="failed", reason="encrypted", subject="s" * 3_000)
    back = answer.inspection(answer.encode(inspection), IDENTIFIERS, PROFILES)
    assert (back.status, back.reason) == ("failed", "encrypted")


def test_an_answer_at_the_limit_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    inspection = Inspection(subject="s" * 3_000)
    size = len(answer.encode(inspection))
    monkeypatch.setattr(wire, "ANSWER_LIMIT", size)
    assert answer.inspection(answer.encode(inspection), IDENTIFIERS, PROFILES).status == "complete"
    monkeypatch.setattr(wire, "ANSWER_LIMIT", size - 1)
    assert answer.inspection(answer.encode(inspection), IDENTIFIERS, PROFILES).status == "limited"


def test_reasons_and_names_are_cut_but_header_values_are_not() -> None:
    long = "x" * 1_001
    inspection = Inspection(
        reason=long,
        signals=[long],
        hosts=[long],
        attachments=[Attachment(long, "pdf", 1)],
        findings=[Finding("iban", "low", 1, 1, [long], ["*" * 1_001])],
        subject=long,
        header_from=long,
        message_id=long,
    )
    back = answer.inspection(answer.encode(inspection), IDENTIFIERS, PROFILES)
    cut = "x" * 1_000
    assert (back.reason, back.signals, back.hosts, back.attachments[0].name) == (cut, [cut], [cut], cut)
    assert (back.findings[0].parts, back.findings[0].masked) == ([cut], ["*" * 1_000])
    assert (back.subject, back.header_from, back.message_id) == (long, long, long)


def test_ordered_places_are_accepted_even_if_two_begin_at_the_same_position() -> None:
    received = (
        b'{"extraction":{"parts":[{"name":"a","reader":"x","places":[[0,"a"],[3,"b"],[3,"c"]]}]},"milliseconds":0}'
    )
    assert len(answer.reading(received).extraction.parts[0].places) == 3
