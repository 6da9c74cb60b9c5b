"""The tokens of programs, and the held messages that each can see."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, delete, insert, select

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.requests import incident_of
from holdgate.quarantine.schema import incidents, machine_messages, machine_tokens


@dataclass(frozen=True, slots=True)
class Bearer:
    """The owner of a token: the name of an account of `machines.accounts`, and its number."""

    name: str
    account: int


class MachineTokens:
    """Reads and writes the table of tokens, by their digests. `reader` is an engine for read-only transactions."""

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self._engine = engine
        self._reader = reader

    def add(self, digest: str, bearer: Bearer) -> None:
        """Store a new token's digest."""
        row = {"digest": digest, "name": bearer.name, "account": bearer.account, "created_at": datetime.now(UTC)}
        with self._engine.begin() as connection:
            connection.execute(insert(machine_tokens).values(row))

    def revoke(self, account: int) -> int:
        """Remove all tokens of an account; return how many there were."""
        with self._engine.begin() as connection:
            return connection.execute(delete(machine_tokens).where(machine_tokens.c.account == account)).rowcount

    def bearer(self, digest: str) -> Bearer | None:
        """Return the owner of a token, or None if it is unknown."""
        query = select(machine_tokens.c.name, machine_tokens.c.account).where(machine_tokens.c.digest == digest)
        with self._reader.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Bearer(row.name, row.account)

    def messages(self, account: int, limit: int, offset: int = 0) -> list[Incident]:
        """Return the held messages of an account, the newest first."""
        query = select(incidents).join(machine_messages, machine_messages.c.incident_id == incidents.c.id)
        query = query.where(machine_messages.c.account == account)
        query = query.order_by(incidents.c.created_at.desc(), incidents.c.id).limit(limit).offset(offset)
        with self._reader.connect() as connection:
            return [incident_of(row) for row in connection.execute(query)]

    def message(self, account: int, incident_id: str) -> Incident | None:
        """Return one of these messages, or None if it is not of this account."""
        query = select(incidents).join(machine_messages, machine_messages.c.incident_id == incidents.c.id)
        query = query.where(machine_messages.c.account == account, incidents.c.id == incident_id)
        with self._reader.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else incident_of(row)
