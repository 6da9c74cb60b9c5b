#!/usr/bin/env bash
# SQLite 3.53.4 (Debian testing) as the writer, 3.46.1 (Debian 13) as the reader: the shell's .dump, an SQL text that was good for any version for
# twenty years, writes a text with a line break, a tab or another control character as unistr('…\u000a…') since 3.50 (June 2025). That
# function is new in 3.50. An older shell reports "no such function: unistr" for these rows, goes on with the next statement, and runs
# the COMMIT at the end: the tables are there, with all rows but those with a line break. So bodies of mail, comments and
# logs are missing, and short values are complete. The exit status is 1, which a restore through a pipe or ssh easily loses. With
# executescript() of Python's sqlite3, the first such row ends the restore, in an open transaction. A dump that was made on a laptop or in a
# container, to be restored on a stable server, has this order of versions. ".dump" after ".mode list --escape off", or sqlite3 --escape off,
# writes what all versions read; .backup copies the file. The release notes of 3.50 name the function, not what an older version does.
#
# Seen, for four rows, of which one has a line break and one a tab:
#   dump of 3.53: 2 rows with unistr()
#   restored by 3.46: exit status 1, rows 2 of 4
#   restored by executescript(), SQLite 3.46: OperationalError, rows after commit 1 of 4
#   dump of 3.53 --escape off, restored by 3.46: exit status 0, rows 4 of 4
set -euo pipefail
# As root, with: apt install mmdebstrap. The copy of testing may be older than its signature lasts.
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' --include=sqlite3 forky "$work/new"
mmdebstrap --quiet --variant=minbase --include=sqlite3,python3 trixie "$work/old"
chroot "$work/new" sqlite3 /mail.db <<'SQL'
CREATE TABLE mail (id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO mail VALUES (1, 'one line'), (2, 'two' || char(10) || 'lines'), (3, 'a' || char(9) || 'tab'), (4, 'last');
SQL
chroot "$work/new" sqlite3 /mail.db .dump >"$work/old/dump.sql"
chroot "$work/new" sqlite3 -escape off /mail.db .dump >"$work/old/plain.sql"
restore() { # FILE: restores a dump with the older shell
  local status=0
  chroot "$work/old" sh -c "rm -f /copy.db; sqlite3 /copy.db < /$1" 2>/dev/null || status=$?
  echo "exit status $status, rows $(chroot "$work/old" sqlite3 /copy.db 'SELECT count(*) FROM mail') of 4"
}
{
  echo "dump of 3.53: $(grep -c 'unistr(' "$work/old/dump.sql") rows with unistr()"
  echo "restored by 3.46: $(restore dump.sql)"
  chroot "$work/old" python3 - <<'PYTHON'
import sqlite3

database = sqlite3.connect(":memory:")
try:
    database.executescript(open("/dump.sql").read())
except sqlite3.Error as error:
    database.commit()
    ((rows,),) = database.execute("SELECT count(*) FROM mail")
    version = ".".join(sqlite3.sqlite_version.split(".")[:2])
    print(f"restored by executescript(), SQLite {version}: {type(error).__name__}, rows after commit {rows} of 4")
PYTHON
  echo "dump of 3.53 --escape off, restored by 3.46: $(restore plain.sql)"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
dump of 3.53: 2 rows with unistr()
restored by 3.46: exit status 1, rows 2 of 4
restored by executescript(), SQLite 3.46: OperationalError, rows after commit 1 of 4
dump of 3.53 --escape off, restored by 3.46: exit status 0, rows 4 of 4
SEEN
