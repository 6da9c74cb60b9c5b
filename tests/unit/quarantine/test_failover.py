"""A primary is killed during transactions, and its synchronous standby promoted: confirmed data is kept."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import make_url

from holdgate.quarantine import database, signals
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.incident import Actor, Incident, NewNotice
from holdgate.quarantine.signals import queue_of
from holdgate.quarantine.states import State
from holdgate.quarantine.store import ConflictError, Store, StoreError, migrate, open_store
from testbed.ports import wait_for
from testbed.postgres import PostgresServer, primary_and_standby

pytestmark = pytest.mark.postgresql

ACTOR = Actor("boss@corp.example", "page")
WRITERS = 4
NODE = "mx1.corp.example"


@pytest.fixture
def servers() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """A primary and its synchronous standby."""
    with primary_and_standby() as both:
        yield both


@pytest.fixture
def url(servers: tuple[PostgresServer, PostgresServer]) -> str:
    """The URL of a store that names both servers."""
    primary, standby = servers
    name = make_url(primary.new_database()).database
    made = f"postgresql://holdgate@/{name}?target_session_attrs=read-write&host={primary.directory}&host={standby.directory}"
    migrate(made)
    return made


class Decider:
    """Records messages and decides on them, one after the other, keeps the confirmed ones, and always retries."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.confirmed: list[str] = []
        self.unclear = 0
        self.stop = threading.Event()

    def __call__(self) -> None:
        while not self.stop.is_set():
            incident = Incident(queue_id="4a", sender="a@corp.example", recipients=["b@partner.example"], policy="p")
            incident = replace(incident, state=State.HELD)
            try:
                self.store.record(incident, ACTOR)
            except StoreError:
                self.unclear += 1
                continue  # the milter defers the message
            self.decide(incident)

    def decide(self, incident: Incident) -> None:
        """Decide, as a person does who reads that it failed, and retries."""
        while not self.stop.is_set():
            try:
                current = self.store.incident(incident.id)
                if current is not None and current.state is State.HELD:
                    notice = NewNotice("approved", "a@corp.example")
                    current = self.store.change(current, State.APPROVED, ACTOR, outbox=[notice], decided_by=ACTOR.who)
                assert current is not None
                assert current.state is State.APPROVED
                self.confirmed.append(incident.id)
                return
            except DatabaseError:
                self.unclear += 1


def test_the_promoted_standby_has_all_confirmed_decisions(
    servers: tuple[PostgresServer, PostgresServer], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "_RECONNECT", 0.1)
    primary, standby = servers
    deciders = [Decider(open_store(url, f"mx{number}", role="desk")) for number in range(WRITERS)]
    threads = [threading.Thread(target=one) for one in deciders]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: all(len(one.confirmed) > 5 for one in deciders), "decisions before")
        primary.kill()
        wait_for(lambda: all(one.unclear for one in deciders), "unclear results of all writers")
        standby.promote()
        before = [len(one.confirmed) for one in deciders]
        wait_for(
            lambda: all(len(one.confirmed) > count + 5 for one, count in zip(deciders, before, strict=True)),
            "decisions afterwards",
        )
    finally:
        for one in deciders:
            one.stop.set()
        for thread in threads:
            thread.join()
    store = deciders[0].store
    decided = {incident.id: incident for incident in store.incidents({State.APPROVED})}
    confirmed = [name for one in deciders for name in one.confirmed]
    assert set(confirmed) <= decided.keys()
    for name in confirmed:
        assert [event.event for event in store.history(name)].count("approved") == 1
    sent = [notice.incident_id for notice in store.outbox.due(datetime.now(UTC))]
    assert len(sent) == len(set(sent)) == len(decided)
    assert store.audit.verify().problem == ""
    for one in deciders:
        one.store.close()


def test_a_listener_continues_at_the_promoted_standby(
    servers: tuple[PostgresServer, PostgresServer], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "_RECONNECT", 0.1)
    primary, standby = servers
    store = open_store(url, NODE, role="desk")
    listener = store.listener(queue_of(NODE), url=url)
    waker = listener.waker()
    listener.start()
    wait_for(lambda: listener.is_listening, "the listener to hear")
    incident = replace(
        Incident(queue_id="4a", sender="a@x", recipients=["b@y"], policy="p", node=NODE), state=State.HELD
    )
    store.record(incident, ACTOR)
    primary.kill()
    wait_for(lambda: not listener.is_listening, "the listener to see it")
    standby.promote()
    wait_for(lambda: listener.is_listening, "the listener to hear again")
    waker.wait(20)
    with suppress(ConflictError):
        store.change(incident, State.APPROVED, ACTOR)
    assert waker.wait(20)
    listener.close()
    store.close()


@pytest.mark.parametrize("ends", ["Holdgate", "an administrator"])
def test_a_decision_that_the_standby_does_not_confirm_is_an_error(
    servers: tuple[PostgresServer, PostgresServer], url: str, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.5 if ends == "Holdgate" else 60)
    primary, standby = servers
    store = open_store(url, NODE, role="desk")
    incident = replace(Incident(queue_id="4a", sender="a@x", recipients=["b@y"], policy="p"), state=State.HELD)
    store.record(incident, ACTOR)
    standby.kill()
    waiting = "pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    with ThreadPoolExecutor(1) as pool:
        decision = pool.submit(store.change, incident, State.APPROVED, ACTOR, decided_by=ACTOR.who)
        if ends == "an administrator":
            wait_for(lambda: primary.value(f"SELECT {waiting}") not in ("", None), "the commit to wait")
            primary.sql(f"SELECT pg_cancel_backend(pid) FROM (SELECT {waiting}) AS commits")
        with pytest.raises(DatabaseError, match="standby did not confirm"):
            decision.result(20)
    # It was asked again: by now the standby is back, and has it.
    standby.resume()
    wait_for(lambda: primary.value("SELECT count(*) FROM pg_stat_replication") == "1", "the standby")
    current = store.incident(incident.id)
    assert current is not None
    assert current.state is State.APPROVED
    store.change(current, State.RELEASED, ACTOR)
    assert store.audit.verify().problem == ""
    store.close()


def test_a_transaction_after_an_unconfirmed_one_is_not_cancelled(
    servers: tuple[PostgresServer, PostgresServer], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.2)
    _primary, standby = servers
    store = open_store(url, NODE, role="desk")
    standby.kill()
    for number in range(5):
        incident = Incident(queue_id=f"4{number}", sender="a@x", recipients=["b@y"], policy="p")
        with pytest.raises(StoreError):
            store.record(replace(incident, state=State.HELD), ACTOR)
        assert len(store.incidents({State.HELD})) == number + 1
    standby.resume()
    store.close()
