"""Pakistani identity cards: eight areas of registration, and no check digit."""

import pytest

from holdgate.detect.validators import pk


@pytest.mark.parametrize("value", ["4220103976408", "3420108912318", "8130212345671", "1110112345679"])
def test_a_valid_cnic_is_accepted(value: str) -> None:
    assert pk.cnic(value)


@pytest.mark.parametrize(
    "value", ["9220103976408", "0220103976408", "4220103976400", "422010397640", "42201039764088", "422010397640X", ""]
)
def test_an_invalid_cnic_is_refused(value: str) -> None:
    assert not pk.cnic(value)
