"""Canadian numbers: check digits, and birth dates inside licences and health numbers."""

import pytest

from holdgate.detect.validators import ca


@pytest.mark.parametrize("value", ["046454286", "130692544", "193456787"])
def test_a_valid_sin_is_accepted(value: str) -> None:
    assert ca.sin(value)


@pytest.mark.parametrize("value", ["130692545", "812345672", "000000000", "13069254", "13069254A"])
def test_an_invalid_sin_is_refused(value: str) -> None:
    assert not ca.sin(value)


@pytest.mark.parametrize("value", ["9876543217", "9876543217AB", "9876543217X"])
def test_a_valid_ohip_number_is_accepted(value: str) -> None:
    assert ca.ohip(value)


@pytest.mark.parametrize("value", ["9876543218", "0876543211", "98765432170", "9876543217ABC", "987654321"])
def test_an_invalid_ohip_number_is_refused(value: str) -> None:
    assert not ca.ohip(value)


@pytest.mark.parametrize("value", ["TREM54092012", "BOUF94011419", "AAAA00022911", "AAAA54592012"])
def test_a_valid_ramq_number_is_accepted(value: str) -> None:
    assert ca.ramq(value)


@pytest.mark.parametrize(
    "value", ["TREM54132012", "TREM54632012", "TREM54093212", "TREM99022912", "TRE154092012", "TREM5409201"]
)
def test_an_invalid_ramq_number_is_refused(value: str) -> None:
    assert not ca.ramq(value)


def test_ontario_licence_ends_in_a_birth_date() -> None:
    assert ca.ontario_licence("S12345678990115")
    assert ca.ontario_licence("S12345678996215")
    assert not ca.ontario_licence("S12345678991315")
    assert not ca.ontario_licence("S12345678990132")
    assert not ca.ontario_licence("S1234567899011")


def test_quebec_licence_has_a_birth_date() -> None:
    assert ca.quebec_licence("T123415017506")
    assert not ca.quebec_licence("T123432017506")
    assert not ca.quebec_licence("T123415517506")
    assert not ca.quebec_licence("T12341501750")


def test_nova_scotia_licence_has_a_birth_date() -> None:
    assert ca.nova_scotia_licence("ROEJA150175002")
    assert not ca.nova_scotia_licence("ROEJA320175002")
    assert not ca.nova_scotia_licence("ROEJ1150175002")
