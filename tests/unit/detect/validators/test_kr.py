"""South Korean registration numbers: the same digits cannot be valid for residents and for foreigners."""

import pytest

from holdgate.detect.validators import kr


@pytest.mark.parametrize("value", ["9710139019902", "8610151357899"])
def test_a_valid_rrn_is_accepted(value: str) -> None:
    assert kr.rrn(value)
    assert not kr.frn(value)


def test_a_valid_frn_is_accepted() -> None:
    assert kr.frn("9001015234561")
    assert not kr.rrn("9001015234561")


@pytest.mark.parametrize("value", ["9710139019903", "971013901990", "971013901990A"])
def test_an_invalid_number_is_refused(value: str) -> None:
    assert not kr.rrn(value)
    assert not kr.frn(value)
