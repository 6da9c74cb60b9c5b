"""Reads the desk's automatic work: requests to send, deadlines, reminders, content to erase."""

from datetime import datetime
from typing import Any

from sqlalchemy import Engine, or_, select

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.requests import incident_of
from holdgate.quarantine.schema import incidents
from holdgate.quarantine.states import State


class Agenda:
    """Reads incidents by what is due. `reader` is an engine for read-only transactions."""

    def __init__(self, reader: Engine) -> None:
        self._reader = reader

    def awaiting_request(self) -> list[Incident]:
        """Return the held incidents without a request, oldest first."""
        return self._held(incidents.c.asked_at.is_(None))

    def awaiting_request_ids(self) -> list[str]:
        """Return only their ids: fast for many thousands."""
        wanted = (incidents.c.state == State.HELD) & incidents.c.asked_at.is_(None)
        with self._reader.connect() as connection:
            query = select(incidents.c.id).where(wanted).order_by(incidents.c.created_at)
            return list(connection.execute(query).scalars())

    def overdue(self, now: datetime) -> list[Incident]:
        """Return the held incidents whose deadline has passed."""
        return self._held(incidents.c.deadline_at <= now)

    def to_remind(self, now: datetime) -> list[Incident]:
        """Return the held incidents whose moderators are due for a reminder."""
        return self._held(incidents.c.remind_at <= now)

    def _held(self, condition: Any) -> list[Incident]:
        query = select(incidents).where(incidents.c.state == State.HELD, condition).order_by(incidents.c.created_at)
        with self._reader.connect() as connection:
            return [incident_of(row) for row in connection.execute(query)]

    def unerased_policies(self) -> list[str]:
        """Return the policies of finished incidents that still have their content."""
        wanted = incidents.c.erased_at.is_(None) & or_(
            incidents.c.closed_at.is_not(None), incidents.c.state == State.RECORDED
        )
        with self._reader.connect() as connection:
            return list(connection.execute(select(incidents.c.policy).where(wanted).distinct()).scalars())

    def finished_before(self, policy: str, moment: datetime) -> list[str]:
        """Return the ids of a policy's incidents that ended before `moment` and still have content, oldest first."""
        ended = or_(
            incidents.c.closed_at < moment,
            (incidents.c.state == State.RECORDED) & (incidents.c.created_at < moment),
        )
        wanted = incidents.c.erased_at.is_(None) & (incidents.c.policy == policy) & ended
        query = select(incidents.c.id).where(wanted).order_by(incidents.c.created_at)
        with self._reader.connect() as connection:
            return list(connection.execute(query).scalars())
