"""Hong Kong identity cards: A123456(3) and Z683365(A) are the published specimens."""

import pytest

from holdgate.detect.validators import hk


@pytest.mark.parametrize("value", ["A1234563", "C1234569", "Z683365A", "AB9876543"])
def test_a_valid_identity_card_is_accepted(value: str) -> None:
    assert hk.identity_card(value)


@pytest.mark.parametrize("value", ["A1234564", "A123456", "12345678", "ABC123456"])
def test_an_invalid_identity_card_is_refused(value: str) -> None:
    assert not hk.identity_card(value)
