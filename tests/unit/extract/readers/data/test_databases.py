"""SQLite databases and dBase tables: each value with the name of its column, and remains of deleted rows."""

import contextlib
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.extract.budget import Budget, LimitReachedError, Limits
from holdgate.extract.extractor import extract_file
from holdgate.extract.identify import identify
from holdgate.extract.part import Status
from holdgate.extract.readers.data import dbase, sqlite
from holdgate.extract.reading import Document, UnreadableError
from tests.support.databases import dbase_file, sqlite_file
from tests.support.pdf_writer import simple_pdf
from tests.support.sink import KeepingSink, read_all

PEOPLE = (
    'CREATE TABLE "the people"(id INTEGER PRIMARY KEY, name TEXT, ssn INTEGER, height REAL, photo BLOB)',
    ('INSERT INTO "the people"(name, ssn, height) VALUES (?, ?, ?)', ("Ann Müller", 219099999, 1.75)),
    ('INSERT INTO "the people"(name, photo) VALUES (?, ?)', ("Bob", simple_pdf("inside the database"))),
    ('INSERT INTO "the people"(name, photo) VALUES (?, ?)', ("Rosenquist-deleted", b"\0\1\2")),
    "DELETE FROM \"the people\" WHERE name LIKE '%deleted'",
)
DATABASE = sqlite_file(*PEOPLE)
TABLE = dbase_file(
    [("NAME", "C", 12), ("SSN", "N", 11), ("BORN", "D", 8)],
    [(b"Ann M\xfcller", b"219099999", b"19710312"), (b"Bob", b"457555462", b"")],
    deleted=[1],
)


@pytest.mark.parametrize("wal", [False, True])
def test_rows_are_read_with_their_column_names(wal: bool) -> None:
    sink = read_all(sqlite.read, sqlite_file(*PEOPLE, wal=wal))
    assert ("id: 1\nname: Ann Müller\nssn: 219099999\nheight: 1.75", "table the people, row 1") in sink.texts
    assert [document.data[:5] for document in sink.documents] == [b"%PDF-"]
    assert sink.limits == []


def test_deleted_rows_are_read() -> None:
    assert read_all(sqlite.read, DATABASE).places_of("Rosenquist-deleted") == ["deleted rows"]
    rows = [("INSERT INTO a VALUES (?)", (f"Rosenquist-{number} " * 60,)) for number in range(40)]
    dropped = read_all(sqlite.read, sqlite_file("CREATE TABLE a(b TEXT)", *rows, "DROP TABLE a"))
    assert "Rosenquist-39" in dropped.everything()


def test_views_are_not_run_and_shadow_tables_are_read() -> None:
    sink = read_all(
        sqlite.read,
        sqlite_file(
            "CREATE VIEW endless AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n",
            "CREATE VIRTUAL TABLE notes USING fts5(body)",
            ("INSERT INTO notes VALUES (?)", ("a note about Rosenquist",)),
        ),
    )
    assert "c0: a note about Rosenquist" in sink.everything()
    assert sink.places_of("WITH RECURSIVE") == ["schema"]


@pytest.mark.parametrize("steps", [1, 5])
def test_the_time_limit_applies_while_the_library_works(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_STEPS", steps)
    budget = Budget(Limits(part_seconds=0.0))
    budget.begin_part()
    with pytest.raises(LimitReachedError, match="time limit"):
        sqlite.read(Document(DATABASE), KeepingSink(budget))


def test_a_file_that_only_begins_like_a_database_is_damaged() -> None:
    extraction = extract_file("a.db", DATABASE[:120] + b"Rosenquist in the ruins " * 9)
    assert extraction.status is Status.FAILED
    assert any("Rosenquist" in part.text for part in extraction.parts)


@settings(max_examples=60)
@given(st.integers(100, len(DATABASE) - 1), st.binary(min_size=1, max_size=40))
def test_a_damaged_database_is_read_as_far_as_possible(place: int, bytes_: bytes) -> None:
    damaged = DATABASE[:place] + bytes_ + DATABASE[place + len(bytes_) :]
    with contextlib.suppress(UnreadableError, LimitReachedError):
        read_all(sqlite.read, damaged)


def test_records_are_read_with_their_field_names() -> None:
    sink = read_all(dbase.read, TABLE)
    assert sink.texts == [
        ("NAME: Ann Müller\nSSN: 219099999\nBORN: 19710312", "record 1"),
        ("NAME: Bob\nSSN: 457555462", "record 2, deleted"),
    ]
    assert extract_file("a.dbf", TABLE).status is Status.COMPLETE


def test_binary_numbers_are_read_as_numbers() -> None:
    row = (struct.pack("<d", 4_111_111_111_111_111), struct.pack("<i", 219_099_999))
    table = dbase_file([("CARD", "B", 8), ("ID", "I", 4)], [row])
    assert read_all(dbase.read, table).texts == [("CARD: 4111111111111111\nID: 219099999", "record 1")]


def test_a_cut_table_is_limited() -> None:
    sink = read_all(dbase.read, TABLE[:-20])
    assert len(sink.texts) == 1
    assert sink.limits == ["damaged, read up to the damage"]


@pytest.mark.parametrize("data", [b"\x03" + b"text that begins with a control " * 9, TABLE[:60], b"\x03" + bytes(200)])
def test_other_files_are_not_identified_as_tables(data: bytes) -> None:
    assert identify(Document(data, "a.dbf")) != "dbase"


@given(st.integers(0, len(TABLE) - 1), st.binary(min_size=1, max_size=8))
def test_a_damaged_table_is_read_as_far_as_possible(place: int, bytes_: bytes) -> None:
    with contextlib.suppress(UnreadableError, LimitReachedError):
        read_all(dbase.read, TABLE[:place] + bytes_ + TABLE[place + len(bytes_) :])


@pytest.mark.parametrize("words", [b"her number is 536-90-4399", b"her number is 536-90-4399 " * 20])
def test_a_packed_value_of_any_length_is_passed_on(words: bytes) -> None:
    packed = zlib.compress(words)
    file = sqlite_file("create table notes (note blob)", ("insert into notes values (?)", (packed,)))
    assert [document.data for document in read_all(sqlite.read, file).documents] == [packed]


def test_a_short_value_that_is_not_packed_is_read_for_its_strings() -> None:
    value = b"\x78\x9c\1\xff" + b"\0number 1"
    file = sqlite_file("create table notes (note blob)", ("insert into notes values (?)", (value,)))
    found = read_all(sqlite.read, file)
    assert found.documents == []
    assert "note: number 1" in [text for text, _ in found.texts]
