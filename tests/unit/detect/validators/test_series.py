"""Dates in place of a number without a check digit."""

import pytest

from holdgate.detect.validators import series


def test_a_date_is_not_a_number() -> None:
    assert not series.no_date("20240115")
    assert not series.no_date("19991231")
    assert series.no_date("20241315")
    assert series.no_date("31926819")
    assert series.no_date("202401150")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("20240115", True),
        ("15011980", True),
        ("01151980", True),
        ("31131980", False),
        ("15011880", False),
        ("12345678", False),
    ],
)
def test_a_date_is_recognised_from_year_or_day_first(value: str, expected: bool) -> None:
    assert series.only_date(value) is expected
