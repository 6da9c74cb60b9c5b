"""Compares the held messages with the open incidents, and caches the result, so that a change costs only its own part.

A held message is settled while an open incident in the state `held` belongs to it. With thousands of those, a pass
processes only the rest: incidents with a step to take, incidents whose messages are missing, and messages without an
incident. After each change of the queue or the store, the affected queue ids are compared again. `list_all` and
`read_all` compare everything, with the same result.
"""

import heapq
from collections.abc import Collection, Iterable

from holdgate.quarantine.incident import Standing
from holdgate.quarantine.states import State
from holdgate.queue.client import Key
from holdgate.queue.postfix import HeldMessage


class Comparison:
    """Held messages by queue id, open incidents, and what is not settled. It has no lock: it belongs to one thread.

    `unmanaged` are the messages that are not Holdgate's.
    """

    def __init__(self) -> None:
        self.held: dict[str, HeldMessage] = {}
        self.unmanaged: set[Key] = set()
        self._open: dict[str, Standing] = {}
        self._places: dict[str, tuple[str, ...]] = {}  # the ids of open incidents by queue id
        self._unfinished: dict[str, Standing] = {}
        self._without_incident: dict[str, HeldMessage] = {}
        self._ages: list[tuple[int, str]] = []

    def list_all(self, messages: Iterable[HeldMessage]) -> None:
        """Set `messages` as all held messages."""
        before = self.held
        self.held = {message.queue_id: message for message in messages}
        self._ages = [(message.arrival_time, message.queue_id) for message in self.held.values()]
        heapq.heapify(self._ages)
        self.unmanaged &= {key_of(message) for message in self.held.values()}
        self._compare(before.keys() | self.held.keys())

    def list_changed(self, messages: Collection[HeldMessage], gone: Collection[str]) -> None:
        """Add messages, each replacing one with its queue id, and remove those with the queue ids `gone`."""
        for queue_id in gone:
            self._forget(queue_id)
        for message in messages:
            self._forget(message.queue_id)
            self.held[message.queue_id] = message
            heapq.heappush(self._ages, (message.arrival_time, message.queue_id))
        self._compare({*gone, *(message.queue_id for message in messages)})

    def _forget(self, queue_id: str) -> None:
        message = self.held.pop(queue_id, None)
        if message is not None:
            self.unmanaged.discard(key_of(message))

    def read_all(self, standings: Iterable[Standing]) -> None:
        """Set `standings` as all open incidents of the node."""
        before = self._places
        self._open, self._places = {}, {}
        self._unfinished.clear()
        for one in standings:
            self._add(one)
        self._compare(before.keys() | self._places.keys())

    def read_changed(self, names: Collection[str], standings: Iterable[Standing]) -> None:
        """Replace the incidents with the ids `names` by those of `standings`, which are open."""
        places = set()
        for name in names:
            one = self._open.pop(name, None)
            self._unfinished.pop(name, None)
            if one is not None:
                places.add(one.queue_id)
                left = tuple(other for other in self._places[one.queue_id] if other != name)
                if left:
                    self._places[one.queue_id] = left
                else:
                    del self._places[one.queue_id]
        for one in standings:
            self._add(one)
            places.add(one.queue_id)
        self._compare(places)

    def _add(self, one: Standing) -> None:
        self._open[one.id] = one
        self._places[one.queue_id] = (*self._places.get(one.queue_id, ()), one.id)

    def _compare(self, places: Iterable[str]) -> None:
        """Compare messages and incidents of some queue ids."""
        for place in places:
            message = self.held.get(place)
            is_known = False
            for name in self._places.get(place, ()):
                one = self._open[name]
                is_here = self.is_held(one)
                is_known |= is_here
                if is_here and one.state is State.HELD:
                    self._unfinished.pop(name, None)
                else:
                    self._unfinished[name] = one
            if message is None or is_known or key_of(message) in self.unmanaged:
                self._without_incident.pop(place, None)
            else:
                self._without_incident[place] = message

    def is_held(self, one: Standing) -> bool:
        """Return whether the message of an incident is held."""
        message = self.held.get(one.queue_id)
        return message is not None and one.arrival_time in (None, message.arrival_time)

    def unfinished(self) -> list[Standing]:
        """Return the open incidents with a step to take, or whose message is missing, oldest first."""
        return sorted(self._unfinished.values(), key=lambda one: (one.created_at, one.id))

    def without_incident(self) -> list[HeldMessage]:
        """Return the held messages that belong to no open incident, and may be Holdgate's, oldest first."""
        return sorted(self._without_incident.values(), key=lambda message: (message.arrival_time, message.queue_id))

    def ignore(self, message: HeldMessage) -> None:
        """Record that a message is not Holdgate's."""
        self.unmanaged.add(key_of(message))
        self._without_incident.pop(message.queue_id, None)

    def oldest(self) -> int | None:
        """Return when the oldest message of Holdgate arrived, in seconds since the epoch; None if none is held."""
        while self._ages:
            arrival_time, queue_id = self._ages[0]
            message = self.held.get(queue_id)
            is_managed = (queue_id, arrival_time) not in self.unmanaged
            if message is not None and message.arrival_time == arrival_time and is_managed:
                return arrival_time
            heapq.heappop(self._ages)
        return None


def key_of(message: HeldMessage) -> Key:
    """Return the key of a message."""
    return message.queue_id, message.arrival_time
