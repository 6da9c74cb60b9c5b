"""Reads the desk's automatic work: requests to send, deadlines, reminders, content to erase."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, or_, select

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.requests import incident_of
from holdgate.quarantine.schema import incidents
from holdgate.quarantine.states import State

_PAGE = 500
"""How many incidents a query returns."""


class Agenda:
    """Reads incidents by what is due. `reader` is an engine for read-only transactions."""

    def __init__(self, reader: Engine) -> None:
        self._reader = reader

    def awaiting_request(self) -> list[Incident]:
        """Return the held incidents without a request, oldest first."""
        wanted = (incidents.c.state == State.HELD) & incidents.c.asked_at.is_(None)
        with self._reader.connect() as connection:
            query = select(incidents).where(wanted).order_by(incidents.c.created_at)
            return [incident_of(row) for row in connection.execute(query)]

    def awaiting_request_ids(self) -> list[str]:
        """Return only their ids: fast for many thousands."""
        wanted = (incidents.c.state == State.HELD) & incidents.c.asked_at.is_(None)
        with self._reader.connect() as connection:
            query = select(incidents.c.id).where(wanted).order_by(incidents.c.created_at)
            return list(connection.execute(query).scalars())

    def overdue(self, now: datetime) -> list[Incident]:
        """Return the held incidents whose deadline has passed."""
        return self._due(incidents.c.deadline_at, now)

    def to_remind(self, now: datetime) -> list[Incident]:
        """Return the held incidents whose moderators are due for a reminder."""
        return self._due(incidents.c.remind_at, now)

    def _due(self, column: ColumnElement[Any], now: datetime) -> list[Incident]:
        """Return the held incidents whose time in a column has come, oldest first.

        They are read in pages, in the order of the column's index. PostgreSQL expects that the time has come for most
        of the held ones, because it has for the closed ones: without a limit it would read all that are held.
        """
        query = select(incidents).where(incidents.c.state == State.HELD, column <= now)
        query = query.order_by(column, incidents.c.id).limit(_PAGE)
        found: list[Incident] = []
        with self._reader.connect() as connection:  # one moment for all pages
            while len(page := connection.execute(query.offset(len(found))).all()) == _PAGE:
                found += map(incident_of, page)
        return sorted((*found, *map(incident_of, page)), key=lambda one: one.created_at)

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
