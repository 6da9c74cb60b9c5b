"""Amended messages that programs send in place of held ones: what was submitted, and the progress of each.

An incident has one row, with a token that only the store knows. Each submission has a new `copy`: of several queue
files the one with the last `copy` counts, and the others are deleted.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, insert, select, update

from holdgate.quarantine import history
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Actor
from holdgate.quarantine.schema import incidents, replacements
from holdgate.quarantine.states import State

REPLACEMENT = "replacement"
"""The method by which a held message is decided when Postfix has accepted an amended one."""

UNDER_WAY = timedelta(minutes=10)
"""How long another message for the same incident is refused, because the first may still reach Postfix."""


class BusyError(Exception):
    """Another message was submitted for the incident, with another key, and Postfix has it or may still accept it."""


class OtherContentError(Exception):
    """The same key was already used for another message."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """One row. `key` and `digest` are the SHA-256 of the program's key and of its request.

    `queue_id` is "" until Postfix has the message. `held_as` is its own incident, "" if no policy holds it. `is_done`
    is true if it was released, or waits under that incident.
    """

    incident_id: str
    token: str
    key: str
    digest: str
    copy: str
    submitted_at: datetime
    who: str
    queue_id: str = ""
    held_as: str = ""
    is_done: bool = False

    @property
    def mark(self) -> str:
        """The value of the header field that identifies the message."""
        return f"{self.incident_id} {self.token}-{self.copy}"


class Replacements:
    """Reads and writes the table. `reader` is an engine for read-only transactions."""

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self._engine = engine
        self._reader = reader

    def of(self, incident_ids: Collection[str]) -> dict[str, Replacement]:
        """Return the rows of some incidents, by incident."""
        query = select(replacements).where(replacements.c.incident_id.in_(incident_ids))
        with self._reader.connect() as connection:
            return {row.incident_id: Replacement(*row) for row in connection.execute(query)}

    def marked(self, mark: str) -> Replacement | None:
        """Return the row that a header field's value proves, or None. `copy` may differ."""
        incident_id, _, proof = mark.partition(" ")
        token, _, copy = proof.partition("-")
        found = self.of([incident_id]).get(incident_id) if copy and len(mark) < 100 else None
        return found if found is not None and secrets.compare_digest(found.token.encode(), token.encode()) else None

    def begin(self, incident_id: str, key: str, digest: str, actor: Actor, now: datetime) -> Replacement:
        """Store that a message is about to be submitted; return its row.

        If the row has a `queue_id`, Postfix already has the message. Raises BusyError and OtherContentError.
        """
        this = replacements.c.incident_id == incident_id
        with self._engine.begin() as connection:
            history.lock(connection, incident_id)
            row = connection.execute(select(replacements).where(this)).one_or_none()
            known = None if row is None else Replacement(*row)
            if known is not None and known.key == key and known.digest != digest:
                raise OtherContentError
            if known is not None and known.key != key and (known.queue_id or now - known.submitted_at < UNDER_WAY):
                raise BusyError
            if known is not None and known.queue_id:
                return known
            token = secrets.token_hex(16) if known is None else known.token
            new = Replacement(incident_id, token, key, digest, secrets.token_hex(4), now, actor.who)
            values = {name: getattr(new, name) for name in new.__slots__}
            step = insert(replacements) if known is None else update(replacements).where(this)
            connection.execute(step.values(values))
            history.write(connection, incident_id, actor, (EventName.REPLACEMENT_SUBMITTED, f"SHA-256 {digest}"))
        return new

    def cancel(self, replacement: Replacement) -> None:
        """Forget a submission that Postfix has refused, unless another one has replaced it."""
        this = (replacements.c.incident_id == replacement.incident_id) & (replacements.c.queue_id == "")
        with self._engine.begin() as connection:
            connection.execute(delete(replacements).where(this, replacements.c.copy == replacement.copy))

    def accepted(self, replacement: Replacement, queue_id: str) -> bool:
        """Record that Postfix has a message; return whether it is still the one that counts."""
        return self._set(replacement, queue_id=queue_id)

    def held(self, replacement: Replacement, incident_id: str) -> bool:
        """Record that a policy holds the message, under an incident; return whether it is still the one that counts."""
        return self._set(replacement, held_as=incident_id)

    def done(self, replacement: Replacement) -> None:
        """Record that the message was released, or waits under its own incident."""
        self._set(replacement, is_done=True)

    def accepted_while_held(self) -> list[Replacement]:
        """Return those that Postfix has while the held message still waits for a decision."""
        # Not a join: SQLite would begin with all held incidents, which may be thousands.
        held = (incidents.c.id == replacements.c.incident_id) & (incidents.c.state == State.HELD)
        is_held = select(incidents.c.id).where(held).exists()
        query = select(replacements).where(replacements.c.queue_id != "", ~replacements.c.is_done, is_held)
        with self._reader.connect() as connection:
            return [Replacement(*row) for row in connection.execute(query)]

    def purge(self, before: datetime) -> int:
        """Remove what was submitted before a moment; return the number of rows."""
        with self._engine.begin() as connection:
            return connection.execute(delete(replacements).where(replacements.c.submitted_at < before)).rowcount

    def _set(self, replacement: Replacement, **values: object) -> bool:
        this = replacements.c.incident_id == replacement.incident_id
        with self._engine.begin() as connection:
            step = update(replacements).where(this, replacements.c.copy == replacement.copy)
            return bool(connection.execute(step.values(values)).rowcount)
