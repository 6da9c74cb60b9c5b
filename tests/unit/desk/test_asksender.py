"""The action ask-sender: who is asked, the limits, the effect of each choice, and concurrent decisions."""

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from holdgate.desk import asking, asksender, moderation, moderators, selfrelease, senderchoice
from holdgate.desk.changing import Changer
from holdgate.desk.context import Desk
from holdgate.desk.moderation import RefusedError, Why
from holdgate.desk.outcome import outcome_key
from holdgate.desk.senderchoice import Choice, Flaw, FlawedError, choose
from holdgate.mask import mask_numbers
from holdgate.quarantine.incident import Actor, Answer, Change, Incident, Request
from holdgate.quarantine.states import State
from holdgate.queue.changed import AmbiguousError, kept
from holdgate.queue.wishes import Addressee, Sent
from tests.unit.desk.conftest import Hold, MakeDesk

ANNA, BOSS, OWNER = "anna@corp.example", "boss@corp.example", "owner@corp.example"
BOB, TWIN = "bob@partner.example", "bob@partner-group.example"
RISK = {"kind": "lookalike", "recipient": TWIN, "similar": BOB, "count": 214, "whose": "sender"}
PAGE = Actor(ANNA, "page", "192.0.2.1")


def make(make_desk: MakeDesk, rules: str = "", **settings: object) -> Desk:
    policies = f'[[policy]]\nname = "ask"\naction = "ask-sender"\n{rules}\n'
    return make_desk(policies=policies, desk={"change_relay": "127.0.0.1:3"}, **settings)


def held(hold: Hold, desk: Desk, **values: object) -> Incident:
    given = {"policy": "ask", "action": "ask-sender", "recipients": [BOB, TWIN], "recipient_risks": [RISK]}
    return hold(desk, **(given | values))


def asked(desk: Desk, incident: Incident) -> list[tuple[str, str]]:
    return [(one.moderator, one.role) for one in desk.store.requests.of(incident.id) if one.is_open]


def due(desk: Desk) -> list[tuple[str, str]]:
    return [(one.kind, one.recipient) for one in desk.store.outbox.due(datetime.now(UTC) + timedelta(seconds=1))]


def request_of(desk: Desk, incident: Incident) -> Request:
    return next(one for one in desk.store.requests.of(incident.id) if one.is_of_sender)


class FixedChanger(Changer):
    """Excludes the recipients that the sender names, without a queue."""

    def __init__(self) -> None:
        pass

    def exclude(self, incident: Incident, excluded: Sequence[str]) -> Change:
        return Change(["without-recipients"], "00", "00", "5f" * 16, recipients=list(excluded))


def send(desk: Desk, incident: Incident, *excluded: str, reason: str = "", who: Actor = PAGE) -> Incident:
    return choose(desk, request_of(desk, incident), Choice(True, excluded, reason), who, FixedChanger())


def test_only_the_sender_is_asked(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, notify_sender_on_hold=True, notify_over=[])
    before = REGISTRY.get_sample_value("holdgate_sender_questions_total", {"asked": "sender"}) or 0
    incident = held(hold, desk)
    assert asked(desk, incident) == [(ANNA, "sender")]
    assert due(desk) == [("request", ANNA)]
    assert REGISTRY.get_sample_value("holdgate_sender_questions_total", {"asked": "sender"}) == before + 1


@pytest.mark.parametrize(
    ("excluded", "how", "end"),
    [([], "sender", "self_released"), ([TWIN], "sender-corrected", "sent_to_some"), ([BOB], "sender", "sent_to_some")],
)
def test_the_sender_can_release_the_message(
    make_desk: MakeDesk, hold: Hold, excluded: list[str], how: str, end: str
) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)
    done = send(desk, incident, *excluded, reason="They know")
    assert (done.state, done.decided_by, done.decided_how, done.comment) == (State.APPROVED, ANNA, how, "They know")
    assert outcome_key(done) == end
    assert (done.change is None) == (not excluded)
    if done.change is not None:
        assert done.change["recipients"] == excluded
        chosen = next(one for one in desk.store.history(incident.id) if one.event == "changes chosen")
        assert excluded[0] in chosen.note
    # Who decides on the page knows: no mail but the message itself, where it is another one.
    assert [kind for kind, _ in due(desk) if kind != "request"] == (["changed"] if excluded else [])
    with pytest.raises(RefusedError):
        send(desk, incident)


def test_the_sender_can_cancel_the_message(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)
    done = choose(desk, request_of(desk, incident), Choice(False, reason="Wrong Bob"), PAGE, None)
    assert (done.state, done.decided_how, done.comment, outcome_key(done)) == (
        State.REJECTED,
        "withdrawal",
        "Wrong Bob",
        "withdrawn",
    )
    assert ("withdrawn", ANNA) in due(desk)


@pytest.mark.parametrize(
    ("wanted", "is_sent", "reason", "is_taken"),
    [
        ("never", True, "", True),
        ("send", True, " \n", False),
        ("send", True, "Yes", True),
        ("send", False, "", True),
        ("always", False, "", False),
        ("always", False, "No", True),
    ],
)
def test_a_reason_is_required_if_the_policy_says_so(
    make_desk: MakeDesk, hold: Hold, wanted: str, is_sent: bool, reason: str, is_taken: bool
) -> None:
    desk = make(make_desk, f'ask_reason = "{wanted}"')
    incident = held(hold, desk)
    choice = Choice(is_sent, reason=reason)
    if is_taken:
        assert choose(desk, request_of(desk, incident), choice, PAGE, None).state is not State.HELD
        return
    with pytest.raises(FlawedError) as flawed:
        choose(desk, request_of(desk, incident), choice, PAGE, None)
    assert flawed.value.flaw is Flaw.NO_REASON
    assert asked(desk, incident) == [(ANNA, "sender")]


@pytest.mark.parametrize("excluded", [[BOB, TWIN], ["somebody@partner.example"], [TWIN, "somebody@partner.example"]])
def test_the_sender_can_exclude_some_recipients_but_not_all(
    make_desk: MakeDesk, hold: Hold, excluded: list[str]
) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)
    with pytest.raises(FlawedError) as flawed:
        send(desk, incident, *excluded)
    assert flawed.value.flaw is Flaw.RECIPIENTS
    assert desk.store.incident(incident.id).state is State.HELD


LIMITS = [
    ("", {"profiles": {"a": "high"}}, "severity"),
    ("", {"profiles": {"a": "medium"}}, None),
    ('ask_severity = "critical"', {"profiles": {"a": "critical"}}, None),
    ("ask_recipients = 2", {"recipients": [BOB, TWIN, "c@partner.example"]}, "recipients"),
    ("ask_recipients = 2", {}, None),
    ("", {"status": "limited"}, "not-inspected"),
    ("", {"encrypted": True}, "not-inspected"),
]


@pytest.mark.parametrize(("rules", "values", "limit"), LIMITS)
def test_moderators_are_asked_instead_over_a_limit(
    make_desk: MakeDesk, hold: Hold, rules: str, values: dict[str, object], limit: str | None
) -> None:
    desk = make(make_desk, rules)
    incident = held(hold, desk, **values)
    assert asked(desk, incident) == ([(ANNA, "sender")] if limit is None else [(BOSS, "moderator")])
    note = next(one.note for one in desk.store.history(incident.id) if one.event == "asked")
    assert note.endswith(f"; {limit}") == (limit is not None)


@pytest.mark.parametrize(("rules", "values", "limit"), [one for one in LIMITS if one[2]])
def test_moderators_are_asked_too_over_a_limit_and_the_sender_can_only_cancel(
    make_desk: MakeDesk, hold: Hold, rules: str, values: dict[str, object], limit: str
) -> None:
    desk = make(make_desk, f'ask_beyond = "both"\n{rules}')
    incident = held(hold, desk, **values)
    assert asked(desk, incident) == [(ANNA, "sender"), (BOSS, "moderator")]
    assert not senderchoice.may_exclude(desk, incident, datetime.now(UTC))
    with pytest.raises(FlawedError) as flawed:
        send(desk, incident, TWIN)
    assert flawed.value.flaw is Flaw.MODERATED
    waiting = send(desk, incident, reason="I know them")
    assert waiting.state is State.HELD
    assert asked(desk, incident) == [(BOSS, "moderator")]
    assert ("said", BOSS) in due(desk)
    assert desk.conversation.reasons(waiting)[-1].note == "I know them"
    with pytest.raises(RefusedError) as refused:
        send(desk, incident)
    assert refused.value.why is Why.ALREADY_APPROVED
    boss = moderation.request_of(desk, waiting, BOSS)
    assert boss is not None
    assert moderation.answer(desk, boss, Answer.APPROVE, Actor(BOSS, "page")).state is State.APPROVED


def test_the_answer_of_the_sender_does_not_count_as_one_of_two_approvals(make_desk: MakeDesk, hold: Hold) -> None:
    people = [BOSS, "peer@corp.example"]
    desk = make(make_desk, 'ask_beyond = "both"', approvals=2, moderators=people)
    incident = held(hold, desk, profiles={"a": "critical"})
    send(desk, incident)
    states = []
    for person in people:
        request = moderation.request_of(desk, incident, person)
        assert request is not None
        states.append(moderation.answer(desk, request, Answer.APPROVE, Actor(person, "page")).state)
    assert states == [State.HELD, State.APPROVED]


def test_the_sender_can_cancel_while_moderators_are_asked_too(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, 'ask_beyond = "both"')
    incident = held(hold, desk, profiles={"a": "critical"})
    assert choose(desk, request_of(desk, incident), Choice(False), PAGE, None).state is State.REJECTED
    assert ("decided", BOSS) in due(desk)


def test_overrides_are_counted_and_corrections_are_not(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, "ask_overrides = 2")
    for excluded in ([], [TWIN], [], [TWIN]):
        incident = held(hold, desk)
        if asked(desk, incident) == [(ANNA, "sender")]:
            send(desk, incident, *excluded)
    assert asked(desk, incident) == [(BOSS, "moderator")]
    assert asked(desk, held(hold, desk, sender="ben@corp.example")) == [("ben@corp.example", "sender")]
    rules = asksender.rules_of(desk, incident)
    assert rules is not None
    assert asksender.limit(desk, incident, rules, datetime.now(UTC)) is asksender.Limit.OVERRIDES
    assert asksender.limit(desk, incident, rules, datetime.now(UTC) + timedelta(days=7, seconds=1)) is None


@pytest.mark.parametrize("rule", ["ask_overrides = 1", "ask_per_day = 1"])
def test_all_spellings_of_an_address_share_one_limit(make_desk: MakeDesk, hold: Hold, rule: str) -> None:
    desk = make(make_desk, rule)
    send(desk, held(hold, desk))
    for sender in (ANNA, "Anna@corp.example", "anna+1@corp.example", "ANNA+x@CORP.example"):
        assert asked(desk, held(hold, desk, sender=sender)) == [(BOSS, "moderator")]
    assert asked(desk, held(hold, desk, sender="anna2@corp.example")) == [("anna2@corp.example", "sender")]


def test_a_limit_reached_after_the_question_passes_it_to_moderators(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, "ask_overrides = 1")
    first, second = held(hold, desk), held(hold, desk)
    send(desk, first)
    waiting = send(desk, second, reason="Again")
    assert waiting.state is State.HELD
    assert asked(desk, second) == [(BOSS, "moderator")]


def test_a_person_is_not_asked_more_often_than_the_daily_limit(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, 'ask_per_day = 2\nask_beyond = "both"')
    found = [asked(desk, held(hold, desk)) for _ in range(3)]
    assert found == [[(ANNA, "sender")], [(ANNA, "sender")], [(BOSS, "moderator")]]
    tomorrow = datetime.now(UTC) + timedelta(days=1, minutes=1)
    incident = held(hold, desk, asked=False, now=tomorrow)
    assert asked(desk, asking.ask(desk, incident, tomorrow)) == [(ANNA, "sender")]


@pytest.mark.parametrize(
    ("sender", "people"),
    [
        ("erp@corp.example", [(OWNER, "owner")]),
        (ANNA, [(ANNA, "sender")]),
        ("", [(BOSS, "moderator")]),
        ("eve@partner.example", [(BOSS, "moderator")]),
    ],
)
def test_the_owner_of_an_application_is_asked_and_no_external_address(
    make_desk: MakeDesk, hold: Hold, sender: str, people: list[tuple[str, str]]
) -> None:
    desk = make(make_desk, f'ask_owners = "inline:{{ERP@corp.example={OWNER}, erp@corp.example={OWNER}}}"')
    assert asked(desk, held(hold, desk, sender=sender)) == people


@pytest.mark.parametrize(
    ("login", "client", "people"),
    [
        ("billing", "198.51.100.1", [(OWNER, "owner")]),
        ("", "192.0.2.7", [("ops@corp.example", "owner")]),
        ("nobody", "198.51.100.1", [(BOSS, "moderator")]),  # a program without an owner cannot be asked
        (ANNA, "198.51.100.1", [(ANNA, "sender")]),
    ],
)
def test_the_owner_of_a_machine_account_is_asked(
    make_desk: MakeDesk, hold: Hold, login: str, client: str, people: list[tuple[str, str]]
) -> None:
    table = f"inline:{{billing={OWNER}, 192.0.2=ops@corp.example, nobody=none}}"
    desk = make(make_desk, machines={"mode": "on", "accounts": table})
    incident = held(hold, desk, auth_user=login, client_address=client)
    assert asked(desk, incident) == people


def test_the_owners_table_is_used_before_the_accounts_table(make_desk: MakeDesk, hold: Hold) -> None:
    accounts = {"mode": "learn", "accounts": "inline:{erp=ops@corp.example}"}
    desk = make(make_desk, f'ask_owners = "inline:{{erp={OWNER}}}"', machines=accounts)
    assert asked(desk, held(hold, desk, auth_user="erp")) == [(OWNER, "owner")]


def test_the_accounts_table_is_not_used_if_machines_are_off(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, machines={"mode": "off", "accounts": f"inline:{{erp={OWNER}}}"})
    assert asked(desk, held(hold, desk, auth_user="erp")) == [(ANNA, "sender")]


@pytest.mark.slow
def test_a_failed_accounts_table_is_retried(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, machines={"mode": "on", "accounts": "texthash:/nonexistent/machines"})
    now = datetime.now(UTC)
    incident = held(hold, desk, asked=False, now=now, auth_user="erp")
    with pytest.raises(moderators.TryLaterError):
        asking.ask(desk, incident, now + timedelta(minutes=14))
    assert asked(desk, asking.ask(desk, incident, now + timedelta(minutes=16))) == [(BOSS, "moderator")]


@pytest.mark.slow
def test_a_failed_owners_table_is_retried_and_then_moderators_are_asked(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, 'ask_owners = "texthash:/nonexistent/owners"')
    now = datetime.now(UTC)
    incident = held(hold, desk, asked=False, now=now)
    with pytest.raises(moderators.TryLaterError):
        asking.ask(desk, incident, now + timedelta(minutes=14))
    assert asked(desk, asking.ask(desk, incident, now + timedelta(minutes=16))) == [(BOSS, "moderator")]


def test_an_owner_who_is_a_recipient_does_not_decide(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, f'ask_owners = "inline:{{erp@corp.example={OWNER}}}"')
    incident = held(hold, desk, sender="erp@corp.example", recipients=[OWNER.title(), BOB])
    assert asked(desk, incident) == [(BOSS, "moderator")]


@pytest.mark.parametrize(("is_sent", "end"), [(True, "approved"), (False, "rejected")])
def test_an_owner_decides_in_their_own_name(make_desk: MakeDesk, hold: Hold, is_sent: bool, end: str) -> None:
    desk = make(make_desk, f'ask_owners = "inline:{{erp@corp.example={OWNER}}}"')
    incident = held(hold, desk, sender="erp@corp.example")
    done = choose(desk, request_of(desk, incident), Choice(is_sent), Actor(OWNER, "page"), None)
    assert (done.decided_by, done.decided_how, outcome_key(done)) == (OWNER, "owner", end)
    assert (end, "erp@corp.example") in due(desk)


@pytest.mark.parametrize("answer", [Answer.BOUNCED, Answer.OUT_OF_OFFICE])
def test_a_request_that_bounces_goes_to_the_moderators(make_desk: MakeDesk, hold: Hold, answer: Answer) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)
    assert asking.reassign(desk, request_of(desk, incident), answer, "returned")
    left = [(ANNA, "sender")] if answer is Answer.OUT_OF_OFFICE else []
    assert asked(desk, incident) == [*left, (BOSS, "moderator")]
    # A sender who sent an out-of-office reply can still decide, but not one whose request bounced.
    if left:
        assert send(desk, incident).state is State.APPROVED
        assert ("decided", BOSS) in due(desk)
    else:
        with pytest.raises(RefusedError) as refused:
            send(desk, incident)
        assert refused.value.why is Why.NOT_REQUESTED


def test_only_the_first_of_moderator_and_sender_decides(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, notify_sender_on_approval=False)
    incident = held(hold, desk)
    asking.reassign(desk, request_of(desk, incident), Answer.OUT_OF_OFFICE, "automatic reply")
    boss = moderation.request_of(desk, incident, BOSS)
    assert boss is not None
    moderation.answer(desk, boss, Answer.APPROVE, Actor(BOSS, "page"))
    assert ("decided", ANNA) in due(desk)
    with pytest.raises(RefusedError) as refused:
        send(desk, incident)
    assert refused.value.incident.decided_by == BOSS


@pytest.mark.parametrize("state", [Answer.APPROVE, Answer.REJECT])
def test_a_sender_is_notified_of_the_outcome_only_once(make_desk: MakeDesk, hold: Hold, state: Answer) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)
    moderation.override(desk, incident, state, Actor("root", "command"))
    assert [one for one in due(desk) if one[1] == ANNA and one[0] != "request"] == [
        ("approved" if state is Answer.APPROVE else "rejected", ANNA)
    ]


def test_a_request_to_a_sender_does_not_count_as_one_to_a_moderator(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)
    request = request_of(desk, incident)
    assert moderation.request_of(desk, incident, ANNA) is None
    assert not desk.store.requests.knows(ANNA)
    assert desk.store.requests.open_to(ANNA, [incident.id]) == set()
    with pytest.raises(RefusedError) as refused:
        moderation.answer(desk, request, Answer.APPROVE, Actor(ANNA, "page"))
    assert refused.value.why is Why.NOT_REQUESTED
    boss = held(hold, desk, profiles={"a": "critical"})
    other = next(iter(desk.store.requests.of(boss.id)))
    with pytest.raises(RefusedError):
        choose(desk, other, Choice(True), Actor(BOSS, "page"), None)


def test_the_message_is_returned_after_the_deadline(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk)
    incident = held(hold, desk)
    assert incident.deadline_at is not None
    with pytest.raises(RefusedError) as refused:
        choose(desk, request_of(desk, incident), Choice(True), PAGE, None, now=incident.deadline_at)
    assert refused.value.why is Why.DEADLINE_PASSED
    (late,) = desk.store.agenda.overdue(incident.deadline_at)
    assert moderation.expire(desk, late).state is State.EXPIRED


def test_moderators_are_asked_if_the_policy_has_changed_to_quarantine(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    assert asked(desk, held(hold, desk, policy="all")) == [(BOSS, "moderator")]


def test_self_release_does_not_apply_to_a_message_the_sender_is_asked_about(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make(make_desk, self_release=True, self_release_severity="critical")
    incident = held(hold, desk, profiles={"a": "critical"})
    assert selfrelease.obstacle(desk, incident, datetime.now(UTC)) is selfrelease.Obstacle.POLICY


# -- events in any order ---------------------------------------------------------------------------------

STEPS = ("send", "without the doubtful", "do not send", "approve", "reject", "away", "bounced", "too late")


def take(desk: Desk, incident: Incident, step: str) -> None:
    """Do one step; a refused step changes nothing."""
    request = request_of(desk, incident)
    boss = moderation.request_of(desk, incident, BOSS)
    match step:
        case "send":
            send(desk, incident)
        case "without the doubtful":
            send(desk, incident, TWIN)
        case "do not send":
            choose(desk, request, Choice(False), PAGE, None)
        case "approve" | "reject" if boss is not None:
            choice = Answer.APPROVE if step == "approve" else Answer.REJECT
            moderation.answer(desk, boss, choice, Actor(BOSS, "page"))
        case "away" | "bounced":
            answer = Answer.OUT_OF_OFFICE if step == "away" else Answer.BOUNCED
            asking.reassign(desk, request, answer, "returned")
        case "too late":
            choose(desk, request, Choice(True), PAGE, None, now=request.deadline_at)


@given(st.lists(st.sampled_from(STEPS), max_size=6), st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_one_decision_counts_in_any_order_of_steps(
    make_desk: MakeDesk, hold: Hold, steps: list[str], is_beyond: bool
) -> None:
    desk = make(make_desk, 'ask_beyond = "both"\nask_overrides = 1000\nask_per_day = 1000')
    incident = held(hold, desk, **({"profiles": {"a": "critical"}} if is_beyond else {}))
    before = incident
    for step in steps:
        bounced = request_of(desk, incident).answer is Answer.BOUNCED
        with contextlib.suppress(RefusedError, FlawedError):
            take(desk, incident, step)
        now = desk.store.incident(incident.id)
        assert now is not None
        if before.state is not State.HELD:
            assert now == before
        elif now.state is State.HELD:
            assert asked(desk, incident)  # at least one person can always decide
        elif now.state is State.APPROVED:
            by_sender = now.decided_how in ("sender", "sender-corrected")
            assert by_sender == (now.decided_by == ANNA)
            assert not (by_sender and (is_beyond or bounced))
            assert (now.change is not None) == (step == "without the doubtful")
        before = now


# -- the addressees of a queue file ----------------------------------------------------------------------


def envelope(*pairs: tuple[str, str]) -> Sent:
    return Sent(ANNA, [Addressee(address, called=called) for called, address in pairs])


def addresses(incident: Incident, sent: Sent, *excluded: str) -> list[str]:
    return [one.address for one in kept(incident, sent, excluded)]


def incident_to(*recipients: str) -> Incident:
    return Incident("4a", ANNA, list(recipients), "ask")


def test_exactly_the_named_recipients_are_excluded() -> None:
    both = envelope((BOB, BOB), (TWIN, TWIN))
    assert addresses(incident_to(BOB, TWIN), both, TWIN) == [BOB]
    assert addresses(incident_to(BOB, TWIN), both) == [BOB, TWIN]


def test_the_targets_of_an_excluded_alias_are_excluded() -> None:
    sent = envelope(("list@corp.example", "x@partner.example"), ("list@corp.example", "y@partner.example"), (BOB, BOB))
    assert addresses(incident_to("list@corp.example", BOB), sent, "list@corp.example") == [BOB]
    # And an address that is named gets it by no list either.
    sent = envelope(("list@corp.example", TWIN.upper()), ("list@corp.example", BOB), (TWIN, TWIN))
    assert addresses(incident_to("list@corp.example", TWIN), sent, TWIN) == [BOB]


@pytest.mark.parametrize("excluded", [[TWIN], [TWIN.upper()], [TWIN, TWIN.upper()]])
@pytest.mark.parametrize("kept_by_postfix", [[TWIN], [TWIN.upper()], [TWIN, TWIN.upper()]])
def test_spellings_in_another_case_are_one_recipient(excluded: list[str], kept_by_postfix: list[str]) -> None:
    incident = incident_to(BOB, TWIN, TWIN.upper())
    sent = envelope((BOB, BOB), *((one, one) for one in kept_by_postfix))
    assert addresses(incident, sent, *excluded) == [BOB]
    with pytest.raises(AmbiguousError):
        kept(incident_to(TWIN, TWIN.upper()), envelope(*((one, one) for one in kept_by_postfix)), excluded)


def test_a_copy_for_the_archive_is_kept() -> None:
    sent = envelope((BOB, BOB), (TWIN, TWIN), ("archive@corp.example", "archive@corp.example"))
    assert addresses(incident_to(BOB, TWIN), sent, TWIN) == [BOB, "archive@corp.example"]


@pytest.mark.parametrize(
    ("recipients", "sent", "excluded"),
    [
        ([BOB, TWIN], envelope((BOB, BOB), ("", TWIN)), [TWIN]),  # Postfix does not report how it was called
        ([BOB, TWIN], envelope((BOB, BOB)), [TWIN]),  # it is not there
        ([BOB, TWIN], envelope((BOB, BOB), (TWIN, TWIN)), [BOB, TWIN]),
        ([BOB, TWIN], envelope((BOB, BOB), (TWIN, TWIN)), ["c@partner.example"]),
        ([BOB, TWIN], envelope((BOB, TWIN), (TWIN, TWIN)), [TWIN]),  # no recipient is left
        ([BOB, TWIN], Sent(), [TWIN]),
    ],
)
def test_an_ambiguous_exclusion_is_an_error(recipients: list[str], sent: Sent, excluded: list[str]) -> None:
    with pytest.raises(AmbiguousError):
        kept(incident_to(*recipients), sent, excluded)


def test_recipients_with_the_same_masked_form_cannot_be_excluded() -> None:
    one, other = "4000123456789@partner.example", "4000987656789@partner.example"
    assert mask_numbers(one) == mask_numbers(other) != one
    sent = envelope((one, one), (other, other), (BOB, BOB))
    with pytest.raises(AmbiguousError):
        kept(incident_to(mask_numbers(one), mask_numbers(other), BOB), sent, [mask_numbers(one)])
    assert addresses(incident_to(mask_numbers(one), BOB), envelope((one, one), (BOB, BOB)), mask_numbers(one)) == [BOB]
