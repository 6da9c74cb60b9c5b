"""Who is asked about a message: named people and the sender's manager, their deputies, and the fallback.

People who are involved in the message cannot decide on it: its sender, by any of their known names, and its
recipients. Where that leaves too few, the fallback is asked; nothing is ever released because there is no moderator.
Where even the fallback leaves fewer than must approve, that is an alarm, and the message goes back at its deadline.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from email.utils import getaddresses, parseaddr

from holdgate import maillog, metrics
from holdgate.config import ModerationSettings
from holdgate.desk.context import Desk
from holdgate.mask import mask_numbers
from holdgate.quarantine.incident import Answer, Ask, Incident, Request
from holdgate.tables import TableError

MANAGER = "manager"


class TryLaterError(Exception):
    """The table of managers does not answer now."""


def same_person(address: str) -> str:
    """Return an address as it is compared: lower case, without the extension after a "+" in its local part."""
    local, separator, domain = address.strip().lower().rpartition("@")
    return f"{local.partition('+')[0]}{separator}{domain}" if separator else domain


def addresses_of(address: str) -> Callable[[str], bool]:
    """Return what says whether an address is another way to write this one: a limit counts them together."""
    person = same_person(address)
    return lambda other: same_person(other) == person


def first_asked(
    desk: Desk, incident: Incident, known: Sequence[Request], now: datetime, *, patient: bool = True
) -> list[Ask]:
    """Return whom to ask at the incident's level of the chain; `known` are the requests made before.

    A person who approved at an earlier level does not count twice. Raises TryLaterError while the table of managers
    cannot be queried, until `managers_retry_for` is over; never where it is not `patient`.
    """
    rules = desk.moderation(incident)
    if is_canary(desk, incident):
        # People are spared, and the canary sees that we do ask.
        return [Ask(desk.settings.canary.recipient.lower(), "moderator", incident.level)]
    # A chain that was made shorter meanwhile ends at its last level.
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
    chosen = fit(asks, barred)
    if len(chosen) < rules.approvals:
        chosen = fit([*chosen, *(Ask(person.lower(), "fallback", level) for person in rules.fallback)], barred)
    return chosen


def stand_in(desk: Desk, incident: Incident, request: Request, known: Iterable[Request], answer: Answer) -> list[Ask]:
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
        asks = fit([Ask(deputy.lower(), "deputy", request.level, request.moderator)], barred)
    return asks or fit(
        [Ask(person.lower(), "fallback", request.level, request.moderator) for person in rules.fallback], barred
    )


def needed(desk: Desk, incident: Incident) -> int:
    """Return how many people must approve at a level. The canary asks itself alone, and decides as an administrator."""
    return 1 if is_canary(desk, incident) else desk.moderation(incident).approvals


def shortage(rules: ModerationSettings) -> str:
    """Return why no message could ever get its approvals by these rules, "" where that cannot be seen from them.

    A table of managers may name any number of people. No person approves at two levels.
    """
    everybody: set[str] = set()
    countable = True
    for number, people in enumerate(rules.chain, 1):
        able = {same_person(one) for one in [*people, *rules.fallback] if one != MANAGER}
        everybody |= able
        if MANAGER in people and rules.managers:
            countable = False
            continue
        level = f" at level {number}" if len(rules.chain) > 1 else ""
        if len(able) < rules.approvals:
            return f"{_people(able)} can be asked{level}, {rules.approvals} must approve"
        if countable and len(everybody) < number * rules.approvals:
            return f"{_people(everybody)} can be asked{level} and before it, {number * rules.approvals} must approve"
    return ""


def _people(persons: Collection[str]) -> str:
    return "1 person" if len(persons) == 1 else f"{len(persons)} people"


def is_canary(desk: Desk, incident: Incident) -> bool:
    """Say whether a message goes to the canary's address alone, where it is thrown away."""
    return incident.recipients == [desk.settings.canary.recipient]


def involved(incident: Incident) -> set[str]:
    """Return the people who have a part in the message, in the form of `same_person`."""
    senders = {incident.sender, incident.auth_user, parseaddr(incident.header_from)[1]}
    return {same_person(address) for address in (*senders, *incident.recipients) if address}


def looked_up(desk: Desk, incident: Incident, table: str, *, patient: bool) -> list[str]:
    """Look up the sender's manager, or owner, by each known name, the most reliable first.

    Raises TryLaterError where the table cannot be queried; where it is not `patient` that counts as no answer.
    """
    if not table:
        return []
    table = f"texthash:{table}" if table.startswith("/") else table
    try:
        for name in dict.fromkeys(_names(incident)):
            answer = desk.tables.lookup(table, name) or ""
            found = [address for _, address in getaddresses([answer]) if "@" in address]
            if found:
                return found
    except TableError as error:
        metrics.ERRORS.labels("managers").inc()
        maillog.failed(stage="managers", error=str(error))
        if patient:
            raise TryLaterError from error
    return []


def _names(incident: Incident) -> Iterator[str]:
    """Yield the sender's names as keys of the table: a sender cannot forge the SMTP AUTH name.

    The From header counts only for the null sender: it is the easiest to forge.
    """
    for address in (incident.auth_user, incident.sender or parseaddr(incident.header_from)[1]):
        if address:
            yield address.lower()
            if same_person(address) != address.lower():
                yield same_person(address)


def fit(asks: Iterable[Ask], barred: Collection[str]) -> list[Ask]:
    """Keep the first request to each person who has no part in the message."""
    kept: dict[str, Ask] = {}
    for ask in asks:
        person = same_person(ask.moderator)
        # Of a recipient whose address has a long number, only the masked form is known.
        if person not in barred and mask_numbers(person) not in barred:
            kept.setdefault(person, ask)
    return list(kept.values())
