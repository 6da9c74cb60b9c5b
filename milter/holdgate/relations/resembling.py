"""Finds what a name may be mistaken for: which forms to look up, and the clear-text names that the results imply."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from holdgate.relations.confusables import skeleton
from holdgate.relations.names import (
    MOST_WORDS,
    changed_at,
    longer_by_one,
    looking_like,
    looks_mistyped,
    one_edit_apart,
    other_endings,
    rest_of,
    rests,
    spelled_out,
    with_umlauts,
    words_of,
)
from holdgate.relations.registered import parts_of

# A single word that is shorter does not identify its owner.
_LONG_WORD = 5
# Characters that are tried in place of a character of a mailbox.
_BOX = "abcdefghijklmnopqrstuvwxyz0123456789-._"
_SUFFIXES_TRIED = ("com", "de", "net", "org", "eu")

Asked = Callable[[str, str], bool]
"""Returns whether a form, by kind and text, is known for some correspondent."""


def resembles(domain: str, other: str) -> bool:
    """Return whether two domains may be confused: other ending, word order, a likely edit, or similar appearance."""
    if domain == other:
        return False
    (name, ending), (known, known_ending) = parts_of(domain), parts_of(other)
    if name == known:
        return (ending != known_ending and len(name) >= 3) or skeleton(domain) == skeleton(other)
    # The skeleton is last: cheaper checks exclude most candidates.
    if ending == known_ending and one_edit_apart(name, known):
        is_long = min(len(name), len(known)) >= _LONG_WORD
        return (is_long and looks_mistyped(name, known)) or skeleton(domain) == skeleton(other)
    if spelled_out(name) == spelled_out(known):
        return True
    words, others = words_of(name), words_of(known)
    if sorted(words) == sorted(others) or "".join(words) == "".join(others):
        return True
    fewer, more = sorted((words, others), key=len)
    has_one_more = (
        len(more) == len(fewer) + 1 and len("".join(fewer)) >= _LONG_WORD and all(one in more for one in fewer)
    )
    return has_one_more or skeleton(domain) == skeleton(other)


@dataclass(frozen=True, slots=True)
class Candidates:
    """An unknown recipient: domain, its place with forms (none for free mail), and mailbox."""

    domain: str
    place: str
    forms: Sequence[tuple[str, str]]
    local: str

    @property
    def address(self) -> str:
        """The address."""
        return f"{self.local}@{self.domain}"

    def asked(self) -> Iterator[tuple[str, str]]:
        """Yield the forms whose owners it may be mistaken for."""
        name, _ = parts_of(self.place)
        for kind, text in self.forms:
            yield kind, text
            if kind == "rest":
                yield "label", text
            elif kind == "less":
                yield "words", text
        if self.forms:
            yield ("spelled", name) if name.isascii() else ("label", spelled_out(name))
            yield "rest", name
            yield "less", " ".join(sorted(words_of(name)))
        yield "box skeleton", f"{skeleton(self.local)}@{self.domain}"
        yield "box rest", self.address
        for rest in rests(self.local):
            yield "box rest", f"{rest}@{self.domain}"
            yield "address", f"{rest}@{self.domain}"


class Room:
    """How much may still be compared: names and forms of names. `is_exceeded` is set when there was more."""

    def __init__(self, most: int) -> None:
        self._left = most
        self.is_exceeded = False

    def take(self, count: int) -> bool:
        """Take room for a number of comparisons, and return whether there was enough."""
        if count > self._left:
            self.is_exceeded = True
        else:
            self._left -= count
        return not self.is_exceeded

    def each(self, texts: Iterable[str]) -> Iterator[str]:
        """Yield texts while there is room."""
        for text in texts:
            if not self.take(1):
                return
            yield text


def domain_candidates(one: Candidates, is_known: Asked, room: Room) -> Iterator[str]:
    """Yield domains, in clear text, whose forms are known. Few of them exist; `resembles` decides about these."""
    yield from dict.fromkeys(room.each(_domains(one.place, is_known)))


def _domains(domain: str, is_known: Asked) -> Iterator[str]:
    name, ending = parts_of(domain)
    if is_known("label", name):
        yield from other_endings(domain)
    if is_known("skeleton", skeleton(domain)):
        yield from (f"{like}.{ending}" for like in looking_like(name))
    if name.isascii() and is_known("spelled", name):
        for known in with_umlauts(name):
            yield from _ended(known, ending)
    elif not name.isascii() and is_known("label", spelled_out(name)):
        yield from _ended(spelled_out(name), ending)
    words = words_of(name)
    if is_known("joined", "".join(words)) or is_known("words", " ".join(sorted(words))):
        for known in _arranged(words):
            yield from _ended(known, ending)
    for place in range(len(name)) if rests(name) else ():
        rest = rest_of(name, place)
        if is_known("rest", rest):
            yield from (f"{other}.{ending}" for other in changed_at(name, place))
        if is_known("label", rest):
            yield f"{rest}.{ending}"
    if is_known("rest", name):
        yield from (f"{longer}.{ending}" for longer in longer_by_one(name))
    if 1 < len(words) <= MOST_WORDS:
        for at in range(len(words)):
            fewer = words[:at] + words[at + 1 :]
            if is_known("words", " ".join(sorted(fewer))):
                for known in _arranged(fewer):
                    yield from _ended(known, ending)


def _arranged(words: Sequence[str]) -> Iterator[str]:
    """Yield words as one name: in this order, in reverse order, and without hyphens."""
    yield "-".join(words)
    yield "-".join(reversed(words))
    yield "".join(words)
    if len(words) == 1:
        word = words[0]
        yield from (f"{word[:at]}-{word[at:]}" for at in range(2, len(word) - 1))


def _ended(name: str, ending: str) -> Iterator[str]:
    yield f"{name}.{ending}"
    yield from (f"{name}.{one}" for one in _SUFFIXES_TRIED if one != ending)


def box_candidates(one: Candidates, is_known: Asked, room: Room) -> Iterator[str]:
    """Yield addresses of the same domain whose forms are known. Few exist; `resembles_box` decides about these."""
    for box in dict.fromkeys(room.each(_boxes(one.local, one.domain, is_known))):
        yield f"{box}@{one.domain}"


def resembles_box(address: str, other: str) -> bool:
    """Return whether the mailboxes of two addresses at one domain may be confused: a likely edit, or appearance."""
    local, known = address.rpartition("@")[0], other.rpartition("@")[0]
    if local == known:
        return False
    return (one_edit_apart(known, local) and looks_mistyped(known, local)) or skeleton(known) == skeleton(local)


def _boxes(local: str, domain: str, is_known: Asked) -> Iterator[str]:
    if is_known("box skeleton", f"{skeleton(local)}@{domain}"):
        yield from looking_like(local)
    for place in range(len(local)) if rests(local) else ():
        rest = rest_of(local, place)
        if is_known("box rest", f"{rest}@{domain}"):
            yield from changed_at(local, place, _BOX)
        if is_known("address", f"{rest}@{domain}"):
            yield rest
    if is_known("box rest", f"{local}@{domain}"):
        yield from longer_by_one(local, _BOX)
