"""Allowing a class with an approval, on the page and by the API, and no other way."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from holdgate.desk import classes, moderation
from holdgate.desk.classes import Class, NotOfferedError
from holdgate.desk.context import Desk
from holdgate.quarantine.incident import Actor, Answer, Incident
from tests.unit.desk.conftest import Hold, MakeDesk
from tests.unit.desk.web.test_api import TOKENS, routes

BOSS = Actor("boss@corp.example", "page")


def held(desk: Desk, hold: Hold, *, thread: int = 5) -> Incident:
    incident = hold(desk)
    desk.store.machines.note(incident.id, 1, thread, [11], [], 1_700_000_000)
    return incident


def approve(desk: Desk, incident: Incident, actor: Actor = BOSS) -> Incident:
    (request,) = desk.store.requests.of(incident.id)
    return moderation.answer(desk, request, Answer.APPROVE, actor)


def active(desk: Desk) -> list[bool]:
    from datetime import UTC, datetime

    return [one.is_thread for one in desk.store.allowances.active(datetime.now(UTC))]


def test_an_approval_allows_a_class_once(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(classes=True)
    incident = held(desk, hold)
    done = approve(desk, incident)
    for _ in range(2):
        classes.allow(desk, done, Class(), BOSS)
    assert active(desk) == [True]
    (event,) = (one for one in desk.store.history(incident.id) if one.event == "class allowed")
    assert event.who == BOSS.who
    assert event.note.startswith("answers in its thread for 24 hours, until 20")


@pytest.mark.parametrize(
    ("rules", "wanted", "thread"),
    [
        ({}, Class(), 5),
        ({"classes": True, "approvals": 2}, Class(), 5),
        ({"classes": True, "levels": [["boss@corp.example"], ["law@corp.example"]]}, Class(), 5),
        ({"classes": True, "classes_days": 7}, Class(8), 5),
        ({"classes": True}, Class(-1), 5),
        ({"classes": True}, Class(), 0),
    ],
)
def test_a_class_that_is_not_offered_cannot_be_allowed(
    make_desk: MakeDesk, hold: Hold, rules: dict[str, Any], wanted: Class, thread: int
) -> None:
    desk = make_desk(**rules)
    incident = held(desk, hold, thread=thread)
    with pytest.raises(NotOfferedError):
        classes.check(desk, incident, wanted)


def test_a_message_of_a_person_has_no_class(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(classes=True)
    assert classes.offered(desk, hold(desk)) is None


def test_only_the_person_who_approved_can_allow_a_class(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(classes=True)
    incident = held(desk, hold)
    with pytest.raises(NotOfferedError):
        classes.allow(desk, incident, Class(), BOSS)
    done = approve(desk, incident)
    with pytest.raises(NotOfferedError):
        classes.allow(desk, done, Class(), Actor("eve@corp.example", "page"))
    assert active(desk) == []


def api(desk: Desk) -> TestClient:
    from starlette.applications import Starlette

    from holdgate.desk.web.guard import Guard

    app = Guard(Starlette(routes=routes(desk)), "https://approve.corp.example", [])
    return TestClient(app, headers={"Authorization": "Bearer secret"})


NOT_ALLOWED: tuple[object, ...] = (
    *({"days": 0}, {"days": True}, {"days": 31}, {"thread": False}, {"days": 1, "thread": True}),
    *("thread", []),
)


@pytest.mark.parametrize(
    ("allowed", "status", "thread"),
    [({"thread": True}, 200, [True]), ({"days": 7}, 200, [False]), (None, 200, [])]
    + [(given, 422, []) for given in NOT_ALLOWED],
)
def test_the_api_allows_a_class_with_an_approval(
    make_desk: MakeDesk, hold: Hold, allowed: object, status: int, thread: list[bool]
) -> None:
    desk = make_desk(desk={"api_tokens": TOKENS}, classes=True)
    incident = held(desk, hold)
    body = {"decision": "approve", "allow": allowed}
    assert api(desk).post(f"/api/v1/incidents/{incident.id}/decision", json=body).status_code == status
    assert active(desk) == thread


def test_a_rejection_allows_nothing(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(desk={"api_tokens": TOKENS}, classes=True)
    incident = held(desk, hold)
    body = {"decision": "reject", "allow": {"thread": True}}
    assert api(desk).post(f"/api/v1/incidents/{incident.id}/decision", json=body).status_code == 422
    assert active(desk) == []
