"""The store behind PgBouncer in transaction mode: with fewer connections than writers, nothing leaks between them."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import make_url

from holdgate.node import Machine
from holdgate.quarantine.incident import Actor, Incident, NewNotice
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, migrate, open_store
from testbed.pgbouncer import PgBouncer
from testbed.ports import wait_for
from testbed.postgres import PostgresServer

pytestmark = pytest.mark.postgresql

ACTOR = Actor("holdgate-milter", "milter")
WRITERS, EACH = 6, 8


@pytest.fixture
def pooler(postgres: PostgresServer) -> Iterator[PgBouncer]:
    made = PgBouncer(postgres.new_database(), connections=2)
    made.start()
    yield made
    made.stop()


def work(store: Store, errors: list[Exception]) -> None:
    try:
        store.claims.heartbeat(Machine("1" * 32, "one.corp.example", "1.0"))
        for number in range(EACH):
            incident = Incident(
                queue_id=f"4id{number}", sender="a@corp.example", recipients=["b@partner.example"], policy="p"
            )
            store.record(incident, ACTOR, outbox=[NewNotice("alert", "boss@corp.example")])
            current = store.incident(incident.id)
            assert current is not None
            store.change(current, State.HELD, ACTOR, held_at=datetime.now(UTC))
            for notice in store.outbox.due(datetime.now(UTC) + timedelta(seconds=1)):
                with store.claims.claimed(f"notice {notice.number}") as mine:
                    if mine and store.outbox.is_still_due(notice):
                        store.outbox.sent(notice, ACTOR)
    except Exception as error:
        errors.append(error)


def test_writers_share_a_few_connections(pooler: PgBouncer) -> None:
    migrate(pooler.url)
    stores = [open_store(pooler.url, f"mx{number}") for number in range(WRITERS)]
    for number, store in enumerate(stores):
        store.nodes.acquire(store.node, Machine(str(number) * 32, store.node, "1.0"))
    errors: list[Exception] = []
    threads = [threading.Thread(target=work, args=[store, errors]) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    found = stores[0].audit.verify()
    assert (found.problem, found.count) == ("", WRITERS * EACH * 3)  # recorded, held, notice sent
    assert stores[0].count() == {State.HELD: WRITERS * EACH}
    assert {len(store.open_incidents()) for store in stores} == {EACH}
    for store in stores:
        store.close()


def test_the_writable_one_of_several_hosts_in_a_url_is_used(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    several = url.replace("?host=", "?target_session_attrs=read-write&host=/nonexistent&host=")
    migrate(several)
    store = open_store(several, "mx1")
    store.nodes.acquire("mx1", Machine("1" * 32, "one.corp.example", "1.0"))
    assert [one.name for one in store.nodes.all()] == ["mx1"]
    store.close()


def test_connections_that_the_server_closed_are_not_used_again(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    migrate(url)
    store = open_store(url, "mx1")
    incident = Incident(queue_id="4id", sender="a@corp.example", recipients=["b@partner.example"], policy="p")
    store.record(incident, ACTOR)
    left = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{make_url(url).database}'"
    for _ in range(3):
        postgres.end_connections()
        wait_for(lambda: postgres.value(left) == "0", "the connections to end")
        store.add_event(incident.id, "revealed", ACTOR)
    assert len(store.history(incident.id)) == 4
    store.close()
