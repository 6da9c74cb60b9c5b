#!/usr/bin/env bash
# PostgreSQL 15.18 (Debian 12): a prepared statement with generate_series(1, $2) is planned anew at each execution, for ever.
# PostgreSQL takes the generic plan after five executions only if it looks no dearer than the custom ones. For a parameter, it
# expects 1000 rows of generate_series; with the value at hand, it sees that there is 1. So the generic plan always
# looks dearer. With a constant, the same statement is planned once. So "draw $2 numbers of the sequence" in a statement that was
# prepared to save the planning saves none of it: here that was 15 % of the server's time for recording an incident.
#
# Seen (100 executions of each):
#   parameter: generic plans 0, custom plans 100
#   constant: generic plans 95, custom plans 5
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
as $bin/pg_ctl -D "$work/home/data" -o "-k $work/home -c listen_addresses=" -l /dev/null -w start >/dev/null
{
  echo "CREATE SEQUENCE numbers; CREATE TABLE heads (name text PRIMARY KEY, hash text); INSERT INTO heads VALUES ('a', '0');"
  echo "PREPARE parameter (text, int) AS SELECT hash, nextval('numbers') FROM heads, generate_series(1, \$2) WHERE name = \$1;"
  echo "PREPARE constant (text) AS SELECT hash, nextval('numbers') FROM heads, generate_series(1, 1) WHERE name = \$1;"
  echo "\\o /dev/null"
  for _ in {1..100}; do echo "EXECUTE parameter ('a', 1); EXECUTE constant ('a');"; done
  echo "\\o"
  echo "SELECT name || ': generic plans ' || generic_plans || ', custom plans ' || custom_plans"
  echo "FROM pg_prepared_statements ORDER BY name DESC;"
} | "$bin/psql" -qXAt -h "$work/home" -U postgres | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
parameter: generic plans 0, custom plans 100
constant: generic plans 95, custom plans 5
SEEN
