"""The certificates of nodes: each node announces its own, and a revoked one is refused by all others.

A thief of a node's key has its certificate too, but cannot write here. So a certificate is revoked by the name of its
node, and no administrator needs a copy of it. A fingerprint is that of its public key (queue/mutual.py): another
certificate for a stolen key is refused too.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from holdgate.quarantine.database import clock
from holdgate.quarantine.schema import certificates


class Certificates:
    """Writes and reads them. `reader` is an engine for read-only transactions. All methods raise DatabaseError."""

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self._engine = engine
        self._reader = reader

    def announce(self, fingerprint: str, name: str) -> None:
        """Record that the node `name` uses a certificate. A revoked one stays revoked."""
        same = certificates.c.fingerprint == fingerprint
        with self._reader.connect() as connection:
            if connection.execute(select(certificates.c.name).where(same)).first() is not None:
                return
        try:
            with self._engine.begin() as connection:
                now = clock(connection)
                connection.execute(
                    insert(certificates).values(fingerprint=fingerprint, name=name, announced_at=now, revoked_at=None)
                )
        except IntegrityError:  # another process of this node has announced it at this moment
            return

    def is_revoked(self, fingerprint: str) -> bool:
        """Return whether a certificate is revoked."""
        same = (certificates.c.fingerprint == fingerprint) & certificates.c.revoked_at.is_not(None)
        with self._reader.connect() as connection:
            return connection.execute(select(certificates.c.name).where(same)).first() is not None

    def renewed(self, name: str) -> int:
        """Return how many valid certificates a node has announced since one of its was revoked; 0 if none was."""
        of_node = certificates.c.name == name
        first = select(func.min(certificates.c.revoked_at)).where(of_node).scalar_subquery()
        new = of_node & certificates.c.revoked_at.is_(None) & (certificates.c.announced_at > first)
        with self._reader.connect() as connection:
            return len(connection.execute(select(certificates.c.fingerprint).where(new)).all())

    def revoke(self, name: str, fingerprints: Sequence[str] = (), *, only_these: bool = False) -> int:
        """Revoke all certificates that the node `name` has announced, and further ones; return how many are revoked.

        With `only_these`, only the further ones.
        """
        for fingerprint in fingerprints:
            self.announce(fingerprint, name)
        with self._engine.begin() as connection:
            return revoke(connection, name, fingerprints, only_these=only_these)


def revoke(connection: Connection, name: str, fingerprints: Sequence[str] = (), *, only_these: bool = False) -> int:
    """Revoke certificates as `Certificates.revoke`, inside the transaction of `connection`."""
    given = certificates.c.fingerprint.in_(fingerprints)
    same = given if only_these else (certificates.c.name == name) | given
    unrevoked = same & certificates.c.revoked_at.is_(None)
    connection.execute(update(certificates).where(unrevoked).values(revoked_at=clock(connection)))
    return len(connection.execute(select(certificates.c.fingerprint).where(same)).all())
