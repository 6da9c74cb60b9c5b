"""Russian insurance numbers."""

import pytest

from holdgate.detect.validators import ru


@pytest.mark.parametrize("value", ["11223344595", "08765430300"])
def test_a_valid_snils_is_accepted(value: str) -> None:
    assert ru.snils(value)


@pytest.mark.parametrize("value", ["11223344596", "08765430301", "00000000000", "1122334459", "1122334459A"])
def test_an_invalid_snils_is_refused(value: str) -> None:
    assert not ru.snils(value)
