"""Domains that look like one of the site's: when they stop being unusual.

One message is not enough: it may be the mistake, or an answer to somebody who pretends to be a colleague. So such a
domain is named until several senders have written there on several days, or a moderator has released a message to it.
What the sender decided about their own message counts for this sender.
"""

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Final

from holdgate.relations import names
from holdgate.relations.keys import Hasher
from holdgate.relations.resembling import resembles
from holdgate.relations.similar import View

# From how many senders, and on how many days, mail has gone to a domain that is no mistake.
_SENDERS, _DAYS = 3, 3
_SENDER, _DAY, _KNOWN = "own twin sender", "own twin day", "own twin known"

BY_SENDER: Final = "sender"
BY_MODERATOR: Final = "moderator"
"""By whom a message was released (`Sent.released`)."""


class OwnDomains:
    """The site's domains that are known in clear text."""

    def __init__(self, hasher: Hasher, domains: Iterable[str]) -> None:
        self.domains = tuple(dict.fromkeys(names.unicode_domain(domain) for domain in domains))
        self._hasher = hasher
        self.twin_of = lru_cache(10_000)(self._twin_of)
        """Returns the site's domain that a place resembles, or ""."""

    def _twin_of(self, place: str) -> str:
        if "@" in place or len(place) > names.LONGEST_DOMAIN:
            return ""
        return next((one for one in self.domains if resembles(place, one)), "")

    def learned(self, places: Collection[str], sender: str, day: int, released: str) -> Iterator[int]:
        """Yield the numbers of what a message of a sender to some places shows about those that resemble the site's."""
        hasher = self._hasher
        for place in filter(self.twin_of, places):
            yield hasher.edge(_SENDER, place, sender)
            yield hasher.edge(_DAY, place, str(day))
            if released:
                yield hasher.edge(_KNOWN, place, place if released == BY_MODERATOR else sender)

    def unusual(self, places: Collection[str], sender: str, view: View) -> dict[str, str]:
        """Return the places that resemble a domain of the site and are not known as others, with this domain."""
        twins = {place: own for place in places if (own := self.twin_of(place))}
        if not twins:
            return {}
        hasher = self._hasher
        known = {place: [hasher.edge(_KNOWN, place, whose) for whose in (place, sender)] for place in twins}
        counted = {place: (hasher.owner(_SENDER, place), hasher.owner(_DAY, place)) for place in twins}
        keys = [key for some in known.values() for key in some]
        owners = [owner for some in counted.values() for owner in some]
        found, seen = view.look(keys, owners, max(_SENDERS, _DAYS))
        return {
            place: own
            for place, own in twins.items()
            if not any(key in found for key in known[place])
            and (len(seen[counted[place][0]]) < _SENDERS or len(seen[counted[place][1]]) < _DAYS)
        }
