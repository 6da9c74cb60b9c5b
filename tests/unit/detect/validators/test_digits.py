"""Functions that validators of several countries share."""

from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect.validators.digits import is_date, weighted


def test_weighted_counts_letters_from_ten() -> None:
    assert weighted("1A", (2, 3)) == 2 + 30


def test_weighted_uses_as_many_digits_as_there_are_weights() -> None:
    assert weighted("199", (1,)) == 1


def test_is_date_knows_leap_years() -> None:
    assert is_date(2000, 2, 29)
    assert not is_date(1900, 2, 29)
    assert not is_date(2000, 0, 1)


@given(st.dates())
def test_every_day_is_a_date(day: object) -> None:
    year, month, of_month = map(int, str(day).split("-"))
    assert is_date(year, month, of_month)
