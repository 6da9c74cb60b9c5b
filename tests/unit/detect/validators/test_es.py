"""Spanish numbers: check digits hold, and fail when one digit changes."""

import pytest

from holdgate.detect.validators import es


@pytest.mark.parametrize("value", ["281234567840", "286985490504", "287121982032"])
def test_nuss(value: str) -> None:
    assert es.nuss(value)
    assert not es.nuss(value[:5] + str((int(value[5]) + 1) % 10) + value[6:])
    assert not es.nuss(value[:-2] + "97")


def test_nuss_below_ten_million_is_checked_without_its_zero() -> None:
    number = 281234567
    assert es.nuss(f"2801234567{number % 97:02d}")


@pytest.mark.parametrize("province", ["00", "54", "99"])
def test_nuss_has_a_province(province: str) -> None:
    assert not any(es.nuss(f"{province}12345678{check:02d}") for check in range(97))


def test_dni_may_lack_its_leading_zero() -> None:
    assert es.dni("12345678Z")
    assert not es.dni("12345678A")
    assert es.dni("07331906N")
    assert es.dni("7331906N")
