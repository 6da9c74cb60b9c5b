"""Forward a request, ask the sender, decide later: the effects, the notices, and the refusals."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from holdgate.desk import consult, moderation
from holdgate.desk.consult import Refusal, RefusedToConsultError
from holdgate.desk.context import Desk
from holdgate.quarantine.incident import Actor, Answer, Incident, Request
from holdgate.quarantine.states import State
from tests.unit.desk.conftest import Hold, MakeDesk

BOSS, PEER = "boss@corp.example", "peer@corp.example"
ACTOR = Actor(BOSS, "page")


def request(desk: Desk, incident: Incident, who: str = BOSS) -> Request:
    found = moderation.request_of(desk, incident, who)
    assert found is not None
    return found


def due_notices(desk: Desk, now: datetime | None = None) -> list[tuple[str, str]]:
    due = desk.store.outbox.due(now or datetime.now(UTC) + timedelta(seconds=1))
    return [(one.kind, one.recipient) for one in due]


def test_forwarding_a_request_moves_the_right_to_decide(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    mine = request(desk, incident)
    consult.forward(desk, mine, " Peer@corp.example ", "Please\nlook", ACTOR)
    theirs = request(desk, incident, PEER)
    assert (theirs.role, theirs.instead_of, theirs.is_open) == ("forwarded", BOSS, True)
    assert desk.conversation.forward_note(incident, theirs) == "Please\nlook"
    assert ("request", PEER) in due_notices(desk)
    with pytest.raises(moderation.RefusedError):
        moderation.answer(desk, mine, Answer.APPROVE, ACTOR)
    assert moderation.answer(desk, theirs, Answer.APPROVE, Actor(PEER, "page")).state is State.APPROVED
    (event,) = [one for one in desk.store.history(incident.id) if one.event == "forwarded"]
    assert (event.who, event.note) == (BOSS, "peer@corp.example\nPlease\nlook")


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("someone@partner.example", Refusal.NOBODY),
        ("peer", Refusal.NOBODY),
        ("", Refusal.NOBODY),
        ("peer@corp.example\r\nBcc: x@corp.example", Refusal.NOBODY),
        ("peer@corp.example, other@corp.example", Refusal.NOBODY),
        ("anna@corp.example", Refusal.INVOLVED),
        ("anna+x@corp.example", Refusal.INVOLVED),
        ("boss@corp.example", Refusal.INVOLVED),
    ],
)
def test_a_request_cannot_be_forwarded_to_a_person_who_must_not_decide(
    make_desk: MakeDesk, hold: Hold, to: str, why: Refusal
) -> None:
    desk = make_desk()
    incident = hold(desk)
    before = [event.event for event in desk.store.history(incident.id)]
    with pytest.raises(RefusedToConsultError) as refused:
        consult.forward(desk, request(desk, incident), to, "note", ACTOR)
    assert refused.value.why is why
    assert [event.event for event in desk.store.history(incident.id)] == before


def test_the_setting_limits_where_a_request_can_be_forwarded(make_desk: MakeDesk) -> None:
    desk = make_desk(forward_to=["law@firm.example", "*@sub.example"])
    assert [
        consult.may_forward(desk, to)
        for to in ("law@firm.example", "x@sub.example", "x@firm.example", "peer@corp.example", "x@other.sub.example")
    ] == [True, True, False, False, False]


def test_a_request_cannot_be_forwarded_to_a_person_who_approved_at_another_level(
    make_desk: MakeDesk, hold: Hold
) -> None:
    desk = make_desk(levels=[[BOSS], ["second@corp.example"]])
    incident = hold(desk)
    moderation.answer(desk, request(desk, incident), Answer.APPROVE, ACTOR)
    from holdgate.desk import asking

    current = desk.store.incident(incident.id)
    assert current is not None
    asking.ask(desk, current, datetime.now(UTC))
    with pytest.raises(RefusedToConsultError) as refused:
        consult.forward(desk, request(desk, incident, "second@corp.example"), BOSS, "", ACTOR)
    assert refused.value.why is Refusal.INVOLVED


def test_the_sender_is_asked_and_the_answer_is_stored_in_the_incident(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    mine = request(desk, incident)
    consult.ask_sender(desk, mine, "Why all of them?", ACTOR)
    assert ("question", "anna@corp.example") in due_notices(desk)
    assert desk.conversation.question(incident) == "Why all of them?"
    assert desk.conversation.waits_for_sender(incident)
    consult.answer_as_sender(desk, incident, "They asked for it.", Actor("anna@corp.example", "page"))
    assert ("said", BOSS) in due_notices(desk)
    assert [one.note for one in desk.conversation.reasons(incident)] == ["They asked for it."]
    assert not desk.conversation.waits_for_sender(incident)
    current = desk.store.incident(incident.id)
    assert (current.state, current.deadline_at) == (State.HELD, incident.deadline_at)


def test_an_external_sender_is_not_asked(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    for sender in ("", "guest@partner.example"):
        with pytest.raises(RefusedToConsultError) as refused:
            consult.ask_sender(desk, request(desk, hold(desk, sender=sender)), "Why?", ACTOR)
        assert refused.value.why is Refusal.NO_SENDER


def test_the_number_of_questions_to_a_sender_has_a_limit(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    for number in range(20):
        consult.ask_sender(desk, request(desk, incident), f"Question {number}", ACTOR)
    with pytest.raises(RefusedToConsultError) as refused:
        consult.answer_as_sender(desk, incident, "one more", Actor("anna@corp.example", "page"))
    assert refused.value.why is Refusal.TOO_OFTEN


def test_a_form_that_is_sent_twice_sends_one_mail(make_desk: MakeDesk, hold: Hold) -> None:
    """A double click asked the sender twice, answered twice, and ordered two reminders."""
    desk = make_desk(reminders=[])
    now = datetime.now(UTC)
    incident = hold(desk, now=now)
    mine, sender = request(desk, incident), Actor("anna@corp.example", "page")
    at = consult.times_to_defer(desk, mine, now)[-1]
    for _ in range(2):
        consult.ask_sender(desk, mine, "Why?", ACTOR)
    for _ in range(2):
        consult.answer_as_sender(desk, incident, "A contract.", sender)
    for _ in range(2):
        consult.defer(desk, mine, at, ACTOR, now=now)
    later = due_notices(desk, at + timedelta(minutes=1))
    assert [later.count(one) for one in (("question", incident.sender), ("said", BOSS), ("reminder", BOSS))] == [
        1,
        1,
        1,
    ]
    # The same again, after the answer, is meant.
    consult.ask_sender(desk, mine, "Why?", ACTOR)
    consult.answer_as_sender(desk, incident, "A contract.", sender)
    later = due_notices(desk, at + timedelta(minutes=1))
    assert [later.count(one) for one in (("question", incident.sender), ("said", BOSS))] == [2, 2]


def test_a_postponed_reminder_is_sent_at_the_chosen_time(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(reminders=[])
    now = datetime.now(UTC)
    incident = hold(desk, now=now)
    mine = request(desk, incident)
    offered = consult.times_to_defer(desk, mine, now)
    assert offered == sorted(offered)
    assert all(now < one < mine.deadline_at for one in offered)
    consult.defer(desk, mine, offered[-1], ACTOR, now=now)
    assert ("reminder", BOSS) not in due_notices(desk, offered[-1] - timedelta(seconds=1))
    assert ("reminder", BOSS) in due_notices(desk, offered[-1])
    assert desk.store.requests.deferred(BOSS, [incident.id]) == {incident.id: offered[-1]}
    with pytest.raises(RefusedToConsultError):
        consult.defer(desk, mine, offered[-1] + timedelta(minutes=1), ACTOR, now=now)


def test_nothing_can_be_done_after_the_decision(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    mine = request(desk, incident)
    late = mine.deadline_at + timedelta(seconds=1)
    moderation_actor = Actor("anna@corp.example", "page")
    acts: list[Callable[[], object]] = [
        lambda: consult.forward(desk, mine, PEER, "", ACTOR, now=late),
        lambda: consult.ask_sender(desk, mine, "Why?", ACTOR, now=late),
    ]
    for act in acts:
        with pytest.raises(RefusedToConsultError) as refused:
            act()
        assert refused.value.why is Refusal.OVER
    moderation.answer(desk, mine, Answer.REJECT, ACTOR)
    with pytest.raises(RefusedToConsultError) as refused:
        consult.answer_as_sender(desk, incident, "too late", moderation_actor)
    assert refused.value.why is Refusal.OVER


def test_questions_and_answers_are_erased_with_the_content(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    consult.ask_sender(desk, request(desk, incident), "Secret question", ACTOR)
    moderation.answer(desk, request(desk, incident), Answer.REJECT, ACTOR)
    done = desk.store.incident(incident.id)
    assert done is not None
    closed = desk.store.change(done, State.RETURNED, ACTOR, closed_at=datetime.now(UTC))
    desk.store.erase(closed, ACTOR)
    assert "Secret question" not in repr(desk.store.history(incident.id))
    assert desk.store.audit.verify().problem == ""
