"""Only an answer that an honest worker could have given is taken."""

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
from holdgate.scan.shapes import READING, Reading

IDENTIFIERS = {"us-ssn", "iban"}
PROFILES = {"dlp-pii"}
HONEST: dict[str, Any] = {
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
    return answer.inspection(json.dumps(HONEST | changes).encode(), IDENTIFIERS, PROFILES)


def finding(**changes: Any) -> dict[str, Any]:
    return {"findings": [HONEST["findings"][0] | changes]}


def test_an_honest_answer_is_taken() -> None:
    inspection = read()
    assert (inspection.findings[0].count, inspection.attachments) == (2, [Attachment("a.pdf", "pdf", 7)])


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "clean"},
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
def test_any_other_is_not(changes: dict[str, Any]) -> None:
    with pytest.raises(answer.AnswerError):
        read(**changes)


@pytest.mark.parametrize("frame", [b"", b"{", b"[]", b"\xff", b"null", b"[" * 100_000])
def test_nonsense_is_no_answer(frame: bytes) -> None:
    with pytest.raises(answer.AnswerError):
        answer.inspection(frame, IDENTIFIERS, PROFILES)
    for other in (answer.extraction, answer.reasons):
        with pytest.raises(answer.AnswerError):
            other(frame if frame != b"[]" else b"[1]")
    with pytest.raises(answer.AnswerError):
        answer.preview(frame, IDENTIFIERS)


def test_the_error_does_not_quote_the_answer() -> None:
    with pytest.raises(answer.AnswerError) as refused:
        answer.inspection(json.dumps(HONEST | {"536-90-4399": 1}).encode(), IDENTIFIERS, PROFILES)
    assert "4399" not in str(refused.value)


@given(st.text(max_size=60).filter(str.strip))
def test_what_mask_leaves_is_masked_enough(value: str) -> None:
    one = Finding("iban", "low", 1, 1, ["message body"], [mask(value)])
    frame = answer.encode(Inspection(findings=[one]))
    assert len(answer.inspection(frame, IDENTIFIERS, PROFILES).findings) == 1


TEXTS = st.text(st.characters(), max_size=30)


@given(TEXTS, st.lists(TEXTS, max_size=3), TEXTS)
def test_what_is_encoded_is_read(reason: str, signals: list[str], subject: str) -> None:
    inspection = Inspection(status="limited", reason=reason, signals=signals, subject=subject)
    back = answer.inspection(answer.encode(inspection), IDENTIFIERS, PROFILES)
    assert back == inspection
    assert back.subject == subject.encode("utf-8", "replace").decode()


def test_half_a_surrogate_pair_is_replaced() -> None:
    back = answer.inspection(answer.encode(Inspection(subject="a\ud800b")), IDENTIFIERS, PROFILES)
    assert back.subject == "a?b"


def test_an_answer_that_is_too_large_is_cut_and_says_so() -> None:
    names = [Attachment("n" * 20_000, "pdf", 1) for _ in range(9_000)]
    frame = answer.encode(Inspection(attachments=names, subject="s" * 2_000_000))
    assert len(frame) <= wire.ANSWER_LIMIT
    back = answer.inspection(frame, IDENTIFIERS, PROFILES)
    assert (back.status, back.reason) == ("limited", "too many parts to list")
    assert 0 < len(back.attachments) < 9_000


def test_a_long_name_alone_is_shortened_and_nothing_is_missing() -> None:
    frame = answer.encode(Inspection(attachments=[Attachment("n" * 20_000, "pdf", 1)]))
    assert answer.inspection(frame, IDENTIFIERS, PROFILES).status == "complete"


def test_what_was_read_comes_back_as_it_was() -> None:
    part = Part("a.xlsx", "xlsx", "one\ttwo 𝄞", [(0, "A1"), (4, "B1")], Status.LIMITED, "too many cells", 7, trace=True)
    extraction = Extraction(
        [part], Status.LIMITED, "too many cells", ["a"], "s", [Files("a.xlsx", "xlsx", 7, member=True)]
    )
    reading = Reading(extraction, 1.5)
    assert answer.reading(READING.dump_json(reading)) == reading


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (b"{}", "missing"),
        (b'{"extraction":{"parts":[{"name":1,"reader":"x"}]},"milliseconds":0}', "string_type"),
        (b'{"extraction":{},"milliseconds":-1}', "greater_than_equal"),
        (b'{"extraction":{},"milliseconds":NaN}', "finite_number"),
        (b'{"extraction":{"parts":[{"name":"a","reader":"x","places":[[3,"a"],[1,"b"]]}]},"milliseconds":0}', "places"),
        (b'{"extraction":{"parts":[{"name":"a","reader":"x","places":[[-1,"a"]]}]},"milliseconds":0}', "places"),
    ],
)
def test_what_none_of_ours_reads_is_refused(said: bytes, wrong: str) -> None:
    with pytest.raises(answer.AnswerError, match=wrong):
        answer.reading(said)
