"""The desk's automatic work: returns messages after the deadline, reminds, asks about new messages, sends, erases.

The caller passes `now`, so that a test can set the time. Each step leaves the store consistent. A failed item waits
separately (work.py) and is retried.
"""

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from holdgate.desk import asking, moderation
from holdgate.desk.changing import Changer
from holdgate.desk.channel import MAIL
from holdgate.desk.context import ACTOR, Desk
from holdgate.desk.moderators import TryLaterError
from holdgate.desk.notices import Composer
from holdgate.desk.preview import Previewer
from holdgate.desk.remotenodes import RemoteNodeError
from holdgate.desk.replacing import FlawedError, Replacer
from holdgate.desk.sending import Sender
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.replacements import Replacement
from holdgate.quarantine.states import State
from holdgate.quarantine.store import ConflictError
from holdgate.work import Runner

# Maximum duration of each kind of work in one pass, in seconds.
_BUDGET = 20.0

# Longest pause before a failed step is retried, in seconds.
_LONGEST = 30.0


class Scheduler:
    """The passes over the store. Each method must be used by one thread at a time."""

    def __init__(
        self, desk: Desk, composer: Composer, previewer: Previewer, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._desk = desk
        self._previewer = previewer
        self._expiries = _incidents(stage="expire", clock=clock)
        self._reminders = _incidents(stage="remind", clock=clock)
        self._requests = _ids(stage="ask", clock=clock)
        self._erasures = _ids(stage="erase", clock=clock)
        self._replacer = Replacer(desk, previewer)
        self._replacements: Runner[Replacement] = Runner(
            stage="replace",
            key=lambda one: one.mark,
            longest=_LONGEST,
            shared=(DatabaseError,),
            expected=(*_EXPECTED, FlawedError),
            clock=clock,
        )
        # True at the start too: a desk may have ended between the erasure and this.
        self._keeps_erased = True
        self._mail = Sender(desk, composer, clock=clock)
        self._reports = Sender(
            desk,
            composer,
            changer=Changer(desk, previewer),
            reports=True,
            reads_elsewhere=previewer.reads_elsewhere,
            clock=clock,
        )
        self._others = {
            name: Sender(desk, composer, channel=name, clock=clock) for name in desk.channels if name != MAIL
        }

    def run_once(self, now: datetime) -> None:
        """Do all work that is due at `now`, one kind after the other."""
        for step in (self.check_deadlines, self.ask, self.return_messages, self.send, *self.other_channels().values()):
            step(now)

    def other_channels(self) -> dict[str, Callable[[datetime], bool]]:
        """Return the pass of each channel except mail, by name."""

        def step(sender: Sender, now: datetime) -> bool:
            sender.send_due(now)
            return True

        return {name: partial(step, sender) for name, sender in self._others.items()}

    def check_deadlines(self, now: datetime) -> bool:
        """Expire and remind: changes of the store that do not wait for mail. Return whether the store was available.

        First, held messages are withdrawn whose amended ones Postfix has, if their requests were interrupted.
        """
        desk = self._desk
        taken = desk.store.replacements.accepted_while_held()
        replaced = self._replacements.run(taken, self._replacer.finish, budget=_BUDGET)
        expire = partial(moderation.expire, desk)
        expiries = self._expiries.run(desk.store.agenda.overdue(now), expire, budget=_BUDGET)
        due = desk.store.agenda.to_remind(now)
        reminders = self._reminders.run(due, lambda incident: asking.remind(desk, incident, now), budget=_BUDGET)
        return not (replaced.shared or expiries.shared or reminders.shared)

    def ask(self, now: datetime) -> bool:
        """Send requests about new held messages. Return whether the store was available."""
        return not self._requests.run(
            self._desk.store.agenda.awaiting_request_ids(), partial(self._ask, now), budget=_BUDGET
        ).shared

    def send(self, now: datetime) -> bool:
        """Send the mail that needs no held message. A relay that refuses it does not make the desk unhealthy."""
        self._mail.send_due(now)
        return True

    def return_messages(self, now: datetime) -> bool:
        """Send the mail that returns a message, which is read from the queue agent."""
        self._reports.send_due(now)
        return True

    def erase_old(self, now: datetime) -> bool:
        """Erase the content of incidents whose retention has ended. Return whether the store was available."""
        store = self._desk.store
        forgotten = now - self._desk.settings.machines.retention
        store.machines.purge(int(forgotten.timestamp()))
        store.allowances.purge(forgotten)
        store.replacements.purge(forgotten)
        due = [
            name
            for policy in store.agenda.unerased_policies()
            for name in store.agenda.finished_before(policy, now - self._desk.moderation_for(policy).retention)
        ]
        is_available = not self._erasures.run(due, self._erase, budget=_BUDGET).shared
        if is_available and (self._keeps_erased or due):
            self._keeps_erased = not store.forget_erased()
        return is_available

    def _ask(self, now: datetime, name: str) -> None:
        incident = self._desk.store.incident(name)
        if incident is None or incident.state is not State.HELD or incident.asked_at is not None:
            return
        if asking.is_refused(incident):
            moderation.refuse(self._desk, incident)
            return
        if not self._previewer.can_describe(incident):
            return
        describe = partial(self._previewer.describe, incident) if incident.level == 0 else dict
        asking.ask(self._desk, incident, now, describe)

    def _erase(self, name: str) -> None:
        incident = self._desk.store.incident(name)
        if incident is not None:
            self._desk.store.erase(incident, ACTOR)


_EXPECTED = (ConflictError, moderation.RefusedError, TryLaterError, RemoteNodeError)
"""Another decision was made at this moment and counts; or the error was already logged where it occurred."""


def _incidents(*, stage: str, clock: Callable[[], float]) -> Runner[Incident]:
    return Runner(
        stage=stage,
        key=lambda incident: incident.id,
        queue_id=lambda incident: incident.queue_id,
        longest=_LONGEST,
        shared=(DatabaseError,),
        expected=_EXPECTED,
        clock=clock,
    )


def _ids(*, stage: str, clock: Callable[[], float]) -> Runner[str]:
    return Runner(stage=stage, key=str, longest=_LONGEST, shared=(DatabaseError,), expected=_EXPECTED, clock=clock)
