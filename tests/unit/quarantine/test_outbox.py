"""The outbox: people still to be notified, notices that are sent once, and daemons that are woken."""

from datetime import UTC, datetime, timedelta

import pytest

from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Actor, Ask, Incident, NewNotice, Notice
from holdgate.quarantine.outbox import CHANGED, HOLD_QUEUE
from holdgate.quarantine.signals import DESK, Signals, queue_of
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store

ACTOR = Actor("holdgate-desk", "desk")
BOSS = "boss@corp.example"


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The recorded signals: which daemon was woken, and why."""
    made: list[str] = []
    monkeypatch.setattr(Signals, "notify", lambda _, *names: made.extend(names))
    return made


def with_notices(store: Store, *notices: NewNotice) -> Incident:
    held = Incident("4a", "anna@corp.example", ["bob@partner.example"], "p", state=State.HELD)
    store.record(held, ACTOR, outbox=notices)
    return held


def due(store: Store) -> list[Notice]:
    return store.outbox.due(datetime.now(UTC))


@pytest.mark.parametrize(
    ("kind", "is_report"),
    [("rejected", True), ("expired", True), ("withdrawn", True), ("approved", False), (CHANGED, False)],
)
def test_a_message_is_not_deleted_before_its_sender_has_the_report(store: Store, kind: str, is_report: bool) -> None:
    incident = with_notices(store, NewNotice(kind, "anna@corp.example"), NewNotice("request", BOSS))
    awaited = {incident.id} if is_report else set()
    assert store.outbox.awaiting_report() == awaited
    report, request = due(store)
    store.outbox.sent(request, ACTOR)
    store.outbox.failed(report, ACTOR, datetime.now(UTC))
    assert store.outbox.awaiting_report() == awaited
    store.outbox.sent(report, ACTOR)
    assert store.outbox.awaiting_report() == set()


def test_a_changed_message_is_awaited_until_postfix_has_it(store: Store) -> None:
    incident = with_notices(store, NewNotice(CHANGED, HOLD_QUEUE))
    other = with_notices(store, NewNotice("request", BOSS))
    assert store.outbox.awaits_change(incident.id)
    assert not store.outbox.awaits_change(other.id)
    store.outbox.sent(due(store)[0], ACTOR)
    assert not store.outbox.awaits_change(incident.id)


def test_a_notice_that_another_desk_handled_is_not_handled_again(store: Store) -> None:
    later = datetime.now(UTC) + timedelta(minutes=5)
    incident = with_notices(store, *(NewNotice("request", f"{name}@corp.example") for name in "abc"))
    sent, postponed, dropped = due(store)
    assert all(store.outbox.is_still_due(one) for one in (sent, postponed, dropped))
    store.outbox.sent(sent, ACTOR)
    store.outbox.failed(postponed, ACTOR, later)
    store.outbox.drop(dropped, ACTOR)
    assert due(store) == []
    assert not any(store.outbox.is_still_due(one) for one in (sent, postponed, dropped))
    before = len(store.history(incident.id))
    for notice in (sent, postponed, dropped):
        store.outbox.failed(notice, ACTOR, later)
        store.outbox.drop(notice, ACTOR)
    assert len(store.history(incident.id)) == before
    (again,) = store.outbox.due(later)
    assert (again.recipient, again.attempts, again.due_at) == ("b@corp.example", 1, later)
    assert store.outbox.is_still_due(again)


def test_the_history_has_the_outcome_and_channel_of_each_notice(store: Store) -> None:
    incident = with_notices(store, NewNotice("request", BOSS), NewNotice("request", "#dlp", channel="chat"))
    by_mail, by_chat = due(store)
    assert (by_mail.channel, by_chat.channel) == ("mail", "chat")
    store.outbox.sent(by_mail, ACTOR)
    store.outbox.failed(by_chat, ACTOR, datetime.now(UTC))
    store.outbox.drop(due(store)[0], ACTOR)
    assert [(one.event, one.note) for one in store.history(incident.id)[1:]] == [
        ("notice sent", f"request to {BOSS}"),
        (EventName.NOTICE_DEFERRED, "request to #dlp over chat"),
        ("notice dropped", "request to #dlp over chat"),
    ]


def test_a_postponed_notice_is_due_at_its_time(store: Store) -> None:
    now = datetime.now(UTC)
    with_notices(store, NewNotice("request", BOSS, at=now + timedelta(minutes=10)))
    assert store.outbox.due(now + timedelta(minutes=9)) == []
    assert [one.recipient for one in store.outbox.due(now + timedelta(minutes=10))] == [BOSS]


@pytest.mark.parametrize("kind", ["rejected", "expired", "request"])
def test_no_report_counts_as_dropped_if_the_sender_refused_reports(store: Store, kind: str) -> None:
    incident = with_notices(store, NewNotice(kind, "anna@corp.example"))
    assert not store.outbox.report_dropped(incident.id)
    store.outbox.drop(due(store)[0], ACTOR)
    assert store.outbox.report_dropped(incident.id) == (kind != "request")
    # A second decision, whose report was sent.
    store.outbox.enqueue(incident.id, NewNotice("rejected", "anna@corp.example"), ACTOR)
    assert store.outbox.report_dropped(incident.id) == (kind != "request")
    store.outbox.sent(due(store)[0], ACTOR)
    assert not store.outbox.report_dropped(incident.id)


def test_the_queue_agent_is_woken_to_delete_and_the_desk_for_an_answer(store: Store, woken: list[str]) -> None:
    incident = with_notices(store, NewNotice("rejected", "anna@corp.example"), NewNotice("request", BOSS))
    report, request = due(store)
    woken.clear()
    store.outbox.sent(request, ACTOR)
    store.outbox.failed(report, ACTOR, datetime.now(UTC))
    assert woken == []
    store.outbox.sent(report, ACTOR)
    assert woken == [queue_of("")]
    woken.clear()
    store.outbox.enqueue(incident.id, NewNotice("answer", BOSS, "understood"), ACTOR)
    assert woken == [DESK]
    assert [(one.event, one.note) for one in store.history(incident.id)][-1] == ("answer queued", "understood")


def test_the_notices_that_a_request_caused_are_counted_by_kind(store: Store) -> None:
    incident = with_notices(store)
    deadline = datetime.now(UTC) + timedelta(days=2)
    store.amend(incident, "asked", ACTOR, deadline_at=deadline, asks=[Ask(BOSS, "moderator")])
    (request,) = store.requests.of(incident.id)
    for kind in ("reminder", "reminder", "withdrawal"):
        store.outbox.enqueue(incident.id, NewNotice(kind, BOSS, request=request.number), ACTOR)
    store.outbox.enqueue(incident.id, NewNotice("reminder", BOSS), ACTOR)
    counts = [store.outbox.count(request.number, kind) for kind in ("request", "reminder", "withdrawal", "alert")]
    assert counts == [1, 2, 1, 0]
    assert store.outbox.count(request.number + 1, "reminder") == 0
