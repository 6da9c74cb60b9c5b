"""Sessions of the page that were ended early: kept in the store, for all desks and across restarts."""

import hashlib
from datetime import UTC, datetime

from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from holdgate.quarantine.database import expired
from holdgate.quarantine.schema import ended_sessions


class EndedSessions:
    """Writes and reads ended sessions. `reader` is an engine for read-only transactions."""

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self._engine = engine
        self._reader = reader

    def end(self, session: str, expires_at: datetime) -> None:
        """Record that a session has ended; it would have expired at `expires_at`. Can be called twice."""
        try:
            with self._engine.begin() as connection:
                connection.execute(expired(ended_sessions, datetime.now(UTC)))
                connection.execute(insert(ended_sessions).values(digest=_digest(session), expires_at=expires_at))
        except IntegrityError:
            return

    def has(self, session: str) -> bool:
        """Return whether a session was ended."""
        query = select(ended_sessions.c.digest).where(ended_sessions.c.digest == _digest(session))
        with self._reader.connect() as connection:
            return connection.execute(query).first() is not None


def _digest(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()
