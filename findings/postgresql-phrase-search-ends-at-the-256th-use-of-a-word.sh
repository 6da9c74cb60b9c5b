#!/usr/bin/env bash
# PostgreSQL 17.12 (Debian 13), 18.6 (Debian testing) does the same, full text search: a phrase is found by the positions of its words, and a tsvector
# keeps 255 positions of a word, the first ones, and none above 16,383. Where a text has "the" or "account" for the 256th time, a phrase with
# this word does not match any more: 5 KB can be enough. After word 16,383 (about 100 KB) all words have the same position, and no phrase
# matches. to_tsvector() cuts without an error or notice, and a search for the same words without their order finds the text. So a
# search of archived mail for "card number" misses it near the end of a long thread, log or table, and tests with short texts pass; "not
# this phrase" finds the text instead. The manual lists both limits (12.11), not what they do to a phrase. Search for the words, and for the
# phrase in the text itself: document @@ plainto_tsquery(…) AND body ILIKE '%card number%'.
#
# Seen, for texts that end with "and the end with card number 4111":
#   "the" 255 times: words t, phrase "the end" t, not the phrase f
#   "the" 256 times: words t, phrase "the end" f, not the phrase t
#   16000 words: words t, phrase "card number" t, not the phrase f
#   17000 words: words t, phrase "card number" f, not the phrase t
set -euo pipefail
# As root, with: apt install mmdebstrap
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=postgresql trixie "$work/root"
cat >"$work/root/try.sql" <<'SQL'
WITH texts (name, phrase, body) AS (
    SELECT format('"the" %s times', n + 1), 'the end', repeat('the account is open ', n)
    FROM (VALUES (254), (255)) AS numbers (n)
    UNION ALL
    SELECT format('%s words', n), 'card number', string_agg('w' || i, ' ') || ' '
    FROM (VALUES (16000), (17000)) AS numbers (n), generate_series(1, n) AS i
    GROUP BY n
), documents AS (
    SELECT name, phrase, to_tsvector('simple', body || 'and the end with card number 4111') AS document FROM texts
)
SELECT format(
    '%s: words %s, phrase "%s" %s, not the phrase %s',
    name,
    document @@ plainto_tsquery('simple', phrase),
    phrase,
    document @@ phraseto_tsquery('simple', phrase),
    document @@ !!phraseto_tsquery('simple', phrase)
)
FROM documents
ORDER BY name;
SQL
cat >"$work/root/try" <<'TRY'
set -e
bin=$(echo /usr/lib/postgresql/*/bin)
$bin/initdb --pgdata=/tmp/data --auth=trust >/dev/null
$bin/pg_ctl --pgdata=/tmp/data --options="-c listen_addresses= -c unix_socket_directories=/tmp" --wait --log=/tmp/log start >/dev/null
psql --host=/tmp --dbname=postgres --quiet --tuples-only --no-align --file=/try.sql
$bin/pg_ctl --pgdata=/tmp/data --mode=fast stop >/dev/null
TRY
chroot "$work/root" su postgres -c 'bash /try' 2>"$work/errors" | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
"the" 255 times: words t, phrase "the end" t, not the phrase f
"the" 256 times: words t, phrase "the end" f, not the phrase t
16000 words: words t, phrase "card number" t, not the phrase f
17000 words: words t, phrase "card number" f, not the phrase t
SEEN
