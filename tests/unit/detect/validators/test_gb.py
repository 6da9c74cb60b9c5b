"""British numbers: prefixes that are never issued, and the letters of a driver number."""

import pytest

from holdgate.detect.validators import gb


@pytest.mark.parametrize("value", ["AB123456C", "CE123456A", "JG103759A"])
def test_a_valid_nino_is_accepted(value: str) -> None:
    assert gb.nino(value)
    assert gb.nino_or_example(value)


@pytest.mark.parametrize(
    "value", ["BG123456A", "GB123456A", "NK123456A", "ZZ123456A", "DA123456A", "AO123456A", "AB123456E", "AB12345C"]
)
def test_an_invalid_nino_is_refused(value: str) -> None:
    assert not gb.nino(value)
    assert not gb.nino_or_example(value)


def test_the_printed_example_of_a_nino_is_accepted_as_an_example() -> None:
    assert gb.nino_or_example("QQ123456C")
    assert not gb.nino("QQ123456C")
    assert not gb.nino_or_example("QQ123456E")


@pytest.mark.parametrize(
    "value", ["MORGA657054SM9IJ", "MORGA657054SM9IJ35", "GARDN605109C99LY", "FO999512018AA9AB", "SMITH01010199" + "9AA"]
)
def test_a_valid_driving_licence_is_accepted(value: str) -> None:
    assert gb.driving_licence(value)


@pytest.mark.parametrize(
    "value",
    [
        "MORGA697054SM9IJ",
        "MORGA613054SM9IJ",
        "MORGA657324SM9IJ",
        "MORGA657054S19IJ",
        "M9RGA657054SM9IJ",
        "MORGA657054SM9I",
    ],
)
def test_an_invalid_driving_licence_is_refused(value: str) -> None:
    assert not gb.driving_licence(value)


def test_only_a_valid_utr_with_k_is_accepted() -> None:
    assert gb.utr_with_k("1955839661K")
    assert not gb.utr_with_k("1955839661")
    assert not gb.utr_with_k("2955839661K")
