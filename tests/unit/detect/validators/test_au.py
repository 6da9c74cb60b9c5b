"""Australian health numbers."""

import pytest

from holdgate.detect.validators import au


@pytest.mark.parametrize("value", ["2123456701", "21234567011", "2428778132", "24287781329"])
def test_a_valid_medicare_number_is_accepted(value: str) -> None:
    assert au.medicare(value)


@pytest.mark.parametrize("value", ["2123456711", "7123456701", "2123456700", "21234567010", "212345670", "212345670A"])
def test_an_invalid_medicare_number_is_refused(value: str) -> None:
    assert not au.medicare(value)


def test_only_a_valid_ihi_is_accepted() -> None:
    assert au.ihi("8003608333429777")
    assert not au.ihi("8003608333429778")
    assert not au.ihi("8003618333429776")
    assert not au.ihi("800360833342977")
