"""Which heads of other chains an event references, and how a writer uses its rows, without a database."""

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Connection

from holdgate.quarantine import chains
from holdgate.quarantine.chains import End, Writer, named_heads, writer_of, writing_as
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.versions import head


def named(writer: Writer, newest: int, last: int, **heads: int) -> list[str]:
    """Return the chains that an event names; `heads` are the numbers of their newest events."""
    found = writer._heads_to_name(newest, [(name, number, f"{number:032}") for name, number in heads.items()], last)
    assert all(heads[name] == number and digits == f"{number:032}" for name, number, digits in found)
    return [name for name, _, _ in found]


def test_at_most_four_heads_are_referenced_and_the_longest_unreferenced_first() -> None:
    writer = Writer("mx1/milter")
    heads = dict(zip("abcdef", range(11, 17), strict=True))
    assert named(writer, 10, 20, **heads) == ["a", "b", "c", "d"]
    assert named(writer, 20, 21, **heads) == ["e", "f"]
    assert named(writer, 21, 22, **heads) == [], "nothing is new"
    assert named(writer, 22, 23, **(heads | {"f": 30, "b": 31, "a": 32})) == ["a", "b", "f"]


def test_a_head_never_referenced_comes_before_the_oldest_reference() -> None:
    writer = Writer("mx1/milter")
    assert named(writer, 0, 2, a=1) == ["a"]
    assert named(writer, 2, 3, a=5, b=9) == ["b", "a"]


def test_a_chain_without_an_event_is_not_referenced() -> None:
    assert named(Writer("x"), 0, 2, a=0, b=1) == ["b"]


def test_a_head_referenced_by_a_rolled_back_event_is_referenced_again() -> None:
    writer = Writer("mx1/milter")
    assert named(writer, 10, 20, a=11) == ["a"]
    assert named(writer, 10, 21, a=11) == ["a"], "the newest event is still the one before"
    assert named(writer, 21, 22, a=11) == []


def test_references_of_further_events_count_too() -> None:
    writer = Writer("mx1/milter")
    heads = [(name, number, "") for number, name in enumerate("abcdef", 11)]
    assert [name for name, _, _ in writer._heads_to_name(10, heads, 20)] == ["a", "b", "c", "d"]
    more = writer.more_to_name(heads)
    assert [name for name, _, _ in more] == ["e", "f"]
    assert writer.more_to_name(heads) == more, "it may have failed"
    writer.has_named(20, 21, more)
    assert writer.more_to_name(heads) == []
    assert writer._heads_to_name(21, heads, 22) == []
    writer.has_named(30, 31, [])
    assert [name for name, _, _ in writer.more_to_name(heads)] == ["a", "b", "c", "d"], "22 was rolled back"


def rows(*numbers: int, newest: int = 10, others: Any = None, oldest: str | None = None) -> list[tuple[Any, ...]]:
    encoded = None if others is None else json.dumps(others)
    return [(newest, "hash", number, encoded, oldest or head()) for number in numbers]


def test_the_next_events_use_their_drawn_numbers() -> None:
    writer = Writer("mx1/milter")
    assert writer._end(rows(20, 23)) == End("mx1/milter", "hash", [20, 23], "")
    end = writer._end(rows(24, newest=23, others=[["", 5, "ab"]]))
    heads: object = end.heads
    assert heads == (["", 5, "ab"],)
    assert named_heads(end.seen) == [("", 5, "ab")]
    assert named_heads("") == []


def test_a_store_that_requires_a_newer_version_is_not_written() -> None:
    with pytest.raises(DatabaseError, match="newer version of Holdgate"):
        Writer("x")._end(rows(1, oldest="9999"))


class Rows:
    """A connection to PostgreSQL that has these answers."""

    def __init__(self, *answers: list[tuple[Any, ...]]) -> None:
        self.dialect = SimpleNamespace(name="postgresql")
        self.answers = list(answers)
        self.asked: list[tuple[str, Any]] = []

    def execute(self, statement: Any, values: Any) -> SimpleNamespace:
        self.asked.append((str(statement).partition(" ")[0], values))
        answer = self.answers.pop(0)
        return SimpleNamespace(all=lambda: answer)


def test_a_missing_chain_is_created_once() -> None:
    found = Rows(rows(1, 2, newest=0))
    assert Writer("x").end(cast(Connection, found), 2).numbers == [1, 2]
    assert found.asked == [("WITH", {"name": "x", "count": 2})]
    new = Rows([], [], rows(1, newest=0))
    assert Writer("x").end(cast(Connection, new), 1).numbers == [1]
    assert [word for word, _ in new.asked] == ["WITH", "INSERT", "WITH"]


class Runs:
    """A batch that has these answers."""

    def __init__(self, *answers: list[tuple[Any, ...]]) -> None:
        self.answers = list(answers)
        self.statements: list[list[Any]] = []

    def run(self, *statements: Any) -> list[tuple[Any, ...]]:
        self.statements.append([values for _, values in statements])
        return self.answers.pop(0)


def test_a_missing_chain_is_created_once_in_a_batch() -> None:
    found = Runs(rows(1, newest=0))
    assert Writer("x").end_in(cast(Any, found), 1, ("SELECT 1", ())).numbers == [1]
    assert found.statements == [[(), ("x",)]]
    new = Runs([], rows(1, 2, newest=0))
    assert Writer("x").end_in(cast(Any, new), 2).numbers == [1, 2]
    assert new.statements == [[("x", 2)], [("x",), ("x", 2)]]


def test_a_single_event_takes_one_round_trip_and_several_events_two() -> None:
    asked: list[tuple[str, Any]] = []

    class Keeps:
        def __init__(self, dialect: str) -> None:
            self.dialect = SimpleNamespace(name=dialect)

        def execute(self, statement: Any, values: Any = None) -> None:
            asked.append((str(statement).partition(" ")[0], values))

    row = {"number": 7, "hash": "h"}
    end = End("x", "before", [7], "")
    chains.add(cast(Connection, Keeps("postgresql")), end, [row])
    assert asked == [("WITH", row)]
    for dialect, count in (("postgresql", 2), ("sqlite", 1)):
        asked.clear()
        chains.add(cast(Connection, Keeps(dialect)), end, [row] * count)
        assert [word for word, _ in asked] == ["INSERT", "UPDATE"]


def test_a_writer_without_a_name_adds_to_the_first_chain() -> None:
    assert writer_of({}).name == writer_of({"writer": "x"}).name == ""

    class Options:
        def execution_options(self, **options: Any) -> dict[str, Any]:
            return options

    assert writer_of(cast(Any, writing_as(cast(Any, Options()), "x"))).name == "x"
