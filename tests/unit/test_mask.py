import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.mask import mask


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
def test_examples(value: str, masked: str) -> None:
    assert mask(value) == masked


@given(st.text())
def test_at_most_a_third_and_four_characters_stay_readable(value: str) -> None:
    shown = mask(value)
    assert sum(c.isalnum() for c in shown) <= 4
    assert sum(c.isalnum() for c in shown) <= max(sum(c.isalnum() for c in value) // 3, 1 if "@" in value else 0)
    assert shown.isprintable()
    assert shown.isascii()
