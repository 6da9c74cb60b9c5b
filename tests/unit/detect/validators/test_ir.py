"""Iranian national codes."""

import pytest

from holdgate.detect.validators import ir


@pytest.mark.parametrize("value", ["0010350829"])
def test_a_valid_melli_code_is_accepted(value: str) -> None:
    assert ir.melli_code(value)


@pytest.mark.parametrize("value", ["0010350828", "1111111111", "001035082", "001035082A"])
def test_an_invalid_melli_code_is_refused(value: str) -> None:
    assert not ir.melli_code(value)
