"""Compact tables of numbers give the same results."""

from typing import Any

import stdnum.numdb
from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect.preload import _small

PREFIXES = st.recursive(
    st.just([]),
    lambda longer: st.lists(
        st.builds(
            lambda digits, span, values, below: (
                len(digits), digits, f"{min(int(digits) + span, 10 ** len(digits) - 1):0{len(digits)}}", values, below,
            ),
            st.text("0123456789", min_size=1, max_size=3),
            st.integers(0, 3),
            st.dictionaries(st.sampled_from(["city", "bank"]), st.sampled_from(["A", "B"])),
            longer,
        ),
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(PREFIXES, st.lists(st.text("0123456789", max_size=8), min_size=1))
def test_a_small_table_gives_the_same_answers(prefixes: list[Any], numbers: list[str]) -> None:
    table, small = stdnum.numdb.NumDB(), stdnum.numdb.NumDB()
    table.prefixes = prefixes
    small.prefixes = list(_small(prefixes, {}))
    for number in numbers:
        assert small.info(number) == table.info(number)


def test_equal_values_are_one_object() -> None:
    city = {"city": "Wien"}
    first, second = _small([(1, "1", "1", city, []), (1, "2", "2", dict(city), [])], {})
    assert first[3] is second[3]
    assert first[1] is first[2]
