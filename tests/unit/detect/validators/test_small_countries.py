"""Countries with one validator each: France, Iceland, Latvia, Luxembourg, the Netherlands, Portugal, Sweden."""

import pytest

from holdgate.detect.validators import fr, is_, lu, lv, nl, pt, se


def test_a_french_id_card_needs_letters_and_digits() -> None:
    assert fr.id_card("X4RTBPFW4")
    assert not fr.id_card("CARTENAT1")


def test_an_icelandic_company_number_is_not_a_person() -> None:
    assert is_.person("1201743399")
    assert not is_.person("1201743398")
    assert not is_.person("4504013150")


@pytest.mark.parametrize("value", ["16117519997", "32867300679"])
def test_only_a_valid_latvian_personal_code_is_accepted(value: str) -> None:
    assert lv.personal_code(value)
    assert not lv.personal_code(value[:-1] + str((int(value[-1]) + 1) % 10))


def test_a_latvian_company_number_is_not_a_person() -> None:
    assert not lv.personal_code("40003521600")


def test_a_luxembourg_matricule_has_two_check_digits() -> None:
    assert lu.matricule("1893120105732")
    assert not lu.matricule("1893120105733")
    assert not lu.matricule("1893120105742")
    assert not lu.matricule("1893130105732")


def test_a_dutch_number_can_lack_its_leading_zero() -> None:
    assert nl.short_bsn("92746822")
    assert not nl.short_bsn("92746823")


def test_only_a_valid_portuguese_niss_is_accepted() -> None:
    assert pt.niss("16136634308")
    assert not pt.niss("16136634309")
    assert not any(pt.niss(f"3613663430{check}") for check in range(10))


@pytest.mark.parametrize("value", ["8803200016", "198803200016", "8803800013", "188803200016"])
def test_only_a_valid_swedish_personal_number_is_accepted(value: str) -> None:
    assert se.personal_number(value)
    assert not se.personal_number(value[:-1] + str((int(value[-1]) + 1) % 10))


@pytest.mark.parametrize("value", ["178803200016", "8813200016", "5560360793"])
def test_an_invalid_swedish_personal_number_is_refused(value: str) -> None:
    assert not se.personal_number(value)
