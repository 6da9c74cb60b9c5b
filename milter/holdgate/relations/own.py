"""Domains that look like one of the site's: when they stop being unusual.

The site's are those that are known in clear text: listed in the policies, or that of the sender or of an internal
recipient of the message. So a message's own domains are compared even if they are listed in a Postfix table only.

One message is not enough: it may be the mistake, or an answer to somebody who pretends to be a colleague. So such a
domain is named until several senders have written there on several days, or a moderator has released a message to it.
What the sender decided about their own message counts for this sender.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from holdgate.relations import names
from holdgate.relations.keys import Hasher
from holdgate.relations.resembling import resembles
from holdgate.relations.sent import Sent
from holdgate.relations.similar import View

# From how many senders, and on how many days, mail has gone to a domain that is no mistake.
_SENDERS, _DAYS = 3, 3
_SENDER, _DAY, _KNOWN = "own twin sender", "own twin day", "own twin known"

BY_SENDER: Final = "sender"
BY_MODERATOR: Final = "moderator"
"""By whom a message was released (`Sent.released`)."""


class OwnDomains:
    """The site's domains that are known in clear text. `domains` are those that the policies list."""

    def __init__(self, hasher: Hasher, domains: Iterable[str]) -> None:
        self._listed = tuple(dict.fromkeys(names.unicode_domain(domain) for domain in domains))
        self._hasher = hasher
        self._resembles = lru_cache(10_000)(resembles)

    def of(self, message: Sent) -> tuple[str, ...]:
        """Return the listed domains and those of a message's sender and internal recipients."""
        inside = dict.fromkeys(map(names.place_of, (message.sender, *message.inside)))
        return tuple(dict.fromkeys((*self._listed, *(one for one in inside if "@" not in one))))

    def _twins(self, message: Sent) -> dict[str, str]:
        """Return the places of a message that resemble one of the site's domains, with this domain."""
        places = [one for one in message.places if "@" not in one and len(one) <= names.LONGEST_DOMAIN]
        own = self.of(message)
        found = ((place, next((one for one in own if self._resembles(place, one)), "")) for place in places)
        return {place: one for place, one in found if one}

    def learned(self, message: Sent) -> Iterator[int]:
        """Yield the numbers of what a message shows about those of its places that resemble the site's domains."""
        hasher, sender, released = self._hasher, message.sender, message.released
        for place in self._twins(message):
            yield hasher.edge(_SENDER, place, sender)
            yield hasher.edge(_DAY, place, str(message.day))
            if released:
                yield hasher.edge(_KNOWN, place, place if released == BY_MODERATOR else sender)

    def unusual(self, message: Sent, view: View) -> dict[str, str]:
        """Return the places that resemble a domain of the site and are not known as others, with this domain."""
        twins = self._twins(message)
        if not twins:
            return {}
        hasher = self._hasher
        known = {place: [hasher.edge(_KNOWN, place, whose) for whose in (place, message.sender)] for place in twins}
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
