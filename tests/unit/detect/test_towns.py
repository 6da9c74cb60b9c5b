"""A street before a town is found as by a search of the whole text, without trying each character of it."""

from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect.candidates import mask
from holdgate.detect.finders import address
from holdgate.detect.finders.finder import Text

PIECES = [*"0123456789abXYÄŁé³>_-.", ", ", " ", "\n", "\r\n", " in ", " à ", "Ulm", "Hinterhaus", "Łódź"]


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_places_before_a_town_are_those_of_a_search_of_the_whole_text(text: str) -> None:
    expected = [found.span() for found in address._BEFORE_TOWN.finditer(text)]
    assert [found.span() for found in address._before_towns(Text(text, mask(text)))] == expected


def test_a_town_far_behind_its_number_is_found() -> None:
    text = f"Am Hang 7, {'b' * 44}, {'c' * 20}, Ulm"
    assert (
        [found.span() for found in address._before_towns(Text(text, mask(text)))]
        == [found.span() for found in address._BEFORE_TOWN.finditer(text)]
        != []
    )
