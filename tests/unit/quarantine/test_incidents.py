"""Queries about many incidents: by name, state, message, decision and deadline."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

from holdgate.quarantine.exported import exported
from holdgate.quarantine.incident import (
    Actor,
    Answer,
    Ask,
    Incident,
    Standing,
    derived_incident_id,
    is_incident_id,
    new_incident_id,
)
from holdgate.quarantine.incidents import approvals_for, decisions_by
from holdgate.quarantine.states import State
from holdgate.quarantine.store import ConflictError, Store

ACTOR = Actor("holdgate-desk", "desk")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def add(store: Store, queue_id: str, state: State = State.HELD, hour: int = 0, **values: Any) -> Incident:
    fields = {"sender": "anna@corp.example", "recipients": ["bob@partner.example"], "policy": "p"} | values
    one = Incident(queue_id=queue_id, state=state, created_at=NOW + hour * HOUR, **fields)
    store.record(one, ACTOR)
    return one


def names(found: list[Incident] | list[Standing]) -> list[str]:
    return [one.queue_id for one in found]


def test_an_incident_is_found_by_its_id_in_any_case_or_by_its_queue_id(store: Store) -> None:
    first, second = add(store, "4a", hour=1), add(store, "4a")
    add(store, "4b")
    assert [one.id for one in store.find("4a")] == [second.id, first.id]
    assert [one.id for one in store.find(first.id.lower())] == [first.id]
    assert store.find("4A") == []
    assert store.incident(first.id) == first
    assert store.incident("0000-0000-0000") is None


def test_incidents_are_listed_oldest_first_and_the_newest_page_by_page(store: Store) -> None:
    for hour in range(4):
        add(store, f"4{hour}", State.HELD if hour else State.RELEASED, hour)
    assert names(store.incidents()) == ["40", "41", "42", "43"]
    assert names(store.incidents([State.HELD])) == ["41", "42", "43"]
    assert names(store.incidents([State.RELEASED, State.HELD], limit=2)) == ["42", "43"]
    assert names(store.incidents(limit=2, offset=1)) == ["41", "42"]
    assert names(store.incidents([])) == []
    assert store.count() == {State.HELD: 3, State.RELEASED: 1}


def test_open_incidents_are_listed_with_their_state(store: Store) -> None:
    add(store, "4a", State.PENDING, 1)
    held = add(store, "4b", State.HELD, arrival_time=1764000000)
    add(store, "4c", State.RELEASED)
    add(store, "4d", State.APPROVED, 2, change={"token": "x"})
    open_ones = store.open_incidents()
    assert names(open_ones) == ["4b", "4a", "4d"]
    assert open_ones[0] == Standing(held.id, "4b", 1764000000, State.HELD, NOW, False)
    assert [one.is_changed for one in open_ones] == [False, False, True]
    assert names(store.standings({State.RELEASED})) == ["4c"]
    assert len(store.decided()) == 1


def test_incidents_are_found_by_message_and_by_digest(store: Store) -> None:
    add(store, "4a", hour=1, message_digest="d")
    add(store, "4a", message_digest="d")
    add(store, "4b", message_digest="other")
    assert [one.created_at for one in store.of_message("4a")] == [NOW, NOW + HOUR]
    assert len(store.of_digest("d", NOW)) == 2
    assert len(store.of_digest("d", NOW + HOUR)) == 1
    assert store.of_digest("d", NOW + 2 * HOUR) == []
    assert store.of_digest("none", NOW) == []


def test_incidents_closed_since_a_time_are_listed(store: Store) -> None:
    add(store, "4a", State.RETURNED, closed_at=NOW)
    add(store, "4b", State.RETURNED, closed_at=NOW + HOUR)
    add(store, "4c", State.RELEASED, closed_at=NOW + HOUR)
    assert names(store.closed_since(State.RETURNED, NOW)) == ["4b"]
    assert names(store.closed_since(State.RETURNED, NOW - HOUR)) == ["4a", "4b"]


def test_simultaneous_decisions_do_not_exceed_a_quota(store: Store) -> None:
    held = [add(store, f"4{number}", State.HELD) for number in range(6)]
    start = Barrier(len(held))

    def decide(incident: Incident) -> bool:
        start.wait(20)
        quota = decisions_by("anna".__eq__, "self-release", NOW - HOUR, 2)
        try:
            store.change(
                incident,
                State.APPROVED,
                Actor("anna", "self-release"),
                quota=quota,
                decided_by="anna",
                decided_how="self-release",
                decided_at=NOW,
            )
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(len(held)) as people:
        assert sorted(people.map(decide, held)) == [False] * 4 + [True] * 2
    assert len(store.incidents({State.APPROVED})) == 2


def test_decisions_are_counted_by_person_and_method(store: Store) -> None:
    for queue_id, person, how in [("4a", "boss", "page"), ("4b", "boss", "mail"), ("4c", "other", "page")]:
        add(store, queue_id, State.APPROVED, decided_by=person, decided_how=how, decided_at=NOW)
    assert store.is_used_up(decisions_by("boss".__eq__, "page", NOW - HOUR, 1))
    assert not store.is_used_up(decisions_by("boss".__eq__, "page", NOW - HOUR, 2))
    assert not store.is_used_up(decisions_by("boss".__eq__, "page", NOW, 1))


# -- automatic work of the desk --------------------------------------------------------------------------------


def test_incidents_without_a_request_are_listed(store: Store) -> None:
    add(store, "4a", hour=1)
    first = add(store, "4b")
    add(store, "4c", asked_at=NOW)
    add(store, "4d", State.PENDING)
    assert names(store.agenda.awaiting_request()) == ["4b", "4a"]
    assert store.agenda.awaiting_request_ids()[0] == first.id
    assert len(store.agenda.awaiting_request_ids()) == 2


def test_incidents_past_their_deadline_or_reminder_time_are_listed(store: Store) -> None:
    add(store, "4a", deadline_at=NOW, remind_at=NOW + HOUR)
    add(store, "4b", hour=1, deadline_at=NOW + HOUR, remind_at=NOW)
    add(store, "4c", State.EXPIRED, deadline_at=NOW, remind_at=NOW)
    assert names(store.agenda.overdue(NOW)) == ["4a"]
    assert names(store.agenda.to_remind(NOW)) == ["4b"]
    assert names(store.agenda.overdue(NOW - HOUR)) == []
    assert names(store.agenda.overdue(NOW + HOUR)) == ["4a", "4b"]


def test_incidents_whose_content_is_to_be_erased_are_listed(store: Store) -> None:
    done = add(store, "4a", State.RELEASED, hour=1, closed_at=NOW)
    seen = add(store, "4b", State.RECORDED)
    add(store, "4c", State.RELEASED, policy="other", closed_at=NOW)
    add(store, "4d", State.RELEASED, policy="erased", closed_at=NOW, erased_at=NOW)
    add(store, "4e", State.HELD, policy="open")
    assert sorted(store.agenda.unerased_policies()) == ["other", "p"]
    assert store.agenda.finished_before("p", NOW + HOUR) == [seen.id, done.id]
    assert store.agenda.finished_before("p", NOW) == []
    assert store.agenda.finished_before("erased", NOW + HOUR) == []
    assert store.agenda.finished_before("open", NOW + HOUR) == []


# -- for programs -----------------------------------------------------------------------------------------------------


def test_the_export_has_stable_names_and_no_secrets_or_row_numbers(store: Store) -> None:
    number = "4111111111111111"
    change = {"token": "secret", "copy": "secret", "note": "without it"}
    one = add(store, "4a", sender=f"{number}@corp.example", change=change, asked_at=NOW, decided_how="page")
    fields = exported(one)
    assert fields["change"] == {"note": "without it"}
    assert number not in fields["sender"]
    assert (fields["requested_at"], fields["decision_method"]) == (NOW.isoformat(), "page")
    assert not {"asked_at", "decided_how"} & fields.keys()
    assert exported(add(store, "4b"))["change"] is None


def test_an_exported_request_has_actor_and_answer_but_no_row_number(store: Store) -> None:
    one = add(store, "4a")
    one = store.amend(one, "asked", ACTOR, deadline_at=NOW, asks=[Ask("boss@corp.example", "moderator")])
    (request,) = store.requests.of(one.id)
    fields = exported(request)
    assert not {"number", "incident_id"} & fields.keys()
    assert (fields["moderator"], fields["answer"], fields["deadline_at"]) == (
        "boss@corp.example",
        None,
        NOW.isoformat(),
    )
    store.amend(one, "away", ACTOR, answers={request.number: Answer.OUT_OF_OFFICE})
    assert exported(store.requests.of(one.id)[0])["answer"] == "out_of_office"
    (event, *_) = store.history(one.id)
    assert (exported(event)["actor"], exported(event)["method"]) == ("holdgate-desk", "desk")


def test_a_derived_incident_id_is_constant_and_has_the_usual_form() -> None:
    one = derived_incident_id(["0", "digest", "bob@partner.example"])
    # A retry may come to the next version.
    assert one == derived_incident_id(iter(["0", "digest", "bob@partner.example"])) == "160T-WGNQ-Y8D2"
    others = [["0", "digest", "bob@partner.exampl", "e"], ["1", "digest", "bob@partner.example"], []]
    assert len({one, *map(derived_incident_id, others)}) == 4
    assert is_incident_id(one)
    assert is_incident_id(new_incident_id())
    assert not any(map(is_incident_id, ["", one.lower(), one[:-1], one + "A", one.replace("-", "")]))


def test_is_here_reports_whether_an_incident_belongs_to_this_node(store: Store) -> None:
    one = add(store, "4a")
    assert store.is_here(one)
    assert not store.is_here(replace(one, id=new_incident_id()))


def test_approved_messages_of_a_sender_are_counted_by_method(store: Store) -> None:
    moment = datetime.now(UTC)

    def approved(sender: str, how: str, state: State = State.APPROVED, seconds: int = 1) -> None:
        one = Incident("4a", sender, ["b@partner.example"], "p", state=state)
        at = moment + timedelta(seconds=seconds)
        store.record(replace(one, decided_how=how, decided_at=at, decided_by="boss@corp.example"), ACTOR)

    for sender, how, state, seconds in (
        ("a@corp.example", "page", State.APPROVED, 1),
        ("A@corp.example", "page", State.RELEASED, 1),
        ("a@corp.example", "mail", State.APPROVED, 1),
        ("a@corp.example", "page", State.REJECTED, 1),
        ("a@corp.example", "page", State.APPROVED, 0),
        ("c@corp.example", "page", State.APPROVED, 1),
    ):
        approved(sender, how, state, seconds)

    def count(*how: str) -> int:
        def is_from_a(sender: str) -> bool:
            return sender.lower() == "a@corp.example"

        return next(most for most in range(9) if not store.is_used_up(approvals_for(is_from_a, how, moment, most + 1)))

    assert (count("page"), count("page", "mail"), count("command"), count()) == (2, 3, 0, 0)
