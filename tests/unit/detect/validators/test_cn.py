"""Chinese identification numbers: a person can be older than the code of the place where they were registered."""

import pytest

from holdgate.detect.validators import cn


# The first two are the examples of GB 11643-1999, the third is a published one. The codes of these two began in 1983.
@pytest.mark.parametrize("value", ["11010519491231002X", "440524188001010014", "53010219200508011X"])
def test_a_published_example_is_accepted(value: str) -> None:
    assert cn.resident_id(value)


@pytest.mark.parametrize(
    ("place", "born", "right"),
    [
        ("140102", "19600101", True),  # a district from 1983 to 1997
        ("140102", "19961231", True),
        ("140102", "19980101", False),
        ("140105", "19600101", True),  # a district since 1997
        ("140121", "19600101", True),  # a county without dates
        ("140199", "19600101", False),
        ("990101", "19600101", False),
        ("440021", "19600101", False),
        ("810000", "19600101", True),
        ("830000", "20050229", False),
        ("840000", "20050228", False),
    ],
)
def test_a_number_needs_a_valid_place_and_birth_date(place: str, born: str, right: bool) -> None:
    head = f"{place}{born}001"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(head, weights, strict=True))
    assert [check for check in "0123456789X" if cn.resident_id(head + check)] == ["10X98765432"[total % 11]] * right


@pytest.mark.parametrize("value", ["", "110105194912310021", "11010519491231002", "1101051949123100２X", "X" * 18])
def test_an_invalid_number_is_refused(value: str) -> None:
    assert not cn.resident_id(value)
