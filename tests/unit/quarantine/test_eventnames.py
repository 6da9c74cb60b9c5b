"""Events of the history: earlier stored names are read as the current ones, and the hash chain keeps them."""

import json
from pathlib import Path

import pytest

from holdgate.quarantine.eventnames import EARLIER, EventName, code_of, current
from holdgate.quarantine.exported import exported
from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store

ACTOR = Actor("holdgate-desk", "desk")

# What daemons of 1.2.0 compare, or show on their pages. They can run next to this version on a shared store.
READ_BY_1_2 = {
    *("held", "asked", "opened", "reminded", "approval", "approved", "changes chosen", "class allowed"),
    *("class revoked", "change failed", "rejected", "expired", "absent", "bounced", "revealed", "wrong_number"),
    *("sender asked", "sender answered", "forwarded", "deferred", "notice sent", "notice dropped", "release begun"),
    "erased",
}


def test_daemons_of_an_earlier_version_know_the_events_that_they_compare_or_show() -> None:
    assert {*EventName, *State} >= READ_BY_1_2


@pytest.mark.parametrize(
    ("stored", "event", "code"),
    [
        ("nobody to ask", EventName.NO_MODERATOR, "no_moderator"),
        ("no_moderator", EventName.NO_MODERATOR, "no_moderator"),
        ("sender not told", EventName.SENDER_NOT_NOTIFIED, "sender_not_notified"),
        ("asked", EventName.REQUESTED, "requested"),
        ("held", State.HELD, "held"),
        ("of a newer version", "of a newer version", "of a newer version"),
    ],
)
def test_a_stored_name_is_read_as_the_current_one(stored: str, event: str, code: str) -> None:
    assert current(stored) == event
    assert code_of(stored) == code_of(event) == code


def test_no_earlier_name_is_in_use_for_another_event() -> None:
    assert not set(EARLIER) & {*EventName, *State}


def test_codes_are_unique_and_no_states() -> None:
    codes = [one.code for one in EventName]
    assert len({*codes, *State}) == len(codes) + len(State) - 1, "only `recorded` is both"


def test_the_history_has_current_names_and_the_audit_trail_keeps_the_stored_ones(store: Store) -> None:
    incident = Incident("4a", "anna@corp.example", ["bob@partner.example"], "p", state=State.HELD)
    store.record(incident, ACTOR)
    for name in ("sender not told", EventName.SENDER_NOT_NOTIFIED):
        store.add_event(incident.id, name, ACTOR)
    history = store.history(incident.id)
    assert [one.event for one in history[1:]] == [EventName.SENDER_NOT_NOTIFIED] * 2
    assert [json.loads(json.dumps(exported(one)))["event"] for one in history[1:]] == ["sender_not_notified"] * 2
    assert [one["event"] for one in store.audit.export()][1:] == ["sender not told", "sender_not_notified"]
    assert store.audit.verify().problem == ""


def test_each_event_is_in_the_reference() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/history.md").read_text(encoding="utf-8")
    for one in EventName:
        assert f"| `{one.code}` | `{one}` | {one.meaning} |" in page
