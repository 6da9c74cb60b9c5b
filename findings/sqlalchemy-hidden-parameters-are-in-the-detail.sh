#!/usr/bin/env bash
# SQLAlchemy 2.1.9, psycopg 3.3.9 (Python 3.11), PostgreSQL 15.18 (Debian 12): `create_engine(hide_parameters=True)` keeps the
# values of a statement out of logs and exceptions, and str(exception) says that it has hidden them. The same text holds the
# DETAIL of the server: for a unique key the value, and for NOT NULL or CHECK the whole row, also the columns that the
# statement does not name and whose values the program never sent. A tracker of errors gets both. Neither SQLAlchemy nor
# psycopg has an option for it; log the type, `orig.sqlstate` and `orig.diag.constraint_name` instead of the text.
#
# Seen (whether the text of the exception has the address and the IBAN of the row):
#   INSERT of a second row with that address: hidden, address True, IBAN False
#   UPDATE that sets only the state: hidden, address True, IBAN True
#   sqlstate and constraint: 23505 person_mail_key
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
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check sqlalchemy==2.1.9 'psycopg[binary]==3.3.9'
"$work/venv/bin/python" - "$work/home" <<'PYTHON' | tee "$work/seen"
import sys

import sqlalchemy as sa

engine = sa.create_engine(f"postgresql+psycopg://postgres@/postgres?host={sys.argv[1]}", hide_parameters=True)
person = sa.Table(
    "person",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("mail", sa.Text, unique=True),
    sa.Column("iban", sa.Text),
    sa.Column("state", sa.Text, nullable=False, server_default="new"),
)
person.metadata.create_all(engine)
MAIL, IBAN = "anna@corp.example", "GB82WEST12345698765432"
with engine.begin() as connection:
    connection.execute(person.insert().values(id=1, mail=MAIL, iban=IBAN))
for name, statement in (
    ("INSERT of a second row with that address", person.insert().values(id=2, mail=MAIL)),
    ("UPDATE that sets only the state", person.update().where(person.c.id == 1).values(state=None)),
):
    try:
        with engine.begin() as connection:
            connection.execute(statement)
    except sa.exc.IntegrityError as error:
        text = str(error)
        hidden = "hidden" if "parameters hidden due to hide_parameters=True" in text else "shown"
        print(f"{name}: {hidden}, address {MAIL in text}, IBAN {IBAN in text}")
        if error.orig.diag.constraint_name:
            codes = f"{error.orig.sqlstate} {error.orig.diag.constraint_name}"
print("sqlstate and constraint:", codes)
PYTHON
diff "$work/seen" - <<'SEEN'
INSERT of a second row with that address: hidden, address True, IBAN False
UPDATE that sets only the state: hidden, address True, IBAN True
sqlstate and constraint: 23505 person_mail_key
SEEN
