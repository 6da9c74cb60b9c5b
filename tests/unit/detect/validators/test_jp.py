"""Japanese driving licences: the check digit is the eleventh."""

import pytest

from holdgate.detect.validators import jp


@pytest.mark.parametrize("value", ["309012345620"])
def test_a_valid_drivers_licence_is_accepted(value: str) -> None:
    assert jp.drivers_licence(value)


@pytest.mark.parametrize("value", ["309012345630", "30901234562", "30901234562X"])
def test_an_invalid_drivers_licence_is_refused(value: str) -> None:
    assert not jp.drivers_licence(value)
