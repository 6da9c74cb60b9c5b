"""Records messages and decisions, and checks the outcome: delivered once, held or returned, never lost or duplicated.

Each attempt has a unique sender and recipients, by which all mail that leaves the site is attributed.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import DECIDED, State

DOMAIN = "partner.example"


@dataclass(slots=True)
class Attempt:
    """One message that a client tried to send.

    `held` is true if a policy holds it. `accepted` is None if the client lost the connection before a reply.
    `operator_action` names what an operator (one of the faults) did with it. `undecided` is true if a decision about
    it, of which its sender may have been notified, was lost with the store before it was carried out.
    """

    token: str
    way: str
    held: bool
    sender: str
    recipients: list[str]
    accepted: bool | None = None
    operator_action: str = ""
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that was confirmed to a person."""

    incident: str
    choice: str


@dataclass(slots=True)
class Seen:
    """The observed outcome of one attempt.

    `delivered` counts by recipient, `queued` is true if Postfix still has it, `returned` if its sender got a report;
    `events` are those of all its incidents.
    """

    delivered: Counter[str] = field(default_factory=Counter)
    queued: bool = False
    returned: bool = False
    incidents: list[Incident] = field(default_factory=list)
    events: set[str] = field(default_factory=set)


class Ledger:
    """Has all attempts. Decisions in a lost store are made again: `lost` are its incidents."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.attempts: dict[str, Attempt] = {}
        self.decided: list[Decided] = []
        self.past: dict[str, list[Incident]] = {}
        self.lost: set[str] = set()

    def add(self, way: str, *, held: bool, recipients: int = 1, null_sender: bool = False) -> Attempt:
        """Record an attempt before it is made."""
        with self._lock:
            token = f"m{len(self.attempts)}"
            sender = "" if null_sender else f"{token}@corp.example"
            names = [f"{token}.{number}@{DOMAIN}" for number in range(recipients)]
            self.attempts[token] = Attempt(token, way, held, sender, names)
            return self.attempts[token]

    def of(self, recipients: Iterable[str]) -> Attempt | None:
        """Return the attempt that these recipients belong to."""
        tokens = (name.partition(".")[0] for name in recipients if name.endswith(f"@{DOMAIN}"))
        return next((self.attempts[token] for token in tokens if token in self.attempts), None)

    def record_operator_action(self, recipients: Iterable[str], what: str) -> None:
        """Record the action of an operator on a message."""
        attempt = self.of(recipients)
        if attempt is not None:
            attempt.operator_action = what

    def lose(self, incidents: Iterable[Incident]) -> None:
        """Record that the store with these incidents is lost: decisions not yet carried out are requested again."""
        for incident in incidents:
            self.lost.add(incident.id)
            attempt = self.of(incident.recipients)
            if attempt is not None:
                self.past.setdefault(attempt.token, []).append(incident)
                if incident.closed_at is None and incident.state in DECIDED:
                    attempt.undecided = True

    def confirmed(self, incident: str, choice: str) -> None:
        """Record a decision that was confirmed to a person."""
        with self._lock:
            self.decided.append(Decided(incident, choice))

    def violations(self, seen: Mapping[str, Seen]) -> Iterator[str]:
        """Yield a line for each promise that was not kept."""
        for attempt in self.attempts.values():
            for output in _wrong(attempt, seen.get(attempt.token, Seen()), self.past.get(attempt.token, [])):
                yield f"{attempt.token} ({attempt.way}, {'held' if attempt.held else 'clean'}): {output}"
        events = {incident.id: one.events for one in seen.values() for incident in one.incidents}
        for decided in self.decided:
            if decided.incident not in self.lost and decided.choice not in events.get(decided.incident, set()):
                yield f"{decided.incident}: {decided.choice} was confirmed and is not in its history"


def _wrong(attempt: Attempt, seen: Seen, past: list[Incident]) -> Iterator[str]:
    delivered = seen.delivered
    twice = {name: count for name, count in delivered.items() if count > 1}
    if twice:
        yield f"doubled: {twice}"
    if attempt.accepted is False and (delivered or seen.queued):
        yield "refused, and sent or queued all the same"
    closed = {incident.state for incident in (*seen.incidents, *past)}
    is_new_decision = attempt.undecided
    if attempt.held and delivered and attempt.operator_action != "released":
        if "approved" not in seen.events and not {State.APPROVED, State.RELEASED} & closed:
            yield "delivered without an approval"
        if ({"rejected", "expired"} & seen.events or State.RETURNED in closed) and not is_new_decision:
            yield "delivered after a rejection"
    if attempt.accepted:
        whole = set(delivered) == set(attempt.recipients)
        removed = attempt.operator_action == "deleted" or (not attempt.sender and State.RETURNED in closed)
        if not (whole or seen.queued or seen.returned or removed):
            yield f"lost: delivered to {len(delivered)} of {len(attempt.recipients)}, incidents {sorted(closed)}"
        if delivered and seen.returned and not is_new_decision and attempt.operator_action != "released":
            yield "delivered and returned"
