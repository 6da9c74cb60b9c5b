"""Salvadoran identity documents."""

import pytest

from holdgate.detect.validators import sv


@pytest.mark.parametrize("value", ["000162975"])
def test_a_valid_dui_is_accepted(value: str) -> None:
    assert sv.dui(value)


@pytest.mark.parametrize("value", ["000162974", "000000000", "00016297"])
def test_an_invalid_dui_is_refused(value: str) -> None:
    assert not sv.dui(value)
