"""The mail of programs in the milter: compares each message with what its account has sent, and learns from it.

A message is counted before policies are evaluated, in the transaction that reads the counts, so two simultaneous
messages cannot both use the last place of a budget. It is learned only when it is accepted, or released from hold.
"""

import re
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import UTC, datetime
from typing import TypeVar

from holdgate import maillog, metrics
from holdgate.config import MachineSettings
from holdgate.envelope import Envelope
from holdgate.findings import Inspection
from holdgate.machines.accounts import Account, Accounts
from holdgate.machines.contents import ATTACHMENT, HOST, KINDS, RECIPIENT, may_be_learned, values_of
from holdgate.mask import mask_numbers
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.machines import Counted, Ledger
from holdgate.quarantine.store import Store
from holdgate.relations.keys import Hasher
from holdgate.risks import MACHINE_ATTACHMENT, MACHINE_FIRST, MACHINE_LINK, MACHINE_MESSAGES, MACHINE_RECIPIENT, Risk
from holdgate.tables import TableError

T = TypeVar("T")

THREAD_FIELDS = frozenset({"references", "in-reply-to"})
"""The header fields that name the answered messages, in lower case."""

# A Message-ID (RFC 5322, 3.6.4), and how many of a field are compared.
_IDS = re.compile(r"<[^<>\s]{1,900}>")
_ANSWERED = 100
_WRITERS = 4
# Of so many new hosts and attachments of one message, those that exceed a limit first are named.
_NAMED = 20


class UnansweredError(Exception):
    """The store did not count a message in time: the message is deferred."""


def ledger_of(hasher: Hasher, account: str) -> Ledger:
    """Return the numbers under which the store keeps an account."""
    owners = {kind: hasher.owner(f"machine {kind}", account) for kind in KINDS}
    return Ledger(hasher.mark("machine", account), owners, hasher.owner("machine messages", account))


class Traffic:
    """What all messages of machine accounts share."""

    def __init__(
        self,
        settings: MachineSettings,
        accounts: Accounts,
        hasher: Hasher,
        store: Store,
        *,
        is_over: Callable[[Risk], bool] | None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`is_over` returns whether a risk exceeds a policy's limit; None if no policy has limits.

        If a policy has limits, every message of a program is counted, or else deferred.
        """
        self.is_over = is_over if settings.mode == "on" else None
        self.accounts = accounts
        self.hasher = hasher
        self.table = store.machines
        self.allowances = store.allowances
        self.now = now
        self._limit = settings.time_limit.total_seconds()
        self._writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="machines")

    def close(self) -> None:
        """Stop writing."""
        self._writers.shutdown(wait=False, cancel_futures=True)

    def of(self, envelope: Envelope) -> "MachineMail | None":
        """Return the message of a program, or None for any other message. Raises TableError."""
        try:
            account = self.accounts.of(envelope)
        except TableError as error:
            if self.is_over is not None:
                raise
            maillog.failed(stage="machines", error=str(error))
            return None
        return None if account is None else MachineMail(self, account)

    def in_time(self, step: Callable[[], T]) -> T:
        """Run a step with the store. Raises UnansweredError if it fails or takes too long."""
        try:
            future = self._writers.submit(step)
            return future.result(self._limit)
        except FutureTimeoutError as error:
            future.cancel()
            raise UnansweredError("the store did not answer in time") from error
        except (DatabaseError, RuntimeError) as error:  # RuntimeError: closed during a reload
            raise UnansweredError(type(error.__cause__ or error).__name__) from error


class MachineMail:
    """One message of a program."""

    def __init__(self, traffic: Traffic, account: Account) -> None:
        self._traffic = traffic
        self._account = account
        self._ledger = ledger_of(traffic.hasher, account.name)
        self._counted: Counted | None = None
        self._at = 0
        self._values: dict[str, list[str]] = {}
        self._allowed: frozenset[int] = frozenset()

    @property
    def account(self) -> int:
        """The number of its account, as the store keeps it."""
        return self._ledger.account

    def evaluate(self, envelope: Envelope, inspection: Inspection, *, counts: bool = True) -> tuple[Risk, ...]:
        """Count the message; return what is new in it, or how many messages there are. Raises UnansweredError.

        Without `counts` nothing is written, for a test of the policies.
        """
        traffic = self._traffic
        self._values = values_of(envelope.recipients, inspection)
        self._at = int(traffic.now())
        items = {kind: [self._key(kind, one) for one in values] for kind, values in self._values.items()}
        try:
            step = traffic.table.count_message if counts else traffic.table.peek
            self._counted = traffic.in_time(lambda: step(self._ledger, items, self._at))
            if self._counted.new:
                self._allowed = traffic.in_time(lambda: self._passing(envelope, items[RECIPIENT]))
        except UnansweredError as error:
            metrics.MACHINE_MESSAGES.labels("unknown").inc()
            if traffic.is_over is not None:
                raise
            maillog.failed(stage="machines", error=str(error))
            return ()
        metrics.MACHINE_MESSAGES.labels("new" if self._counted.new else "known").inc()
        return () if traffic.is_over is None else tuple(filter(traffic.is_over, self._risks(self._counted)))

    def learn(self, recipients: Collection[str]) -> None:
        """Remember the contents of an accepted message; of a split message, only its recipients."""
        if self._counted is None:
            return
        is_complete = {one.lower() for one in recipients} >= set(self._values[RECIPIENT])
        keys = [key for key in self._kept(recipients, is_complete=is_complete) if key in self._counted.new]
        if keys:
            self._try(lambda: self._traffic.table.learn(self._ledger, keys, self._at))

    def note(self, incident_id: str, message_id: str, recipients: Collection[str]) -> None:
        """Store what to learn if the message is released. Raises UnansweredError."""
        if self._counted is None:
            return
        hasher = self._traffic.hasher
        thread = hasher.mark("machine thread", message_id.strip()) if message_id.strip() else 0
        to = self._kept(recipients, is_complete=False)
        contents = [key for key in self._kept((), is_complete=True) if key in self._counted.new]
        self._traffic.in_time(
            lambda: self._traffic.table.note(incident_id, self._ledger.account, thread, to, contents, self._at)
        )

    def refund(self) -> None:
        """Undo the count of a message that is deferred, because it will be sent again."""
        if self._counted is not None:
            self._try(lambda: self._traffic.table.refund(self._ledger, self._at))
            self._counted = None

    def _try(self, step: Callable[[], None]) -> None:
        try:
            self._traffic.in_time(step)
        except UnansweredError as error:
            maillog.failed(stage="machines", error=str(error))

    def _key(self, kind: str, value: str) -> int:
        return self._traffic.hasher.edge(f"machine {kind}", self._account.name, value)

    def _kept(self, recipients: Collection[str], *, is_complete: bool) -> list[int]:
        """Return the numbers of these recipients; with `is_complete`, also of everything else in the message."""
        keys = [self._key(RECIPIENT, one.lower()) for one in recipients]
        for kind in (HOST, ATTACHMENT) if is_complete else ():
            keys += [self._key(kind, one) for one in self._values[kind] if may_be_learned(kind, one)]
        return keys

    def _passing(self, envelope: Envelope, recipients: list[int]) -> frozenset[int]:
        """Return the recipients for whom a moderator has allowed messages of this class."""
        hasher, now = self._traffic.hasher, datetime.fromtimestamp(self._at, UTC)
        named = (value for name in THREAD_FIELDS for value in envelope.headers.get(name, ()))
        threads = {hasher.mark("machine thread", one) for value in named for one in _IDS.findall(value)[:_ANSWERED]}
        return self._traffic.allowances.passing(self._ledger.account, threads, recipients, now)

    def _risks(self, counted: Counted) -> Iterator[Risk]:
        account = mask_numbers(self._account.name)
        yield Risk(MACHINE_MESSAGES, "", "", counted.messages, account)
        others = [one for one in self._values[RECIPIENT] if self._key(RECIPIENT, one) not in self._allowed]
        for one in others:
            if (place := counted.new.get(self._key(RECIPIENT, one))) is not None:
                yield Risk(MACHINE_FIRST, one, "", 0, account)
                yield Risk(MACHINE_RECIPIENT, one, "", place, account)
        for kind, risk in ((HOST, MACHINE_LINK), (ATTACHMENT, MACHINE_ATTACHMENT)):
            places = ((counted.new.get(self._key(kind, one)), one) for one in self._values[kind])
            new = sorted(((place, one) for place, one in places if place is not None), reverse=True)
            for place, one in new[:_NAMED]:
                named = one.partition(" ")[2] if kind == ATTACHMENT else one
                for recipient in others if self._allowed else [""]:
                    yield Risk(risk, recipient, named, place, account)
