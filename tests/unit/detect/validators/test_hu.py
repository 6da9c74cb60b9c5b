"""Hungarian check digits."""

import pytest

from holdgate.detect.validators import hu


def test_only_a_valid_taj_is_accepted() -> None:
    assert hu.taj("111111110")
    assert not hu.taj("111111111")
    assert not hu.taj("211111110")
    assert not hu.taj("000000000")


def test_only_a_valid_tax_id_is_accepted() -> None:
    assert hu.tax_id("8071592153")
    assert not hu.tax_id("8071592154")
    assert not hu.tax_id("7071592153")
    assert not any(hu.tax_id(f"870715921{check}") for check in range(10)), "days since 1867 are below 60,000"


@pytest.mark.parametrize("value", ["19904130334", "18311047715"])
def test_only_a_valid_personal_id_is_accepted(value: str) -> None:
    assert hu.personal_id(value)
    assert not hu.personal_id("9" + value[1:])
    assert not hu.personal_id(value[:3] + "13" + value[5:])


def test_the_weights_of_a_personal_id_are_reversed_from_1997() -> None:
    before = [check for check in range(10) if hu.personal_id(f"1961231001{check}")]
    after = [check for check in range(10) if hu.personal_id(f"1970101001{check}")]
    assert before == [sum(int(d) * w for d, w in zip("1961231001", range(1, 11), strict=True)) % 11]
    assert after == [sum(int(d) * w for d, w in zip("1970101001", range(10, 0, -1), strict=True)) % 11]
