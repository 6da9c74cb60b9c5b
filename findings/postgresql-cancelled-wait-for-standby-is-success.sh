#!/usr/bin/env bash
# PostgreSQL 15.18 (Debian 12) with psycopg 3.3.9: while the synchronous standby is away, COMMIT waits, and no timeout of the
# server ends it: statement_timeout is switched off before the wait, and the idle and lock timeouts do not apply. If
# the client or an administrator cancels the wait, COMMIT succeeds. commit() returns as always, and only a notice
# (WARNING, 01000, function SyncRepWaitForLSN) says that the standby may lack the transaction. A program that tells a
# person "saved" must register a notice handler; psycopg drops notices otherwise.
#
# Seen:
#   waiting after 3 s with all timeouts at 1 s: True
#   commit() after cancel: returned None, rows on the primary: 1
#   notice: WARNING 01000 SyncRepWaitForLSN
set -euo pipefail
bin=/usr/lib/postgresql/15/bin
[[ -x $bin/initdb ]] # apt install postgresql-15
work=$(mktemp -d)
as() { if [[ $EUID = 0 ]]; then runuser -u postgres -- "$@"; else "$@"; fi; }
trap 'as $bin/pg_ctl -D "$work/home/data" -m immediate stop >/dev/null || true; rm -rf "$work"' EXIT
chmod 711 "$work"
mkdir "$work/home"
[[ $EUID != 0 ]] || chown postgres "$work/home"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check 'psycopg[binary]==3.3.9'
as $bin/initdb -A trust -U postgres -D "$work/home/data" >/dev/null
as $bin/pg_ctl -D "$work/home/data" -o "-k $work/home -c listen_addresses= -c synchronous_standby_names=away" \
  -l /dev/null -w start >/dev/null
"$work/venv/bin/python" - "$work/home" <<'PYTHON' | tee "$work/seen"
import sys
import threading

import psycopg

address = f"host={sys.argv[1]} user=postgres"
notices, results = [], []
connection = psycopg.connect(address, autocommit=True)
connection.add_notice_handler(lambda notice: notices.append(f"{notice.severity} {notice.sqlstate} {notice.source_function}"))
connection.execute("SET synchronous_commit = local; CREATE TABLE decision (id int)")
connection.execute("RESET synchronous_commit; SET statement_timeout = '1s'; SET lock_timeout = '1s'")
connection.execute("SET idle_in_transaction_session_timeout = '1s'")
connection.execute("BEGIN; INSERT INTO decision VALUES (1)")
commit = threading.Thread(target=lambda: results.append(connection.commit()))
commit.start()
commit.join(3)
print("waiting after 3 s with all timeouts at 1 s:", commit.is_alive())
connection.cancel_safe()
commit.join()
with psycopg.connect(address) as other:
    rows = other.execute("SELECT count(*) FROM decision").fetchone()[0]
print(f"commit() after cancel: returned {results[0]}, rows on the primary: {rows}")
print("notice:", *notices)
PYTHON
diff "$work/seen" - <<'SEEN'
waiting after 3 s with all timeouts at 1 s: True
commit() after cancel: returned None, rows on the primary: 1
notice: WARNING 01000 SyncRepWaitForLSN
SEEN
