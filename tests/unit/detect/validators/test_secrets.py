import pytest

from holdgate.detect.validators import secrets

TOKEN = "Zq8vR2mXc5Tn7Kd1Wp3Yb9Lh"


def test_a_random_looking_word_can_be_a_token() -> None:
    assert secrets.random(TOKEN)
    assert not secrets.random("aaaabbbbaaaabbbbaaaabbbb")


@pytest.mark.parametrize(
    "word", ["EXAMPLE", "xxxx", "your", "placeholder", "PlaceHoldMe", "changeme", "redacted", "dummy"]
)
def test_a_placeholder_is_not_a_token(word: str) -> None:
    assert not secrets.random(TOKEN[:12] + word + TOKEN[12:])
