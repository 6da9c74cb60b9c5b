"""Taiwanese identity numbers: nationals, residents since 2021, residents before."""

import pytest

from holdgate.detect.validators import tw


@pytest.mark.parametrize("value", ["A123456789", "A800000014", "AC01234567"])
def test_a_valid_identity_number_is_accepted(value: str) -> None:
    assert tw.identity_number(value)


@pytest.mark.parametrize("value", ["A123456788", "A12345678", "1123456789", "AZ01234567", "AAAAAAAAAA"])
def test_an_invalid_identity_number_is_refused(value: str) -> None:
    assert not tw.identity_number(value)
