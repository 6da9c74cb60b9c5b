"""A known number is found in any grouping of its digits."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.rewrite.numbers import digits_of, spelled, united

SSN = "536904399"


@pytest.mark.parametrize(
    "written",
    [
        "536-90-4399",
        SSN,
        "536 90 4399",
        "536.90.4399",
        "5 3 6 9 0 4 3 9 9",
        "536–90–4399",
        "536\u00a090\n4399",
        "５３６９０４３９９",
        "536,904,399",
        "536;90;4399",
        "536'904'399",
    ],
)
def test_a_number_is_found_in_every_grouping(written: str) -> None:
    text = f"one 12 {written}; two"
    found = spelled(text, [SSN])
    assert [text[start:end] for start, end in found] == [written]


@pytest.mark.parametrize(
    "written", ["536-90-439", "536-90-4398", "536----90-4399", "536x90x4399", "536 and 90 and 4399", ""]
)
def test_another_number_is_not_found(written: str) -> None:
    assert list(spelled(written, [SSN])) == []


def test_a_number_is_found_inside_a_longer_run_and_repeatedly() -> None:
    assert list(spelled("1536-90-4399 536904399", [SSN])) == [(1, 12), (13, 22)]


def test_only_long_numbers_are_compared() -> None:
    assert digits_of(
        ["536-90-4399", "anna@corp.example", "DE89370400440532013000", "12345678", "4111 1111 1111 1111"]
    ) == [
        "4111111111111111",
        SSN,
    ]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)).map(lambda pair: (pair[0], sum(pair))), max_size=8))
def test_merged_spans_cover_the_same_positions_without_overlap(spans: list[tuple[int, int]]) -> None:
    found = united(spans)
    assert {place for span in found for place in range(*span)} == {place for span in spans for place in range(*span)}
    assert all(one[1] <= other[0] for one, other in pairwise(found))
