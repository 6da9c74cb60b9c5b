"""Fewer people than must approve: the alarm is raised, the message stays held, and is returned at the deadline."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from holdgate.config import CanarySettings, ModerationSettings
from holdgate.desk import asking, moderation
from holdgate.desk.context import Desk
from holdgate.desk.moderators import shortage
from holdgate.quarantine.incident import Actor, Answer, Incident
from holdgate.quarantine.states import State
from tests.unit.desk.conftest import Hold, MakeDesk

ANNA, BOSS, SECOND, THIRD = (f"{name}@corp.example" for name in ("anna", "boss", "second", "third"))


def alarms() -> float:
    return REGISTRY.get_sample_value("holdgate_too_few_approvers_total") or 0.0


def drop_out(desk: Desk, incident: Incident, who: str, answer: Answer) -> None:
    request = [one for one in desk.store.requests.of(incident.id) if one.moderator == who][-1]
    assert asking.reassign(desk, request, answer, "test")


def approve(desk: Desk, incident: Incident, who: str) -> Incident:
    request = moderation.request_of(desk, incident, who)
    assert request is not None
    return moderation.answer(desk, request, Answer.APPROVE, Actor(who, "page"))


@pytest.mark.parametrize(
    ("moderators", "fallback"),
    [
        # The same person twice, the sender himself, the fallback a moderator already.
        ([BOSS, "Boss+mail@corp.example"], [BOSS]),
        ([BOSS, ANNA], ["anna+desk@corp.example"]),
        ([BOSS], [BOSS]),
    ],
)
def test_too_few_approvers_raise_an_alarm_and_never_deliver(
    make_desk: MakeDesk, hold: Hold, caplog: pytest.LogCaptureFixture, moderators: list[str], fallback: list[str]
) -> None:
    desk = make_desk(moderators=moderators, fallback=fallback, approvals=2)
    before = alarms()
    incident = hold(desk)
    assert alarms() == before + 1
    assert f"4a: too-few-approvers: incident={incident.id} able=1 needed=2" in caplog.text
    assert desk.store.history(incident.id)[-1].note == f"{BOSS} (moderator); too few: 2 must approve"
    assert approve(desk, incident, BOSS).state is State.HELD
    assert incident.deadline_at is not None
    (overdue,) = desk.store.agenda.overdue(incident.deadline_at + timedelta(days=1))
    assert moderation.expire(desk, overdue).state is State.EXPIRED


def test_an_incident_without_any_moderator_is_counted(
    make_desk: MakeDesk, hold: Hold, caplog: pytest.LogCaptureFixture
) -> None:
    desk = make_desk(moderators=[ANNA], fallback=[ANNA])
    before = alarms()
    incident = hold(desk)
    assert alarms() == before + 1
    assert f"4a: no-moderator: incident={incident.id}" in caplog.text
    assert "too-few-approvers" not in caplog.text


@pytest.mark.parametrize("answer", [Answer.OUT_OF_OFFICE, Answer.BOUNCED])
def test_an_alarm_is_raised_if_a_moderator_drops_out_and_too_few_remain(
    make_desk: MakeDesk, hold: Hold, caplog: pytest.LogCaptureFixture, answer: Answer
) -> None:
    desk = make_desk(moderators=[BOSS, SECOND], fallback=[THIRD], approvals=2)
    incident = hold(desk)
    before = alarms()
    drop_out(desk, incident, BOSS, answer)  # the third person is asked instead
    assert alarms() == before
    approve(desk, incident, SECOND)  # a moderator who has approved is no longer needed
    drop_out(desk, incident, THIRD, answer)
    assert alarms() == before + 1
    assert f"too-few-approvers: incident={incident.id} able=1 needed=2" in caplog.text
    note = f"{THIRD} (test); requested from: no one; too few: 2 must approve"
    assert desk.store.history(incident.id)[-1].note == note
    assert desk.store.incident(incident.id).state is State.HELD


def test_no_alarm_is_raised_for_a_moderator_who_is_not_needed(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(levels=[[BOSS, SECOND], [THIRD]], fallback=["desk@corp.example"])
    before = alarms()
    incident = hold(desk)
    drop_out(desk, incident, SECOND, Answer.OUT_OF_OFFICE)
    assert incident.asked_at is not None
    incident = asking.ask(desk, approve(desk, incident, BOSS), incident.asked_at)
    drop_out(desk, incident, THIRD, Answer.BOUNCED)
    assert alarms() == before
    drop_out(desk, incident, "desk@corp.example", Answer.BOUNCED)
    assert alarms() == before + 1


def test_only_the_canary_address_is_asked_about_a_canary(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(moderators=[BOSS, SECOND], approvals=2)
    before = alarms()
    hold(desk, recipients=[CanarySettings().recipient])
    assert alarms() == before


@pytest.mark.parametrize(
    ("values", "short"),
    [
        ({}, ""),
        ({"approvals": 2, "moderators": [BOSS, SECOND]}, ""),
        ({"approvals": 2, "moderators": [BOSS]}, ""),
        ({"approvals": 2, "moderators": [BOSS], "fallback": [BOSS]}, "1 person can be asked, 2 must approve"),
        ({"approvals": 3, "moderators": [BOSS, "boss+a@corp.example"]}, "2 people can be asked, 3 must approve"),
        # Without a table there is no manager; with one there may be several.
        ({"approvals": 2}, "1 person can be asked, 2 must approve"),
        ({"approvals": 5, "managers": "/etc/holdgate/managers"}, ""),
        ({"levels": [["manager"], [BOSS]], "fallback": [BOSS], "managers": "/etc/holdgate/managers"}, ""),
        (
            {"levels": [["manager"], [BOSS]], "fallback": [BOSS], "approvals": 2, "managers": "/etc/holdgate/managers"},
            "1 person can be asked at level 2, 2 must approve",
        ),
        ({"levels": [[BOSS], [SECOND]], "fallback": [BOSS]}, ""),
        ({"levels": [[BOSS], [BOSS]], "fallback": [SECOND]}, ""),
        (
            {"levels": [[BOSS], [BOSS]], "fallback": [BOSS]},
            "1 person can be asked at level 2 and before it, 2 must approve",
        ),
        (
            {"levels": [[BOSS, SECOND], [THIRD]], "approvals": 2, "fallback": [THIRD]},
            "1 person can be asked at level 2, 2 must approve",
        ),
        (
            {"levels": [[BOSS, SECOND], [BOSS, SECOND]], "approvals": 2, "fallback": [THIRD]},
            "3 people can be asked at level 2 and before it, 4 must approve",
        ),
    ],
)
def test_settings_with_too_few_possible_approvers_are_named(values: dict[str, object], short: str) -> None:
    assert shortage(ModerationSettings.model_validate(values)) == short
