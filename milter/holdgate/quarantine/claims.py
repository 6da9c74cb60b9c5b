"""Assigns work to desks: several desks can share a store, and only one of them must send each notice.

A desk claims a piece of work before it begins, and the claim is valid while the desk records a heartbeat every few
seconds. If its heartbeats stop, another desk can take its work. A desk that was suspended meanwhile checks its claim
(`confirm`) before a step that cannot be undone. With SQLite there is only one desk, which claims
nothing.
"""

import hashlib
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Engine, Table, delete, select

from holdgate.node import Machine
from holdgate.quarantine.database import clock, is_shared
from holdgate.quarantine.schema import claims, desks

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert

LEASE = timedelta(seconds=30)
"""How long the claims of a desk are valid after its last heartbeat."""


@dataclass(frozen=True, slots=True)
class LiveDesk:
    """A desk with a recent heartbeat: its machine and version."""

    machine: str
    version: str


class LostClaimError(Exception):
    """This desk was late: its claim has ended, and another desk may do the work."""


class Claims:
    """The claims of this desk. Thread-safe."""

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self._is_shared = is_shared(engine)
        self._engine = engine
        self._reader = reader
        self._desk = secrets.token_hex(16)
        self._is_desk = False
        self._lock = threading.Lock()
        self._begun: set[str] = set()

    def heartbeat(self, machine: Machine) -> None:
        """Record a heartbeat, and remove desks whose heartbeats have stopped, with their claims.

        Must precede the first claim.
        """
        if not self._is_shared:
            return
        with self._engine.begin() as connection:
            now = clock(connection)
            row = _insert(desks).values(
                id=self._desk, machine=machine.name, version=machine.version, expires_at=now + LEASE
            )
            connection.execute(row.on_conflict_do_update(index_elements=[desks.c.id], set_={"expires_at": now + LEASE}))
            connection.execute(delete(desks).where(desks.c.expires_at < now))
            connection.execute(delete(claims).where(claims.c.desk.not_in(select(desks.c.id))))
            # Claims that could not be removed when their work ended, because the store was unreachable at that moment.
            # No work begins meanwhile: its claim would be removed as well.
            with self._lock:
                ended = (claims.c.desk == self._desk) & claims.c.work.not_in(sorted(self._begun))
                connection.execute(delete(claims).where(ended))
        self._is_desk = True

    @contextmanager
    def claimed(self, work: str) -> Iterator[bool]:
        """Claim a piece of work, named by `work`, until the block ends; yield whether this desk has it.

        After the claim, check again what another desk may have finished before.
        """
        if not self._is_desk:
            yield True
            return
        name = _name(work)
        with self._lock:
            is_begun = name in self._begun
            self._begun.add(name)
        if is_begun:
            yield False
            return
        try:
            if not self._claim(name):
                yield False
                return
            try:
                yield True
            finally:
                own_claim = (claims.c.work == name) & (claims.c.desk == self._desk)
                with self._engine.begin() as connection:
                    connection.execute(delete(claims).where(own_claim))
        finally:
            with self._lock:
                self._begun.discard(name)

    def confirm(self, work: str) -> None:
        """Raise LostClaimError if the claim of `work` has ended, because this desk recorded no heartbeat in time.

        To be called directly before a step that another desk must not do too.
        """
        if not self._is_desk:
            return
        with self._engine.begin() as connection:
            alive = select(desks.c.id).where(desks.c.id == self._desk, desks.c.expires_at > clock(connection))
            own_claim = (claims.c.work == _name(work)) & claims.c.desk.in_(alive)
            if connection.execute(select(claims.c.work).where(own_claim)).first() is None:
                raise LostClaimError(work)

    def _claim(self, name: str) -> bool:
        with self._engine.begin() as connection:
            living = select(desks.c.id).where(desks.c.expires_at > clock(connection))
            claim = _insert(claims).values(work=name, desk=self._desk)
            claim = claim.on_conflict_do_update(
                index_elements=[claims.c.work],
                set_={"desk": self._desk},
                # The claims must not be read in a subquery: it would not see one that was committed after it had begun.
                # This desk has begun no such work: an earlier claim of its own was not removed.
                where=(claims.c.desk == self._desk) | claims.c.desk.not_in(living),
            )
            return connection.execute(claim.returning(claims.c.work)).first() is not None

    def desks(self) -> list[LiveDesk]:
        """Return the desks that are alive."""
        with self._reader.connect() as connection:
            living = select(desks).where(desks.c.expires_at > clock(connection)).order_by(desks.c.machine, desks.c.id)
            return [LiveDesk(row.machine, row.version) for row in connection.execute(living)]


def _name(work: str) -> str:
    """Return the name of a piece of work in the store, which has room for a digest only."""
    return hashlib.sha256(work.encode(errors="surrogatepass")).hexdigest()


def _insert(table: Table) -> "Insert":
    """Return PostgreSQL's INSERT, which supports ON CONFLICT."""
    # Imported here because it loads 2 MB that a desk with SQLite never needs.
    from sqlalchemy.dialects.postgresql import insert

    return insert(table)
