"""A new incident reaches PostgreSQL in two round trips: whatever it contains, and whatever is between."""

import string
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from holdgate.quarantine import batch
from holdgate.quarantine.incident import Actor, Incident, NewNotice, new_incident_id
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
        return connection.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one()


@given(WORDS, st.lists(WORDS, max_size=2), st.dictionaries(WORDS, WORDS, max_size=2), WORDS, st.booleans())
def test_it_is_recorded_as_by_separate_statements(
    milter: Store, words: str, recipients: list[str], profiles: dict[str, str], note: str, encrypted: bool
) -> None:
    """With a notice, the statements are separate."""
    values: dict[str, Any] = {"subject": words, "profiles": profiles, "encrypted": encrypted, "already_sent": [words]}
    risks: list[dict[str, Any]] | None = [{"name": words}] if encrypted else None
    one = replace(new(**values, recipient_risks=risks), recipients=recipients)
    other = replace(one, id=new_incident_id())
    milter.record(one, ACTOR, note=note, also=["alerted"])
    milter.record(other, ACTOR, note=note, also=["alerted"], outbox=[NewNotice("alert", "boss@corp.example")])
    found = milter.incident(one.id)
    assert found is not None
    assert milter.incident(other.id) == replace(found, id=other.id)
    assert milter.history(one.id) == milter.history(other.id)


def test_all_of_it_verifies(milter: Store) -> None:
    milter.record(new(subject="\0\ud800'\\"), ACTOR, note="\0\ud800", also=["alerted", "noted"])
    assert not milter.audit.verify().problem


def test_statements_are_prepared_once(milter: Store) -> None:
    for number in range(3):
        milter.record(new(number), ACTOR)
    first = prepared(milter)
    milter.record(new(4), ACTOR)
    assert first == prepared(milter) > 0


def test_two_round_trips(milter: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    milter.record(new(), ACTOR)
    sent = []
    send = batch.Batch._send
    monkeypatch.setattr(batch.Batch, "_send", lambda *given: sent.append(given) or send(*given))
    milter.record(new(), ACTOR)
    assert len(sent) == 2


def test_nothing_is_prepared_behind_a_pooler(pooler: PgBouncer) -> None:
    stores = [open_store(pooler.url, f"mx{number}", role="milter") for number in range(2)]
    for number in range(6):
        stores[number % 2].record(new(number), ACTOR)
    assert prepared(stores[0]) == 0
    assert not stores[0].audit.verify().problem
    for store in stores:
        store.close()


def test_a_pooler_that_is_not_recognised_costs_one_attempt(
    pooler: PgBouncer, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_is_direct", lambda _: True)
    store = open_store(pooler.url, "mx1", role="milter")
    store.record(new(1), ACTOR)
    postgres.end_connections()  # the next transaction has another connection, which knows no prepared statement
    with pytest.raises(StoreError):
        store.record(new(2), ACTOR)
    store.record(new(2), ACTOR)
    assert not store.audit.verify().problem
    store.close()


def test_a_backslash_where_it_escapes(postgres: PostgresServer) -> None:
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


def test_a_row_that_cannot_be_written_leaves_nothing(milter: Store) -> None:
    one = new()
    with pytest.raises(StoreError):
        milter.record(one, ACTOR, "e" * 40)  # longer than the column
    assert milter.incident(one.id) is None
    milter.record(one, ACTOR)
    assert not milter.audit.verify().problem
