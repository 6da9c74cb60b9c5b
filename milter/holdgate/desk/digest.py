"""Sends the daily summary: messages that wait for a person, and decisions on their own messages since the last one.

It is sent first and recorded afterwards: a crash between the two sends it twice, and none is lost. A summary that fails
is retried separately and delays no other.
"""

import time
from collections.abc import Callable
from datetime import datetime

from holdgate.desk import post
from holdgate.desk.context import Desk, next_time
from holdgate.desk.notices import Composer
from holdgate.quarantine.claims import LostClaimError
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.digests import Digest
from holdgate.quarantine.requests import IncidentFilter
from holdgate.work import Runner

_BUDGET = 20.0
# How many messages a summary can list.
_LISTED = 50


class Summaries:
    """The pass that sends the summaries."""

    def __init__(self, desk: Desk, composer: Composer, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._desk = desk
        self._composer = composer
        self._runner: Runner[Digest] = Runner(
            stage="digest",
            key=lambda digest: digest.person,
            shared=(DatabaseError,),
            expected=(LostClaimError,),
            clock=clock,
        )

    def send(self, now: datetime) -> bool:
        """Send all that are due. Return whether the store was available."""
        due = self._desk.store.digests.due(now)
        return not self._runner.run(due, lambda digest: self._send(digest, now), budget=_BUDGET).shared

    def _send(self, digest: Digest, now: datetime) -> None:
        with self._desk.store.claims.claimed(_work(digest)) as is_claimed:
            if is_claimed and self._desk.store.digests.is_still_due(digest):
                self._send_claimed(digest, now)

    def _send_claimed(self, digest: Digest, now: datetime) -> None:
        desk = self._desk
        is_moderator = desk.store.requests.knows(digest.person)
        waiting = desk.store.requests.page(digest.person, IncidentFilter(waiting=True), limit=_LISTED)
        decided = desk.store.requests.decided_since(digest.person, digest.since, limit=_LISTED)
        if waiting or decided:
            content = self._composer.digest(digest.person, waiting, decided, is_moderator=is_moderator, now=now)
            desk.store.claims.confirm(_work(digest))
            post.submit_one(content, digest.person, desk.settings.desk.notice_relay)
        desk.store.digests.done(digest, now, next_time(desk, now))


def _work(digest: Digest) -> str:
    """Return the name of the work that one desk claims."""
    return f"digest {digest.person}"
