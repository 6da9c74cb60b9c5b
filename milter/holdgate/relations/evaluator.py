"""Compares a message with learned data, and reports what is unusual about its recipients."""

from collections.abc import Iterable, Iterator, Mapping

from holdgate.findings import DOCUMENT, SKETCH
from holdgate.quarantine.relations import number
from holdgate.relations import names
from holdgate.relations.keys import Hasher
from holdgate.relations.memory import UnknownError
from holdgate.relations.own import OwnDomains
from holdgate.relations.sent import THREAD, Sent, pairs
from holdgate.relations.similar import Similar, View
from holdgate.risks import COLLEAGUES, CONTENT, LOOKALIKE, NEW, OUTLIER, TWIN, Risk

# How much mail a place must have received before it is unusual that it gets mail together with a certain other one.
_SETTLED = 3.0
# How often a word or a value must have gone to one place only before it is unusual for it to go to another one: three
# times within half a half-life.
_USUAL = 2.5
# A conversation of one message may have begun at the wrong place: it does not count if the sender writes to the place
# of this message this many times as often as there.
_SETTLED_THREAD = 1.5
_MORE = 1.5
# Mailboxes of first names exist at many organisations; a longer one probably belongs to the same person.
_LONG_BOX = 6


class Evaluator:
    """Evaluates one message after another. `own` are the site's domains that the policies list in clear text.

    With `hides_names`, the names of other people's correspondents are marked as hidden from the sender.
    """

    def __init__(self, hasher: Hasher, own: Iterable[str], *, hides_names: bool = False) -> None:
        self._hasher = hasher
        self._of_site = COLLEAGUES if hides_names else "site"
        self._own = OwnDomains(hasher, own)

    def risks(self, message: Sent, view: View) -> Iterator[Risk]:
        """Yield what is unusual. Raises UnknownError at the end if there was too much to compare."""
        if not message.outside:
            return
        hasher, who = self._hasher, message.sender
        places = {recipient: names.place_of(recipient) for recipient in message.outside}
        asked = [hasher.edge("sender address", who, recipient) for recipient in message.outside]
        asked += [hasher.mark("place", place) for place in message.places]
        if len(message.places) > 1:
            asked += [hasher.edge("pair", one, other) for one, other in pairs(message.places)]
        contents = {hasher.owner("content", token): token for token in message.tokens}
        known, gone = view.look(asked, [*contents, *message.values], 2)
        yield from self._outliers(message, known)
        yield from list(self._values(message, known, gone)) or self._content(message, contents, gone, view)
        twins = self._own.unusual(message, view)
        strange = [one for one, key in zip(message.outside, asked, strict=False) if key not in known]
        for recipient in message.outside:
            if (place := places[recipient]) in twins:
                yield Risk(LOOKALIKE, recipient, twins[place], 0, "own")
        for recipient in strange:
            if hasher.mark("place", places[recipient]) not in known:
                yield Risk(NEW, recipient)
        # This is last, because it takes most time: everything else has been found if the time is up.
        search = Similar(hasher, self._own.of(message), message, view)
        for recipient in strange:
            if (place := places[recipient]) not in twins:
                yield from self._unknown(message, recipient, place, known, search, view)
        if not search.is_complete:
            raise UnknownError("the message has too many recipients whose names resemble others")

    # -- recipients to whom the sender has not written before -----------------------------------------------------

    def _unknown(
        self,
        message: Sent,
        recipient: str,
        place: str,
        known: Mapping[int, float],
        search: Similar,
        view: View,
    ) -> Iterator[Risk]:
        hasher, who = self._hasher, message.sender
        candidates = search.candidates(recipient, place)
        if candidates is None:
            return
        local = candidates.local
        person = names.person_forms(recipient)
        box, of_sender = hasher.edge("sender box", who, local), hasher.edge("sender place", who, place)
        of_site = hasher.mark("address", recipient)
        asked = {box, of_sender, of_site, *(hasher.mark(*form) for form in candidates.asked())}
        asked.update(hasher.mark("name", form) for form in person)
        hints = view.of(asked)
        if of_site in hints and self._has_company(place, message, known):
            return
        similar = None
        if "@" not in place and of_sender not in hints:
            similar = search.domain(candidates, hints, to_site=hasher.mark("place", place) in known)
        if similar is None and of_site not in hints:
            similar = search.box(candidates, hints)
        is_strange = similar is None and of_sender not in hints and of_site not in hints
        if is_strange and box in hints and len(local) >= _LONG_BOX:
            similar = (f"{local}@", hints[box], "sender")
        if similar is not None:
            whose = self._of_site if similar[2] == "site" else similar[2]
            yield Risk(LOOKALIKE, recipient, similar[0], round(similar[1]), whose)
        if names.is_free_mail(recipient) and of_site not in hints:
            weight = max((hints.get(hasher.mark("name", form), 0.0) for form in person), default=0.0)
            if weight:
                yield Risk(TWIN, recipient, search.named(person, recipient), round(weight), "site")

    def _has_company(self, place: str, message: Sent, known: Mapping[int, float]) -> bool:
        """Return whether mail went to this place and another one of the message together, as to those of a list."""
        return any(
            place in pair and self._hasher.edge("pair", *pair) in known
            for pair in (pairs(message.places) if len(message.places) > 1 else ())
        )

    # -- recipients that do not belong together, and content that went elsewhere -----------------------------------

    def _outliers(self, message: Sent, known: Mapping[int, float]) -> Iterator[Risk]:
        """Yield the recipients at a well-known place that never got mail together with any of the others."""
        places = message.places
        if len(places) < 2:
            return
        hasher = self._hasher
        beside: dict[str, set[str]] = {place: set() for place in places}
        for one, other in pairs(places):
            if hasher.edge("pair", one, other) in known:
                beside[one].add(other)
                beside[other].add(one)
        settled = {place for place in places if known.get(hasher.mark("place", place), 0.0) >= _SETTLED}
        for recipient in message.outside:
            place = names.place_of(recipient)
            others = [other for other in places if other != place and other in settled]
            if place in settled and others and not beside[place]:
                yield Risk(OUTLIER, recipient, others[0])

    def _values(
        self, message: Sent, known: Mapping[int, float], found: Mapping[int, Mapping[int, float]]
    ) -> Iterator[Risk]:
        """Yield the recipients whose place has never got a value of the message, such as one IBAN, that one other got.

        The words that are usual here do not count: mail to one client can contain the number of another one. Each place
        is judged by itself: that the value's own client gets the message too explains no copy to a stranger. A place
        that often gets mail together with this client is no stranger. A document is evidence if most of its sketch went
        to one place only, and none of it to this one.
        """
        targets = {self._hasher.target(place): place for place in message.places}
        for target, place in targets.items():
            singles: list[tuple[float, str]] = []
            documents: dict[int, list[float]] = {}
            is_known = False
            for owner, identifier in message.values.items():
                gone = found[owner]
                is_known |= target in gone and identifier == DOCUMENT
                if len(gone) != 1 or target in gone:
                    continue
                ((other, weight),) = gone.items()
                if weight < _USUAL or self._go_together(place, targets.get(other), known):
                    continue
                if identifier == DOCUMENT:
                    documents.setdefault(other, []).append(weight)
                else:
                    singles.append((weight, identifier))
            weights = max(documents.values(), key=len, default=[])
            if singles:
                weight, identifier = max(singles)
                yield from self._each(message, place, identifier, weight, "value")
            elif len(weights) > SKETCH // 2 and not is_known:
                yield from self._each(message, place, "", max(weights), DOCUMENT)

    def _each(self, message: Sent, place: str, identifier: str, weight: float, what: str) -> Iterator[Risk]:
        for recipient in message.outside:
            if names.place_of(recipient) == place:
                yield Risk(CONTENT, recipient, identifier, round(weight), what)

    def _go_together(self, place: str, other: str | None, known: Mapping[int, float]) -> bool:
        """Return whether two places of a message have often got mail together."""
        if other is None:
            return False
        one, two = sorted((place, other))
        return known.get(self._hasher.edge("pair", one, two), 0.0) >= _USUAL

    def _content(
        self, message: Sent, owners: Mapping[int, str], found: Mapping[int, Mapping[int, float]], view: View
    ) -> Iterator[Risk]:
        """Yield the recipients at a place that gets content which belongs to another place.

        The evidence is content that went to one place only: a word with enough occurrences, or the conversation that
        this message answers. It is evidence for this place or, if the place is not in the message, against all places
        in it.
        """
        hasher = self._hasher
        here = {hasher.target(place): place for place in message.places}
        known: set[str] = set()
        elsewhere = 0.0
        answered: int | None = None
        for owner in owners:
            gone = found[owner]
            is_answered = message.answers and owners[owner].startswith(THREAD)
            if is_answered or len(gone) == 1:
                known.update(here[target] for target in gone if target in here)
            if len(gone) == 1 and not gone.keys() & here.keys():
                (weight,) = gone.values()
                if is_answered and weight < _SETTLED_THREAD:
                    (answered,) = gone
                elif is_answered or weight >= _USUAL:
                    elsewhere = max(elsewhere, weight)
        if answered is not None and not (known or elsewhere):
            elsewhere = 0.0 if self._was_elsewhere_by_mistake(message, answered, view) else 1.0
        if elsewhere and not known:
            for recipient in message.outside:
                yield Risk(CONTENT, recipient, "", max(round(elsewhere), 1), "site")

    def _was_elsewhere_by_mistake(self, message: Sent, target: int, view: View) -> bool:
        """Return whether the sender writes to a place of this message much more often than to another one.

        If one message of a conversation went there, that was probably the wrong one.
        """
        hasher, who = self._hasher, message.sender
        there = number(hasher.owner("sender place", who), target)
        places = [hasher.edge("sender place", who, place) for place in message.places]
        found = view.read([there, *places])
        return max((found.get(place, 0.0) for place in places), default=0.0) > _MORE * found.get(there, 0.0)
