"""Versions of the hold queue: a known version gets the changes since then, an unknown one gets everything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.queue import versions
from holdgate.queue.versions import Versions

names = st.sets(st.sampled_from(["4a", "4b", "4c"]))


@given(st.lists(names, max_size=10), st.data())
def test_the_changes_since_a_version_are_all_later_steps(steps: list[set[str]], data: st.DataObject) -> None:
    found = Versions()
    known = [found.newest()]
    for step in steps:
        found.note(step)
        known.append(found.newest())
    number = data.draw(st.integers(0, len(steps)))
    assert found.since(known[number]) == set().union(*steps[number:])


def test_old_versions_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_STEPS", 3)
    monkeypatch.setattr(versions, "_NAMES", 5)
    found = Versions()
    first = found.newest()
    for number in range(4):
        found.note([f"4{number}"])
    assert found.since(first) is None
    last = found.newest()
    found.note([f"5{number}" for number in range(6)])
    assert found.since(last) is None
    assert found.since(found.newest()) == set()


def test_twenty_thousand_changed_messages_are_remembered() -> None:
    found = Versions()
    first = found.newest()
    names = {f"4{number}" for number in range(20_000)}
    found.note(names)
    assert found.since(first) == names
    found.note(["5"])
    assert found.since(first) is None


@pytest.mark.parametrize(
    "version", [None, 1, "", "1", ":", "RUN:", "RUN:-1", "RUN:1", "RUN:x", "other:0", "RUN:\u0661"]
)
def test_an_invalid_version_is_unknown(version: object) -> None:
    found = Versions()
    run = found.newest().partition(":")[0]
    assert found.since(version.replace("RUN", run) if isinstance(version, str) else version) is None
    assert found.since(f"{run}:0") == set()


def test_changes_up_to_the_limits_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_STEPS", 3)
    monkeypatch.setattr(versions, "_NAMES", 6)
    found = Versions()
    known = [found.newest()]
    for number in range(3):
        found.note([f"4{number}a", f"4{number}b"])
        known.append(found.newest())
    assert found.since(known[0]) == {"40a", "40b", "41a", "41b", "42a", "42b"}
    found.note([])
    assert found.since(known[0]) is None, "a fourth step"
    assert found.since(known[1]) == {"41a", "41b", "42a", "42b"}
    found.note(["4c", "4d", "4e"])
    assert found.since(known[1]) is None, "a seventh name"
    assert found.since(known[2]) == {"42a", "42b", "4c", "4d", "4e"}


def test_a_restarted_agent_knows_no_earlier_version() -> None:
    assert Versions().since(Versions().newest()) is None


def test_a_thousand_steps_and_twenty_thousand_messages_are_remembered() -> None:
    found = Versions()
    first = found.newest()
    for number in range(1000):
        found.note([f"{number}x{name}" for name in range(20)])
    assert len(found.since(first) or ()) == 20_000
    found.note([])
    assert found.since(first) is None
