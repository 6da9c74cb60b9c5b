"""Candidates: the spans of a text that are searched."""

import pytest

from holdgate.detect.candidates import Candidates, mask
from holdgate.detect.forms import parse


@pytest.mark.parametrize(
    ("form", "text", "values"),
    [
        ("DDD", "+(0+(0", []),
        ("D", "+(0+(0", ["0", "0"]),
        ("LL DD", "in 5", []),
        ("LL DD", "in 52", ["in 52"]),
        ("DDD", "(12) 3", []),
        ("L D", "(A 1)", ["A 1"]),
        ("LD", "(A1)", ["A1"]),
        ("DD", "AB 12", ["12"]),
        ("L~DD", "A12, B 34, C56", ["A12", "B 34", "C56"]),
        ("DD", "letters12", []),
        ("DD~LL", "12 cards, 34 AB, 56 CAR, 78 ABCDEFGH", ["34 AB"]),
        ("DD~L", "12 cards, 34 B, 56 C", ["34 B", "56 C"]),
    ],
)
def test_a_value_is_found_with_the_preceding_words_that_belong_to_it(form: str, text: str, values: list[str]) -> None:
    found, _, _ = Candidates([(0, parse(form))]).find(mask(text))
    assert [text[base + first : base + last] for base, fits, _ in found for first, last, _ in fits] == values
