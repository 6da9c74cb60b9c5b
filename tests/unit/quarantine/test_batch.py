"""A new incident reaches PostgreSQL in two round trips, and the next ones in one, for all contents."""

import string
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from holdgate.quarantine import batch, recording, versions
from holdgate.quarantine.chains import named_heads
from holdgate.quarantine.incident import Actor, Incident, NewNotice, new_incident_id
from holdgate.quarantine.links import hashed_around, link
from holdgate.quarantine.store import Store, StoreError, migrate, open_store
from testbed.pgbouncer import PgBouncer
from testbed.postgres import PostgresServer

pytestmark = pytest.mark.postgresql

ACTOR = Actor("holdgate-milter", "milter")
WORDS = st.text(
    st.one_of(st.sampled_from("'\"\\%$1;?:{}\0\n\ud800"), st.characters(), st.sampled_from(string.ascii_letters))
)


def new(number: int = 0, **values: Any) -> Incident:
    return Incident(f"4id{number}", "a@corp.example", ["b@partner.example"], "p", **values)


@pytest.fixture(scope="module")
def milter(postgres: PostgresServer) -> Iterator[Store]:
    url = postgres.new_database()
    migrate(url)
    store = open_store(url, "mx1", role="milter")
    yield store
    store.close()


@pytest.fixture
def pooler(postgres: PostgresServer) -> Iterator[PgBouncer]:
    made = PgBouncer(postgres.new_database(), connections=1)
    made.start()
    migrate(made.url)
    yield made
    made.stop()


def prepared(store: Store) -> int:
    with store.signals._engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one())


@given(
    WORDS,
    st.lists(WORDS, max_size=2),
    st.dictionaries(WORDS, WORDS, max_size=2),
    WORDS,
    st.booleans(),
    st.sampled_from([[], ["alerted"]]),
)
def test_a_batch_records_the_same_as_separate_statements(
    milter: Store,
    words: str,
    recipients: list[str],
    profiles: dict[str, str],
    note: str,
    encrypted: bool,
    also: list[str],
) -> None:
    """With a notice, the statements are separate; with a further event, there are two round trips."""
    values: dict[str, Any] = {"subject": words, "profiles": profiles, "encrypted": encrypted, "already_sent": [words]}
    risks: list[dict[str, Any]] | None = [{"name": words}] if encrypted else None
    one = replace(new(**values, recipient_risks=risks), recipients=recipients)
    other = replace(one, id=new_incident_id())
    milter.record(one, ACTOR, note=note, also=also)
    milter.record(other, ACTOR, note=note, also=also, outbox=[NewNotice("alert", "boss@corp.example")])
    found = milter.incident(one.id)
    assert found is not None
    assert milter.incident(other.id) == replace(found, id=other.id)
    assert milter.history(one.id) == milter.history(other.id)


def test_a_trail_written_in_batches_verifies(milter: Store) -> None:
    for also in (["alerted", "noted"], []):
        milter.record(new(subject="\0\ud800'\\"), ACTOR, note="\0\ud800", also=also)
    assert not milter.audit.verify().problem


def test_statements_of_a_batch_are_prepared_once(milter: Store) -> None:
    for number in range(3):
        milter.record(new(number), ACTOR)
    first = prepared(milter)
    milter.record(new(4), ACTOR)
    assert first == prepared(milter) > 0


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What batches have sent; each is a round trip."""
    found: list[Any] = []
    send = batch.Batch._send
    monkeypatch.setattr(batch.Batch, "_send", lambda *given: found.append(given) or send(*given))
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds that the module reads."""
    times = [time.monotonic()]
    monkeypatch.setattr(recording, "time", SimpleNamespace(monotonic=lambda: times[0]))
    return times


@pytest.fixture
def two(postgres: PostgresServer) -> Iterator[list[Store]]:
    """The milters of two nodes, each of which has recorded an incident."""
    url = postgres.new_database()
    migrate(url)
    stores = [open_store(url, node, role="milter") for node in ("mx1", "mx2")]
    for store in stores:
        store.record(new(), ACTOR)
    yield stores
    assert not stores[0].audit.verify().problem
    for store in stores:
        store.close()


def test_the_heads_of_other_chains_are_read_once_per_second(
    two: list[Store], sent: list[Any], clock: list[float]
) -> None:
    trips = []
    for passed in (100.0, 0.0, 0.9, 0.0, 0.2, 0.0):
        clock[0] += passed
        sent.clear()
        two[0].record(new(), ACTOR)
        trips.append(len(sent))
    assert trips == [2, 1, 1, 1, 2, 1]


def named_by(store: Store) -> list[list[str]]:
    """Return the chains that each event of a store's chain names."""
    mine = [event for event in store.audit.export() if event["chain"] == f"{store.node}/milter"]
    return [[name for name, _, _ in named_heads(event["seen"])] for event in mine]


def test_a_head_that_was_read_is_referenced_once(two: list[Store], clock: list[float]) -> None:
    clock[0] += 100
    for _ in range(3):
        two[0].record(new(), ACTOR)
    assert named_by(two[0]) == [[], ["mx2/milter"], [], []]
    two[1].record(new(), ACTOR)
    clock[0] += 100
    for _ in range(2):
        two[0].record(new(), ACTOR)
    assert named_by(two[0])[4:] == [["mx2/milter"], []]


def test_the_remaining_heads_are_referenced_by_the_next_events(two: list[Store], clock: list[float]) -> None:
    url = two[0]._engine.url.set(drivername="postgresql").render_as_string()
    others = [open_store(url, f"mx{number}", role="milter") for number in range(3, 9)]
    for other in others:
        other.record(new(), ACTOR)
        other.close()
    clock[0] += 100
    for _ in range(3):
        two[0].record(new(), ACTOR)
    assert [len(names) for names in named_by(two[0])] == [0, 4, 3, 0]


def test_heads_that_another_connection_read_are_not_referenced(two: list[Store], sent: list[Any]) -> None:
    """As after a failover: the new primary may lack an event that the old one had."""
    two[0]._engine.dispose()
    sent.clear()
    two[0].record(new(), ACTOR)
    assert len(sent) == 2


def test_threads_of_a_writer_can_record_in_parallel(two: list[Store]) -> None:
    def record(store: Store) -> None:
        for number in range(15):
            store.record(new(number), ACTOR)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(record, two * 3))
    assert {head.count for head in two[0].audit.verify().chains.values()} == {46}


def test_nothing_is_written_to_a_store_that_requires_a_newer_version(
    two: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    two[0].record(new(), ACTOR)
    monkeypatch.setattr(versions, "head", lambda: "0001")  # this version is older than the store allows
    with pytest.raises(StoreError):
        two[0].record(one := new(), ACTOR)
    assert two[0].incident(one.id) is None


def test_no_statement_is_prepared_behind_a_pooler(pooler: PgBouncer) -> None:
    stores = [open_store(pooler.url, f"mx{number}", role="milter") for number in range(2)]
    for number in range(6):
        stores[number % 2].record(new(number), ACTOR)
    assert prepared(stores[0]) == 0
    assert not stores[0].audit.verify().problem
    for store in stores:
        store.close()


def test_an_unrecognised_pooler_costs_one_failed_attempt(
    pooler: PgBouncer, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_is_direct", lambda _: True)
    store = open_store(pooler.url, "mx1", role="milter")
    for number in range(2):  # in two round trips, and in one
        store.record(new(number), ACTOR)
    postgres.end_connections()  # the next transaction has another connection, which knows no prepared statement
    with pytest.raises(StoreError):
        store.record(new(2), ACTOR)
    store.record(new(2), ACTOR)
    assert not store.audit.verify().problem
    store.close()


def test_a_backslash_is_stored_unchanged_if_strings_have_escapes(postgres: PostgresServer) -> None:
    """PostgreSQL's old reading of strings: standard_conforming_strings = off."""
    url = postgres.new_database()
    migrate(url)
    name = url.partition("?")[0].rpartition("/")[2]
    postgres.sql(f"ALTER DATABASE {name} SET standard_conforming_strings = off")
    store = open_store(url, "mx1", role="milter")
    store.record(one := new(subject="\\' OR 1=1; --\\"), ACTOR)
    found = store.incident(one.id)
    store.close()
    assert found is not None
    assert found.subject == one.subject


def test_a_row_that_cannot_be_written_leaves_no_part(milter: Store) -> None:
    one = new()
    with pytest.raises(StoreError):
        milter.record(one, ACTOR, "e" * 40)  # longer than the column
    assert milter.incident(one.id) is None
    milter.record(one, ACTOR)
    assert not milter.audit.verify().problem


@given(WORDS, st.integers(1, 2**31 - 1))
def test_the_server_computes_the_hash_of_a_link(words: str, number: int) -> None:
    names = ("incident_id", "event", "who", "how", "origin", "note_digest", "rows_digest", "chain", "seen")
    values = dict.fromkeys(names, words) | {"chain": "mx1/milter", "rows_digest": "ab"}
    now = datetime.now(UTC)
    before, between, after = hashed_around(now, values)
    whole = f"{before}{64 * '1'}{between}{number}{after}"
    assert sha256(whole.encode()).hexdigest() == link(64 * "1", now, values | {"number": number})
