"""Tables in text: rows with their numbers, for any separator."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.readers.texts import csv
from tests.support.sink import read_all


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_rows_have_their_numbers(delimiter: str) -> None:
    data = "\r\n".join(delimiter.join(row) for row in (["name", "card"], ["x", "4111"])).encode()
    assert read_all(csv.read, data).texts == [("name\tcard", "row 1"), ("x\t4111", "row 2")]


def test_quoted_fields_stay_in_one_piece() -> None:
    assert read_all(csv.read, b'a,"4111,1111\n1111 ""x"""\n').texts == [('a\t4111,1111\n1111 "x"', "row 1")]


def test_late_rows_share_places() -> None:
    data = b"".join(b"%d,x\n" % number for number in range(1, 2_300))
    sink = read_all(csv.read, data)
    assert sink.places_of("2000\tx") == ["row 2000"]
    assert sink.places_of("2001\tx") == ["rows 2001 to 2200"]
    assert sink.places_of("2299\tx") == ["rows 2201 to 2299"]


def test_the_charset_of_a_table_is_detected() -> None:
    assert (
        read_all(csv.read, "Größe;Straße überall in München\n".encode("cp1252")).texts[0][0]
        == "Größe\tStraße überall in München"
    )


def test_a_field_over_the_limit_of_the_csv_module_is_read() -> None:
    assert read_all(csv.read, b'"' + b"x" * 200_000 + b'",Rosenquist').places_of("Rosenquist") == ["row 1"]


@given(st.lists(st.text(alphabet='ab",;\t\n\r', max_size=30), max_size=5))
def test_no_letter_is_lost(rows: list[str]) -> None:
    source = "\n".join(rows)
    text = read_all(csv.read, source.encode()).everything()
    assert [letter for letter in text if letter in "ab"] == [letter for letter in source if letter in "ab"]


def test_a_file_in_a_cell_is_passed_on() -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(60))
    sink = read_all(csv.read, b"id,photo\n1," + base64.b64encode(picture) + b"\n")
    assert [document.data for document in sink.documents] == [picture]
