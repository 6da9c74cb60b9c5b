"""Decides when a message is certainly missing from the hold queue: a moving one can be absent for a moment."""

import time
from datetime import UTC, datetime, timedelta

from holdgate.quarantine.incident import Standing
from holdgate.quarantine.states import State

# A moving message can be missing from a listing, but not from this many consecutive listings.
LISTINGS = 3


class Missing:
    """Remembers for each open incident in how many listings, or since when, its message was missing.

    A message that was never held may be missing for `missing_after`, because Postfix may still be receiving it.
    """

    def __init__(self, missing_after: timedelta) -> None:
        self._missing_after = missing_after
        self._listings: dict[str, int] = {}
        self._since: dict[str, float] = {}

    @property
    def waits(self) -> bool:
        """Whether a message that was held is missing."""
        return bool(self._listings)

    @property
    def needs_listing(self) -> bool:
        """Whether another listing decides if a message is certainly missing."""
        return any(count < LISTINGS for count in self._listings.values())

    def certain(self, gone: list[Standing]) -> list[Standing]:
        """Count one more listing without these messages; return the incidents whose message is certainly missing.

        `gone` are all open incidents whose message was not listed: any other one is forgotten. The time of a message
        that was never held also counts from when it was first missed, because the clock may have been set back.
        """
        now, moment = datetime.now(UTC), time.monotonic()
        pending = [one.id for one in gone if one.state is State.PENDING]
        self._since = {name: self._since.get(name, moment) for name in pending}
        self._listings = {one.id: self._listings.get(one.id, 0) + 1 for one in gone if one.state is not State.PENDING}
        return [one for one in gone if self._is_certain(one, now, moment)]

    def _is_certain(self, one: Standing, now: datetime, moment: float) -> bool:
        if one.state is State.PENDING:
            return max(now - one.created_at, timedelta(seconds=moment - self._since[one.id])) > self._missing_after
        return self._listings[one.id] >= LISTINGS

    def forget(self, incident_id: str) -> None:
        """Forget an incident that is closed."""
        self._listings.pop(incident_id, None)
