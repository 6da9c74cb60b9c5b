"""Kazakhstani identification numbers, also those for which the first weights give 10."""

import pytest

from holdgate.detect.validators import kz


@pytest.mark.parametrize("value", ["900101300017", "900101300811"])
def test_a_valid_iin_is_accepted(value: str) -> None:
    assert kz.iin(value)


@pytest.mark.parametrize("value", ["900101300018", "90010130001", "90010130001A", "900101300800"])
def test_an_invalid_iin_is_refused(value: str) -> None:
    assert not kz.iin(value)
