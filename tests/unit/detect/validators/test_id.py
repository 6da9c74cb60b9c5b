"""Indonesian population numbers: their places are those of the Ministry of Home Affairs."""

import pytest

from holdgate.detect.validators import id_


@pytest.mark.parametrize("place", ["317101", "650301", "910101", "920201", "930104", "940105", "950103", "960101"])
def test_a_number_with_a_valid_place_is_accepted(place: str) -> None:
    assert id_.nik(f"{place}1708450001")
    assert id_.nik(f"{place}5708450001")  # a woman's day of birth is 40 more


@pytest.mark.parametrize(
    "value",
    [
        "9971011708450001",
        "3100011708450001",
        "3171001708450001",
        "3171013002001234",
        "317101170845000",
        "31710117084500012",
        "317101170845000\uff11",
        "",
    ],
)
def test_an_invalid_number_is_refused(value: str) -> None:
    assert not id_.nik(value)
