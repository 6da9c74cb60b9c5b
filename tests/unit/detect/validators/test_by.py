"""Belarusian identification numbers."""

import pytest

from holdgate.detect.validators import by


@pytest.mark.parametrize("value", ["3140462K000VF6"])
def test_a_valid_personal_number_is_accepted(value: str) -> None:
    assert by.personal_number(value)


@pytest.mark.parametrize("value", ["3140462K000VF7", "3140462K000VF", "3140462K000VFA", "3140462É000VF6"])
def test_an_invalid_personal_number_is_refused(value: str) -> None:
    assert not by.personal_number(value)
