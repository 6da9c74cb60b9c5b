"""Uruguayan identity cards."""

import pytest

from holdgate.detect.validators import uy


@pytest.mark.parametrize("value", ["12345672", "9876549"])
def test_a_valid_cedula_is_accepted(value: str) -> None:
    assert uy.cedula(value)


@pytest.mark.parametrize("value", ["12345673", "123456", "1234567A"])
def test_an_invalid_cedula_is_refused(value: str) -> None:
    assert not uy.cedula(value)
