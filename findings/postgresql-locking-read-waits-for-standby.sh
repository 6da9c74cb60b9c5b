#!/usr/bin/env bash
# PostgreSQL 15.18 (Debian 12): its manual says that read-only transactions need not wait for a synchronous standby. What only
# reads for its author can be a transaction that waits. SELECT ... FOR UPDATE or FOR KEY SHARE writes its row locks and takes a
# transaction number, so COMMIT waits for the standby although no value changed, and hangs while the standby is away: a worker that
# looks into a queue with SKIP LOCKED and decides to do nothing, for example. ROLLBACK of the same does not wait. Of the
# calls of nextval(), one of 32 waits, the one that logs the next values. NOTIFY and an UPDATE without a row do not.
#
# Seen, with a standby that is away:
#   SELECT: returns
#   SELECT FOR UPDATE, COMMIT: waits
#   SELECT FOR UPDATE of no row, COMMIT: returns
#   SELECT FOR UPDATE, ROLLBACK: returns
#   SELECT FOR KEY SHARE, COMMIT: waits
#   nextval, first call: waits
#   nextval, calls 2 to 32: returns
#   nextval, call 33: returns
#   nextval, call 34: waits
#   NOTIFY: returns
#   UPDATE of no row: returns
set -euo pipefail
bin=/usr/lib/postgresql/15/bin
[[ -x $bin/initdb ]] # apt install postgresql-15
work=$(mktemp -d)
as() { if [[ $EUID = 0 ]]; then runuser -u postgres -- "$@"; else "$@"; fi; }
trap 'as $bin/pg_ctl -D "$work/home/data" -m immediate stop >/dev/null || true; rm -rf "$work"' EXIT
chmod 711 "$work"
mkdir "$work/home"
[[ $EUID != 0 ]] || chown postgres "$work/home"
as $bin/initdb -A trust -U postgres -D "$work/home/data" >/dev/null
as $bin/pg_ctl -D "$work/home/data" -o "-k $work/home -c listen_addresses= -c synchronous_standby_names=away -c autovacuum=off" \
  -l /dev/null -w start >/dev/null
psql=("$bin/psql" -qXAt -h "$work/home" -U postgres)
"${psql[@]}" -c "SET synchronous_commit = local" -c "CREATE TABLE queue AS SELECT 1 AS id" -c "CREATE SEQUENCE numbers"
try() { # NAME STATEMENT...: says whether the statements return, or wait for the standby
  local name=$1 client waiting
  shift
  PGAPPNAME=tried "${psql[@]}" "${@/#/-c}" >/dev/null 2>&1 &
  client=$!
  while kill -0 "$client" 2>/dev/null; do
    waiting="application_name = 'tried' AND wait_event = 'SyncRep'"
    if [[ $("${psql[@]}" -c "SELECT count(*) FROM pg_stat_activity WHERE $waiting") = 1 ]]; then
      echo "$name: waits"
      "${psql[@]}" -c "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE $waiting" >/dev/null
      wait "$client" || true
      return
    fi
  done
  echo "$name: returns"
}
{
  try "SELECT" BEGIN "SELECT * FROM queue" COMMIT
  try "SELECT FOR UPDATE, COMMIT" BEGIN "SELECT * FROM queue FOR UPDATE SKIP LOCKED" COMMIT
  try "SELECT FOR UPDATE of no row, COMMIT" BEGIN "SELECT * FROM queue WHERE id = 2 FOR UPDATE SKIP LOCKED" COMMIT
  try "SELECT FOR UPDATE, ROLLBACK" BEGIN "SELECT * FROM queue FOR UPDATE SKIP LOCKED" ROLLBACK
  try "SELECT FOR KEY SHARE, COMMIT" BEGIN "SELECT * FROM queue FOR KEY SHARE" COMMIT
  try "nextval, first call" "SELECT nextval('numbers')"
  call=("SELECT nextval('numbers')")
  try "nextval, calls 2 to 32" "${call[@]/%/ FROM generate_series(2, 32)}"
  try "nextval, call 33" "${call[@]}"
  try "nextval, call 34" "${call[@]}"
  try "NOTIFY" "NOTIFY news"
  try "UPDATE of no row" "UPDATE queue SET id = 3 WHERE id = 2"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
SELECT: returns
SELECT FOR UPDATE, COMMIT: waits
SELECT FOR UPDATE of no row, COMMIT: returns
SELECT FOR UPDATE, ROLLBACK: returns
SELECT FOR KEY SHARE, COMMIT: waits
nextval, first call: waits
nextval, calls 2 to 32: returns
nextval, call 33: returns
nextval, call 34: waits
NOTIFY: returns
UPDATE of no row: returns
SEEN
