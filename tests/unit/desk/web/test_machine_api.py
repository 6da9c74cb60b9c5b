"""What a program sees of its own messages, and of nobody else's."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from holdgate.desk import moderation
from holdgate.desk.context import Desk
from holdgate.desk.web.guard import Guard
from holdgate.desk.web.machine_api import STATUSES, MachineApi, described
from holdgate.quarantine.incident import Actor, Answer, Incident
from holdgate.quarantine.machine_tokens import Bearer
from holdgate.quarantine.states import State
from tests.unit.desk.conftest import Hold, MakeDesk
from tests.unit.desk.web.test_api import DESCRIPTION

BILLING, OTHER = Bearer("billing", 1), Bearer("other", 2)


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    made = make_desk()
    for bearer in (BILLING, OTHER):
        made.store.machine_tokens.add(hashlib.sha256(bearer.name.encode()).hexdigest(), bearer)
    return made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(desk: Desk, clock: Clock) -> TestClient:
    app = Guard(Starlette(routes=MachineApi(desk, clock).routes()), "https://approve.corp.example", [])
    return TestClient(app, headers={"Authorization": "Bearer billing"})


@pytest.fixture
def held(desk: Desk, hold: Hold) -> Callable[..., Incident]:
    def make(bearer: Bearer = BILLING, **values: Any) -> Incident:
        incident = hold(desk, **values)
        desk.store.machines.note(incident.id, bearer.account, 0, [], [], 1_700_000_000)
        return incident

    return make


def test_a_program_sees_its_own_messages_alone(client: TestClient, held: Callable[..., Incident], hold: Hold) -> None:
    mine, others = held(queue_id="41"), held(OTHER, queue_id="42")
    found = client.get("/machine/v1/messages").json()
    assert (found["account"], [one["id"] for one in found["messages"]]) == ("billing", [mine.id])
    assert client.get(f"/machine/v1/messages/{mine.id.lower()}").json()["status"] == "pending"
    assert client.get(f"/machine/v1/messages/{others.id}").status_code == 404


def test_a_person_s_message_is_no_program_s(client: TestClient, desk: Desk, hold: Hold) -> None:
    assert client.get(f"/machine/v1/messages/{hold(desk).id}").status_code == 404
    assert client.get("/machine/v1/messages").json()["messages"] == []


def test_a_rejected_message_says_why(client: TestClient, desk: Desk, held: Callable[..., Incident]) -> None:
    incident = held()
    moderation.override(desk, incident, Answer.REJECT, Actor("root", "command"), "Wrong client")
    shown = client.get(f"/machine/v1/messages/{incident.id}").json()
    assert (shown["status"], shown["reason"]) == ("rejected", "Wrong client")


@pytest.mark.parametrize("state", State)
def test_every_end_has_a_status(held: Callable[..., Incident], state: State) -> None:
    from dataclasses import replace

    incident = replace(held(), state=state)
    for how in ("page", "desk", "withdrawal", "self-release", None):
        status = described(replace(incident, decided_how=how))["status"]
        assert status in STATUSES or state is State.RECORDED


def test_the_description_has_the_same_fields_and_statuses(held: Callable[..., Incident]) -> None:
    schema = DESCRIPTION["components"]["schemas"]["MachineMessage"]
    assert set(described(held())) == set(schema["properties"]) == set(schema["required"])
    assert tuple(schema["properties"]["status"]["enum"]) == STATUSES


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer billin", "Basic billing", "billing", "Bearer \xff"]
)
def test_without_its_token_nothing_is_said(client: TestClient, header: str) -> None:
    for path in ("/machine/v1/messages", "/machine/v1/messages/7K3M-Q9TX-2ABC"):
        assert client.get(path, headers={"Authorization": header.encode("latin-1")}).status_code == 401  # type: ignore[dict-item]


def test_a_token_that_was_revoked_opens_nothing(client: TestClient, desk: Desk) -> None:
    assert desk.store.machine_tokens.revoke(BILLING.account) == 1
    assert client.get("/machine/v1/messages").status_code == 401
    assert client.get("/machine/v1/messages", headers={"Authorization": "Bearer other"}).status_code == 200


def test_who_guesses_tokens_has_to_wait_and_keeps_no_program_out(client: TestClient, clock: Clock) -> None:
    wrong = {"Authorization": "Bearer x"}
    for _ in range(20):
        assert client.get("/machine/v1/messages", headers=wrong).status_code == 401
    assert client.get("/machine/v1/messages", headers=wrong).status_code == 429
    assert client.get("/machine/v1/messages").status_code == 200
    clock.seconds += 61
    assert client.get("/machine/v1/messages", headers=wrong).status_code == 401


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "offset=1.5", "limit=9999999", "limit=²"])
def test_a_query_that_is_none_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/machine/v1/messages?{query}").status_code == 422


def test_a_page_is_bounded(client: TestClient, held: Callable[..., Incident]) -> None:
    names = [held(queue_id=f"4{number}").id for number in range(3)]
    first = client.get("/machine/v1/messages?limit=2").json()["messages"]
    rest = client.get("/machine/v1/messages?limit=2&offset=2").json()["messages"]
    assert [one["id"] for one in first + rest] == names[::-1]


def test_nothing_can_be_approved_here(client: TestClient, desk: Desk, held: Callable[..., Incident]) -> None:
    incident = held()
    for method in ("POST", "PUT", "DELETE"):
        assert client.request(method, f"/machine/v1/messages/{incident.id}").status_code == 405
    assert client.get(f"/machine/v1/messages/{incident.id}/withdrawal").status_code == 405
    now = desk.store.incident(incident.id)
    assert now is not None
    assert now.state is State.HELD


def test_a_program_withdraws_its_own_message_once(
    client: TestClient, desk: Desk, held: Callable[..., Incident]
) -> None:
    incident, others = held(), held(OTHER)
    for _ in range(2):
        answer = client.post(f"/machine/v1/messages/{incident.id}/withdrawal")
        assert (answer.status_code, answer.json()["status"]) == (200, "withdrawn")
    events = [(one.event, one.who) for one in desk.store.history(incident.id) if one.event == "rejected"]
    assert events == [("rejected", "billing")]
    assert client.post(f"/machine/v1/messages/{others.id}/withdrawal").status_code == 404
    assert client.post(f"/machine/v1/messages/{others.id}/withdrawal", headers={"Authorization": ""}).status_code == 401
    now = desk.store.incident(others.id)
    assert now is not None
    assert now.state is State.HELD


def test_a_message_that_was_approved_cannot_be_withdrawn(
    client: TestClient, desk: Desk, held: Callable[..., Incident]
) -> None:
    incident = held()
    moderation.override(desk, incident, Answer.APPROVE, Actor("root", "command"))
    answer = client.post(f"/machine/v1/messages/{incident.id}/withdrawal")
    assert (answer.status_code, answer.json()["error"]) == (409, "decided")
    assert answer.json()["message"]["status"] == "approved"
