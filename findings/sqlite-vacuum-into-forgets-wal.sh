#!/usr/bin/env bash
# SQLite 3.40.1 (module sqlite3 of Python 3.11, Debian 12): of a database in WAL mode, VACUUM INTO makes a copy that is in rollback
# mode (journal_mode delete). Page size, auto_vacuum, user_version and application_id are copied, and WAL mode is documented
# as persistent, so a program that sets it once, when it makes the database, runs without it after such a backup was
# restored: each reader then blocks each writer, and a write next to an open read fails with "database is locked", which
# never happened before. A copy by the backup API (sqlite3_backup, .backup) stays in WAL mode. The manual of VACUUM does
# not mention the journal mode of the copy.
#
# Seen:
#   original: wal, user_version 7, page size 8192, a write beside a reader succeeds
#   VACUUM INTO: delete, user_version 7, page size 8192, a write beside a reader fails: database is locked
#   backup API: wal, user_version 7, page size 8192, a write beside a reader succeeds
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 - <<'PYTHON' | tee seen
import sqlite3


def opened(path):
    return sqlite3.connect(path, isolation_level=None, timeout=0.2)


original = opened("original")
original.execute("PRAGMA page_size = 8192")
original.execute("PRAGMA journal_mode = WAL")
original.execute("PRAGMA user_version = 7")
original.execute("CREATE TABLE message (id INTEGER PRIMARY KEY)")
original.executemany("INSERT INTO message VALUES (?)", ((number,) for number in range(100)))
original.execute("VACUUM INTO 'vacuumed'")
original.backup(sqlite3.connect("backup"))
for name, path in (("original", "original"), ("VACUUM INTO", "vacuumed"), ("backup API", "backup")):
    reader, writer = opened(path), opened(path)
    mode, version, size = (
        reader.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in ("journal_mode", "user_version", "page_size")
    )
    rows = reader.execute("SELECT id FROM message")
    rows.fetchone()
    try:
        writer.execute("INSERT INTO message VALUES (1000)")
        result = "succeeds"
    except sqlite3.OperationalError as error:
        result = f"fails: {error}"
    print(f"{name}: {mode}, user_version {version}, page size {size}, a write beside a reader {result}")
PYTHON
diff seen - <<'SEEN'
original: wal, user_version 7, page size 8192, a write beside a reader succeeds
VACUUM INTO: delete, user_version 7, page size 8192, a write beside a reader fails: database is locked
backup API: wal, user_version 7, page size 8192, a write beside a reader succeeds
SEEN
