#!/usr/bin/env bash
# PostgreSQL 15.18 (Debian 12, built with LLVM 14): with MemoryDenyWriteExecute=yes, a usual line of hardened systemd units, the
# server starts, pg_jit_available() is true, and all small queries work. A query whose estimated cost is above jit_above_cost (100,000) is
# compiled, which the kernel does not permit: it fails with "failed to look up symbol". So a unit that passed its tests fails
# months later, when a table has grown, or on the day when statistics change, and only for large queries. PostgreSQL does
# not run the query without JIT instead. jit = off in postgresql.conf avoids it. Neither postgresql.conf nor
# systemd.exec(5) names the other (systemd.exec(5): "incompatible with programs … that generate program code dynamically").
#
# Here prctl(PR_SET_MDWE) of Linux 6.3 sets what the unit sets since systemd 254.
#
# Seen, the last with jit = off:
#   available: t
#   100 rows, cost below 100,000: 0
#   1000 rows, cost above 100,000: ERROR:  failed to look up symbol
#   1000 rows, cost above 100,000: 0
set -euo pipefail
bin=/usr/lib/postgresql/15/bin
[[ -x $bin/initdb ]] # apt install postgresql-15 python3
work=$(mktemp -d)
as() { if [[ $EUID = 0 ]]; then runuser -u postgres -- "$@"; else "$@"; fi; }
trap 'as $bin/pg_ctl -D "$work/home/data" -m immediate stop >/dev/null || true; rm -rf "$work"' EXIT
chmod 711 "$work"
mkdir "$work/home"
[[ $EUID != 0 ]] || chown postgres "$work/home"
as $bin/initdb -A trust -U postgres -D "$work/home/data" >/dev/null
cat >"$work/deny.py" <<'PYTHON'
import ctypes
import os
import sys

PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
assert ctypes.CDLL(None).prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
PYTHON
as /usr/bin/python3 "$work/deny.py" $bin/pg_ctl -D "$work/home/data" -o "-k $work/home -c listen_addresses=" -l /dev/null -w start \
  >/dev/null
psql=("$bin/psql" -qXAt -h "$work/home" -U postgres)
"${psql[@]}" -c "CREATE TABLE mails AS SELECT id, id % 10 AS kind FROM generate_series(1, 20000) AS id" -c "ANALYZE mails"
query() { echo "SELECT count(*) FROM mails AS one, mails AS other WHERE one.kind + other.kind < 0 AND one.id <= $1"; }
run() { # IDS STATEMENT...: prints whether the estimated cost is above jit_above_cost, and the result
  local costs=below ids=$1
  shift
  "${psql[@]}" -c "EXPLAIN $(query "$ids")" | grep -qE '^Aggregate .*\.\.[0-9]{6,}\.' && costs=above
  echo "$ids rows, cost $costs 100,000: $("${psql[@]}" "${@/#/-c}" -c "$(query "$ids")" 2>&1 | grep -oE '^(ERROR:  failed to look up symbol|[0-9]+$)')"
}
{
  echo "available: $("${psql[@]}" -c "SELECT pg_jit_available()")"
  run 100
  run 1000
  run 1000 "SET jit = off"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
available: t
100 rows, cost below 100,000: 0
1000 rows, cost above 100,000: ERROR:  failed to look up symbol
1000 rows, cost above 100,000: 0
SEEN
