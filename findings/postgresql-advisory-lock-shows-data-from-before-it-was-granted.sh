#!/usr/bin/env bash
# PostgreSQL 15.18 (Debian 12): in REPEATABLE READ and SERIALIZABLE, SELECT pg_advisory_xact_lock() as the first statement does
# not order what follows after the previous holder. A SELECT takes its snapshot before its functions run, so the transaction
# waits for the lock, gets it, and then reads the data from before the previous holder's commit. LOCK TABLE, the lock that the manual
# recommends to take first in these modes (13.4.2), takes no snapshot: what follows sees the commit. So the switch from a table
# lock to an advisory lock, for more concurrency, returns old data without an error. The same holds in READ COMMITTED for one
# statement that takes the lock and reads. The manual's section on advisory locks (13.3.5) does not mention snapshots.
#
# Seen (the first holder changes 1 to 2):
#   READ COMMITTED, advisory lock: 2
#   READ COMMITTED, lock and read in one statement: 1
#   REPEATABLE READ, advisory lock: 1
#   REPEATABLE READ, LOCK TABLE: 2
#   SERIALIZABLE, advisory lock: 1
set -euo pipefail
bin=/usr/lib/postgresql/15/bin
[[ -x $bin/initdb ]] # apt install postgresql-15
work=$(mktemp -d)
as() { if [[ $EUID = 0 ]]; then runuser -u postgres -- "$@"; else "$@"; fi; }
trap 'as $bin/pg_ctl -D "$work/home/data" -m immediate stop >/dev/null || true; wait; rm -rf "$work"' EXIT
chmod 711 "$work"
mkdir "$work/home"
[[ $EUID != 0 ]] || chown postgres "$work/home"
as $bin/initdb -A trust -U postgres -D "$work/home/data" >/dev/null
as $bin/pg_ctl -D "$work/home/data" -o "-k $work/home -c listen_addresses=" -l /dev/null -w start >/dev/null
psql=("$bin/psql" -qXAt -h "$work/home" -U postgres)
"${psql[@]}" -c "CREATE TABLE ledger AS SELECT 1 AS value"
waiting() { [[ $("${psql[@]}" -c "SELECT count(*) FROM pg_locks WHERE NOT granted") = 1 ]]; }
holding() { [[ $("${psql[@]}" -c "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'") = 1 ]]; }
try() { # NAME LEVEL LOCK READ...: prints what the second holder reads
  local name=$1 level=$2 lock=$3 reader
  shift 3
  "${psql[@]}" -c "UPDATE ledger SET value = 1"
  exec {first}> >("${psql[@]}" >/dev/null)
  echo "BEGIN; $lock; UPDATE ledger SET value = 2;" >&"$first"
  until holding; do :; done
  "${psql[@]}" -c "BEGIN ISOLATION LEVEL $level" "${@/#/-c}" -c COMMIT >"$work/read" &
  reader=$!
  until waiting; do :; done
  echo "COMMIT;" >&"$first"
  exec {first}>&-
  wait "$reader"
  echo "$name: $(grep . "$work/read" | tail -n 1)"
}
advisory="SELECT pg_advisory_xact_lock(1)"
read="SELECT value FROM ledger"
one="WITH held AS MATERIALIZED ($advisory) SELECT value FROM held, ledger"
table="LOCK TABLE ledger IN EXCLUSIVE MODE"
{
  try "READ COMMITTED, advisory lock" "READ COMMITTED" "$advisory" "$advisory" "$read"
  try "READ COMMITTED, lock and read in one statement" "READ COMMITTED" "$advisory" "$one"
  try "REPEATABLE READ, advisory lock" "REPEATABLE READ" "$advisory" "$advisory" "$read"
  try "REPEATABLE READ, LOCK TABLE" "REPEATABLE READ" "$table" "$table" "$read"
  try "SERIALIZABLE, advisory lock" "SERIALIZABLE" "$advisory" "$advisory" "$read"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
READ COMMITTED, advisory lock: 2
READ COMMITTED, lock and read in one statement: 1
REPEATABLE READ, advisory lock: 1
REPEATABLE READ, LOCK TABLE: 2
SERIALIZABLE, advisory lock: 1
SEEN
