"""A sender releases their own message: permission, the record, notices, and concurrent decisions."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from holdgate.desk import consult, moderation, selfrelease
from holdgate.desk.context import Desk
from holdgate.desk.selfrelease import NotAllowedError, Obstacle
from holdgate.quarantine.incident import Actor, Answer, Incident
from holdgate.quarantine.states import State
from tests.unit.desk.conftest import Hold, MakeDesk

ANNA, BOSS = "anna@corp.example", "boss@corp.example"
SENDER = Actor(ANNA, moderation.SELF_RELEASE, "192.0.2.1")


def due(desk: Desk) -> list[tuple[str, str]]:
    return [(one.kind, one.recipient) for one in desk.store.outbox.due(datetime.now(UTC) + timedelta(seconds=1))]


def test_the_sender_releases_a_message_and_the_reason_is_recorded(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(self_release=True)
    incident = hold(desk, policy="all")
    assert ("held", ANNA) in due(desk)  # the notice has the link
    done = selfrelease.release(desk, incident, "They asked for it", SENDER)
    assert (done.state, done.decided_by, done.decided_how) == (State.APPROVED, ANNA, "self-release")
    assert done.comment == "They asked for it"
    last = desk.store.history(incident.id)[-1]
    assert (last.event, last.who, last.how, last.note) == ("approved", ANNA, "self-release", "They asked for it")
    # Those who were asked hear of it; the sender knows.
    assert ("decided", BOSS) in due(desk)
    assert ("approved", ANNA) not in due(desk)
    with pytest.raises(moderation.RefusedError):
        selfrelease.release(desk, incident, "twice", SENDER)


@pytest.mark.parametrize(
    ("rules", "values", "why"),
    [
        ({"self_release": False}, {}, Obstacle.POLICY),
        ({}, {"policy": "adopted"}, Obstacle.POLICY),  # not in the file, so it was not allowed
        ({}, {"policy": "uninspected"}, Obstacle.POLICY),
        ({}, {"sender": ""}, Obstacle.POLICY),
        ({}, {"sender": "eve@partner.example"}, Obstacle.POLICY),
        ({}, {"status": "limited"}, Obstacle.POLICY),
        ({}, {"status": "failed"}, Obstacle.POLICY),
        ({}, {"encrypted": True}, Obstacle.POLICY),
        ({"approvals": 2, "moderators": [BOSS, "peer@corp.example"]}, {}, Obstacle.POLICY),
        ({"levels": [[BOSS], ["law@corp.example"]]}, {}, Obstacle.POLICY),
        ({}, {"profiles": {"a": "low", "b": "high"}}, Obstacle.SEVERITY),
        ({"self_release_severity": "high"}, {"profiles": {"a": "critical"}}, Obstacle.SEVERITY),
        ({}, {"recipients": [f"r{n}@partner.example" for n in range(11)]}, Obstacle.RECIPIENTS),
        ({}, {"profiles": {"a": "medium"}}, None),
        ({"self_release_severity": "critical"}, {"profiles": {"a": "critical"}}, None),
        ({}, {"recipients": [f"r{n}@partner.example" for n in range(10)]}, None),
    ],
)
def test_self_release_is_refused_outside_its_limits(
    make_desk: MakeDesk, hold: Hold, rules: dict[str, Any], values: dict[str, Any], why: Obstacle | None
) -> None:
    desk = make_desk(**({"self_release": True} | rules))
    incident = hold(desk, **({"policy": "all"} | values))
    assert selfrelease.obstacle(desk, incident, datetime.now(UTC)) is why
    if why is None:
        assert selfrelease.release(desk, incident, "why", SENDER).state is State.APPROVED
        return
    with pytest.raises(NotAllowedError) as refused:
        selfrelease.release(desk, incident, "why", SENDER)
    assert refused.value.obstacle is why
    assert desk.store.incident(incident.id).state is State.HELD


def test_the_daily_limit_counts_only_self_releases(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(self_release=True, self_release_per_day=2)
    held = [hold(desk, policy="all") for _ in range(4)]
    asked = moderation.request_of(desk, held[0], BOSS)
    assert asked is not None
    moderation.answer(desk, asked, Answer.APPROVE, Actor(BOSS, "page"))
    for one in held[1:3]:
        selfrelease.release(desk, one, "why", SENDER)
    with pytest.raises(NotAllowedError) as refused:
        selfrelease.release(desk, held[3], "why", SENDER)
    assert refused.value.obstacle is Obstacle.COUNT
    tomorrow = datetime.now(UTC) + timedelta(days=1, seconds=1)
    assert selfrelease.release(desk, held[3], "why", SENDER, now=tomorrow).state is State.APPROVED


def test_the_daily_limit_applies_to_simultaneous_releases(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(self_release=True, self_release_per_day=1)
    held = [hold(desk, policy="all") for _ in range(4)]
    counted, obstacle = Barrier(len(held)), selfrelease.obstacle
    seen = Counter[str]()

    def after_all_have_counted(desk: Desk, incident: Incident, now: datetime) -> Obstacle | None:
        found = obstacle(desk, incident, now)
        seen[incident.id] += 1
        if seen[incident.id] == 1:
            counted.wait(20)
        return found

    def release(incident: Incident) -> Obstacle | None:
        try:
            selfrelease.release(desk, incident, "why", SENDER)
        except NotAllowedError as error:
            return error.obstacle
        return None

    monkeypatch.setattr(selfrelease, "obstacle", after_all_have_counted)
    with ThreadPoolExecutor(len(held)) as tabs:
        results = Counter(tabs.map(release, held))
    assert results == {None: 1, Obstacle.COUNT: 3}
    states = Counter(desk.store.incident(one.id).state for one in held)
    assert states == {State.APPROVED: 1, State.HELD: 3}


def test_all_spellings_of_an_address_share_one_limit(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(self_release=True, self_release_per_day=1)
    selfrelease.release(desk, hold(desk, policy="all"), "why", SENDER)
    for sender in (ANNA, "Anna@corp.example", "anna+1@corp.example", "ANNA+x@CORP.example"):
        incident = hold(desk, policy="all", sender=sender)
        assert selfrelease.obstacle(desk, incident, datetime.now(UTC)) is Obstacle.COUNT
    for sender in ("anna2@corp.example", "ben@corp.example"):
        assert selfrelease.obstacle(desk, hold(desk, policy="all", sender=sender), datetime.now(UTC)) is None


def test_self_release_is_refused_after_the_deadline(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(self_release=True)
    incident = hold(desk, policy="all")
    assert incident.deadline_at is not None
    with pytest.raises(NotAllowedError) as refused:
        selfrelease.release(desk, incident, "why", SENDER, now=incident.deadline_at)
    assert refused.value.obstacle is Obstacle.LATE


def test_an_earlier_decision_of_a_moderator_counts(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(self_release=True)
    incident = hold(desk, policy="all")
    asked = moderation.request_of(desk, incident, BOSS)
    assert asked is not None
    moderation.answer(desk, asked, Answer.REJECT, Actor(BOSS, "page"))
    with pytest.raises(moderation.RefusedError) as refused:
        selfrelease.release(desk, incident, "why", SENDER)
    assert refused.value.incident.decided_by == BOSS
    assert desk.store.incident(incident.id).state is State.REJECTED


def test_a_reason_is_one_of_the_configured_ones_or_free_text(make_desk: MakeDesk) -> None:
    rules = make_desk(reasons=["Contract", "They asked for it"]).settings.moderation
    assert consult.reason_of(rules, "Contract", "") == "Contract"
    assert consult.reason_of(rules, "Contract", " of May\r\n") == "Contract\nof May"
    assert consult.reason_of(rules, "made up", "") == ""
    assert consult.reason_of(rules, "", "only\x00 text") == "only  text"
    assert consult.reason_of(rules, "", " ") == ""


def test_a_reason_is_recorded_in_the_language_of_the_policy(make_desk: MakeDesk) -> None:
    contract = {"en": "Contract", "de": "Vertrag", "pl": "Umowa"}
    rules = make_desk(reasons=[contract], language="de").settings.moderation
    assert consult.reason_of(rules, "Umowa", "") == "Vertrag"
    assert consult.reason_of(rules, "Contract", "of May") == "Vertrag\nof May"
    assert consult.reason_of(rules, "en", "") == ""
