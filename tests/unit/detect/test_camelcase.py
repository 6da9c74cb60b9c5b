"""Field names in camelCase: where they begin, and that the search for them takes linear time."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect import camelcase
from holdgate.detect.candidates import mask


def names(text: str) -> list[str]:
    return [name.spaced.strip() for name in camelcase.split(text, mask(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("creditCardNumber: 4", ["credit card number"]),
        ("ssn1, taxId2: x", ["ssn 1", "tax id 2"]),
        ('{"customerIBAN": 4}', ["customer iban"]),
        ("creditCardNumber 4", []),
        ("aNumber: 4", []),
        ("a" * 34 + "Number: 4", [f"{'a' * 34} number"]),
        ("a" * 35 + "Number: 4", []),
    ],
)
def test_field_names_are_split_into_words(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@given(st.text(alphabet="abAB01 :\"'", max_size=40))
def test_the_search_equals_the_simple_pattern_up_to_the_longest_name(text: str) -> None:
    """The pattern is a quick form of this one, which takes quadratic time for a long run of letters."""
    simple = re.compile(rb"(?:aA[A0]*+a*+(?:0*+|[0Aa]*+)|[aA]00?)[\"'\])\\]{0,2} ?[:=>,;|\t\n]")
    assert camelcase._BORDER.findall(mask(text)) == simple.findall(mask(text))


def test_a_long_run_of_letters_is_not_a_field_name() -> None:
    assert names("cardNumberSsn" * 40_000 + " taxNumber: 4") == ["tax number"]
