"""Faults of a store in PostgreSQL: locks of another session, and a server that ends, is unavailable, or is silent."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from faults.patient import Injury, Patient
from testbed.postgres import PostgresServer

# How long the one who wants a lock waits for it, in seconds: the daemons' transactions take milliseconds.
_PATIENCE = 20

# What other sessions of a server lock: as a suspended writer of Holdgate does, as a change of the schema or a
# VACUUM FULL does, which keeps readers out too, and as an administrator does who changes rows by hand.
_LOCKS = (
    "SELECT * FROM chains FOR UPDATE",
    "LOCK TABLE incidents, events, notices IN ACCESS EXCLUSIVE MODE",
    "SELECT * FROM chains, incidents FOR UPDATE",
)


@contextmanager
def locked(patient: Patient) -> Iterator[None]:
    """Have another session hold one of the locks."""
    with psycopg.connect(patient.site.settings.store.url, connect_timeout=_PATIENCE) as session:
        session.execute(f"SET lock_timeout = '{_PATIENCE}s'")
        session.execute(patient.rng.choice(_LOCKS))
        try:
            yield
        finally:
            session.rollback()


@contextmanager
def store_restarts(patient: Patient) -> Iterator[None]:
    """Restart the server."""
    _server(patient).restart()
    yield


@contextmanager
def store_away(patient: Patient) -> Iterator[None]:
    """Make the server unavailable for a while."""
    _server(patient).end()
    try:
        yield
    finally:
        patient.resume_postgres()


@contextmanager
def store_silent(patient: Patient) -> Iterator[None]:
    """Freeze the server: it accepts connections and answers nothing."""
    _server(patient).freeze()
    try:
        yield
    finally:
        _server(patient).unfreeze()


@contextmanager
def store_connections_end(patient: Patient) -> Iterator[None]:
    """Have the server end every connection, also during transactions."""
    _server(patient).end_connections()
    yield
    _server(patient).end_connections()


def _server(patient: Patient) -> PostgresServer:
    assert patient.postgres is not None
    return patient.postgres


INJURIES: list[Injury] = [store_restarts, store_away, store_silent, store_connections_end, store_connections_end]
