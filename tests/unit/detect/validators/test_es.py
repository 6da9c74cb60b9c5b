"""Spanish numbers: check digits hold, and fail when one digit changes."""

import pytest

from holdgate.detect.validators import es


@pytest.mark.parametrize("value", ["281234567840", "286985490504", "287121982032"])
def test_only_a_valid_nuss_is_accepted(value: str) -> None:
    assert es.nuss(value)
    assert not es.nuss(value[:5] + str((int(value[5]) + 1) % 10) + value[6:])
    assert not es.nuss(value[:-2] + "97")


def test_a_nuss_below_ten_million_is_checked_without_its_leading_zero() -> None:
    number = 281234567
    assert es.nuss(f"2801234567{number % 97:02d}")


@pytest.mark.parametrize("province", ["00", "54", "99"])
def test_a_nuss_without_a_valid_province_is_refused(province: str) -> None:
    assert not any(es.nuss(f"{province}12345678{check:02d}") for check in range(97))


def test_a_dni_can_lack_its_leading_zero() -> None:
    assert es.dni("12345678Z")
    assert not es.dni("12345678A")
    assert es.dni("07331906N")
    assert es.dni("7331906N")
