"""What one message shows about who writes to whom: sender, recipients, words of its subject, kinds of its content."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from holdgate import headers
from holdgate.envelope import Envelope
from holdgate.findings import Inspection
from holdgate.quarantine.relations import number
from holdgate.relations.keys import Hasher
from holdgate.relations.names import domain_forms, is_person, mailbox_forms, person_forms, place_of, spellings, split

_PREFIX = re.compile(
    r"\s*(?:(?:re|aw|fw|fwd|wg|tr|sv|vs|antw|rv|r|i)\s*(?:\[\d{1,3}\])?\s*:|\[[^\]]{0,40}\])", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]{4,30}")
_WORDS = 8
_THREAD = 8
"""A shorter subject, in characters, does not identify a conversation."""

_PAIRED = 10
_CONTENT_PLACES = 10
"""Of so many places of a message its content is learned. What went to two belongs to none of them."""

THREAD, WORD = "thread ", "word "
"""Prefixes of the tokens of a complete subject, and of one of its words."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message. Addresses are in lower case; `day` is in days since the epoch; `answers`: its subject says "Re:".

    `values` are the owners' numbers of its single values, with the identifier of each, "" if that is unknown.
    `released` is by whom it was released, if it was held: `own.BY_SENDER`, `own.BY_MODERATOR`, or "". Then
    `incident_id` names its incident.
    """

    sender: str
    outside: tuple[str, ...]
    inside: tuple[str, ...]
    tokens: tuple[str, ...]
    day: int
    answers: bool = False
    values: Mapping[int, str] = field(default_factory=dict)
    released: str = ""
    incident_id: str = ""

    @property
    def places(self) -> list[str]:
        """The external places of its recipients, each once."""
        return list(dict.fromkeys(map(place_of, self.outside)))


def sent(envelope: Envelope, inspection: Inspection, is_inside: Callable[[str], bool], moment: datetime) -> Sent:
    """Return what a message shows. Raises TableError if `is_inside` does."""
    outside: list[str] = []
    inside: list[str] = []
    for recipient in dict.fromkeys(one.lower() for one in envelope.recipients if "@" in one):
        (inside if is_inside(recipient) else outside).append(recipient)
    kinds = dict.fromkeys(f"kind {one.identifier}" for one in inspection.findings if one.confidence != "low")
    sender = envelope.sender.lower()
    profiles = (f"profile {name}" for name in inspection.profiles)
    tokens = (*subject_tokens(envelope.subject, sender), *kinds, *profiles)
    answers = _PREFIX.match(envelope.subject[:400]) is not None
    return Sent(sender, tuple(outside), tuple(inside), tokens, day_of(moment), answers)


def is_automatic(envelope: Envelope) -> bool:
    """Return whether a program answered, by the header fields of `headers.AUTOMATIC`: that shows no correspondence."""
    return headers.is_automatic(lambda name: envelope.headers.get(name, ()))


def day_of(moment: datetime) -> int:
    """Return the day of a timezone-aware time, in days since the epoch."""
    return int(moment.astimezone(UTC).timestamp() // 86400)


def values_of(hasher: Hasher, inspection: Inspection) -> dict[int, str]:
    """Return the number of each single value's owner, with its identifier (see `Sent.values`)."""
    return {hasher.owner("value", value): value.partition(" ")[0] for value in inspection.values}


def subject_tokens(subject: str, sender: str) -> list[str]:
    """Return the words of a subject, and the complete subject without reply prefixes.

    The complete subject belongs to the sender, because others have conversations of the same name with other people.
    """
    text = subject[:400]
    while match := _PREFIX.match(text):
        text = text[match.end() :]
    plain = " ".join(text.casefold().split())
    found = [f"{WORD}{word}" for word in list(dict.fromkeys(_WORD.findall(plain)))[:_WORDS]]
    return [f"{THREAD}{sender} {plain}", *found] if len(plain) >= _THREAD else found


def pairs(places: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each pair of the places, in a fixed order; of a message to very many, only pairs of the first ones."""
    few = sorted(places)[:_PAIRED]
    for at, one in enumerate(few):
        for other in few[at + 1 :]:
            yield one, other


def relations_of(hasher: Hasher, message: Sent) -> Iterator[int]:
    """Yield the numbers of all relations that a message adds to, each as often as it occurs."""
    who = message.sender
    for recipient in message.outside:
        place, local = place_of(recipient), split(recipient)[0]
        yield hasher.edge("sender address", who, recipient)
        yield hasher.mark("address", recipient)
        if is_person(local):
            yield hasher.edge("sender box", who, local)
    for position, place in enumerate(message.places):
        yield hasher.edge("sender place", who, place)
        yield hasher.mark("place", place)
        if position >= _CONTENT_PLACES:
            continue
        for token in message.tokens:
            # The words of a conversation count once, however long the conversation is.
            if not message.answers or not token.startswith(WORD):
                yield hasher.edge("content", token, place)
        for owner in message.values:
            yield number(owner, hasher.target(place))
    for one, other in pairs(message.places):
        yield hasher.edge("pair", one, other)


def forms_of(hasher: Hasher, message: Sent) -> Iterator[tuple[int, Callable[[], list[int]]]]:
    """Yield a number for each correspondent, with a function for the numbers by which look-alikes find them."""
    for recipient in message.outside:
        yield hasher.mark("address", recipient), partial(_address_forms, hasher, recipient)
    for place in message.places:
        if "@" not in place:
            yield hasher.mark("place", place), partial(_marks, hasher, domain_forms, place)
    for colleague in {message.sender, *message.inside}:
        yield hasher.mark("colleague", colleague), partial(_colleague_forms, hasher, colleague)


def _marks(hasher: Hasher, forms: Callable[[str], Iterable[tuple[str, str]]], name: str) -> list[int]:
    return [hasher.mark(kind, text) for kind, text in forms(name)]


def _address_forms(hasher: Hasher, address: str) -> list[int]:
    return _marks(hasher, mailbox_forms, address) + [hasher.mark("name", form) for form in person_forms(address)]


def _colleague_forms(hasher: Hasher, address: str) -> list[int]:
    return [hasher.mark("colleague", address), *(hasher.mark("name", form) for form in person_forms(address))]


def traces_of(hasher: Hasher, address: str) -> tuple[set[int], set[int]]:
    """Return the owners of all relations of one person, and the targets of all relations with them.

    `forget` removes both, whichever form of the domain was learned. Relations of a sender with a mailbox of this name,
    at any domain, are among them.
    """
    local = split(address)[0]
    known = spellings(address)
    named = [
        (kind, one)
        for one in known
        for kind in ("sender address", "sender place", "sender box", "address", "colleague", "place", "pair")
    ]
    named += [form for one in known for form in mailbox_forms(one)]
    named += [("name", form) for one in known for form in person_forms(one)]
    targets = {hasher.target(one) for one in known}
    if is_person(local):
        targets.add(hasher.target(local))
    return {hasher.owner(kind, name) for kind, name in named}, targets
