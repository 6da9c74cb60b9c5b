"""Checks whether the database is as the migrations build it: tables, columns, the events' triggers."""

import re

from sqlalchemy import Connection, Table, inspect, text

from holdgate.quarantine.schema import metadata

# As migrations 0003 and 0017 create them.
_COLUMNS = "incident_id, at, event, who, how, origin, note_digest, hash, number, rows_digest, chain, seen"
_REFUSE = "BEGIN SELECT RAISE(ABORT, 'events are only added'); END"
_CALL = "EXECUTE FUNCTION events_are_only_added()"
SQLITE = {
    "events_stay": f"CREATE TRIGGER events_stay BEFORE DELETE ON events {_REFUSE}",
    "events_stand": f"CREATE TRIGGER events_stand BEFORE UPDATE OF {_COLUMNS} ON events {_REFUSE}",
}
POSTGRESQL = {
    "events_stay": f"CREATE TRIGGER events_stay BEFORE DELETE OR TRUNCATE ON events FOR EACH STATEMENT {_CALL}",
    "events_stand": f"CREATE TRIGGER events_stand BEFORE UPDATE OF {_COLUMNS} ON events FOR EACH ROW {_CALL}",
}
POSTGRESQL_BODY = "BEGIN RAISE EXCEPTION 'events are only added' USING ERRCODE = 'integrity_constraint_violation'; END"

# Allowed defaults: only empty ones, so that none can be an answer, a name or a state.
_NEUTRAL = re.compile(r"'?0?'?(?:::[\w ]+)?|'(?:\[\])?'(?:::[\w ]+)?")
_SEQUENCE = re.compile(r"nextval\('\w+'::regclass\)")
# Parts of the text of SQLite's tables and indexes that change how values are compared, stored, generated or refused.
_CHANGING = re.compile(
    r"\b(COLLATE|GENERATED|AS|CHECK|ON|CONFLICT|UNIQUE|WITHOUT|STRICT|DEFERRABLE|WHERE|DESC|AUTOINCREMENT)\b",
    re.IGNORECASE,
)
_GIVING = re.compile(r"\bDEFAULT\b(?!\s+(?:'(?:0|\[\])?'|0)[\s,)])", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^']|'')*'")


def problem(connection: Connection) -> str:
    """Return the first difference, or ""."""
    of_triggers = _sqlite(connection) if connection.dialect.name == "sqlite" else _postgresql(connection)
    return of_triggers or next(filter(None, (_of_table(connection, table) for table in metadata.sorted_tables)), "")


def _sqlite(connection: Connection) -> str:
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    found = {name: _folded(sql) for name, sql in connection.execute(text(query))}
    views = list(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'view'")).scalars())
    made = connection.execute(
        text("SELECT name, tbl_name, sql FROM sqlite_master WHERE type IN ('table', 'index')")
    ).all()
    changed = [
        name
        for name, table, sql in made
        if table in metadata.tables and (_CHANGING.search(_made_of(name, table, sql)) or _GIVING.search(sql or ""))
    ]
    return (
        _compare(found, SQLITE)
        or (f"the view {views[0]} is not from Holdgate" if views else "")
        or (f"{changed[0]} is not as Holdgate created it: it has a rule that is not from Holdgate" if changed else "")
    )


def _made_of(name: str, table: str, sql: str | None) -> str:
    """Return the definition of a table or an index, without quoted text; SQLite's own indexes have none."""
    made = _QUOTED.sub("''", sql or "")
    if name == table:
        return made
    return re.sub(rf"^CREATE INDEX {re.escape(name)} ON {re.escape(table)} ", "", made)


def _postgresql(connection: Connection) -> str:
    names = {"names": [table.name for table in metadata.sorted_tables]}
    of_store = "c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:names)"
    triggers = connection.execute(
        text(
            "SELECT t.tgname, pg_get_triggerdef(t.oid, true), t.tgenabled, btrim(p.prosrc) FROM pg_trigger t "
            "JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid "
            f"WHERE NOT t.tgisinternal AND {of_store}"
        ),
        names,
    ).all()
    for name, _, enabled, body in triggers:
        if name in POSTGRESQL and enabled not in ("O", b"O"):
            return f"the trigger {name} is switched off"
        if name in POSTGRESQL and _folded(body) != POSTGRESQL_BODY:
            return f"the function of the trigger {name} was changed"
    rules = connection.execute(
        text(f"SELECT r.rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE {of_store}"), names
    ).scalar()
    policies = connection.execute(
        text(f"SELECT c.relname FROM pg_class c WHERE (c.relrowsecurity OR c.relkind <> 'r') AND {of_store}"), names
    ).scalar()
    return (
        _compare({name: _folded(definition) for name, definition, *_ in triggers}, POSTGRESQL)
        or (f"the rule {rules} is not from Holdgate" if rules else "")
        or (
            f"the table {policies} is not as Holdgate created it: it has row security, or is no plain table"
            if policies
            else ""
        )
    )


def _compare(found: dict[str, str], expected: dict[str, str]) -> str:
    for name, definition in expected.items():
        if name not in found:
            return f"the trigger {name} is missing"
        if found[name] != definition:
            return f"the trigger {name} was changed"
    others = sorted(found.keys() - expected.keys())
    return f"the trigger {others[0]} is not from Holdgate" if others else ""


def _of_table(connection: Connection, table: Table) -> str:
    """Compare a table's columns, keys and checks."""
    look = inspect(connection)
    if not look.has_table(table.name):
        return f"the table {table.name} is missing"
    dialect = connection.dialect
    found = {
        column["name"]: (column["type"].compile(dialect), column["nullable"]) for column in look.get_columns(table.name)
    }
    expected = {column.name: (column.type.compile(dialect), bool(column.nullable)) for column in table.columns}
    for name in sorted(found.keys() | expected.keys()):
        if found.get(name) != expected.get(name):
            return f"the column {name} of the table {table.name} is not as Holdgate created it"
    made_up = [
        column["name"]
        for column in look.get_columns(table.name)
        if column.get("computed")
        or column.get("identity")
        or not _is_neutral(column["default"], nullable=column["nullable"], key=column["name"] in table.primary_key)
    ]
    if made_up:
        return f"the column {made_up[0]} of the table {table.name} has a default that is not from Holdgate"
    if look.get_pk_constraint(table.name)["constrained_columns"] != [c.name for c in table.primary_key.columns]:
        return f"the primary key of the table {table.name} is not as Holdgate created it"
    refers = {(k["constrained_columns"][0], k["referred_table"]) for k in look.get_foreign_keys(table.name)}
    if refers != {(key.parent.name, key.column.table.name) for key in table.foreign_keys}:
        return f"the foreign keys of the table {table.name} are not as Holdgate created them"
    if look.get_check_constraints(table.name) or look.get_unique_constraints(table.name):
        return f"the table {table.name} has constraints that are not from Holdgate"
    if any(key["options"] for key in look.get_foreign_keys(table.name)):
        return f"the foreign keys of the table {table.name} are not as Holdgate created them"
    indexes = {index["name"]: index["column_names"] for index in look.get_indexes(table.name)}
    special = [
        index["name"]
        for index in look.get_indexes(table.name)
        if index["unique"]
        or index.get("expressions")
        or index.get("column_sorting")
        or any(name.endswith("_where") for name in index.get("dialect_options", {}))
    ]
    if special or indexes != {index.name: [c.name for c in index.columns] for index in table.indexes}:
        return f"the indexes of the table {table.name} are not as Holdgate created them"
    return ""


def _is_neutral(default: str | None, *, nullable: bool, key: bool) -> bool:
    """Return whether a column's default is none, or the empty one that a migration used for existing rows."""
    if default is None:
        return True
    if key:
        return _SEQUENCE.fullmatch(default) is not None
    return not nullable and _NEUTRAL.fullmatch(default) is not None


def _folded(sql: str | None) -> str:
    return re.sub(r"\s+", " ", sql or "").strip()
