#!/usr/bin/env bash
# PostgreSQL 15.18 (Debian 12): after DELETE, VACUUM FULL, TRUNCATE and ANALYZE of an emptied table, its values can still
# be read in pg_stats, by its owner. ANALYZE samples up to 30,000 rows and stores values in pg_statistic
# (most_common_vals, histogram_bounds); of an empty table it stores nothing, and what it stored before stays until the
# table has rows again. So a process that erases personal data row by row leaves about 100 values of each column. Only
# ALTER TABLE … SET STATISTICS 0 before the first ANALYZE, or dropping the column or the table, keeps them out.
#
# Seen:
#   rows after DELETE, VACUUM FULL, ANALYZE: 0, values in pg_stats: 101
#   rows after TRUNCATE, VACUUM ANALYZE: 0, values in pg_stats: 101
#   column with SET STATISTICS 0: values in pg_stats: 0
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
as $bin/pg_ctl -D "$work/home/data" -o "-k $work/home -c listen_addresses= -c autovacuum=off" -l /dev/null -w start >/dev/null
as psql -h "$work/home" -U postgres -AXqt >"$work/seen" <<'SQL'
CREATE TABLE person (name text, other text);
ALTER TABLE person ALTER other SET STATISTICS 0;
INSERT INTO person SELECT 'name ' || n, 'other ' || n FROM generate_series(1, 1000) AS n;
ANALYZE person;
CREATE VIEW kept AS
    SELECT attname, cardinality(histogram_bounds::text::text[]) AS amount FROM pg_stats WHERE tablename = 'person';
DELETE FROM person;
VACUUM FULL person;
ANALYZE person;
SELECT 'rows after DELETE, VACUUM FULL, ANALYZE: ' || (SELECT count(*) FROM person)
    || ', values in pg_stats: ' || (SELECT amount FROM kept WHERE attname = 'name');
TRUNCATE person;
VACUUM ANALYZE person;
SELECT 'rows after TRUNCATE, VACUUM ANALYZE: ' || (SELECT count(*) FROM person)
    || ', values in pg_stats: ' || (SELECT amount FROM kept WHERE attname = 'name');
SELECT 'column with SET STATISTICS 0: values in pg_stats: ' || (SELECT count(*) FROM kept WHERE attname = 'other');
SQL
cat "$work/seen"
diff "$work/seen" - <<'SEEN'
rows after DELETE, VACUUM FULL, ANALYZE: 0, values in pg_stats: 101
rows after TRUNCATE, VACUUM ANALYZE: 0, values in pg_stats: 101
column with SET STATISTICS 0: values in pg_stats: 0
SEEN
