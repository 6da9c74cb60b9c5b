"""Who is asked about a message: named people and the sender's manager, their deputies, and the fallback.

People who are involved in the message cannot decide on it: its sender, by any of their known names, and its recipients.
If that leaves too few people, the fallback is asked; a message is never released because there is no moderator. If even
the fallback leaves fewer than must approve, an alarm is raised, and the message is returned at its deadline.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from email.utils import parseaddr

from holdgate import headers, maillog, metrics
from holdgate.config import ModerationSettings
from holdgate.desk.context import Desk
from holdgate.envelope import Envelope
from holdgate.machines.accounts import Account, Accounts
from holdgate.mask import mask_numbers
from holdgate.quarantine.incident import Answer, Ask, Incident, Request
from holdgate.tables import TableError

MANAGER = "manager"


class TryLaterError(Exception):
    """Lookups in the managers' table fail at present."""


def same_person(address: str) -> str:
    """Return an address in the form for comparison: lower case, without an extension after "+" in its local part."""
    local, separator, domain = address.strip().lower().rpartition("@")
    return f"{local.partition('+')[0]}{separator}{domain}" if separator else domain


def addresses_of(address: str) -> Callable[[str], bool]:
    """Return a function that tests whether an address is the same mailbox as this one: limits count them together."""
    person = same_person(address)
    return lambda other: same_person(other) == person


def first_asked(
    desk: Desk, incident: Incident, known: Sequence[Request], now: datetime, *, patient: bool = True
) -> list[Ask]:
    """Return whom to ask at the incident's level of the chain; `known` are the earlier requests.

    A person who approved at an earlier level does not count twice. If the managers' table cannot be queried, raises
    TryLaterError until `managers_retry_for` is over, but never if not `patient`.
    """
    rules = desk.moderation(incident)
    if is_canary(desk, incident):
        # No person is disturbed, and the canary can check that a request is sent.
        return [Ask(desk.settings.canary.recipient.lower(), "moderator", incident.level)]
    # A chain that was shortened meanwhile ends at its last level.
    level = min(incident.level, len(rules.chain) - 1)
    barred = involved(incident) | {same_person(one.moderator) for one in known if one.answer is Answer.APPROVE}
    since = max(
        [incident.held_at or incident.created_at, *(one.answered_at for one in known if one.answered_at is not None)]
    )
    waits = patient and now - since < rules.managers_retry_for
    asks: list[Ask] = []
    for named in rules.chain[level]:
        people = looked_up(desk, incident, rules.managers, patient=waits) if named == MANAGER else [named]
        role = MANAGER if named == MANAGER else "moderator"
        asks.extend(Ask(person.lower(), role, level) for person in people)
    chosen = uninvolved(asks, barred)
    if len(chosen) < rules.approvals:
        chosen = uninvolved([*chosen, *(Ask(person.lower(), "fallback", level) for person in rules.fallback)], barred)
    return chosen


def substitute(desk: Desk, incident: Incident, request: Request, known: Iterable[Request], answer: Answer) -> list[Ask]:
    """Return whom to ask if a moderator is away or their mail bounces: the deputy, otherwise the fallback."""
    if is_canary(desk, incident):
        return []
    rules = desk.moderation(incident)
    deputies = {same_person(person): deputy for person, deputy in rules.deputies.items()}
    barred = involved(incident) | {
        same_person(other.moderator) for other in known if other.answer is not Answer.SUPERSEDED
    }
    asks: list[Ask] = []
    if answer is Answer.OUT_OF_OFFICE and (deputy := deputies.get(same_person(request.moderator))):
        asks = uninvolved([Ask(deputy.lower(), "deputy", request.level, request.moderator)], barred)
    return asks or uninvolved(
        [Ask(person.lower(), "fallback", request.level, request.moderator) for person in rules.fallback], barred
    )


def needed(desk: Desk, incident: Incident) -> int:
    """Return how many people must approve at a level. The canary asks only itself, and decides as an administrator."""
    return 1 if is_canary(desk, incident) else desk.moderation(incident).approvals


def shortage(rules: ModerationSettings) -> str:
    """Return why no message could ever be approved with these settings, "" if they do not show a reason.

    A managers' table can name any number of people. Nobody approves at two levels.
    """
    all_able: set[str] = set()
    countable = True
    for number, people in enumerate(rules.chain, 1):
        able = {same_person(one) for one in [*people, *rules.fallback] if one != MANAGER}
        all_able |= able
        if MANAGER in people and rules.managers:
            countable = False
            continue
        level = f" at level {number}" if len(rules.chain) > 1 else ""
        if len(able) < rules.approvals:
            return f"{_people(able)} can be asked{level}, {rules.approvals} must approve"
        if countable and len(all_able) < number * rules.approvals:
            return f"{_people(all_able)} can be asked{level} and before it, {number * rules.approvals} must approve"
    return ""


def _people(persons: Collection[str]) -> str:
    return "1 person" if len(persons) == 1 else f"{len(persons)} people"


def is_canary(desk: Desk, incident: Incident) -> bool:
    """Return whether a message is only for the canary's address, where it is discarded."""
    return incident.recipients == [desk.settings.canary.recipient]


def involved(incident: Incident) -> set[str]:
    """Return the people who are involved in the message, in the form of `same_person`."""
    senders = {incident.sender, incident.auth_user, parseaddr(incident.header_from)[1]}
    return {same_person(address) for address in (*senders, *incident.recipients) if address}


def looked_up(desk: Desk, incident: Incident, table: str, *, patient: bool) -> list[str]:
    """Look up the sender's manager, or owner, by each known name, the most reliable first.

    Raises TryLaterError if the table cannot be queried; if not `patient`, that counts as no result.
    """
    if not table:
        return []
    table = f"texthash:{table}" if table.startswith("/") else table
    try:
        for name in dict.fromkeys(_names(incident)):
            answer = desk.tables.lookup(table, name) or ""
            if found := addresses_in(answer):
                return found
    except TableError as error:
        metrics.ERRORS.labels("managers").inc()
        maillog.failed(stage="managers", error=str(error))
        if patient:
            raise TryLaterError from error
    return []


def machine_account(desk: Desk, incident: Incident) -> Account | None:
    """Return the account of `machines.accounts` that a message comes from, None for a person's message.

    Raises TryLaterError if the table cannot be queried.
    """
    machines = desk.settings.machines
    if machines.mode == "off":
        return None
    envelope = Envelope(auth_user=incident.auth_user, client_address=incident.client_address)
    try:
        return Accounts(machines.accounts, desk.tables).of(envelope)
    except TableError as error:
        metrics.ERRORS.labels("managers").inc()
        maillog.failed(stage="managers", error=str(error))
        raise TryLaterError from error


def addresses_in(value: str) -> list[str]:
    """Return the addresses in a table's value."""
    return headers.addresses([value])


def _names(incident: Incident) -> Iterator[str]:
    """Yield the sender's names as keys of the table. The SMTP AUTH name is first, because it cannot be forged.

    The From header counts only for the null sender, because it is the easiest to forge.
    """
    for address in (incident.auth_user, incident.sender or parseaddr(incident.header_from)[1]):
        if address:
            yield address.lower()
            if same_person(address) != address.lower():
                yield same_person(address)


def uninvolved(asks: Iterable[Ask], barred: Collection[str]) -> list[Ask]:
    """Keep the first request to each person who is not involved in the message."""
    kept: dict[str, Ask] = {}
    for ask in asks:
        person = same_person(ask.moderator)
        # For a recipient whose address has a long number, only the masked form is known.
        if person not in barred and mask_numbers(person) not in barred:
            kept.setdefault(person, ask)
    return list(kept.values())
