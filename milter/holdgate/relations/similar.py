"""Searches what the new recipients of one message may be mistaken for. The work for a message is bounded."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Protocol

from holdgate.relations import names
from holdgate.relations.keys import Hasher
from holdgate.relations.resembling import Candidates, Room, box_candidates, domain_candidates, resembles, resembles_box
from holdgate.relations.sent import Sent

# How many names and forms of names are compared for one message: those of some twenty recipients with long names that
# resemble one another, several hundred other ones. It takes about half a second at most.
_MOST = 50_000

Found = tuple[str, float, str]
"""What a recipient resembles, how often mail was sent there, and by whom: see `risks.Risk`."""


class View(Protocol):
    """Learned data, as weighted today."""

    def of(self, keys: Collection[int]) -> Mapping[int, float]:
        """Return the weights of those numbers that exist."""

    def read(self, keys: Collection[int]) -> Mapping[int, float]:
        """Return the same from the store, without the cache."""

    def look(
        self, keys: Collection[int], owners: Collection[int], most: int
    ) -> tuple[Mapping[int, float], Mapping[int, Mapping[int, float]]]:
        """Return weights, and the first relations of each owner by the number of the target: one read."""


class Similar:
    """The search for one message. What belongs to a domain is searched once, however many recipients it has."""

    def __init__(self, hasher: Hasher, own: Sequence[str], message: Sent, view: View) -> None:
        """`own` are the site's domains."""
        self._hasher = hasher
        self._own = own
        self._message = message
        self._view = view
        self._room = Room(_MOST)
        self._forms: dict[str, list[tuple[str, str]]] = {}
        self._domains: dict[str, tuple[Found | None, Found | None]] = {}

    @property
    def is_complete(self) -> bool:
        """Whether everything was compared so far."""
        return not self._room.is_exceeded

    def candidates(self, recipient: str, place: str) -> Candidates | None:
        """Return what a recipient may be mistaken for, or None if there is no room left to compare it."""
        local, domain = names.split(recipient)
        if place not in self._forms:
            self._forms[place] = [] if "@" in place else names.domain_forms(place)
        found = Candidates(domain, place, self._forms[place], local)
        return found if self._room.take(2 * len(found.forms) + 2 * len(local)) else None

    def domain(self, candidates: Candidates, hints: Mapping[int, float], *, to_site: bool) -> Found | None:
        """Return the domain that a recipient's resembles; the sender's own correspondents come before the site's.

        With `to_site`, the site has written to the recipient's domain, and may write to both.
        """
        place = candidates.place
        if place not in self._domains:
            self._domains[place] = self._searched(candidates, hints)
        of_sender, of_site = self._domains[place]
        if of_sender is None:
            return None if to_site else of_site
        address = f"{candidates.local}@{of_sender[0]}"
        weight = self._view.of([self._hasher.edge("sender address", self._message.sender, address)])
        return (address if weight else of_sender[0]), *of_sender[1:]

    def _searched(self, candidates: Candidates, hints: Mapping[int, float]) -> tuple[Found | None, Found | None]:
        hasher = self._hasher
        tried = list(domain_candidates(candidates, lambda kind, text: hasher.mark(kind, text) in hints, self._room))
        return self._heaviest("place", tried, lambda one: resembles(candidates.place, one))

    def box(self, candidates: Candidates, hints: Mapping[int, float]) -> Found | None:
        """Return the mailbox at the same domain that a recipient resembles."""
        hasher = self._hasher
        tried = list(box_candidates(candidates, lambda kind, text: hasher.mark(kind, text) in hints, self._room))
        of_sender, of_site = self._heaviest("address", tried, lambda one: resembles_box(candidates.address, one))
        return of_sender or of_site

    def named(self, person: Collection[str], recipient: str) -> str:
        """Return the colleague or correspondent with the name of a private mailbox; "" if not known in clear text."""
        together = [found for form in person for found in self._people.get(form, ()) if found[1] != recipient]
        if together:
            return min(together)[1]
        spaced = next((form.split() for form in person if " " in form), [])
        boxes = {mark.join(order) for mark in (".", "_", "-", "") for order in (spaced, spaced[::-1]) if spaced}
        boxes.add(names.split(recipient)[0])
        asked = {
            self._hasher.mark("colleague", f"{box}@{domain}"): f"{box}@{domain}"
            for box in boxes
            for domain in self._own
        }
        found = self._view.of(list(asked))
        return next((asked[key] for key in found), "")

    @cached_property
    def _people(self) -> dict[str, list[tuple[int, str]]]:
        """The first two people of the message with each form of a name, with their positions in it."""
        message = self._message
        people: dict[str, list[tuple[int, str]]] = {}
        for numbered in enumerate(dict.fromkeys((*message.inside, *message.outside, message.sender))):
            for form in names.person_forms(numbered[1]):
                if len(same := people.setdefault(form, [])) < 2:
                    same.append(numbered)
        return people

    def _heaviest(
        self, kind: str, tried: Iterable[str], is_similar: Callable[[str], bool]
    ) -> tuple[Found | None, Found | None]:
        """Return those of the sender's and of the site's that got most mail; None if none exists.

        Where the sender has written, the site has: most texts that are tried are known to neither.
        """
        hasher, who = self._hasher, self._message.sender
        site = {hasher.mark(kind, one): one for one in tried}
        found = self._view.read(site)
        site = {key: site[key] for key in found if is_similar(site[key])}
        sender = {hasher.edge(f"sender {kind}", who, one): one for one in site.values()}
        return _best(sender, self._view.read(sender), "sender"), _best(site, found, "site")


def _best(asked: Mapping[int, str], found: Mapping[int, float], whose: str) -> Found | None:
    known: Iterable[tuple[float, str]] = ((found[key], text) for key, text in asked.items() if key in found)
    weight, text = max(known, default=(0.0, ""))
    return (text, weight, whose) if text else None
