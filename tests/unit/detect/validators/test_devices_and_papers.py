"""Vehicles, places, travel documents, magnetic stripes and credentials of HTTP."""

import pytest

from holdgate.detect.validators import crypto, geo, payment, secrets, travel, vehicle


@pytest.mark.parametrize("value", ["1M8GDM9AXKP042788", "1HGCM82633A004352"])
def test_a_vin_with_a_valid_check_digit_is_accepted(value: str) -> None:
    assert vehicle.vin(value)
    assert vehicle.vin_checked(value)


@pytest.mark.parametrize("value", ["1M8GDM9A0KP042788", "WVWZZZ1JZXW000001"])
def test_a_vin_without_a_valid_check_digit_is_only_a_vin(value: str) -> None:
    assert vehicle.vin(value)
    assert not vehicle.vin_checked(value)


@pytest.mark.parametrize(
    "value", ["1M8GDM9AXKPO42788", "1M8GDM9AXKP04278", "ABCDEFGHJKLMNPRST", "12345678901234567", ""]
)
def test_an_invalid_vin_is_refused(value: str) -> None:
    assert not vehicle.vin(value)
    assert not vehicle.vin_checked(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("52.520008, 13.404954", True),
        ("-90.0000 180.0000", True),
        ("90.0001, 13.4049", False),
        ("52.5200, 180.0001", False),
        ("52.5200", False),
    ],
)
def test_only_a_valid_position_is_accepted(value: str, expected: bool) -> None:
    assert geo.position(value) is expected


# The specimens of ICAO Doc 9303.
@pytest.mark.parametrize("value", ["L898902C3674081221204159", "D23145890774081221204159", "L8988901C440090789612109"])
def test_a_valid_travel_document_is_accepted(value: str) -> None:
    assert travel.mrz(value)


@pytest.mark.parametrize(
    "value", ["L898902C3774081221204159", "L898902C3674081231204159", "<<<<<<<<<074081221204159", "1"]
)
def test_an_invalid_travel_document_is_refused(value: str) -> None:
    assert not travel.mrz(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("4111111111111111=2904", True), ("4111111111111111=2913", False), ("4111111111111112=2904", False), ("", False)],
)
def test_only_a_valid_magnetic_stripe_is_accepted(value: str, expected: bool) -> None:
    assert payment.track(value) is expected


# The examples of BIP 350.
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", True),
        ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", False),
        ("bc1p", False),
        ("bc1", False),
    ],
)
def test_only_a_valid_taproot_address_is_accepted(value: str, expected: bool) -> None:
    assert crypto.bitcoin_address(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Authorization: Basic YW5uOlN0cjBuZ1NlY3JldA==", True),
        ("Authorization: Basic QUJDREVGR0hJSktMTU5PUA==", False),
        ("Authorization: Bearer aaaaaaaaaaaaaaaaaaaa", False),
        ("", False),
    ],
)
def test_only_valid_http_credentials_are_accepted(value: str, expected: bool) -> None:
    assert secrets.credentials(value) is expected
