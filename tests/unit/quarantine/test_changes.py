"""Incidents that changed since a moment, with several writers whose transactions end in any order."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from holdgate.quarantine import changes
from holdgate.quarantine.database import is_shared
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Actor, Store, open_store

ACTOR = Actor("holdgate-milter", "milter")


@pytest.fixture(scope="module")
def stores(new_store_url: Callable[[], str]) -> Iterator[list[Store]]:
    """Three writers, of which two have the first node's name."""
    url = new_store_url()
    with ExitStack() as stack:
        opened = [open_store(url, "mx1", role=role) for role in ("milter", "queue")]
        opened.append(open_store(url))
        for store in opened:
            stack.callback(store.close)
        opened[0].nodes.introduce("mx1")
        yield opened


def new(number: int = 1) -> Incident:
    return Incident(f"4{number}", "a@corp.example", ["b@partner.example"], "p")


steps = st.tuples(st.integers(0, 2), st.sampled_from(["record", "hold", "event", "look"]), st.integers(0, 5))


@given(st.lists(steps, max_size=20))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_applying_the_changes_gives_the_same_incidents_as_reading_all(
    stores: list[Store], history: list[tuple[int, str, int]]
) -> None:
    """A reader that applies the changes one by one has the same open incidents as one that reads all of them."""
    heads = stores[2].changes.heads()
    known = {one.id: one for one in stores[0].open_incidents()}
    mine: list[str] = []
    for writer, step, which in [*history, (0, "look", 0)]:
        store = stores[writer]
        if step == "record":
            incident = new(which)
            store.record(incident, ACTOR)
            mine.append(incident.id)
        elif step == "look":
            heads, names = stores[0].changes.since(heads)
            assert names is not None
            assert names <= set(mine)
            for name in names:
                known.pop(name, None)
            known |= {one.id: one for one in stores[0].open_among(names)}
            assert known == {one.id: one for one in stores[0].open_incidents()}
            assert stores[0].changes.since(heads) == (heads, set())
        elif mine:
            incident = store.incident(mine[which % len(mine)]) or new()
            if step == "event":
                store.add_event(incident.id, "noted", ACTOR)
            elif incident.state in (State.PENDING, State.HELD):
                store.change(incident, State.HELD if incident.state is State.PENDING else State.VANISHED, ACTOR)


def test_everything_is_read_if_known_events_are_missing(stores: list[Store]) -> None:
    stores[0].record(new(), ACTOR)
    heads = stores[0].changes.heads()
    (name, head), *_ = ((name, head) for name, head in heads.items() if head.number)
    for lost in (head._replace(number=head.number + 1_000), head._replace(hash="f" * 64)):
        assert stores[0].changes.since(heads | {name: lost}) == (heads, None)
    assert stores[0].changes.since(heads | {"gone/milter": head}) == (heads, None)
    assert stores[0].changes.since(heads) == (heads, set())


@pytest.mark.parametrize("events", ["of one", "of many"])
def test_everything_is_read_if_too_much_changed(
    stores: list[Store], monkeypatch: pytest.MonkeyPatch, events: str
) -> None:
    monkeypatch.setattr(changes, "_MOST", 3)
    before = stores[0].changes.heads()
    incident = new()
    stores[0].record(incident, ACTOR)
    for number in range(3):
        if events == "of one":
            stores[0].add_event(incident.id, "noted", ACTOR)
        else:
            stores[0].record(new(number), ACTOR)
    assert stores[0].changes.since(before)[1] is None


@pytest.mark.parametrize("count", [3, 4])
@pytest.mark.parametrize("kind", ["events", "incidents"])
def test_changes_up_to_the_limit_are_read_one_by_one(
    stores: list[Store], monkeypatch: pytest.MonkeyPatch, count: int, kind: str
) -> None:
    monkeypatch.setattr(changes, "_MOST", 3)
    before = stores[0].changes.heads()
    made = [new(number) for number in range(count if kind == "incidents" else 1)]
    for one in made:
        stores[0].record(one, ACTOR)
    for _ in range(count - len(made)):
        stores[0].add_event(made[0].id, "noted", ACTOR)
    assert stores[0].changes.since(before)[1] == ({one.id for one in made} if count == 3 else None)


def test_many_incidents_are_looked_up_in_several_queries(stores: list[Store]) -> None:
    incidents = [new(number) for number in range(3)]
    for one in incidents:
        stores[0].record(one, ACTOR)
    names = [one.id for one in incidents] + [f"NONE-{number}" for number in range(1_200)]
    assert {one.id for one in stores[0].open_among(names)} == {one.id for one in incidents}


def test_an_unfinished_transaction_hides_no_change(stores: list[Store]) -> None:
    """Its events have lower numbers than those that others commit before it, and are seen after its commit."""
    milter, queue, _ = stores
    if not is_shared(milter.signals._engine):
        return  # SQLite has one writer at a time
    slow, quick = new(1), new(2)
    milter.record(slow, ACTOR)
    heads = milter.changes.heads()
    begun, goes_on = threading.Event(), threading.Event()

    def wait(*_: object) -> None:
        begun.set()
        goes_on.wait(30)

    with milter.signals._engine.connect() as connection:
        engine = connection.engine
    event.listen(engine, "commit", wait)
    thread = threading.Thread(target=milter.add_event, args=(slow.id, "noted", ACTOR))
    thread.start()
    try:
        assert begun.wait(30)
        queue.record(quick, ACTOR)
        heads, names = queue.changes.since(heads)
        assert names == {quick.id}
    finally:
        goes_on.set()
        thread.join()
        event.remove(engine, "commit", wait)
    assert queue.changes.since(heads)[1] == {slow.id}
