"""Kuwaiti civil ids."""

import pytest

from holdgate.detect.validators import kw


@pytest.mark.parametrize("value", ["288020122596", "227081660516", "292091998298"])
def test_a_valid_civil_id_is_accepted(value: str) -> None:
    assert kw.civil_id(value)


@pytest.mark.parametrize("value", ["288020122597", "28802012259", "28802012259A"])
def test_an_invalid_civil_id_is_refused(value: str) -> None:
    assert not kw.civil_id(value)
