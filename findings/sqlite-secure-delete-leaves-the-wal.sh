#!/usr/bin/env bash
# SQLite 3.40.1 (module sqlite3 of Python 3.11, Debian 12): `PRAGMA secure_delete = ON`, Debian's default, overwrites
# deleted rows in the database file, from the next checkpoint on. In WAL mode the rows are also in the -wal file, and stay
# there, after VACUUM too. Of the four checkpoints, PASSIVE, FULL and RESTART report success and leave the bytes of the
# file; it is only overwritten from its start by later writes. A service that keeps its connection open never removes the
# file. PRAGMA wal_checkpoint(TRUNCATE) does.
#
# Seen (whether the deleted text is in the database file, and in the -wal file):
#   DELETE: True True
#   checkpoint PASSIVE: False True
#   checkpoint FULL: False True
#   checkpoint RESTART: False True
#   VACUUM: False True
#   checkpoint TRUNCATE: False False
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 - "$work" <<'PYTHON' | tee "$work/seen"
import sqlite3
import sys
from pathlib import Path

DATABASE = Path(sys.argv[1]) / "db"
WAL = DATABASE.with_name("db-wal")
connection = sqlite3.connect(DATABASE, isolation_level=None)
connection.execute("PRAGMA secure_delete = ON")
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("CREATE TABLE person (name TEXT)")
connection.execute("INSERT INTO person VALUES ('the name of a person')")
connection.execute("PRAGMA wal_checkpoint(FULL)")
for what, statement in (
    ("DELETE", "DELETE FROM person"),
    ("checkpoint PASSIVE", "PRAGMA wal_checkpoint(PASSIVE)"),
    ("checkpoint FULL", "PRAGMA wal_checkpoint(FULL)"),
    ("checkpoint RESTART", "PRAGMA wal_checkpoint(RESTART)"),
    ("VACUUM", "VACUUM"),
    ("checkpoint TRUNCATE", "PRAGMA wal_checkpoint(TRUNCATE)"),
):
    connection.execute(statement).fetchall()
    print(f"{what}:", *(b"the name of a person" in path.read_bytes() for path in (DATABASE, WAL)))
PYTHON
diff "$work/seen" - <<'SEEN'
DELETE: True True
checkpoint PASSIVE: False True
checkpoint FULL: False True
checkpoint RESTART: False True
VACUUM: False True
checkpoint TRUNCATE: False False
SEEN
