"""Polish check digits."""

import pytest

from holdgate.detect.validators import pl


@pytest.mark.parametrize("value", ["ABA300000", "ABC429914"])
def test_only_a_valid_id_card_is_accepted(value: str) -> None:
    assert pl.id_card(value)
    assert not pl.id_card(value[:3] + str((int(value[3]) + 1) % 10) + value[4:])
    assert not pl.id_card("B" + value[1:])


def test_only_a_valid_passport_is_accepted() -> None:
    assert pl.passport("ZS0000177")
    assert not pl.passport("ZS1000177")
    assert not pl.passport("ZS0000178")


def test_only_a_valid_nrb_is_accepted() -> None:
    assert pl.nrb("61109010140000071219812874")
    assert not pl.nrb("61109010140000071219812875")
    assert not pl.nrb("16109010140000071219812874")
