"""Compact tables of numbers give the same results."""

from typing import Any

import pytest
import stdnum.at.postleitzahl
import stdnum.imsi
import stdnum.numdb
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from holdgate.detect.numbertables import CompactTable
from holdgate.detect.preload import preload

PREFIXES: st.SearchStrategy[list[Any]] = st.recursive(
    st.just([]),
    lambda longer: st.lists(
        st.builds(
            lambda digits, span, values, below: (
                len(digits), digits, f"{min(int(digits) + span, 10 ** len(digits) - 1):0{len(digits)}}", values, below,
            ),
            st.text("0123456789", min_size=1, max_size=3),
            st.integers(0, 3),
            st.dictionaries(st.sampled_from(["city", "bank"]), st.sampled_from(["A", "", "Zürich"])),
            longer,
        ),
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


def _usual(prefixes: list[Any]) -> stdnum.numdb.NumDB:
    table = stdnum.numdb.NumDB()
    table.prefixes = prefixes
    return table


@given(PREFIXES, st.lists(st.text("0123456789", max_size=8), min_size=1))
def test_a_compact_table_gives_the_same_results(prefixes: list[Any], numbers: list[str]) -> None:
    table, compact = _usual(prefixes), CompactTable(prefixes)
    for number in numbers:
        assert compact.info(number) == table.info(number)
        assert compact.split(number) == table.split(number)


@pytest.mark.parametrize("number", ["15", "14", "151", "19", "2", ""])
def test_overlapping_prefixes_give_the_values_of_all(number: str) -> None:
    prefixes: list[Any] = [
        (2, "15", "19", {"city": "A"}, [(1, "1", "1", {"bank": "C"}, [])]),
        (2, "10", "15", {"city": "B"}, [(1, "1", "1", {"bank": "D"}, [])]),
    ]
    assert CompactTable(prefixes).info(number) == _usual(prefixes).info(number)


def test_a_prefix_shorter_than_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match='a prefix from "1" to "20"'):
        CompactTable([(1, "1", "20", {}, [])])


@pytest.mark.slow
def test_the_compact_tables_of_the_library_give_the_same_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdnum.numdb, "_open_databases", {})
    usual = {name: stdnum.numdb.get(name).prefixes for name in ("cn/loc", "imsi", "at/postleitzahl")}
    stdnum.numdb._open_databases.clear()
    preload()
    for name, prefixes in usual.items():
        compact = stdnum.numdb.get(name)
        assert isinstance(compact, CompactTable)
        for _, first, last, _, below in prefixes[::7]:
            for number in (first, f"{last}{below[-1][2] if below else ''}0000", f"{first}9"):
                assert compact.info(number) == _usual(prefixes).info(number)
    assert ric.get_birth_place("360426199101010071") == {"province": "江西省", "county": "德安县"}
    assert stdnum.imsi.split("429011234567890") == ("429", "01", "1234567890")
