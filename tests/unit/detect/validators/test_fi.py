"""Finnish personal identity codes, as compact values without the sign of the century."""

import pytest

from holdgate.detect.validators import fi


@pytest.mark.parametrize("value", ["131052308T", "131052A308T", "010594Y9021"])
def test_only_a_valid_hetu_is_accepted(value: str) -> None:
    assert fi.hetu(value)
    assert not fi.hetu(value[:-1] + "G")
    assert not fi.hetu("32" + value[2:])


def test_a_hetu_with_an_individual_number_below_two_is_refused() -> None:
    assert not any(fi.hetu(f"131052001{control}") for control in "0123456789ABCDEFHJKLMNPRSTUVWXY")


def test_the_century_of_a_hetu_decides_about_leap_years() -> None:
    control = "0123456789ABCDEFHJKLMNPRSTUVWXY"[290200308 % 31]
    assert fi.hetu(f"290200A308{control}")
    assert not fi.hetu(f"290200Y308{control}")
