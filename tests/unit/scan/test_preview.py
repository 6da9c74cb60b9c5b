"""What a moderator reads: every match masked wherever it stands, but for one that he asks for."""

from email.message import EmailMessage
from io import BytesIO
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from holdgate.detect import Detector
from holdgate.extract.budget import Limits
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


def test_a_value_is_masked_where_nothing_speaks_for_it(inspector: Inspector) -> None:
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


def test_one_match_is_revealed_by_its_number(inspector: Inspector) -> None:
    message = letter(text=f"Her social security number is {SSN}.\nHer credit card number is {CARD}.")
    output = shown(inspector, message)
    (number,) = [s["number"] for p in output["parts"] for s in p["segments"] if s["identifier"] == "payment-card"]
    revealed = repr(shown(inspector, message, number))
    assert CARD in revealed
    assert SSN not in revealed
    assert repr(shown(inspector, message, 999)) == repr(output)


def test_a_long_part_is_cut_and_no_match_with_it(inspector: Inspector) -> None:
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
def test_every_mark_is_where_its_match_stands_and_the_rest_as_it_stood(
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
    # A match that the cut goes through is shown as one whole mark.
    assert position == max(min(length, len(text)), places[marks - 1][1] if marks else 0)
