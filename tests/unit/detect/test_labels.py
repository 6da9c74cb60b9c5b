"""Labels: text before a number that is not part of it."""

import pytest

from holdgate.detect.labels import ends_label


@pytest.mark.parametrize("value", ["No 302922", "no. 302922", "Nr 302922", "is 302922", "of 12-34", "N. 123456"])
def test_a_short_word_belongs_to_the_label(value: str) -> None:
    assert ends_label(value)


@pytest.mark.parametrize("value", ["GA 302922", "PA 1234567", "NO302922", "AB 12 34 56 C", "NN 302922", "X 12345"])
def test_a_series_belongs_to_the_number(value: str) -> None:
    assert not ends_label(value)
