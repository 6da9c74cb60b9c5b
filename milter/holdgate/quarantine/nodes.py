"""The nodes: mail servers that share the store, each with its own hold queue, and which machine runs each of them.

A machine uses a node's name by a lease in the store, so that two machines with one name are detected. Times are those
of the database's clock. SQLite's file belongs to one machine: all its incidents are that node's, and there is no wait
for a lease.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, insert, or_, select, true, update

from holdgate.node import Machine
from holdgate.quarantine.certificates import revoke
from holdgate.quarantine.database import DatabaseError, StoreError, clock, exclusive, is_shared
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.schema import incidents, nodes
from holdgate.quarantine.states import DECIDED, OPEN, State

LEASE = timedelta(seconds=30)
"""How long a node's name is reserved for a machine that has not renewed its lease."""

SILENT_AFTER = timedelta(minutes=2)
"""A node that has not renewed its lease for so long is called silent."""

RETIRED = "retired"
"""The method of closing an incident whose node was retired: nobody decided, and the outcome is unknown."""


# Pause between two checks whether a name is free, in seconds: shorter than between two renewals.
_PAUSE = 1.0

# For how many seconds a daemon does not check again whether its machine has the name.
_KNOWN = 1.0


@dataclass(frozen=True, slots=True)
class Node:
    """A node in the store. `silent_for` is the time since its last renewal, by the database's clock.

    `rules` is a digest of its policies and local rules, "" if it is not known yet. `address` is that of its listener,
    "" if it has none. `open` counts its incidents by state, and `oldest` is when the oldest message that waits for a
    decision was held.
    """

    name: str
    machine: str
    version: str
    seen_at: datetime
    silent_for: timedelta
    retired_at: datetime | None
    rules: str
    open: dict[State, int]
    oldest: datetime | None
    address: str = ""

    @property
    def is_silent(self) -> bool:
        """Whether it is in use, and has not renewed its lease for too long."""
        return self.retired_at is None and self.silent_for > SILENT_AFTER

    @property
    def waiting(self) -> int:
        """How many decisions the node has not carried out yet."""
        return sum(self.open.get(state, 0) for state in DECIDED)


class NodeTakenError(Exception):
    """Another machine uses this node's name; `machine` names it, `left` is the remaining time of its lease."""

    def __init__(self, name: str, machine: str, left: timedelta) -> None:
        super().__init__(
            f'[node] name: "{name}" is used by the machine {machine}; give each machine a name of its own, or stop '
            f"holdgate-queue on {machine} first"
        )
        self.left = left


class Nodes:
    """Writes and reads the nodes. `reader` is an engine for read-only transactions."""

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self.is_shared = is_shared(engine)
        self._engine = engine
        self._exclusive = exclusive(engine)
        self._reader = reader

    def introduce(self, name: str) -> None:
        """Register the first node of a store without nodes; existing incidents belong to it."""
        with self._exclusive.begin() as connection:
            if connection.execute(select(nodes.c.name)).first() is None:
                self._write(connection, name, Machine("", "", ""), None)

    def acquire(self, name: str, machine: Machine, rules: str = "") -> None:
        """Assign a name to `machine` from now on, with a digest of its rules.

        Raises NodeTakenError while another machine uses the name, and StoreError.
        """
        with _store_errors(name), self._exclusive.begin() as connection:
            if not self.is_shared:
                # The machine has only one node, which may have had another name before.
                connection.execute(delete(nodes).where(nodes.c.name != name))
            self._refuse_other(connection, name, machine.holder)
            expires_at = clock(connection) + LEASE if self.is_shared else None
            self._write(connection, name, machine, expires_at, rules)

    def check(self, name: str, machine: Machine) -> None:
        """Raise NodeTakenError while another machine than `machine` uses a name, and StoreError."""
        with _store_errors(name), self._reader.connect() as connection:
            self._refuse_other(connection, name, machine.holder)

    def renew(self, name: str, machine: Machine, rules: str = "") -> bool:
        """Renew the lease; return whether this machine still has the name."""
        if not self.is_shared:
            return True
        own_lease = (nodes.c.name == name) & (nodes.c.holder == machine.holder)
        with self._engine.begin() as connection:
            now = clock(connection)
            values = {"seen_at": now, "expires_at": now + LEASE, "retired_at": None, "rules": rules}
            renewed = update(nodes).where(own_lease).values(values)
            return connection.execute(renewed).rowcount == 1

    def release(self, name: str, machine: Machine) -> None:
        """Release the name, so that another machine need not wait for the end of the lease."""
        own_lease = (nodes.c.name == name) & (nodes.c.holder == machine.holder)
        with self._engine.begin() as connection:
            connection.execute(update(nodes).where(own_lease).values(expires_at=None))

    def retire(self, name: str) -> bool:
        """Record that a node no longer exists, and revoke its certificates; return whether there is one of this name.

        Raises NodeTakenError while a machine uses it, and StoreError if the store has only one node.
        """
        if not self.is_shared:
            raise StoreError("a store in a file of SQLite's has one node, which cannot be retired")
        with self._exclusive.begin() as connection:
            self._refuse_other(connection, name, "")
            now = clock(connection)
            retired = update(nodes).where(nodes.c.name == name).values(retired_at=now, expires_at=None, holder="")
            revoke(connection, name)
            return connection.execute(retired).rowcount == 1

    def is_used(self, name: str) -> bool:
        """Return whether a machine uses a name now; "" is that of the first node."""
        same = nodes.c.name == name if name else nodes.c.is_first
        with self._reader.connect() as connection:
            used = select(nodes.c.name).where(same, nodes.c.expires_at > clock(connection))
            return connection.execute(used).first() is not None

    def away(self, incident: Incident) -> str:
        """Return the name of an incident's node while no machine uses it, "" if one does or the node is unknown."""
        same = nodes.c.name == incident.node if incident.node else nodes.c.is_first
        if not self.is_shared:
            return ""
        with self._reader.connect() as connection:
            row = connection.execute(select(nodes.c.name, nodes.c.expires_at).where(same)).first()
            is_used = row is None or (row.expires_at is not None and row.expires_at > clock(connection))
        return "" if row is None or is_used else str(row.name)

    def has(self, name: str, incident: Incident) -> bool:
        """Return whether an incident belongs to the node of this name."""
        if incident.node:
            return incident.node == name
        with self._reader.connect() as connection:
            first = select(nodes.c.name).where(nodes.c.name == name, nodes.c.is_first)
            return connection.execute(first).first() is not None

    def place_of(self, incident: Incident) -> tuple[str, str]:
        """Return the name of an incident's node, and the address of its listener; "" if unknown."""
        same = nodes.c.name == incident.node if incident.node else nodes.c.is_first
        with self._reader.connect() as connection:
            row = connection.execute(select(nodes.c.name, nodes.c.address).where(same)).first()
        return (incident.node, "") if row is None else (row.name, row.address)

    def silent_for(self) -> dict[str, timedelta]:
        """Return the time since the last renewal of each node not retired, by name; read no incidents."""
        with self._reader.connect() as connection:
            now = clock(connection)
            rows = connection.execute(select(nodes.c.name, nodes.c.seen_at).where(nodes.c.retired_at.is_(None)))
            return {row.name: max(now - row.seen_at, timedelta(0)) for row in rows}

    def all(self) -> list[Node]:
        """Return all nodes by name, with what waits at each."""
        with self._reader.connect() as connection:
            now = clock(connection)
            rows = connection.execute(select(nodes).order_by(nodes.c.name)).all()
            counts = connection.execute(
                select(incidents.c.node, incidents.c.state, func.count(), func.min(incidents.c.held_at))
                .where(incidents.c.state.in_(sorted(OPEN)))
                .group_by(incidents.c.node, incidents.c.state)
            ).all()
        found = []
        for row in rows:
            own = [one for one in counts if not self.is_shared or _is_of(one[0], row)]
            number: dict[State, int] = {}
            for _, state, count, _ in own:
                number[State(state)] = number.get(State(state), 0) + count
            held = [oldest for _, state, _, oldest in own if state == State.HELD and oldest is not None]
            silent_for = max(now - row.seen_at, timedelta(0)) if self.is_shared else timedelta(0)
            found.append(
                Node(
                    *(row.name, row.machine, row.version, row.seen_at, silent_for, row.retired_at, row.rules),
                    open=number,
                    oldest=min(held, default=None),
                    address=row.address,
                )
            )
        return found

    def _refuse_other(self, connection: Connection, name: str, holder: str) -> None:
        row = connection.execute(select(nodes).where(nodes.c.name == name)).one_or_none()
        if row is None or not self.is_shared or row.expires_at is None or row.holder == holder:
            return
        left = row.expires_at - clock(connection)
        if left > timedelta(0):
            raise NodeTakenError(name, row.machine, left)

    def _write(
        self, connection: Connection, name: str, machine: Machine, expires_at: datetime | None, rules: str = ""
    ) -> None:
        values: dict[str, Any] = {"holder": machine.holder, "machine": machine.name, "version": machine.version}
        values |= {"address": machine.address}
        values |= {"seen_at": clock(connection), "expires_at": expires_at, "retired_at": None, "rules": rules}
        if connection.execute(update(nodes).where(nodes.c.name == name).values(**values)).rowcount:
            return
        is_first = connection.execute(select(nodes.c.name)).first() is None
        connection.execute(insert(nodes).values(name=name, is_first=is_first, **values))


class OwnName:
    """Whether a daemon's machine may record incidents for a node: no other machine has taken its name. Thread-safe."""

    def __init__(self, nodes: Nodes, name: str, machine: Machine) -> None:
        self._nodes, self._name, self._machine = nodes, name, machine
        self._until = 0.0

    def check(self) -> None:
        """Raise StoreError while another machine uses the name. The store is queried at most once per second."""
        if not self._nodes.is_shared or time.monotonic() < self._until:
            return
        try:
            self._nodes.check(self._name, self._machine)
        except NodeTakenError as error:
            raise StoreError(str(error)) from error
        self._until = time.monotonic() + _KNOWN


def differing(found: Iterable[Node], rules: str) -> list[str]:
    """Return the names of the nodes in use whose policies or local rules are not those of the digest `rules`."""
    return [one.name for one in found if one.retired_at is None and one.rules not in ("", rules)]


@contextmanager
def _store_errors(name: str) -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        raise StoreError(f"the lease of node {name}: {type(error.__cause__ or error).__name__}") from error


def retry_until_free(step: Callable[[], None], pause: Callable[[float], object]) -> None:
    """Run a step that raises NodeTakenError, again until the name is free: a lease that is not renewed expires.

    `pause` waits for some seconds. Raises NodeTakenError if the other machine renews its lease meanwhile.
    """
    left = LEASE
    while True:
        try:
            step()
        except NodeTakenError as error:
            if error.left > left:
                raise
            left = error.left
        else:
            return
        pause(_PAUSE)


def here(engine: Engine, node: str | None) -> ColumnElement[bool]:
    """Return the condition that an incident's message is in the hold queue of `node`; None means every node."""
    if node is None or not is_shared(engine):
        return true()
    first = select(nodes.c.name).where(nodes.c.name == node, nodes.c.is_first).exists()
    return or_(incidents.c.node == node, and_(incidents.c.node == "", first))


def _is_of(node: str, row: Any) -> bool:
    return node == row.name or (node == "" and row.is_first)
