"""Drawings in DXF: text with its format codes undone, and nothing skipped that is no number."""

from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.identify import identify
from holdgate.extract.part import Status
from holdgate.extract.readers.texts import dxf
from holdgate.extract.reading import Document
from tests.support.sink import read_all


def drawing(*pairs: tuple[int, str]) -> bytes:
    head = [(999, "a comment"), (0, "SECTION"), (2, "ENTITIES")]
    return "".join(f"{code:3d}\r\n{value}\r\n" for code, value in [*head, *pairs, (0, "ENDSEC"), (0, "EOF")]).encode()


def texts(*pairs: tuple[int, str]) -> list[str]:
    data = drawing(*pairs)
    assert identify(Document(data, "plan.dat")) == "dxf"
    extraction = extract_file("plan.dxf", data)
    assert (extraction.status, extraction.signals) == (Status.COMPLETE, [])
    return extraction.parts[0].text.splitlines()


def test_format_codes_are_removed() -> None:
    found = texts((0, "MTEXT"), (1, r"{\fArial|b1;Rosen}{\H0.7x;quist}\Psecond"), (10, "1.5"), (5, "2F"))
    assert found == ["a comment", "ENTITIES", "Rosenquist", "second"]


def test_pieces_of_one_text_are_joined() -> None:
    assert "Rosenquist" in texts((0, "MTEXT"), (3, "Ros"), (3, "enq"), (1, "uist"))
    assert "Rosenq" in texts((0, "MTEXT"), (3, "Ros"), (3, "enq"), (10, "1.0"))


def test_a_value_that_is_not_a_number_is_read_under_any_code() -> None:
    found = texts((40, "Rosenquist as a number"), (1000, "of a program"), (8, "layer 4711"), (62, "7"))
    assert found[2:] == ["Rosenquist as a number", "of a program", "layer 4711"]


def test_data_after_the_end_is_read() -> None:
    assert "Rosenquist" in read_all(dxf.read, drawing() + b"\nRosenquist behind the end\nand more\n").everything()


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_exception(data: bytes) -> None:
    read_all(dxf.read, drawing() + data)
