"""Reads SQLite databases: every row of every table with the names of its columns, and the remains of deleted rows.

The library opens the file in memory (sqlite3_deserialize): nothing is written, no file is opened, and the schema is not
trusted. Views and triggers are not run. Free pages and free space on pages are read by the file format
(sqlite.org/fileformat2.html, sections 1.5 and 1.6), because deleting a row does not remove its bytes.
"""

import sqlite3
import struct
import zlib
from collections.abc import Iterator

from holdgate.extract.budget import LimitReachedError
from holdgate.extract.extents import databases
from holdgate.extract.format import Format
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink, UnreadableError

_MAGIC = b"SQLite format 3\0"
_STEPS = 20_000
"""Steps of SQLite's virtual machine between two checks of the time."""
_BLOB = 64
"""A value of this many bytes can be a file; of a shorter one, only strings are read, unless it is zlib data."""
_LARGEST = 100_000_000
# The library decodes names of columns and quotes them in its errors: invalid UTF-8 there causes a ValueError.
_DAMAGE = (sqlite3.Error, ValueError)


def read(document: Document, sink: Sink) -> None:
    """Pass on rows and remains. Raises UnreadableError("damaged") if no table can be read."""
    data = bytearray(document.data)
    data[18:20] = b"\1\1"  # a database in WAL mode cannot be opened from memory (1.3.3)
    over: list[LimitReachedError] = []
    connection = sqlite3.connect(":memory:")
    try:
        connection.text_factory = bytes
        connection.deserialize(bytes(data))
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST)
        for setting in ("trusted_schema = OFF", "temp_store = MEMORY", "query_only = ON", "cell_size_check = ON"):
            connection.execute(f"PRAGMA {setting}")
        connection.set_progress_handler(lambda: _is_over(sink, over), _STEPS)
        _read_tables(connection, sink, over)
    except _DAMAGE as error:
        if over:
            raise over[0] from None
        raise UnreadableError("damaged") from error
    finally:
        connection.close()
    for page in _unused(document.data):
        for text in strings(page):
            sink.text(text, "deleted rows")


def _is_over(sink: Sink, over: list[LimitReachedError]) -> bool:
    """Return whether the time is used up; an exception cannot pass through SQLite."""
    try:
        sink.budget.check_time()
    except LimitReachedError as error:
        over.append(error)
    return bool(over)


def _read_tables(connection: sqlite3.Connection, sink: Sink, over: list[LimitReachedError]) -> None:
    schema = connection.execute("SELECT type, name, sql FROM sqlite_schema").fetchall()
    for kind, name, sql in schema:
        table, statement = _decoded(name), _decoded(sql or b"")
        if statement:
            sink.text(statement, "schema")
        if kind != b"table" or statement.lstrip()[:14].upper() == "CREATE VIRTUAL":
            continue
        quoted = table.replace('"', '""')
        try:
            rows = connection.execute(f'SELECT * FROM "{quoted}"')
            columns = [column[0] for column in rows.description]
            for number, row in enumerate(rows, 1):
                _read_row(columns, row, f"table {table}, row {number}", sink)
        except _DAMAGE:
            if over:
                raise over[0] from None
            sink.limited("damaged table")


def _read_row(columns: list[str], row: tuple[object, ...], place: str, sink: Sink) -> None:
    lines: list[str] = []
    blobs: list[bytes] = []
    for column, value in zip(columns, row, strict=True):
        if isinstance(value, bytes) and (text := _text(value)) is None:
            if len(value) >= _BLOB or _is_packed(value):
                blobs.append(value)
            else:
                lines += [f"{column}: {found}" for found in strings(value)]
        elif value is not None and value != b"":
            lines.append(f"{column}: {text if isinstance(value, bytes) else value}")
    sink.budget.spend_cells(len(row))
    sink.text("\n".join(lines), place)
    for blob in blobs:
        sink.budget.spend_entry()
        sink.embedded(blob, "")


def _is_packed(value: bytes) -> bool:
    """Return whether a short value is zlib data: it cannot unpack to much."""
    try:
        zlib.decompress(value)
    except zlib.error:
        return False
    return True


def _text(value: bytes) -> str | None:
    """Return a value as text, None for bytes that are not text."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text or value.startswith((b"%PDF-", b"PK\3\4")) else text


def _decoded(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _unused(data: bytes) -> Iterator[bytes]:
    """Yield free pages, and the unused space of other pages."""
    (size,) = struct.unpack_from(">H", data, 16)
    size = 65_536 if size == 1 else size
    if size < 512:
        return
    free = set(_free_pages(data, size))
    for number in range(1, len(data) // size + 1):
        page = data[(number - 1) * size : number * size]
        if number in free:
            yield page
            continue
        start = 100 if number == 1 else 0
        kind, block, cells, content = struct.unpack_from(">BHHH", page, start)
        if kind not in (2, 5, 10, 13):
            continue
        header = start + (12 if kind in (2, 5) else 8)
        yield page[header + 2 * cells : content or 65_536]
        for _ in range(size // 4):
            if not 0 < block <= size - 4:
                break
            following, length = struct.unpack_from(">HH", page, block)
            yield page[block + 4 : block + length]
            if following <= block:
                break
            block = following


def _free_pages(data: bytes, size: int) -> Iterator[int]:
    """Yield the numbers of the pages on the freelist (1.5)."""
    (trunk,) = struct.unpack_from(">I", data, 32)
    for _ in range(len(data) // size):
        start = (trunk - 1) * size
        if trunk < 1 or start + size > len(data):
            return
        yield trunk
        following, count = struct.unpack_from(">II", data, start)
        leaves = min(count, size // 4 - 2)
        yield from struct.unpack_from(f">{leaves}I", data, start + 8)
        trunk = following


FORMAT = Format(
    kind="sqlite",
    read=read,
    claims=databases.of_sqlite,
    holds="SQLite databases, with what deleted rows left",
    read_by="SQLite",
    unread="",
    signatures=((0, _MAGIC),),
    extensions="sqlite sqlite3 db",
    types="application/vnd.sqlite3 application/x-sqlite3",
)
