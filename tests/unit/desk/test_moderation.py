"""Decisions: permission, effects, and exactly one outcome for concurrent decisions."""

import contextlib
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from holdgate.config import DeskSettings, ModerationSettings, PolicySettings, Settings
from holdgate.desk import asking, moderation
from holdgate.desk.context import Desk
from holdgate.desk.moderation import RefusedError, Why
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Actor, Answer, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import ConflictError, Store, open_store
from tests.unit.desk.conftest import Hold, MakeDesk

BOSS = Actor("boss@corp.example", "page", "192.0.2.7")
BOTH = ["boss@corp.example", "second@corp.example"]
ADMIN = Actor("root", "command")
POLICIES = PolicySettings(file=Path(__file__).parents[3] / "etc/policies.toml")


def outbox(desk: Desk) -> list[tuple[str, str]]:
    due = desk.store.outbox.due(datetime.now(UTC) + timedelta(days=1))
    return sorted((notice.kind, notice.recipient) for notice in due if notice.kind != "request")


def answer(desk: Desk, incident: Incident, who: str, choice: Answer, comment: str = "", how: str = "page") -> Incident:
    request = moderation.request_of(desk, incident, who)
    assert request is not None
    return moderation.answer(desk, request, choice, Actor(who, how, "192.0.2.7"), comment)


def test_an_approval_is_recorded_with_actor_method_and_origin(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    done = answer(desk, incident, "boss@corp.example", Answer.APPROVE, " Fine.\r\n\x07 ")
    assert (done.state, done.decided_by, done.decided_how) == (State.APPROVED, "boss@corp.example", "page")
    assert done.comment == "Fine."
    assert outbox(desk) == [("approved", "anna@corp.example")]
    last = desk.store.history(incident.id)[-1]
    assert (last.event, last.who, last.how, last.origin, last.note) == (
        "approved",
        "boss@corp.example",
        "page",
        "192.0.2.7",
        "Fine.",
    )


def test_the_sender_is_notified_of_an_approval_only_if_the_setting_says_so(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(notify_sender_on_approval=False)
    answer(desk, hold(desk), "boss@corp.example", Answer.APPROVE)
    assert outbox(desk) == []


@pytest.mark.parametrize("sender", ["", "victim@elsewhere.example", "x@notcorp.example"])
def test_null_and_external_senders_are_not_notified_and_this_is_recorded(
    make_desk: MakeDesk, hold: Hold, sender: str
) -> None:
    desk = make_desk(notify_sender_on_hold=True)
    for choice in (Answer.APPROVE, Answer.REJECT):
        incident = hold(desk, sender=sender)
        answer(desk, incident, "boss@corp.example", choice)
        assert desk.store.history(incident.id)[-1].event == EventName.SENDER_NOT_NOTIFIED
    incident = hold(desk, sender=sender)
    moderation.expire(desk, incident)
    assert outbox(desk) == []


def test_senders_in_a_subdomain_of_the_site_are_notified(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(desk={"own_domains": ["Partner.example"]})
    answer(desk, hold(desk, sender="a@mail.partner.example"), "boss@corp.example", Answer.REJECT)
    answer(desk, hold(desk, sender="a@corp.example"), "boss@corp.example", Answer.REJECT)
    assert outbox(desk) == [("rejected", "a@mail.partner.example")]


def test_the_first_moderator_decides_and_the_others_are_notified(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(moderators=[*BOTH, "third@corp.example"])
    incident = hold(desk)
    answer(desk, incident, "second@corp.example", Answer.REJECT, how="mail")
    # A moderator who answered by mail sees no page, so they are notified too.
    assert outbox(desk) == [
        ("decided", "boss@corp.example"),
        ("decided", "second@corp.example"),
        ("decided", "third@corp.example"),
        ("rejected", "anna@corp.example"),
    ]
    with pytest.raises(RefusedError) as caught:
        answer(desk, incident, "boss@corp.example", Answer.APPROVE)
    assert caught.value.why is Why.DECIDED
    assert caught.value.incident.decided_by == "second@corp.example"


def test_two_approvals_need_two_people(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(moderators=BOTH, approvals=2)
    incident = hold(desk)
    assert answer(desk, incident, "boss@corp.example", Answer.APPROVE).state is State.HELD
    with pytest.raises(RefusedError) as caught:
        answer(desk, incident, "boss@corp.example", Answer.APPROVE)
    assert caught.value.why is Why.ALREADY_APPROVED
    assert answer(desk, incident, "second@corp.example", Answer.APPROVE).state is State.APPROVED
    assert outbox(desk) == [("approved", "anna@corp.example"), ("decided", "boss@corp.example")]


def test_one_rejection_decides_although_two_approvals_are_needed(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(moderators=BOTH, approvals=2)
    incident = hold(desk)
    answer(desk, incident, "boss@corp.example", Answer.APPROVE)
    assert answer(desk, incident, "second@corp.example", Answer.REJECT).state is State.REJECTED


def test_approval_levels_follow_each_other_each_with_its_own_deadline(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(levels=[["boss@corp.example", "other@corp.example"], ["law@corp.example"]])
    incident = hold(desk)
    first = answer(desk, incident, "boss@corp.example", Answer.APPROVE)
    assert (first.state, first.level, first.asked_at, first.deadline_at) == (State.HELD, 1, None, None)
    assert [one.id for one in desk.store.agenda.awaiting_request()] == [incident.id]
    assert desk.store.agenda.overdue(datetime.now(UTC) + timedelta(days=9)) == []
    # The first level can no longer decide.
    with pytest.raises(RefusedError) as caught:
        answer(desk, incident, "other@corp.example", Answer.REJECT)
    assert caught.value.why is Why.NOT_REQUESTED
    later = datetime.now(UTC) + timedelta(days=1)
    second = asking.ask(desk, first, later)
    assert second.deadline_at == later + timedelta(days=2)
    assert answer(desk, second, "law@corp.example", Answer.APPROVE).state is State.APPROVED


def test_a_person_cannot_approve_at_two_levels(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(levels=[["boss@corp.example"], ["boss@corp.example"]])
    incident = answer(desk, hold(desk), "boss@corp.example", Answer.APPROVE)
    asking.ask(desk, incident, datetime.now(UTC))
    assert desk.store.requests.of(incident.id)[-1].moderator == "desk@corp.example"


def test_an_administrator_decides_without_further_approvals(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(moderators=BOTH, approvals=2)
    done = moderation.override(desk, hold(desk), Answer.APPROVE, ADMIN)
    assert done.state is State.APPROVED
    assert outbox(desk) == [
        ("approved", "anna@corp.example"),
        ("decided", "boss@corp.example"),
        ("decided", "second@corp.example"),
    ]


def test_a_sender_can_withdraw_their_message(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    done = moderation.withdraw(desk, incident, Actor(incident.sender, "withdrawal"))
    assert (done.state, done.decided_how) == (State.REJECTED, "withdrawal")
    assert outbox(desk) == [("decided", "boss@corp.example"), ("withdrawn", "anna@corp.example")]


def test_an_answer_at_the_deadline_is_late(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    (request,) = desk.store.requests.of(incident.id)
    with pytest.raises(RefusedError) as caught:
        moderation.answer(desk, request, Answer.APPROVE, BOSS, now=request.deadline_at)
    assert caught.value.why is Why.DEADLINE_PASSED
    just_before = request.deadline_at - timedelta(microseconds=1)
    assert moderation.answer(desk, request, Answer.APPROVE, BOSS, now=just_before).state is State.APPROVED
    with pytest.raises(ConflictError):
        moderation.expire(desk, incident)


def test_a_message_that_has_not_arrived_cannot_be_decided(make_desk: MakeDesk) -> None:
    desk = make_desk()
    incident = Incident(queue_id="4", sender="a@corp.example", recipients=["b@x"], policy="p")
    desk.store.record(incident, ADMIN)
    with pytest.raises(RefusedError) as caught:
        moderation.override(desk, incident, Answer.APPROVE, ADMIN)
    assert caught.value.why is Why.PENDING


def test_comments_are_limited_in_length_and_printable() -> None:
    comment = moderation.clean_comment("a\u202eb\x1b[31m\r\nc" + "x" * 10_000_000)
    assert comment.startswith("a b [31m\nc")
    assert len(comment) == moderation.COMMENT_LENGTH


def test_simultaneous_decisions_give_one_outcome_and_one_matching_notice(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(moderators=BOTH, notify_sender_on_hold=True)
    for round_ in range(5):
        incident = hold(desk, queue_id=f"4{round_}", subject=str(round_))
        start = threading.Barrier(6)

        def attempt(number: int, incident: Incident = incident, start: threading.Barrier = start) -> None:
            start.wait()
            try:
                if number == 0:
                    moderation.expire(desk, incident)
                elif number == 1:
                    moderation.withdraw(desk, incident, Actor(incident.sender, "withdrawal"))
                elif number == 2:
                    moderation.override(desk, incident, Answer.REJECT, ADMIN)
                else:
                    answer(desk, incident, BOTH[number % 2], (Answer.APPROVE, Answer.REJECT)[number % 2])
            except (RefusedError, ConflictError):
                pass

        threads = [threading.Thread(target=attempt, args=[number]) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        events = [event.event for event in desk.store.history(incident.id)]
        assert sum(event in ("approved", "rejected", "expired") for event in events) == 1
        notices = [
            notice.kind
            for notice in desk.store.outbox.due(datetime.now(UTC) + timedelta(days=1))
            if notice.incident_id == incident.id and notice.kind in ("approved", "rejected", "expired", "withdrawn")
        ]
        assert len(notices) == 1
    assert desk.store.audit.verify().problem == ""


class Moderating(RuleBasedStateMachine):
    """People answer, are absent, return, and withdraw, and time passes: in any order and any number."""

    PEOPLE = (
        "boss@corp.example",
        "second@corp.example",
        "deputy@corp.example",
        "law@corp.example",
        "desk@corp.example",
    )

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store

    def teardown(self) -> None:
        # An event that does not fit stays in the chain, so this need not be asked after each step.
        assert self.store.audit.verify().problem == ""

    @initialize(approvals=st.integers(1, 2), chain=st.booleans())
    def start(self, approvals: int, chain: bool) -> None:
        rules = ModerationSettings(
            moderators=list(self.PEOPLE[:2]),
            levels=[list(self.PEOPLE[:2]), ["law@corp.example"]] if chain else [],
            approvals=approvals,
            deputies={"boss@corp.example": "deputy@corp.example"},
            fallback=["desk@corp.example"],
        )
        desk = DeskSettings(own_domains=["corp.example"])
        self.desk = Desk(self.store, Settings(moderation=rules, desk=desk, policy=POLICIES))
        self.approvals, self.levels = approvals, 2 if chain else 1
        self.now = datetime.now(UTC)
        incident = Incident(queue_id="4", sender="anna@corp.example", recipients=["b@partner.example"], policy="p")
        self.store.record(incident, ADMIN)
        self.id = self.store.change(incident, State.HELD, ADMIN, held_at=self.now).id

    def of_this_example(self, incidents: list[Incident]) -> list[Incident]:
        """Return the incident of this example, if it is among some: the store has those of earlier ones too."""
        return [one for one in incidents if one.id == self.id]

    @property
    def incident(self) -> Incident:
        found = self.store.incident(self.id)
        assert found is not None
        return found

    @rule()
    def ask(self) -> None:
        for incident in self.of_this_example(self.store.agenda.awaiting_request()):
            asking.ask(self.desk, incident, self.now)

    @rule(who=st.integers(0, 9), choice=st.sampled_from([Answer.APPROVE, Answer.APPROVE, Answer.REJECT]))
    def answer(self, who: int, choice: Answer) -> None:
        known = self.store.requests.of(self.id)
        if known:
            request = known[who % len(known)]
            with contextlib.suppress(RefusedError):
                moderation.answer(self.desk, request, choice, Actor(request.moderator, "page"), now=self.now)

    @rule(who=st.integers(0, 9), answer=st.sampled_from([Answer.OUT_OF_OFFICE, Answer.BOUNCED]))
    def cannot(self, who: int, answer: Answer) -> None:
        known = self.store.requests.of(self.id)
        if known:
            asking.reassign(self.desk, known[who % len(known)], answer, "test")

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        for incident in self.of_this_example(self.store.agenda.overdue(self.now)):
            moderation.expire(self.desk, incident)
        for incident in self.of_this_example(self.store.agenda.to_remind(self.now)):
            asking.remind(self.desk, incident, self.now)

    @rule()
    def withdraw(self) -> None:
        with contextlib.suppress(RefusedError):
            moderation.withdraw(self.desk, self.incident, Actor("anna@corp.example", "withdrawal"))

    @invariant()
    def an_approved_incident_has_enough_approvals_of_different_people(self) -> None:
        if self.incident.state is State.APPROVED:
            approving = [one.moderator for one in self.store.requests.of(self.id) if one.answer is Answer.APPROVE]
            assert len(set(approving)) >= self.approvals * self.levels
            assert not any(one.answer is Answer.REJECT for one in self.store.requests.of(self.id))

    @invariant()
    def each_incident_has_one_outcome_and_one_notice(self) -> None:
        decided = self.incident.state is not State.HELD
        events = [event.event for event in self.store.history(self.id)]
        assert sum(event in ("approved", "rejected", "expired") for event in events) == decided
        due = self.store.outbox.due(datetime.now(UTC) + timedelta(days=1))
        ends = ("approved", "rejected", "expired", "withdrawn")
        assert sum(one.incident_id == self.id and one.kind in ends for one in due) == decided

    @invariant()
    def a_held_incident_with_requests_has_a_deadline(self) -> None:
        incident = self.incident
        if incident.state is State.HELD:
            assert (incident.asked_at is None) == (incident.deadline_at is None)


@pytest.mark.slow
def test_the_rules_hold_for_moderation_steps_in_any_order(store_url: str) -> None:
    # One store for all examples, each with its own incident: to make one takes longer than an example.
    store = open_store(store_url)
    try:
        run_state_machine_as_test(
            lambda: Moderating(store),  # type: ignore[arg-type]  # hypothesis calls it, and asks for a class
            settings=settings(max_examples=25, stateful_step_count=15, suppress_health_check=list(HealthCheck)),
        )
    finally:
        store.close()
