"""The preview for a moderator: every match is masked, except one that they reveal."""

import re
from email.message import EmailMessage
from io import BytesIO
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from holdgate.detect import Confidence, Detector, Match
from holdgate.extract.budget import Limits
from holdgate.extract.part import Attachment, Extraction, Part, Status
from holdgate.mask import mask
from holdgate.scan.inspect import Inspector
from holdgate.scan.preview import _segments, preview

SSN, CARD = "536-90-4399", "4111 1111 1111 1111"


@pytest.fixture(scope="module")
def inspector(detector: Detector) -> Inspector:
    return Inspector(detector.with_profile("dlp-pii"), (), Limits())


def shown(inspector: Inspector, message: EmailMessage, reveal: int = 0) -> dict[str, Any]:
    return preview(inspector.extract(message.as_bytes(), None), inspector.find, reveal)


def letter(subject: str = "Hello", text: str = f"Her social security number is {SSN}.") -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content(text)
    return message


def test_matches_are_masked_in_text_and_findings(inspector: Inspector) -> None:
    output = shown(inspector, letter())
    assert SSN not in repr(output)
    (body,) = [part for part in output["parts"] if part["name"] == "message body"]
    assert [segment["text"] for segment in body["segments"]] == ["Her social security number is ", "***-**-*399", ".\n"]
    assert output["findings"][0]["masked"] == ["***-**-*399"]


def test_a_known_value_is_masked_without_evidence_too(inspector: Inspector) -> None:
    message = letter(f"About {SSN}")
    message.add_attachment(b"as agreed", maintype="text", subtype="plain", filename=f"scan {SSN}.txt")
    output = shown(inspector, message)
    assert SSN not in repr(output)
    assert output["subject"] == "About ***-**-*399"
    assert output["attachments"] == [{"name": "scan ***-**-*399.txt", "kind": "text", "size": 9, "member": False}]


def test_a_value_in_the_name_of_a_place_is_masked(inspector: Inspector) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = f"SSN {SSN}"
    sheet["A1"] = f"social security number {SSN}"
    saved = BytesIO()
    book.save(saved)
    message = letter(text="as agreed")
    message.add_attachment(saved.getvalue(), maintype="application", subtype="zip", filename="a.xlsx")
    output = shown(inspector, message)
    assert SSN not in repr(output)
    assert "a.xlsx, sheet SSN ***-**-*399, A1" in output["findings"][0]["parts"]


def test_a_match_is_revealed_by_its_number(inspector: Inspector) -> None:
    message = letter(text=f"Her social security number is {SSN}.\nHer credit card number is {CARD}.")
    output = shown(inspector, message)
    (number,) = [s["number"] for p in output["parts"] for s in p["segments"] if s["identifier"] == "payment-card"]
    revealed = repr(shown(inspector, message, number))
    assert CARD in revealed
    assert SSN not in revealed
    assert repr(shown(inspector, message, 999)) == repr(output)


def test_a_long_part_is_cut_but_never_inside_a_match(inspector: Inspector) -> None:
    # The cut would go through the middle of the number.
    text = "x " * 9_984 + f"social security number {SSN} " + "y " * 200_000
    output = shown(inspector, letter(text=text))
    body = output["parts"][-1]
    assert body["cut"]
    joined = "".join(segment["text"] for segment in body["segments"])
    assert len(joined) < 21_000
    assert not any(SSN[:n] in joined for n in range(5, len(SSN) + 1))


@example("0000\x850", [(4, 1)], 6)
@settings(max_examples=200)
@given(
    st.text(max_size=60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 10)), max_size=6),
    st.integers(0, 70),
)
def test_every_mark_is_at_its_match_and_the_other_text_is_unchanged(
    text: str, spans: list[tuple[int, int]], length: int
) -> None:
    places: list[tuple[int, int, str]] = []
    for start, size in sorted(spans):
        if start + size <= len(text) and (not places or start >= places[-1][1]):
            places.append((start, start + size, "x"))
    position, marks = 0, 0
    for segment in _segments(text, places, 0, 0, length):
        if segment.number:
            marks += 1
            assert segment.number == marks
            start, end, _ = places[marks - 1]
            assert start == position
            assert segment.text == mask(text[start:end])
            position = end
        else:
            assert text[position : position + len(segment.text)] == segment.text
            position += len(segment.text)
    assert marks == sum(start < length for start, _, _ in places)
    # A match at the cut is shown as one complete mark.
    assert position == max(min(length, len(text)), places[marks - 1][1] if marks else 0)


# -- bounds -----------------------------------------------------------------------------------------------------------


def found(text: str, _places: Any = ()) -> list[Match]:
    """Find every number of nine digits."""
    return [Match("x", one.start(), one.end(), Confidence.HIGH, one[0]) for one in re.finditer(r"\b\d{9}\b", text)]


def previewed(*parts: Part, reveal: int = 0, **more: Any) -> dict[str, Any]:
    return preview(Extraction(list(parts), **more), found, reveal)


@pytest.mark.parametrize(("length", "cut", "shown_length"), [(20_000, False, 20_000), (20_001, True, 20_000)])
def test_a_part_is_cut_at_its_limit(length: int, cut: bool, shown_length: int) -> None:
    (part,) = previewed(Part("body", "text", "x" * length))["parts"]
    assert part["cut"] is cut
    assert sum(len(one["text"]) for one in part["segments"]) == shown_length


def test_a_message_is_cut_at_its_limit() -> None:
    parts = previewed(*[Part(f"{number}", "text", "x" * 18_000) for number in range(7)])["parts"]
    shown_lengths = [sum(len(one["text"]) for one in part["segments"]) for part in parts]
    assert shown_lengths == [18_000] * 5 + [10_000, 0]
    assert [part["cut"] for part in parts] == [False] * 5 + [True, True]
    full = previewed(*[Part(f"{number}", "text", "x" * 20_000) for number in range(5)])["parts"]
    assert [part["cut"] for part in full] == [False] * 5


def test_matches_are_numbered_across_all_parts_and_one_is_revealed() -> None:
    one = Part("a", "text", "123456789 and 234567891")
    other = Part("b", "text", "345678912 end")
    for reveal in range(4):
        result = previewed(one, other, reveal=reveal)
        marks = [mark for part in result["parts"] for mark in part["segments"] if mark["number"]]
        assert [mark["number"] for mark in marks] == [1, 2, 3]
        assert [mark["revealed"] for mark in marks] == [number == reveal for number in (1, 2, 3)]
        assert [mark["text"].isdigit() for mark in marks] == [number == reveal for number in (1, 2, 3)]
        assert {mark["identifier"] for mark in marks} == {"x"}
        plain = [mark for part in result["parts"] for mark in part["segments"] if not mark["number"]]
        assert [mark["text"] for mark in plain] == [" and ", " end"]
        assert not any(mark["revealed"] for mark in plain)


def test_text_of_programs_is_shown_only_with_a_match_and_without_long_numbers() -> None:
    quiet = Part("header", "mime", "id 4111111111111111", trace=True)
    trace_part = Part("header", "mime", "id 4111111111111111 of 123456789", trace=True)
    assert previewed(quiet)["parts"] == []
    (part,) = previewed(trace_part)["parts"]
    assert "4111111111111111" not in repr(part)
    assert [mark["number"] for mark in part["segments"]] == [0, 1]


@pytest.mark.parametrize(("reader", "is_masked"), [("mime", True), ("text", False)])
def test_a_long_number_that_is_not_a_match_is_masked_only_in_header_fields(reader: str, is_masked: bool) -> None:
    (part,) = previewed(Part("subject", reader, "id 4111111111111111"))["parts"]
    assert ("4111111111111111" not in repr(part)) is is_masked


def test_the_preview_has_up_to_100_attachments_and_the_status_with_its_reason() -> None:
    files = [Attachment(f"{number} 123456789.txt", "text", number, member=number == 1) for number in range(101)]
    body = Part("body", "text", "123456789", status=Status.LIMITED, reason="of 123456789")
    result = previewed(body, attachments=files, status=Status.LIMITED, reason="in 123456789", subject="s 123456789")
    assert len(result["attachments"]) == 100
    assert result["attachments"][1]["size"] == 1
    assert [one["member"] for one in result["attachments"][:3]] == [False, True, False]
    assert (result["status"], result["parts"][0]["status"]) == ("limited", "limited")
    assert "123456789" not in repr(result)
    assert result["reason"].startswith("in ")
    assert result["subject"].startswith("s ")


def test_a_match_at_the_cut_is_shown_completely_and_a_later_one_is_not() -> None:
    assert [one.number for one in _segments("ab 123456789", [(3, 12, "x")], 0, 0, 4)] == [0, 1]
    assert [one.number for one in _segments("ab 123456789", [(3, 12, "x")], 0, 0, 3)] == [0]
    assert [one.number for one in _segments("123456789", [(0, 9, "x")], 5, 0, 9)] == [6]
