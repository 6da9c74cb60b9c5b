"""Huge pages: which memory is gathered, beside what a parent has too."""

from hypothesis import given
from hypothesis import strategies as st

from holdgate.scan.memory import _without


def ranges(edges: list[int]) -> list[tuple[int, int]]:
    """Return ranges between each two of some sorted numbers."""
    return list(zip(edges[::2], edges[1::2], strict=False))


EDGES = st.lists(st.integers(0, 60), unique=True).map(sorted).map(ranges)


@given(EDGES, EDGES)
def test_what_is_shared_is_left_out_and_nothing_else(own: list[tuple[int, int]], shared: list[tuple[int, int]]) -> None:
    left = _without(own, shared)
    places = {place for start, end in own for place in range(start, end)}
    others = {place for start, end in shared for place in range(start, end)}
    found = [place for start, end in left for place in range(start, end)]
    assert sorted(found) == sorted(places - others)
    assert all(start < end for start, end in left)


def test_a_range_that_has_grown_leaves_its_new_part() -> None:
    assert _without([(0, 10), (20, 40)], [(0, 10), (25, 30)]) == [(20, 25), (30, 40)]
