"""New Zealand numbers, with the examples of their specifications."""

import pytest

from holdgate.detect.validators import nz


@pytest.mark.parametrize("value", ["ZZZ0016", "ZZZ0024", "ZAC5361", "ZVU27KZ", "ZZZ00AX", "ZGT56KB"])
def test_a_valid_nhi_is_accepted(value: str) -> None:
    assert nz.nhi(value)


@pytest.mark.parametrize(
    "value", ["ZAC5362", "ZZZ00AY", "ZIC5361", "ZAC536", "ZAC536A", "ZA15361", *(f"ZZZ004{n}" for n in range(10))]
)
def test_an_invalid_nhi_is_refused(value: str) -> None:
    assert not nz.nhi(value)


@pytest.mark.parametrize(
    "value", ["010902006838900", "0109020068389000", "0865231954512001", "2626000320871032", "010242010019400"]
)
def test_a_valid_bank_account_is_accepted(value: str) -> None:
    assert nz.bank_account(value)


@pytest.mark.parametrize(
    "value",
    [
        "010902006838000",
        "050902006838900",
        "0865231954512002" + "1",
        "2626000320871033",
        "0865231954513001",
        "010902000000000",
        "01090200683890A",
    ],
)
def test_an_invalid_bank_account_is_refused(value: str) -> None:
    assert not nz.bank_account(value)
