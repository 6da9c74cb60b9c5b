"""Character references: as the standard library replaces them, with any number of digits."""

import html

from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.budget import Limits
from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from holdgate.extract.references import unescaped

FEW_DIGITS = st.lists(st.sampled_from(["&#", "x", "0", "52", ";", "&amp", "&lt;", " "]), max_size=12).map("".join)


@given(FEW_DIGITS)
def test_references_are_replaced_like_by_the_standard_library(text: str) -> None:
    assert unescaped(f"{text} ") == html.unescape(f"{text} ")


def test_a_reference_with_any_number_of_digits_is_replaced() -> None:
    assert unescaped(f"&#{'0' * 5_000}52;111") == "4111"
    assert unescaped(f"a &#{'9' * 5_000}; b") == "a \ufffd b"
    assert unescaped(f"&#{'0' * 5_000};") == "\ufffd"


def test_malformed_xml_with_a_long_reference_is_read() -> None:
    (part,) = extract_file("a.xml", f"<?xml version='1.0'?><a>card&#{'9' * 5_000};</b>".encode(), Limits()).parts
    assert part.status is not Status.FAILED
    assert "card" in part.text
