"""The store in SQL: reads incidents and changes them. Every change of an incident uses `change` or `amend`.

An incident changes by compare-and-swap in one transaction with its event, its new requests and its notices. So of two
simultaneous decisions one wins and the other gets a conflict, and a crash leaves either all of it or nothing. Each
transaction locks the row of its incident before it changes anything else. Transactions of one incident run one after
the other; those of different incidents wait for each other only at the end of a writer's chain.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, bindparam, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.dml import ReturningUpdate

from holdgate import maillog
from holdgate.node import Machine
from holdgate.quarantine import audit, binding, history, requests
from holdgate.quarantine.agenda import Agenda
from holdgate.quarantine.allowances import Allowances
from holdgate.quarantine.audit import AuditTrail
from holdgate.quarantine.certificates import Certificates
from holdgate.quarantine.chains import FIRST, writing_as
from holdgate.quarantine.changes import Changes
from holdgate.quarantine.claims import Claims
from holdgate.quarantine.codes import SignInCodes
from holdgate.quarantine.database import StoreError, connect, empty_log, is_shared, migrate, sync, take_turns, unsynced
from holdgate.quarantine.digests import Digests
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import (
    OWNER,
    SENDER,
    Actor,
    Answer,
    Ask,
    Decision,
    Event,
    Incident,
    NewNotice,
    QueueFile,
)
from holdgate.quarantine.incidents import Incidents, Quota
from holdgate.quarantine.machine_tokens import MachineTokens
from holdgate.quarantine.machines import Machines
from holdgate.quarantine.nodes import Nodes, OwnName, here
from holdgate.quarantine.outbox import Outbox, drop_decision, drop_reports, enqueue
from holdgate.quarantine.relations import Relations
from holdgate.quarantine.replacements import Replacements
from holdgate.quarantine.replies import Replies
from holdgate.quarantine.requests import Requests, incident_of
from holdgate.quarantine.schema import incidents
from holdgate.quarantine.seals import UsedSeals
from holdgate.quarantine.sessions import EndedSessions
from holdgate.quarantine.signals import DESK, FileListener, Listener, NotifyListener, Signals, queue_of
from holdgate.quarantine.states import DECIDED, State, has_transition

__all__ = ["Actor", "ConflictError", "Store", "StoreError", "migrate", "open_store", "settle"]

# What retention empties. Sender, recipients, times, and who decided are kept.
_CONTENT: dict[str, Any] = {"subject": "", "header_from": "", "message_id": "", "comment": None, "attachments": []}
_CONTENT |= {"recipient_risks": None}

# The values of an incident each time that its message is put on hold: no request, no decision.
_UNDECIDED: dict[str, Any] = {one.name: one.default for one in fields(Decision)} | {"closed_at": None}

# What a step can set. The message and its content are written once, except the queue id of a copy (gate/split.py); the
# desk describes mail that was not inspected.
_DESCRIPTION = frozenset({"subject", "attachments", "findings"})
_CHANGEABLE = frozenset(one.name for part in (QueueFile, Decision) for one in fields(part)) | {"queue_id"}


_INSERT = insert(incidents)
# What the names of new values begin with in a statement.
_NEW = "new_"


T = TypeVar("T")

# After this many conflicts in a row, a step is left to a later attempt.
_CONFLICTS = 50


class ConflictError(Exception):
    """Another process changed the incident first; `incident` is its current state."""

    def __init__(self, incident: Incident) -> None:
        super().__init__(f"incident {incident.id} is {incident.state}")
        self.incident = incident


def settle(step: Callable[[], T]) -> T:
    """Run a step that reads an incident and changes it, and again if it was changed meanwhile.

    Raises ConflictError if that happens many times in a row: no incident keeps its caller for ever.
    """
    for _ in range(_CONFLICTS - 1):
        with suppress(ConflictError):
            return step()
    return step()


def open_store(url: str, node: str | None = None, *, role: str = "", machine: Machine | None = None) -> "Store":
    """Connect to an existing store, for the work of `node`; None means all nodes.

    A daemon has a `role`, such as "milter", which with the node names its chain of events. With `machine`, incidents
    are recorded only while no other machine uses the node's name. Raises StoreError if the schema is not this
    version's.
    """
    return Store(connect(url), node, role=role, machine=machine)


class Store(Incidents):
    """Reads incidents and changes them. Other data has classes of its own, which share the connections.

    `requests` and `agenda` are the desk's, `outbox` has the notices to send. `replies`, `seals`, `sessions` and `codes`
    are valid once or for a time. `nodes` are the mail servers that share the store, `certificates` are those by which
    they know each other, `claims` assign work to desks, `relations` is who writes to whom, `machines` what programs
    have sent, `machine_tokens` are their tokens, `allowances` what was allowed for a time, `replacements` what programs
    send in place of held messages, `changes` name the incidents that changed, and `audit` proves the history. New
    incidents belong to `node`.
    """

    def __init__(
        self, engine: Engine, node: str | None = None, *, role: str = "", machine: Machine | None = None
    ) -> None:
        engine = writing_as(engine, f"{node}/{role}" if node and role else FIRST)
        self._engine = engine
        self._reader = engine.execution_options(reads=True)
        self.node = node or ""
        super().__init__(self._reader, here(engine, node))
        self.signals = Signals(engine)
        self.nodes = Nodes(engine, self._reader)
        self._own_name = None if machine is None else OwnName(self.nodes, self.node, machine)
        self.certificates = Certificates(engine, self._reader)
        self.claims = Claims(engine, self._reader)
        self.requests = Requests(engine, self._reader)
        self.agenda = Agenda(self._reader)
        self.outbox = Outbox(engine, self._reader, here(engine, node), self.signals)
        self.replies = Replies(engine, self._reader)
        self.seals = UsedSeals(engine)
        self.relations = Relations(engine, self._reader)
        self.machines = Machines(engine, self._reader)
        self.machine_tokens = MachineTokens(engine, self._reader)
        self.allowances = Allowances(engine, self._reader)
        self.replacements = Replacements(engine, self._reader)
        self.sessions = EndedSessions(engine, self._reader)
        self.codes = SignInCodes(engine)
        self.digests = Digests(engine, self._reader)
        self.audit = AuditTrail(self._reader)
        self.changes = Changes(self._reader)

    def close(self) -> None:
        """Close all connections."""
        self.signals.close()
        self._engine.dispose()

    def listener(self, *words: str, url: str) -> Listener:
        """Return a listener for signals with these words, over a direct connection to `url`, without a pooler.

        The listener of a store in a file hears every new event.
        """
        return NotifyListener(self._engine, url, words) if is_shared(self._engine) else FileListener(self._engine)

    # -- incidents ------------------------------------------------------------------------------------------------

    def record(
        self,
        incident: Incident,
        actor: Actor,
        event: str = EventName.RECORDED,
        note: str = "",
        outbox: Iterable[NewNotice] = (),
        also: Iterable[str] = (),
        is_synced: bool = True,
    ) -> None:
        """Write a new incident, with `event` and the further events `also`, and its notices.

        Without `is_synced` a crash of the machine can undo it until `sync` has returned. Raises StoreError if it could
        not be written, or if another machine has taken the node's name.
        """
        if self._own_name is not None:
            self._own_name.check()
        engine = self._engine if is_synced else unsynced(self._engine)
        values = vars(incident) | {"node": incident.node or self.node}
        new = [(incident.created_at, name, remark) for name, remark in ((event, note), *((one, "") for one in also))]
        notices = list(outbox)
        try:
            if is_shared(engine) and not notices:
                audit.record(engine, values, actor, new, content=binding.content_of_new(values))
            else:
                with engine.begin() as connection:
                    connection.execute(_INSERT, values)
                    enqueue(connection, incident.id, notices)
                    content = binding.content_of_new(
                        values, binding.notices_of(connection, incident.id) if notices else ()
                    )
                    audit.append(connection, incident.id, actor, new, content=content)
        except SQLAlchemyError as error:
            raise StoreError(type(error.__cause__ or error).__name__) from error
        if notices or incident.state is State.HELD:
            self.signals.notify(DESK)

    def sync(self) -> None:
        """Make everything durable that was written. Raises StoreError."""
        try:
            sync(self._engine)
        except OSError as error:
            raise StoreError(type(error).__name__) from error

    def change(
        self,
        incident: Incident,
        new: State,
        actor: Actor,
        *,
        note: str = "",
        outbox: Iterable[NewNotice] = (),
        answers: Mapping[int, Answer] | None = None,
        also: Iterable[str | tuple[str, str]] = (),
        quota: Quota | None = None,
        **values: Any,
    ) -> Incident:
        """Change the state of `incident` to `new`, and set further columns by `values`.

        `outbox` are its notices, `answers` the answers to requests (by number), `also` further events, some with a
        note. A message that is put on hold, for the first time or again, is undecided: requests and answers of an
        earlier hold are void, and only the history has the earlier decision. Raises ConflictError if another process
        changed the incident first, or if decisions made meanwhile have used up the `quota`. Raises ValueError for a
        transition that the table of states lacks, or from an approval without changes back to held.
        """
        is_taken_back = new is State.HELD and incident.state is State.APPROVED
        if not has_transition(incident.state, new) or (is_taken_back and incident.change is None):
            raise ValueError(f"no way from {incident.state} to {new}")
        if new is State.HELD:
            values = _UNDECIDED | values
        with self._engine.begin() as connection:
            if quota is not None:
                take_turns(connection)
                if quota.is_used_up(connection):
                    raise ConflictError(incident)
            changed = self._swap(connection, incident, {"state": new, **_checked(values)})
            if new is State.HELD:
                requests.supersede(connection, incident.id, answered=True)
                drop_decision(connection, incident.id)
            elif new is State.VANISHED:
                drop_reports(connection, incident.id)
            is_mail = enqueue(connection, incident.id, outbox)
            requests.answer(connection, answers or {})
            history.write(connection, incident.id, actor, (new, note), *(_event(one) for one in also))
        self.signals.notify(*_woken(changed, is_mail=is_mail))
        maillog.incident_changed(
            incident.queue_id, incident=incident.id, old=incident.state, new=new, who=actor.who, method=actor.how
        )
        return changed

    def amend(
        self,
        incident: Incident,
        event: str,
        actor: Actor,
        *,
        note: str = "",
        outbox: Iterable[NewNotice] = (),
        answers: Mapping[int, Answer] | None = None,
        asks: Iterable[Ask] = (),
        supersede: bool = False,
        described: Mapping[str, Any] | None = None,
        channels: Sequence[str] = ("mail",),
        is_synced: bool = True,
        **values: Any,
    ) -> Incident:
        """Run a step that does not change the state of `incident`: as `change`, and write the requests `asks`.

        Each request enqueues its notices over `channels`, those to a sender by mail only, and ends at the new deadline.
        With `supersede`, requests without an answer become void. `described` are content columns of a message that was
        not inspected. Without `is_synced` a crash of the machine can undo it. Raises ConflictError if another process
        changed the incident first.
        """
        now = datetime.now(UTC)
        with (self._engine if is_synced else unsynced(self._engine)).begin() as connection:
            changed = self._swap(connection, incident, {**_checked(values), **_checked(described or {}, _DESCRIPTION)})
            requests.answer(connection, answers or {})
            if supersede:
                requests.supersede(connection, incident.id, answered=False)
            for one in asks:
                number = requests.ask(connection, changed, one, now)
                over = ["mail"] if one.role in (SENDER, OWNER) else channels
                about = NewNotice("request", one.moderator, request=number)
                enqueue(connection, incident.id, [replace(about, channel=channel) for channel in over])
            enqueue(connection, incident.id, outbox)
            history.write(connection, incident.id, actor, (event, note))
        self.signals.notify(DESK)
        return changed

    def _swap(self, connection: Connection, incident: Incident, values: Mapping[str, Any]) -> Incident:
        """Write `values`, if the incident is still at the revision of `incident`; return its new state."""
        new = {**values, "revision": incident.revision + 1}
        given = {_NEW + name: value for name, value in new.items()}
        same = {"of_id": incident.id, "of_revision": incident.revision}
        row = connection.execute(_swapped(tuple(sorted(new))), given | same).one_or_none()
        if row is None:
            row = connection.execute(select(incidents).where(incidents.c.id == incident.id)).one()
            raise ConflictError(incident_of(row))
        return incident_of(row)

    def erase(self, incident: Incident, actor: Actor) -> None:
        """Erase the content of a closed incident: subject, comment, samples, notes of its history."""
        now = datetime.now(UTC)
        findings = [{**finding, "masked": [], "parts": []} for finding in incident.findings]
        change = None if incident.change is None else {**incident.change, "names": []}
        with self._engine.begin() as connection:
            left = {"reason": "", "findings": findings, "change": change, "erased_at": now}
            self._swap(connection, incident, {**_CONTENT, **left})
            audit.erase_notes(connection, incident.id)
            history.write(connection, incident.id, actor, (EventName.ERASED, ""))

    def forget_erased(self) -> bool:
        """Remove erased data from the database's files too; return False if that must be retried."""
        return empty_log(self._engine)

    # -- events ---------------------------------------------------------------------------------------------------

    def add_event(self, incident_id: str, event: str, actor: Actor, note: str = "") -> None:
        """Write a line of history that changes no state."""
        with self._engine.begin() as connection:
            history.lock(connection, incident_id)
            history.write(connection, incident_id, actor, (event, note))

    def history(self, incident_id: str) -> list[Event]:
        """Return what happened to an incident, oldest first."""
        return history.of(self._reader, incident_id)


@lru_cache(maxsize=128)
def _swapped(names: tuple[str, ...]) -> ReturningUpdate[Any]:
    """Return the statement that sets these columns of an incident; to build it takes longer than to run it."""
    same = (incidents.c.id == bindparam("of_id")) & (incidents.c.revision == bindparam("of_revision"))
    return (
        update(incidents).where(same).values({name: bindparam(_NEW + name) for name in names}).returning(*incidents.c)
    )


def _woken(changed: Incident, *, is_mail: bool) -> list[str]:
    """Return the words of those who get work by a change of the state."""
    words = [DESK] if is_mail or changed.state is State.HELD else []
    return [*words, queue_of(changed.node)] if changed.state in DECIDED else words


def _event(one: str | tuple[str, str]) -> tuple[str, str]:
    return (one, "") if isinstance(one, str) else one


def _checked(values: Mapping[str, Any], allowed: frozenset[str] = _CHANGEABLE) -> Mapping[str, Any]:
    """Return the columns that a step sets. Raises ValueError for one that it must not set."""
    if fixed := sorted(values.keys() - allowed):
        raise ValueError(f"no step changes {', '.join(fixed)}")
    return values
