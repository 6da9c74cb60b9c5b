"""Fills a store with many incidents by SQL alone: closed ones, and the newest ones that wait for a moderator.

The rows are as long as real ones; their hashes are not, so such a store does not verify.
"""

from contextlib import closing

from sqlalchemy import Connection, create_engine, text

from holdgate.quarantine.database import direct
from holdgate.quarantine.schema import metadata

_EVENTS = 5
_DAY = 86_400

# Numbers of two bytes or more in the place of ids, in an order that is not that of time, as the random ones.
_SQLITE = {
    "numbers": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {last})",
    "from": "FROM s",
    "id": "printf('%012X', (n * 2654435761) % 1099511627776)",
    "time": "strftime('%Y-%m-%d %H:%M:%f', 'now', ({seconds}) || ' seconds') || '000'",
    "json": "'{text}'",
}
_POSTGRESQL = {
    "numbers": "",
    "from": "FROM generate_series(1, {last}) AS s(n)",
    "id": "lpad(upper(to_hex((n * 2654435761) % 1099511627776)), 12, '0')",
    "time": "(timezone('UTC', now()) + ({seconds}) * interval '1 second')",
    "json": "CAST('{text}' AS json)",
}
_FINDINGS = (
    '[{"identifier": "iban", "confidence": "high", "count": 2, "unique": 2, "parts": ["a.pdf"], "masked": ["*"]}]'
)


def fill(url: str, closed: int, waiting: int, moderator: str) -> None:
    """Write incidents numbered from 1, the oldest first: closed ones, then waiting ones, all about one moderator."""
    last = closed + waiting
    words = _SQLITE if url.startswith("sqlite") else _POSTGRESQL

    def moment(seconds: str) -> str:
        return words["time"].format(seconds=seconds)

    def json(content: str) -> str:
        return words["json"].format(text=content)

    is_closed = f"n <= {closed}"
    # One each ten seconds; the newest one came a minute ago.
    created, decided = f"-60 - ({last} - n) * 10", f"-30 - ({last} - n) * 10"
    # In full seconds, so that each waiting message has its own.
    deadline = f"CASE WHEN {is_closed} THEN ({decided}) + {2 * _DAY} ELSE {_DAY} + n END"
    incidents = {
        "id": words["id"],
        "state": f"CASE WHEN {is_closed} THEN CASE WHEN n % 5 = 0 THEN 'returned' ELSE 'released' END ELSE 'held' END",
        "queue_id": "'4' || n",
        "arrival_time": "n",
        "created_at": moment(created),
        "held_at": moment(created),
        "deadline_at": moment(deadline),
        "decided_at": f"CASE WHEN {is_closed} THEN {moment(decided)} END",
        "closed_at": f"CASE WHEN {is_closed} THEN {moment(decided)} END",
        "asked_at": moment(created),
        "level": "0",
        "decided_by": f"CASE WHEN {is_closed} THEN '{moderator}' END",
        "decided_how": f"CASE WHEN {is_closed} THEN 'page' END",
        "sender": "'user' || (n % 500) || '@corp.example'",
        "recipients": json('["client@partner.example"]'),
        "subject": "'Report number ' || n || ' of the year'",
        "size": "20000",
        "policy": "'dlp-pii'",
        "action": "'quarantine'",
        "status": "'complete'",
        "profiles": json('{"pii": "high"}'),
        "findings": json(_FINDINGS),
        "node": "'mx1'",
        "encrypted": "false",
        "revision": "3",
        "message_id": "'<' || n || '@corp.example>'",
        **dict.fromkeys(("signals", "attachments", "already_sent"), json("[]")),
        **dict.fromkeys(
            ("auth_user", "client_address", "header_from", "reason", "message_digest"),
            "''",
        ),
    }
    requests = {
        "number": "n",
        "incident_id": words["id"],
        "moderator": f"'{moderator}'",
        "level": "0",
        "role": "'moderator'",
        "instead_of": "''",
        "asked_at": moment(created),
        "deadline_at": moment(deadline),
        "answer": f"CASE WHEN {is_closed} AND n % 2 = 0 THEN 'approve' END",
    }
    notices = {
        "number": "n",
        "incident_id": words["id"],
        "kind": "'request'",
        "recipient": f"'{moderator}'",
        "note": "''",
        "channel": "'mail'",
        "request": "n",
        "queued_at": moment(created),
        "sent_at": moment(created),
        "attempts": "0",
        "next_attempt_at": moment(created),
    }
    events = {
        "incident_id": words["id"],
        "at": moment(created),
        "who": "'holdgate-desk'",
        "how": "'desk'",
        **dict.fromkeys(("origin", "note", "chain", "seen"), "''"),
        **dict.fromkeys(("salt", "note_digest", "rows_digest", "hash"), "'" + 64 * "0" + "'"),
        "salt": "'" + 32 * "0" + "'",
    }
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    indexes = [
        index for table in ("incidents", "requests", "notices", "events") for index in metadata.tables[table].indexes
    ]
    with engine.connect() as connection:
        if words is _SQLITE:
            connection.exec_driver_sql("PRAGMA cache_size = -1000000")  # kB
            connection.exec_driver_sql("PRAGMA synchronous = OFF")
            connection.commit()
        for index in indexes:
            index.drop(connection)
        for table, columns in (("incidents", incidents), ("requests", requests), ("notices", notices)):
            _insert(connection, words, last, table, columns)
        for place, event in enumerate(("recorded", "held", "asked", "notice sent", "opened"), 1):
            number = {"number": f"(n - 1) * {_EVENTS} + {place}", "event": f"'{event}'"}
            _insert(connection, words, last, "events", events | number)
        end = {"number": last * _EVENTS, "count": last * _EVENTS, "hash": 64 * "0"}
        connection.execute(text("UPDATE chains SET number = :number, hash = :hash, count = :count"), end)
        if words is _POSTGRESQL:
            for table, newest in (("requests", last), ("notices", last), ("events", last * _EVENTS)):
                connection.execute(text(f"SELECT setval('{table}_number_seq', {newest} + 1)"))
        for index in indexes:  # sorted, which is quicker than one row after the other
            index.create(connection)
        connection.commit()
        if words is _SQLITE:  # one transaction of a site is small, and so is its log
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    engine.dispose()
    if words is _POSTGRESQL:
        with closing(direct(url)) as connection:
            connection.execute("VACUUM ANALYZE")  # as autovacuum does


def _insert(connection: Connection, words: dict[str, str], last: int, table: str, columns: dict[str, str]) -> None:
    rows = f"{words['numbers']} SELECT {', '.join(columns.values())} {words['from']}".replace("{last}", str(last))
    connection.execute(text(f"INSERT INTO {table} ({', '.join(columns)}) {rows}".replace(":", "\\:")))
