"""Compares store and hold queue: the queue is authoritative for messages, the store for decisions.

One pass compares the held messages with the open incidents and takes every incident one step further. Each step can be
repeated, so an interrupted pass is run again:

===========  ==================  =========================================================================
incident     message is held     what is done
===========  ==================  =========================================================================
pending      yes                 held: from now on requests can be sent
pending      no, for too long    alarm, vanished
held         no                  vanished (an operator deleted or released it)
approved     yes                 released by the agent
approved     no                  released if the release had begun, else vanished
approved     with changes        replaced by the changed message (exchange.py)
approved     a split copy        the same, if it is signed when it leaves (signing.py)
rejected,    yes                 deleted by the agent once every notice is sent, then returned
expired      no                  returned if its sender was notified; else vanished: an operator was first
none open    yes, Holdgate's     adopted: an incident is made from the queue file (adopt.py)
pending      yes, and a second   the second copy for recipients who wait (gate/split.py) is deleted
any          an amended one      released, held or deleted, by the outcome of the first one (replacing.py)
none open    yes, others         ignored, counted
===========  ==================  =========================================================================

Decisions come first. A pass begins with the releases, based on the previous listing, because the agent checks again
what is held. A new decision interrupts a long series of other work. A pass reads only the changes: of the queue if its
directory changed, of the store by the audit trail (changes.py). It reads everything at the start and every `interval`,
or more rarely if that takes long, and the complete queue while a message is missing. If neither queue nor store
changed, and nothing waits, no comparison is needed. A failed item waits separately (work.py).
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from holdgate import maillog, metrics
from holdgate.quarantine.changes import Heads
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.incident import Standing
from holdgate.quarantine.states import State
from holdgate.quarantine.store import ConflictError, Store, StoreError
from holdgate.queue.adopt import Adopter, hold
from holdgate.queue.client import QueueClient, QueueError, UnreachableError
from holdgate.queue.closing import Closing
from holdgate.queue.comparison import Comparison, key_of
from holdgate.queue.exchange import Exchange
from holdgate.queue.missing import Missing
from holdgate.queue.postfix import HeldMessage
from holdgate.queue.replacing import Replacing
from holdgate.queue.signing import Signing
from holdgate.work import Batch, Runner

# Number of messages per query to the agent, and the time limit for each kind of work in one pass, in seconds.
_BATCH = 50
_ADOPTIONS = 5
_BUDGET = 10.0
_QUICK_BUDGET = 2.0

# Longest pause before a failed adoption is retried, in seconds: a damaged queue file does not recover on its own.
_LONGEST_ADOPTION = 600.0

# Everything is read so rarely that it takes at most this share of the time.
_SHARE = 1 / 20


class Reconciler:
    """Compares and fixes. Between passes it keeps only a cache.

    `has_more` is true if the last pass had not enough time for everything. `poll_after` returns for how many seconds
    the store need not be checked for changes: it signals new work, and then `poll` is called. `has_name` returns
    whether this machine has the node's name now: only then is a message missing that is not in its hold queue. `signs`
    returns whether a split copy is submitted again when it is released (signing.py).
    """

    has_more = False

    def __init__(
        self,
        store: Store,
        queue: QueueClient,
        *,
        action: tuple[str, str],
        missing_after: timedelta,
        interval: timedelta,
        adopt_uninspected: bool,
        poll_after: Callable[[], float],
        has_name: Callable[[], bool],
        signs: Callable[[], bool],
    ) -> None:
        self._store = store
        self._queue = queue
        self._interval = interval.total_seconds()
        self._adopter = Adopter(store, action=action, adopt_uninspected=adopt_uninspected)
        self._comparison = Comparison()
        self._closing = Closing(store)
        self._missing = Missing(missing_after)
        self._stamp, self._version = "", ""
        self._heads: Heads = {}
        self._seen_heads: Heads = {}
        self._has_name = has_name
        self._poll_after, self._poll_at = poll_after, 0.0
        self._full_pass_at = 0.0
        self._reads_all = True
        self._waits = True
        self._releases = _incidents(stage="release")
        self._deletions = _incidents(stage="delete")
        self._exchanges = _incidents(stage="exchange")
        self._exchange = Exchange(store, queue, self._closing)
        self._replacing = Replacing(store, queue)
        self._signings = _incidents(stage="sign")
        self._signing = Signing(store, queue, self._signings, self._closing, signs=signs)
        self._arrivals = _incidents(stage="hold")
        self._losses = _incidents(stage="gone")
        self._adoptions: Runner[HeldMessage] = Runner(
            stage="adopt",
            key=lambda message: f"{message.queue_id}/{message.arrival_time}",
            queue_id=lambda message: message.queue_id,
            longest=_LONGEST_ADOPTION,
            shared=_SHARED,
            expected=(ConflictError,),
            describe=_error_text,
        )

    def run_once(self) -> bool:
        """Run one pass; return whether the agent and the store answered, whatever happened to single messages.

        Raises QueueError if the queue cannot be listed, and SQLAlchemy's errors if the store cannot be read: run the
        pass again.
        """
        begun = time.monotonic()
        is_full = begun >= self._full_pass_at
        self._reads_all |= is_full
        due = self._newest_heads() != self._heads or self._waits or any(runner.is_due() for runner in self._runners())
        well = self._release_known() if due else True
        changed = self._list(everything=is_full)
        self.has_more = False
        if due or changed:
            self._waits = True  # until this pass shows that nothing waits
            self._read()
            if is_full:
                now = time.monotonic()
                self._full_pass_at = now + max(self._interval, (now - begun) / _SHARE)
            well = self._compare() and well
            self._poll_at = 0.0
        self._measure()
        return well

    @property
    def stamp(self) -> str:
        """The stamp of the hold queue at the last listing; "" while it changes, or if there is other work to do."""
        is_seen = time.monotonic() < self._poll_at
        waits = self._waits or self._exchange.waits or any(runner.waits for runner in self._runners())
        return self._stamp if is_seen and not waits else ""

    @property
    def seconds_to_full_pass(self) -> float:
        """The time until everything is to be compared, in seconds."""
        return max(self._full_pass_at - time.monotonic(), 0.0)

    def poll(self) -> None:
        """Check at the next pass whether the store has changed."""
        self._poll_at = 0.0

    def _newest_heads(self) -> Heads:
        """Return the recent or current heads of the audit trail, which show whether the store has changed."""
        if time.monotonic() >= self._poll_at:
            self._poll_at = time.monotonic() + self._poll_after()
            self._seen_heads = self._store.changes.heads()
        return self._seen_heads

    def _list(self, *, everything: bool) -> bool:
        """Read what changed in the hold queue, or `everything`; return whether it did, or must be compared anyway."""
        looked_for = self._exchange.waits or self._missing.needs_listing
        stamp = None if everything or looked_for else self._stamp
        listed = self._queue.held_unless(stamp, "" if everything else self._version)
        if listed is None:
            return False
        self._stamp, self._version = listed.stamp, listed.version
        if listed.gone is None:
            self._comparison.list_all(listed.messages)
        else:
            self._comparison.list_changed(listed.messages, listed.gone)
        return True

    def _read(self) -> None:
        """Read which incidents changed in the store, or all open ones."""
        heads, names = self._store.changes.since(self._heads)
        if names is None or self._reads_all:
            self._comparison.read_all(self._store.open_incidents())
        elif names:
            self._comparison.read_changed(names, self._store.open_among(names))
        self._heads, self._reads_all = heads, False

    def _release_known(self) -> bool:
        """Release approved messages that were held at the last listing; return whether agent and store answered."""
        is_held = self._comparison.is_held
        approved = [one for one in self._store.standings([State.APPROVED]) if not one.is_changed and is_held(one)]
        self._release_all(approved)
        return not self._releases.round.shared

    def _compare(self) -> bool:
        """Take every incident one step further; return whether the agent and the store answered."""
        held = self._comparison.held
        here, gone, changed = self._unfinished()
        self._exchange.forget({one.id for one in changed})
        ended = [*here[State.REJECTED], *here[State.EXPIRED]]
        needs_report = any(one.state in (State.REJECTED, State.EXPIRED) for one in (*gone, *ended))
        unreported = self._store.outbox.awaiting_report() if needs_report else set()
        reported = [one for one in ended if one.id not in unreported]
        self._release_all(here[State.APPROVED])
        decided = self._store.decided()

        def enough() -> bool:
            return bool(self._store.decided() - decided)

        for batch in self._deletions.batches(reported, size=_BATCH, budget=_BUDGET, enough=enough):
            self._delete(batch)
        lost = self._missing.certain(gone)
        has_name = not (lost or changed) or self._has_name()
        if has_name:
            self._exchanges.run(changed, partial(self._exchange_one, held), budget=_QUICK_BUDGET, enough=enough)
        self._arrivals.run(here[State.PENDING], partial(self._hold, held), budget=_QUICK_BUDGET, enough=enough)
        close_missing = partial(self._close_missing, unreported)
        if has_name:
            self._losses.run(lost, close_missing, budget=_QUICK_BUDGET, enough=enough)
        known = {key[0] for key in self._exchange.keys(changed)}
        without_incident = [message for message in self._comparison.without_incident() if message.queue_id not in known]
        for messages in self._adoptions.batches(without_incident, size=_ADOPTIONS, budget=_QUICK_BUDGET, enough=enough):
            self._adopt(messages)
        rounds = [runner.round for runner in self._runners()]
        is_pending = any(one.state is State.PENDING for one in gone)
        has_answers = not any(one.shared for one in rounds)
        has_more = any(one.left for one in rounds)
        self.has_more = has_answers and has_more
        self._waits = is_pending or self._missing.waits or bool(changed) or has_more
        return has_answers

    def _unfinished(self) -> tuple[dict[State, list[Standing]], list[Standing], list[Standing]]:
        """Return the incidents with a step to take: those held, by state; those not held; those sent with changes."""
        here: dict[State, list[Standing]] = {state: [] for state in State}
        gone: list[Standing] = []
        changed: list[Standing] = []
        for one in self._comparison.unfinished():
            if one.is_changed and one.state is State.APPROVED:
                changed.append(one)
            elif self._comparison.is_held(one):
                here[one.state].append(one)
            else:
                gone.append(one)
        return here, gone, changed

    def _runners(self) -> list[Runner[Standing] | Runner[HeldMessage]]:
        main = [self._releases, self._signings, self._deletions, self._exchanges, self._arrivals, self._losses]
        return [*main, self._adoptions]

    # -- messages that are held -----------------------------------------------------------------------------------

    def _release_all(self, approved: list[Standing]) -> None:
        held = self._comparison.held
        for batch in self._releases.batches(self._signing.others(approved), size=_BATCH, budget=_BUDGET):
            begun: set[str] = set()
            batch.each(partial(self._begin, begun))
            batch.together(
                lambda items: self._queue.release_all([key_of(held[one.queue_id]) for one in items]),
                partial(self._released, begun),
            )

    def _delete(self, batch: Batch[Standing]) -> None:
        held = self._comparison.held
        batch.together(
            lambda items: self._queue.delete_all([key_of(held[one.queue_id]) for one in items]),
            lambda one, outcome: self._done(one, State.RETURNED, outcome),
        )

    def _begin(self, begun: set[str], one: Standing) -> None:
        """Record that a release begins; add the incident's id to `begun` if it had already begun."""
        if self._closing.begin(one):
            begun.add(one.id)

    def _exchange_one(self, held: dict[str, HeldMessage], one: Standing) -> None:
        self._exchange.step(one, held.get(one.queue_id) if self._comparison.is_held(one) else None)

    def _released(self, begun: set[str], one: Standing, outcome: bool | QueueError) -> None:
        if outcome is False and one.id not in begun:
            self._closing.close_vanished(one)  # it was removed before the release began
        else:
            self._done(one, State.RELEASED, outcome)

    def _done(self, one: Standing, state: State, outcome: bool | QueueError) -> None:
        if isinstance(outcome, QueueError):
            raise outcome
        self._closing.close(one, state)

    def _hold(self, held: dict[str, HeldMessage], one: Standing) -> None:
        incident = self._closing.unchanged(one)
        if incident is not None:
            hold(self._store, incident, held[one.queue_id])

    # -- messages that are not held -------------------------------------------------------------------------------

    def _close_missing(self, unreported: set[str], one: Standing) -> None:
        self._closing.close_missing(one, awaits_report=one.id in unreported)
        self._missing.forget(one.id)

    # -- messages without an open incident ------------------------------------------------------------------------

    def _adopt(self, batch: Batch[HeldMessage]) -> None:
        batch.together(lambda messages: self._queue.headers([key_of(one) for one in messages]), self._adopt_one)

    def _adopt_one(self, message: HeldMessage, header: bytes | QueueError | None) -> None:
        if isinstance(header, QueueError):
            raise header
        if header is None or self._exchange.recognise(message, header) or self._replacing.step(message, header):
            return
        if self._is_second_copy(message, header):
            return
        if not self._adopter.adopt(message, header, is_managed=self._replacing.is_uninspected(header)):
            self._comparison.ignore(message)

    def _is_second_copy(self, message: HeldMessage, header: bytes) -> bool:
        """Delete a copy for recipients who wait, if the first one is held too; return whether it was one.

        A client sent its message again because the milter was killed after Postfix had accepted the first copy. Raises
        ConflictError if the first copy has not been seen in the hold queue yet.
        """
        incident = self._adopter.first_copy(message, header)
        if incident is None:
            return False
        first = self._comparison.held.get(incident.queue_id)
        is_held = first is not None and isinstance(self._queue.headers([key_of(first)])[0], bytes)
        if not is_held and incident.state is State.PENDING:
            raise ConflictError(incident)
        if is_held and self._queue.delete(*key_of(message)):
            maillog.second_copy_deleted(message.queue_id, incident=incident.id, first=incident.queue_id)
            metrics.RECONCILED.labels("second-copy").inc()
        return is_held

    # -- figures --------------------------------------------------------------------------------------------------

    def _measure(self) -> None:
        managed, unmanaged = len(self._comparison.held), len(self._comparison.unmanaged)
        oldest = self._comparison.oldest()
        metrics.HELD_MESSAGES.set(managed - unmanaged)
        metrics.HELD_OLDEST_AGE.set(0 if oldest is None else datetime.now(UTC).timestamp() - oldest)
        metrics.UNMANAGED_HELD.set(unmanaged)


_SHARED = (UnreachableError, StoreError, DatabaseError)


def _incidents(*, stage: str) -> Runner[Standing]:
    """Return a runner for steps of incidents."""
    return Runner(
        stage=stage,
        key=lambda one: one.id,
        queue_id=lambda one: one.queue_id,
        shared=_SHARED,
        expected=(ConflictError,),
        describe=_error_text,
    )


def _error_text(error: Exception) -> str:
    return str(error) if isinstance(error, QueueError) else maillog.describe(error)
