"""Determines whether Postfix itself delivered a message twice, from its log and the copies.

SMTP delivers at least once (RFC 5321, 4.5.3.2.6 and 6.1): a client that ends after the next host's reply and before it
has recorded it sends again. The same is true of the maildrop: a message that was queued but not yet removed there is
queued again, under a new id. In both cases Postfix ended between the copies. If a sender requests delivery reports
(RFC 3461, NOTIFY=SUCCESS) and bounce(8) cannot record a delivery, for example on a full disk, smtp(8) defers a message
that the next host has accepted: the log has "trace service failed". A power cut undoes moves that were not synced:
neither postsuper(1) nor qmgr(8) syncs moves out of a queue, so a message that was released and sent can be in the hold
queue again. Holdgate could duplicate a message in only two ways: by releasing it more often than it was held, which the
log shows, or by submitting it, which gives an id that no other copy has. Neither counts as Postfix's.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from testbed.next_hop import Delivery

# How much later than it was sent the next host may read a message, in seconds: it has one thread for all mail.
_LATE = 30.0

_RECEIVED = re.compile(rb"\AReceived: [^\r\n]*(?:\r\n[ \t][^\r\n]*)*?\bid ([0-9A-Za-z]+)[;\r]")
_PICKED_UP = re.compile(r"postfix/pickup\[\d+\]: (\w+): uid=\d+ from=<([^>]*)>(?: orig_id=(\w+))?")
_UNTRACED = re.compile(
    r"postfix/smtp\[\d+\]: (?:warning: )?(\w+): (?:trace service failure|.*\(\1: trace service failed\))"
)
_MOVED = re.compile(r"postfix/postsuper\[\d+\]: (\w+): (released from hold|placed on hold)")


@dataclass(slots=True)
class PostfixLog:
    """Queue ids in Postfix's log: the origin of messages that pickup(8) queued, and moves by postsuper(1).

    `untraced` are those whose delivery could not be recorded for their sender.
    """

    origins: dict[str, str] = field(default_factory=dict)
    released: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    untraced: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, lines: Iterable[str]) -> "PostfixLog":
        """Read a log."""
        log = cls()
        for line in lines:
            if picked := _PICKED_UP.search(line):
                queue_id, sender, before = picked.groups()
                # Each message of sendmail(1) has a unique sender; a requeued message names its old id.
                log.origins[queue_id] = before or sender
            elif untraced := _UNTRACED.search(line):
                log.untraced.add(untraced[1])
            elif moved := _MOVED.search(line):
                (log.released if moved[2] == "released from hold" else log.held)[moved[1]] += 1
        return log

    def sent_twice(
        self, before: Delivery, again: Delivery, ended: Iterable[float], power_cuts: Iterable[float] = ()
    ) -> bool:
        """Return whether `again` is Postfix's copy of the message that it sent `before`; it ended at these times."""
        first, second = queue_id(before), queue_id(again)
        cuts = sum(before.at - _LATE < moment < again.at for moment in power_cuts)
        if not first or not second or any(self._released_too_often(one, cuts) for one in (first, second)):
            return False
        if first == second and first in self.untraced:
            return True
        if not any(before.at - _LATE < moment < again.at for moment in ended):
            return False
        return first == second or self._root(first) == self._root(second)

    def _released_too_often(self, one: str, cuts: int) -> bool:
        """Return whether a message was released more often than held: by a table, postsuper(1) or a power cut."""
        return self.released[one] > 1 + self.held[one] + cuts

    def _root(self, one: str) -> str:
        return _followed(self.origins, one)


def queue_id(delivery: Delivery) -> str:
    """Return the id under which Postfix sent a message: that of the topmost Received field. "" if there is none."""
    found = _RECEIVED.match(delivery.content)
    return found[1].decode("ascii") if found else ""


def _followed(origins: Mapping[str, str], one: str) -> str:
    seen: set[str] = set()
    while one in origins and one not in seen:
        seen.add(one)
        one = origins[one]
    return one
