"""The people who want a daily summary, and when the next one is due."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from holdgate.quarantine.schema import digests


@dataclass(frozen=True, slots=True)
class Digest:
    """A summary that is due: its person, the beginning of the period that it covers, and its time."""

    person: str
    since: datetime
    due_at: datetime


class Digests:
    """Writes and reads the summaries. `reader` is an engine for read-only transactions."""

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self._engine = engine
        self._reader = reader

    def subscribe(self, person: str, now: datetime, due_at: datetime) -> None:
        """Record that a person wants summaries, the first at `due_at`. If they already do, their time is kept."""
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(digests).values(person=person, since=now, due_at=due_at))
        except IntegrityError:
            return

    def end(self, person: str) -> None:
        """Record that a person wants no summaries."""
        with self._engine.begin() as connection:
            connection.execute(delete(digests).where(digests.c.person == person))

    def has(self, person: str) -> bool:
        """Return whether a person wants summaries."""
        with self._reader.connect() as connection:
            return connection.execute(select(digests.c.person).where(digests.c.person == person)).first() is not None

    def due(self, now: datetime) -> list[Digest]:
        """Return the summaries that are due."""
        query = select(digests).where(digests.c.due_at <= now).order_by(digests.c.due_at, digests.c.person)
        with self._reader.connect() as connection:
            return [Digest(row.person, row.since, row.due_at) for row in connection.execute(query)]

    def is_still_due(self, digest: Digest) -> bool:
        """Return whether a summary has not been sent, nor its time changed, since it was read."""
        same = (digests.c.person == digest.person) & (digests.c.due_at == digest.due_at)
        with self._reader.connect() as connection:
            return connection.execute(select(digests.c.person).where(same)).first() is not None

    def done(self, digest: Digest, now: datetime, due_at: datetime) -> None:
        """Record that a summary was sent, and when the next is due; nothing if it was changed meanwhile."""
        same = (digests.c.person == digest.person) & (digests.c.due_at == digest.due_at)
        with self._engine.begin() as connection:
            connection.execute(update(digests).where(same).values(since=now, due_at=due_at))
