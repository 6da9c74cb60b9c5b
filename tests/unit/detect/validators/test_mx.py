"""Mexican bank keys."""

import pytest

from holdgate.detect.validators import mx


@pytest.mark.parametrize("value", ["032180000118359719", "002010077777777771"])
def test_clabe(value: str) -> None:
    assert mx.clabe(value)


@pytest.mark.parametrize("value", ["032180000118359718", "03218000011835971", "03218000011835971A"])
def test_not_clabe(value: str) -> None:
    assert not mx.clabe(value)
