#!/usr/bin/env bash
# PostgreSQL 15.18 (Debian 12), full text search with the default parser: a hyphen in front of digits is a minus sign, also inside
# of a number in groups or a reference. '4111-1111-1111-1111' is the words 4111, -1111, -1111 and -1111, and INV-2026-001 is
# inv, -2026 and -001. A search for 2026, or for the same number written with spaces, finds nothing, in to_tsquery(),
# phraseto_tsquery() and websearch_to_tsquery() (where -2026 even means "not 2026"), and with each configuration, for it is the parser.
# Two words with a slash, as in and/or or SMTP/IMAP, are one word of the type file. Words around a hyphen, as in
# e-mail, are indexed together and one by one, so a test with words does not show it. The manual lists the types of
# words (int: "signed integer"; file: "file or path name"), not this.
#
# Seen:
#   '4111-1111-1111-1111': '-1111':2,3,4 '4111':1
#   'INV-2026-001': '-001':3 '-2026':2 'inv':1
#   'SMTP/IMAP': 'smtp/imap':1
#   'e-mail': 'e':2 'e-mail':1 'mail':3
#   4111-1111-1111-1111 finds 4111 1111 1111 1111: f
#   4111 1111 1111 1111 finds 4111-1111-1111-1111: f
#   2026 finds INV-2026-001: f
#   imap finds SMTP/IMAP: f
#   mail finds e-mail: t
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
psql=("$bin/psql" -qXAt -h "$work/home" -U postgres)
words() { echo "'$1': $("${psql[@]}" -c "SELECT to_tsvector('simple', '$1')")"; }
find() { echo "$1 finds $2: $("${psql[@]}" -c "SELECT to_tsvector('simple', '$2') @@ phraseto_tsquery('simple', '$1')")"; }
{
  words "4111-1111-1111-1111"
  words "INV-2026-001"
  words "SMTP/IMAP"
  words "e-mail"
  find "4111-1111-1111-1111" "4111 1111 1111 1111"
  find "4111 1111 1111 1111" "4111-1111-1111-1111"
  find "2026" "INV-2026-001"
  find "imap" "SMTP/IMAP"
  find "mail" "e-mail"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
'4111-1111-1111-1111': '-1111':2,3,4 '4111':1
'INV-2026-001': '-001':3 '-2026':2 'inv':1
'SMTP/IMAP': 'smtp/imap':1
'e-mail': 'e':2 'e-mail':1 'mail':3
4111-1111-1111-1111 finds 4111 1111 1111 1111: f
4111 1111 1111 1111 finds 4111-1111-1111-1111: f
2026 finds INV-2026-001: f
imap finds SMTP/IMAP: f
mail finds e-mail: t
SEEN
