"""Knows whether a message that is submitted at its release is signed then, and has split copies submitted for that.

`postsuper -H` keeps the queue file, and Postfix calls no milter for it. If milters see what the desk submits to
`desk.change_relay`, the desk therefore submits the approved copy there, and `exchange` replaces the held one. Without
such milters the queue file itself is released.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from holdgate import tables
from holdgate.config import Settings
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Change, NewNotice, Standing
from holdgate.quarantine.outbox import CHANGED, HOLD_QUEUE
from holdgate.quarantine.store import Store
from holdgate.queue import presence
from holdgate.queue.adopt import ACTOR
from holdgate.queue.changed import as_submitted
from holdgate.queue.client import QueueClient, QueueError
from holdgate.queue.closing import Closing
from holdgate.queue.postfix import Postfix, PostfixError
from holdgate.work import Runner

# Maximum duration of this work in one pass, in seconds.
_BUDGET = 2.0


class Signers:
    """Whether milters see what is submitted to `desk.change_relay`, by Postfix's settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._state: tuple[int, ...] = ()
        self._found = False

    def __call__(self) -> bool:
        """Return the answer, which is kept until main.cf or master.cf changes. Raises QueueError."""
        config = self._settings.queue.postfix_config
        if not isinstance(self._settings.desk.change_relay, Path):
            return False
        if (state := tables.state_of(config)) != self._state:
            try:
                self._found = presence.has_change_milters(Postfix(config).services(), self._settings)
            except PostfixError as error:
                raise QueueError(str(error)) from error
            self._state = state
        return self._found


class Signing:
    """Turns the release of a copy into an exchange, unless the release of its file has begun."""

    def __init__(
        self,
        store: Store,
        queue: QueueClient,
        runner: Runner[Standing],
        closing: Closing,
        *,
        signs: Callable[[], bool],
    ) -> None:
        self._store = store
        self._queue = queue
        self._runner = runner
        self._signs = signs
        self._closing = closing

    def others(self, approved: list[Standing]) -> list[Standing]:
        """Have copies submitted again; return the incidents whose queue file itself is released."""
        released = [one for one in approved if not one.is_split]
        copies = [one for one in approved if one.is_split]
        self._runner.run(copies, partial(self._step, released), budget=_BUDGET)
        return released

    def _step(self, released: list[Standing], one: Standing) -> None:
        """Have one copy submitted again, or add it to `released`.

        Raises QueueError, ConflictError and the store's errors: it stays held and is retried.
        """
        if not self._signs() or self._closing.has_begun(one):
            released.append(one)
            return
        incident = self._closing.unchanged(one)
        if incident is None or incident.change is not None:
            return
        content = self._queue.show(incident.queue_id, incident.arrival_time or 0)
        if content is None:  # the next listing shows it
            return
        # By this digest the node knows the copy if the desk of another node submits it (submitting.py).
        digest = hashlib.sha256(as_submitted(content)).hexdigest()
        change = Change([], original="", sent=digest, token=secrets.token_hex(16))
        notice = NewNotice(CHANGED, HOLD_QUEUE)
        self._store.amend(incident, EventName.SIGNING_REQUESTED, ACTOR, outbox=[notice], change=asdict(change))
