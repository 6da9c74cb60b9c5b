import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import holdgate.mask
from holdgate.mask import mask, mask_unsearched_text


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("4111 1111 1111 1111", "**** **** **** 1111"),
        ("536-90-4399", "***-**-*399"),
        ("12345", "****5"),
        ("ab", "**"),
        ("anna@corp.example", "a***@****.*******"),
        ("a@b.example", "*@*.*******"),
        ("line one\nline two", "**** *** ***e two"),
        ("４１１１ 1111", "**** **11"),
        ("x\u202e\x1b[31m", "***[**m"),
        ("", ""),
    ],
)
def test_values_are_masked(value: str, masked: str) -> None:
    assert mask(value) == masked


@given(st.text())
def test_at_most_a_third_and_at_most_four_characters_stay_readable(value: str) -> None:
    shown = mask(value)
    assert sum(c.isalnum() for c in shown) <= 4
    assert sum(c.isalnum() for c in shown) <= max(sum(c.isalnum() for c in value) // 3, 1 if "@" in value else 0)
    assert shown.isprintable()
    assert shown.isascii()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Re: 4111 1111 1111 1111, please", "Re: **** **** **** 1111, please"),
        ("SSN 536-90-4399.pdf", "SSN ***-**-*399.pdf"),
        ("of anna@corp.example", "of a***@****.*******"),
        ("Invoice 20240131", "Invoice 20240131"),
    ],
)
def test_text_that_was_not_searched_is_masked(text: str, masked: str) -> None:
    assert mask_unsearched_text(text) == masked


def test_the_address_of_a_from_field_can_be_kept() -> None:
    assert (
        mask_unsearched_text('"536-90-4399" <anna@corp.example>', addresses=False)
        == '"***-**-*399" <anna@corp.example>'
    )


@given(st.text(alphabet="a@. \n", max_size=20))
def test_an_address_is_found_in_a_word(text: str) -> None:
    """The pattern is a quick form of this one, which takes quadratic time for a long word."""
    assert holdgate.mask._ADDRESS.findall(text) == re.findall(r"\S+@\S+", text)


def test_a_long_word_is_masked() -> None:
    assert mask_unsearched_text("a" * 400_000 + " a@b.example") == "a" * 400_000 + " *@*.*******"
