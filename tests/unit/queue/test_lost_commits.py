"""A standby without the last commits becomes the primary: held messages are adopted again, and none is released."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import make_url

from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, migrate, open_store
from holdgate.queue.client import Key, Listing, QueueClient, QueueError
from holdgate.queue.postfix import HeldMessage
from holdgate.queue.reconcile import Reconciler
from testbed.ports import wait_for
from testbed.postgres import PostgresServer, primary_and_standby

pytestmark = pytest.mark.postgresql

NODE = "mx1.corp.example"
BOSS = Actor("boss@corp.example", "page")
MILTER = Actor("holdgate-milter", "milter")
MARK = b"X-Netskope-Action: Quarantine\n"


class HoldQueue(QueueClient):
    """Messages in memory, each with Holdgate's mark."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.released: list[str] = []

    def held_unless(self, stamp: str | None, version: str = "") -> Listing | None:
        found = [HeldMessage(name, 1000, 10, "a@corp.example", ["b@partner.example"]) for name in self.names]
        return Listing(found, None, "", "")

    def headers(self, keys: list[Key]) -> list[bytes | QueueError | None]:
        return [MARK for _ in keys]

    def release_all(self, keys: list[Key]) -> list[bool | QueueError]:
        self.released += [key[0] for key in keys]
        return [True for _ in keys]


@pytest.fixture
def servers() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """A primary, and a standby for which no commit waits."""
    with primary_and_standby() as (primary, standby):
        primary.sql("ALTER SYSTEM SET synchronous_standby_names = ''")
        primary.sql("SELECT pg_reload_conf()")
        wait_for(lambda: primary.value("SHOW synchronous_standby_names") == "", "the settings")
        yield primary, standby


def hold(store: Store, name: str) -> Incident:
    one = Incident(name, "a@corp.example", ["b@partner.example"], "p", node=NODE)
    store.record(one, MILTER)
    return store.change(one, State.HELD, MILTER, held_at=datetime.now(UTC), arrival_time=1000)


def test_held_messages_are_adopted_again_and_a_lost_approval_releases_nothing(
    servers: tuple[PostgresServer, PostgresServer],
) -> None:
    primary, standby = servers
    name = make_url(primary.new_database()).database
    hosts = f"host={primary.directory}&host={standby.directory}"
    url = f"postgresql://holdgate@/{name}?target_session_attrs=read-write&{hosts}"
    migrate(url)
    store = open_store(url, NODE, role="queue")
    queue = HoldQueue("4approved", "4new")
    hour = timedelta(hours=1)
    agent = Reconciler(
        store,
        queue,
        action=("X-Netskope-Action", "Quarantine"),
        missing_after=hour,
        interval=hour,
        adopt_uninspected=False,
        poll_after=lambda: 0.0,
        has_name=lambda: True,
        signs=lambda: False,
    )
    approved = hold(store, "4approved")
    current = "SELECT pg_current_wal_lsn() = max(replay_lsn) FROM pg_stat_replication"
    wait_for(lambda: primary.value(current) == "t", "the standby to have this")

    standby.kill()
    new = hold(store, "4new")
    agent.run_once()  # it has seen both
    store.change(approved, State.APPROVED, BOSS, decided_by=BOSS.who)
    primary.kill()
    standby.resume()
    standby.promote()
    for _ in range(3):
        try:
            agent.run_once()
        except DatabaseError:
            continue

    assert queue.released == []
    found = {one.queue_id: one for one in store.incidents()}
    assert found["4approved"].id == approved.id
    assert found["4approved"].state is State.HELD
    assert found["4new"].id != new.id
    assert (found["4new"].state, found["4new"].policy) == (State.HELD, "adopted")
    assert store.audit.verify().problem == ""
    store.close()
