"""The comparison of queue and store: step by step it gives the same result as a complete comparison."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from holdgate.quarantine.incident import Standing
from holdgate.quarantine.states import OPEN, State
from holdgate.queue.comparison import Comparison
from holdgate.queue.postfix import HeldMessage

NAMES = [f"I{number}" for number in range(5)]
PLACES = ["", "4a", "4b", "4c"]
START = datetime(2026, 11, 1, tzinfo=UTC)

messages = st.builds(
    HeldMessage,
    queue_id=st.sampled_from(PLACES[1:]),
    arrival_time=st.integers(1, 3),
    size=st.just(1),
    sender=st.just("a@corp.example"),
    recipients=st.just([]),
)
standings = st.builds(
    lambda name, place, arrival, state, age: Standing(name, place, arrival, state, START + timedelta(age)),
    st.sampled_from(NAMES),
    st.sampled_from(PLACES),
    st.sampled_from([None, 1, 2]),
    st.sampled_from(sorted(OPEN)),
    st.integers(0, 2),
)
queues = st.dictionaries(st.sampled_from(PLACES[1:]), messages).map(
    lambda found: {message.queue_id: message for message in found.values()}
)
stores = st.dictionaries(st.sampled_from(NAMES), standings).map(lambda found: {one.id: one for one in found.values()})


def found(comparison: Comparison) -> tuple[object, ...]:
    return (
        comparison.held,
        comparison.unmanaged,
        [(one.id, comparison.is_held(one)) for one in comparison.unfinished()],
        comparison.without_incident(),
        comparison.oldest(),
    )


@given(st.lists(st.tuples(queues, stores, st.lists(messages, max_size=1), st.booleans()), max_size=8))
def test_comparing_the_changes_gives_the_same_result_as_comparing_everything(
    history: list[tuple[dict[str, HeldMessage], dict[str, Standing], list[HeldMessage], bool]],
) -> None:
    one = Comparison()
    held: dict[str, HeldMessage] = {}
    known: dict[str, Standing] = {}
    for queue, store, foreign, is_whole in history:
        if is_whole:
            one.list_all(queue.values())
            one.read_all(store.values())
        else:
            came = [message for message in queue.values() if held.get(message.queue_id) != message]
            one.list_changed(came, sorted(held.keys() - queue.keys()))
            changed = {name for name in known.keys() | store.keys() if known.get(name) != store.get(name)}
            one.read_changed(changed, [store[name] for name in sorted(changed & store.keys())])
        for message in foreign:
            if message in one.without_incident():
                one.ignore(message)
        held, known = queue, store
        other = Comparison()
        other.unmanaged = set(one.unmanaged)
        other.list_all(queue.values())
        other.read_all(store.values())
        assert found(one) == found(other)


def test_only_unsettled_incidents_are_compared() -> None:
    one = Comparison()
    held = {name: HeldMessage(name, 1, 1, "", []) for name in ("4a", "4b", "4c", "4d")}
    one.list_all(held.values())
    one.read_all(
        [
            Standing("A", "4a", 1, State.HELD, START),
            Standing("B", "4b", 1, State.APPROVED, START),
            Standing("C", "4c", 2, State.HELD, START),  # a message that had the queue id before
            Standing("D", "4gone", 1, State.HELD, START),
        ]
    )
    assert [standing.id for standing in one.unfinished()] == ["B", "C", "D"]
    assert one.without_incident() == [held["4c"], held["4d"]]
    one.ignore(held["4d"])
    assert (one.without_incident(), one.unmanaged) == ([held["4c"]], {("4d", 1)})
    one.list_changed([], ["4a", "4b"])
    assert [standing.id for standing in one.unfinished()] == ["A", "B", "C", "D"]
    one.read_changed(["A", "B", "C", "D"], [])
    assert one.unfinished() == []
    assert one.oldest() == 1
    one.list_changed([], ["4c"])
    assert one.oldest() is None  # the one that is left is not Holdgate's
