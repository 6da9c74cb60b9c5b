"""Countries with one validator each: France, Iceland, Latvia, Luxembourg, the Netherlands, Portugal, Sweden."""

import pytest

from holdgate.detect.validators import fr, is_, lu, lv, nl, pt, se


def test_french_id_card_mixes_letters_and_digits() -> None:
    assert fr.id_card("X4RTBPFW4")
    assert not fr.id_card("CARTENAT1")


def test_icelandic_person_is_no_company() -> None:
    assert is_.person("1201743399")
    assert not is_.person("1201743398")
    assert not is_.person("4504013150")


@pytest.mark.parametrize("value", ["16117519997", "32867300679"])
def test_latvian_personal_code(value: str) -> None:
    assert lv.personal_code(value)
    assert not lv.personal_code(value[:-1] + str((int(value[-1]) + 1) % 10))


def test_latvian_company_is_no_person() -> None:
    assert not lv.personal_code("40003521600")


def test_luxembourg_matricule_has_two_check_digits() -> None:
    assert lu.matricule("1893120105732")
    assert not lu.matricule("1893120105733")
    assert not lu.matricule("1893120105742")
    assert not lu.matricule("1893130105732")


def test_dutch_number_without_its_zero() -> None:
    assert nl.short_bsn("92746822")
    assert not nl.short_bsn("92746823")


def test_portuguese_niss() -> None:
    assert pt.niss("16136634308")
    assert not pt.niss("16136634309")
    assert not any(pt.niss(f"3613663430{check}") for check in range(10))


@pytest.mark.parametrize("value", ["8803200016", "198803200016", "8803800013", "188803200016"])
def test_swedish_personal_number(value: str) -> None:
    assert se.personal_number(value)
    assert not se.personal_number(value[:-1] + str((int(value[-1]) + 1) % 10))


@pytest.mark.parametrize("value", ["178803200016", "8813200016", "5560360793"])
def test_swedish_number_of_no_person(value: str) -> None:
    assert not se.personal_number(value)
