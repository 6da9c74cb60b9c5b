"""Lines of memory dumps have no numbers that are searched for, and are found in linear time."""

import re

from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect import figures

DUMP = "00401000: 4d 5a 90 00 03 00"


@given(st.lists(st.sampled_from(["\n", " ", ">", "\r", "a", "00401000:", DUMP]), max_size=9).map("".join))
def test_lines_of_a_dump_are_found(text: str) -> None:
    """The pattern is a quick form of this one, which takes quadratic time for many blank lines."""
    simple = r"^[>\s]*[0-9A-Fa-f]{4,16}:?\s+(?:[0-9A-Fa-f]{2}[ \-]){4,}[^\n]*"
    expected = [found.end() for found in re.finditer(simple, text, re.MULTILINE)]
    assert [found.end() for found in figures._MEMORY.finditer(text)] == expected


def test_many_blank_lines_are_not_a_memory_dump() -> None:
    text = "\n" * 400_000 + "a"
    assert figures.without(text) == text
    assert figures.without(text + "\n" + DUMP) != text + "\n" + DUMP
