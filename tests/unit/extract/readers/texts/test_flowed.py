"""Lines that continue in the next one, in plain text that says so, and type and command of enriched text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_message
from holdgate.extract.part import Part
from holdgate.extract.readers.texts.undone import flowed, terminal

DIVIDED = "her number is 536- \n90-43 \n99."
QUOTED = "> her number is 536- \n> 90-43 \n> 99."


def body(text: str, kind: str) -> list[Part]:
    end = "\r\n" if "\r" in text else "\n"
    content = end.join(("Subject: s", f"Content-Type: {kind}", "", text, "")).encode()
    return [part for part in extract_message(content).parts if part.name == "message body"]


@pytest.mark.parametrize("text", [DIVIDED, QUOTED, DIVIDED.replace("\n", "\r\n"), DIVIDED.replace("\n90", "\n 90")])
@pytest.mark.parametrize("kind", ["text/plain; format=flowed; delsp=yes", 'text/plain; DelSp="Yes"; format=flowed'])
def test_a_number_over_lines_whose_spaces_are_deleted_is_joined(text: str, kind: str) -> None:
    (part,) = body(text, kind)
    assert "her number is 536-90-4399." in part.text
    assert part.place_at(part.text.index("536-90-4399")) == "lines joined"


@pytest.mark.parametrize("kind", ["text/plain", "text/plain; format=flowed", "text/plain; format=flowed; delsp=no"])
def test_lines_are_not_joined_where_the_spaces_stay(kind: str) -> None:
    (part,) = body(DIVIDED, kind)
    assert "536-90" not in part.text


@pytest.mark.parametrize("text", ["", "a \nb \n", "12 \n\n34", "12\n34", "-- \n12", "no 12 \nand 34"])
def test_a_text_without_a_divided_number_has_no_passage(text: str) -> None:
    assert flowed(text) == ""


@given(st.text(alphabet="1a- \n>\0", max_size=60))
def test_passages_have_only_characters_of_the_text(text: str) -> None:
    joined = flowed(text)
    assert set(joined) - {"\n"} <= set(text) | {" "}
    assert len(joined) <= len(text) * 4


@given(st.integers(min_value=1, max_value=8))
def test_a_number_is_found_wherever_it_is_divided(place: int) -> None:
    number = "536904399"
    assert number in flowed(f"SSN {number[:place]} \n{number[place:]}")


@pytest.mark.parametrize("kind", ["text/enriched", "text/richtext"])
def test_a_number_in_enriched_text_that_begins_with_a_command_is_joined(kind: str) -> None:
    content = f"Content-Type: {kind}\n\n<bold>number 536<nofill>-90-</nofill></bold>4399\n".encode()
    assert any("number 536-90-4399" in part.text for part in extract_message(content).parts)


@pytest.mark.parametrize(
    ("typed", "shown"), [("a12\b\b3", "a3"), ("\ba", "a"), ("x\bx", "x"), ("12\b3\b\b45", "45"), ("a\n1\b", "")]
)
def test_each_backspace_removes_one_character(typed: str, shown: str) -> None:
    assert terminal(typed) == shown
