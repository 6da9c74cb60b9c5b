"""Faults of a store in PostgreSQL: locks of another session, and a server that ends, is unavailable, or is silent."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from testbed.postgres import PostgresServer
from tests.faults.target import Fault, Target

# How long the one who wants a lock waits for it, in seconds: the daemons' transactions take milliseconds.
_PATIENCE = 20

# What other sessions of a server lock: as a suspended writer of Holdgate does, as a change of the schema or a
# VACUUM FULL does, which keeps readers out too, and as an administrator does who changes rows manually.
_LOCKS = (
    "SELECT * FROM chains FOR UPDATE",
    "LOCK TABLE incidents, events, notices IN ACCESS EXCLUSIVE MODE",
    "SELECT * FROM chains, incidents FOR UPDATE",
)


@contextmanager
def locked(target: Target) -> Iterator[None]:
    """Have another session hold one of the locks."""
    with psycopg.connect(target.site.settings.store.url, connect_timeout=_PATIENCE) as session:
        session.execute(f"SET lock_timeout = '{_PATIENCE}s'")
        session.execute(target.rng.choice(_LOCKS))
        try:
            yield
        finally:
            session.rollback()


@contextmanager
def store_restarts(target: Target) -> Iterator[None]:
    """Restart the server."""
    _server(target).restart()
    yield


@contextmanager
def store_unavailable(target: Target) -> Iterator[None]:
    """Make the server unavailable for a while."""
    _server(target).end()
    try:
        yield
    finally:
        target.resume_postgres()


@contextmanager
def store_silent(target: Target) -> Iterator[None]:
    """Freeze the server: it accepts connections and answers nothing."""
    _server(target).freeze()
    try:
        yield
    finally:
        _server(target).unfreeze()


@contextmanager
def store_connections_end(target: Target) -> Iterator[None]:
    """Have the server end every connection, also during transactions."""
    _server(target).end_connections()
    yield
    _server(target).end_connections()


def _server(target: Target) -> PostgresServer:
    assert target.postgres is not None
    return target.postgres


FAULTS: list[Fault] = [store_restarts, store_unavailable, store_silent, store_connections_end, store_connections_end]
