"""A SQLite database that the library writes, and a dBase table by its specification."""

import sqlite3
import struct
import tempfile
from collections.abc import Sequence
from pathlib import Path


def sqlite_file(*statements: str | tuple[str, tuple[object, ...]], wal: bool = False) -> bytes:
    """Return a database after statements, each with its values; deleted rows keep their bytes."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "a.db")
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA secure_delete = OFF")
        if wal:
            connection.execute("PRAGMA journal_mode = WAL")
        for statement in statements:
            connection.execute(*((statement,) if isinstance(statement, str) else statement))
            connection.commit()
        connection.close()
        return path.read_bytes()


def dbase_file(
    fields: Sequence[tuple[str, str, int]], rows: Sequence[Sequence[bytes]], deleted: Sequence[int] = ()
) -> bytes:
    """Return a table of level 5 with code page 1252: fields as name, type and length; values are padded to it."""
    length = 1 + sum(size for _, _, size in fields)
    header = 32 + 32 * len(fields) + 1
    out = struct.pack("<B3BIHH16xBB2x", 3, 126, 11, 29, len(rows), header, length, 0, 3)
    for name, kind, size in fields:
        out += struct.pack("<11sc4xBB14x", name.encode(), kind.encode(), size, 0)
    out += b"\r"
    for number, row in enumerate(rows):
        out += b"*" if number in deleted else b" "
        out += b"".join(value.ljust(size) for value, (_, _, size) in zip(row, fields, strict=True))
    return out + b"\x1a"
