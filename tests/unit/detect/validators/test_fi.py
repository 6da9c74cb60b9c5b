"""Finnish personal identity codes, as compact values without the sign of the century."""

import pytest

from holdgate.detect.validators import fi


@pytest.mark.parametrize("value", ["131052308T", "131052A308T", "010594Y9021"])
def test_hetu(value: str) -> None:
    assert fi.hetu(value)
    assert not fi.hetu(value[:-1] + "G")
    assert not fi.hetu("32" + value[2:])


def test_hetu_has_no_individual_number_below_two() -> None:
    assert not any(fi.hetu(f"131052001{control}") for control in "0123456789ABCDEFHJKLMNPRSTUVWXY")


def test_hetu_knows_the_leap_year_by_its_century() -> None:
    control = "0123456789ABCDEFHJKLMNPRSTUVWXY"[290200308 % 31]
    assert fi.hetu(f"290200A308{control}")
    assert not fi.hetu(f"290200Y308{control}")
