"""Guatemalan identification codes."""

import pytest

from holdgate.detect.validators import gt


@pytest.mark.parametrize("value", ["2345678990101"])
def test_a_valid_cui_is_accepted(value: str) -> None:
    assert gt.cui(value)


@pytest.mark.parametrize("value", ["2345678900101", "2345678992301", "2345678990118", "234567899010"])
def test_an_invalid_cui_is_refused(value: str) -> None:
    assert not gt.cui(value)
