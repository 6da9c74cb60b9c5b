"""PostgreSQL: events are only added there too, and times go on after 2038. SQLite has both since 0002."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Widen two columns, and have the database itself refuse what nobody does by accident."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.alter_column("incidents", "arrival_time", type_=sa.BigInteger)
    op.alter_column("incidents", "size", type_=sa.BigInteger)
    op.execute(
        "CREATE FUNCTION events_are_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'events are only added' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER events_stay BEFORE DELETE OR TRUNCATE ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION events_are_only_added()"
    )
    op.execute(
        "CREATE TRIGGER events_stand BEFORE UPDATE OF incident_id, at, event, who, how, origin, note_digest, hash "
        "ON events FOR EACH ROW EXECUTE FUNCTION events_are_only_added()"
    )
