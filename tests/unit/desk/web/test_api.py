"""The API in process behaves as its description states."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

import holdgate.desk.web
from holdgate.desk.changing import Changer
from holdgate.desk.replacing import Replacer
from holdgate.desk.web.api import Api
from holdgate.desk.web.guard import Guard
from holdgate.desk.web.machine_api import MachineApi
from holdgate.quarantine.exported import NAMES, exported
from holdgate.quarantine.incident import Answer, Event, Incident, Request
from holdgate.quarantine.states import State
from tests.unit.desk.conftest import Hold, MakeDesk

# The policies of these tests allow no changes: no message is read.
NO_PREVIEWER: Any = None

DESCRIPTION = json.loads((Path(holdgate.desk.web.__file__).parent / "openapi.json").read_text(encoding="utf-8"))
TOKENS = [{"name": "t", "sha256": hashlib.sha256(b"secret").hexdigest(), "may_decide": True}]


@pytest.fixture
def client(make_desk: MakeDesk, hold: Hold) -> TestClient:
    desk = make_desk(desk={"api_tokens": TOKENS})
    for number in range(3):
        hold(desk, queue_id=f"4{number}")
    return client_of(desk, NO_PREVIEWER)


def client_of(desk: Any, previewer: Any) -> TestClient:
    app = Guard(Starlette(routes=Api(desk, Changer(desk, previewer)).routes()), "https://approve.corp.example", [])
    return TestClient(app, headers={"Authorization": "Bearer secret"})


def test_every_route_is_described_and_every_description_has_a_route(make_desk: MakeDesk) -> None:
    served = {(route.path, method.lower()) for route in routes(make_desk()) for method in route.methods or ()}
    described = {(path, method) for path, methods in DESCRIPTION["paths"].items() for method in methods}
    assert {one for one in served if one[1] != "head"} == described


def routes(desk: Any) -> list[Route]:
    return [*Api(desk, Changer(desk, NO_PREVIEWER)).routes(), *MachineApi(desk, Replacer(desk, NO_PREVIEWER)).routes()]


@pytest.mark.parametrize(("name", "kind"), [("Incident", Incident), ("Event", Event), ("Request", Request)])
def test_the_schemas_name_every_field(name: str, kind: Any) -> None:
    fields = set(kind.__dataclass_fields__) - ({"number", "incident_id"} if kind is Request else set())
    assert set(DESCRIPTION["components"]["schemas"][name]["properties"]) == {NAMES.get(one, one) for one in fields}


def test_the_answer_of_a_request_uses_the_values_of_the_description(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    (request, *_) = desk.store.requests.of(hold(desk).id)
    allowed = DESCRIPTION["components"]["schemas"]["Request"]["properties"]["answer"]["enum"]
    answers = [exported(replace(request, answer=answer))["answer"] for answer in (*Answer, None)]
    assert answers == allowed
    assert exported(request)["requested_at"] == request.asked_at.isoformat()


def test_every_reference_in_the_description_has_a_target() -> None:
    for reference in re.findall(r'"#/([^"]+)"', json.dumps(DESCRIPTION)):
        place = DESCRIPTION
        for step in reference.split("/"):
            place = place[step]
    assert set(DESCRIPTION["components"]["schemas"]["Incident"]["properties"]["state"]["enum"]) == set(State)


def test_the_list_is_returned_page_by_page(client: TestClient) -> None:
    first = client.get("/api/v1/incidents", params={"limit": 2}).json()["incidents"]
    second = client.get("/api/v1/incidents", params={"limit": 2, "offset": 2}).json()["incidents"]
    assert [one["queue_id"] for one in first + second] == ["42", "41", "40"]
    assert client.get("/api/v1/incidents", params={"limit": "-1"}).status_code == 422


def test_a_request_without_a_valid_token_gets_401(client: TestClient) -> None:
    for header in (b"", b"Bearer", b"Bearer ", b"Bearer secre", b"Basic secret", b"secret", b"Bearer \xff"):
        for path in ("/api/v1/incidents", "/api/v1/incidents/AAAA-AAAA-AAAA"):
            answer = client.get(path, headers={b"Authorization": header})
            assert (answer.status_code, answer.json()["error"][:14]) == (401, "no valid token"), header


def test_any_request_body_gets_a_response(client: TestClient) -> None:
    incident = client.get("/api/v1/incidents").json()["incidents"][0]
    for body in (b"", b"\xff", b"[" * 10_000, b"null", b'{"decision": ["approve"]}', b'{"decision": {}}'):
        answer = client.post(f"/api/v1/incidents/{incident['id']}/decision", content=body)
        assert answer.status_code == 422, body[:100]


MISTAKES: list[tuple[bytes, str]] = [
    (b"", "the body is not JSON"),
    (b"[1]", "the body is [1]"),
    (b'{"decision": "later"}', 'decision: "later" is not allowed; allowed: "approve", "reject"'),
    (b'{"comment": "x"}', "decision: nothing is not allowed"),
    (b'{"decision": "approve", "comment": 7}', "comment: 7 is not allowed; allowed: a string"),
    (b'{"decision": "approve", "as": ["a"]}', 'as: ["a"] is not allowed'),
    (b'{"decision": "approve", "as": "x@corp.example"}', 'as: "x@corp.example" has no request'),
    # Without the unknown field, more would be approved than was requested.
    (b'{"decision": "approve", "change": {"redacted": true}}', '"change" is not a field; allowed: decision, comment'),
    (b'{"decision": "approve", "As": "boss@corp.example"}', '"As" is not a field'),
    (b'{"decision": "reject", "decision": "approve"}', "the body contains a field twice"),
    (b'{"decision": "approve", "changes": {"encrypted": false, "encrypted": true}}', "the body contains a field twice"),
    (b'{"decision": "%s"}' % (b"x" * 5000), 'decision: "xxx'),
]


@pytest.mark.parametrize(("body", "reported"), MISTAKES)
def test_a_mistake_in_a_decision_is_named_and_decides_nothing(client: TestClient, body: bytes, reported: str) -> None:
    name = client.get("/api/v1/incidents").json()["incidents"][0]["id"]
    answer = client.post(f"/api/v1/incidents/{name}/decision", content=body)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(reported)
    assert len(answer.json()["error"]) < 250
    assert client.get(f"/api/v1/incidents/{name}").json()["state"] == "held"


@pytest.mark.parametrize(
    ("query", "reported"),
    [
        ({"state": "held,gone"}, 'state: "gone" is no state; allowed: '),
        ({"limit": "all"}, 'limit: "all" is not a number'),
        ({"limit": "٣"}, "limit: "),
        ({"offset": "-1"}, 'offset: "-1" is not a number'),
    ],
)
def test_a_mistake_in_a_query_is_named(client: TestClient, query: dict[str, str], reported: str) -> None:
    answer = client.get("/api/v1/incidents", params=query)
    assert (answer.status_code, answer.json()["error"].startswith(reported)) == (422, True), answer.text


def test_changes_of_a_decided_message_get_the_decision(make_desk: MakeDesk, hold: Hold) -> None:
    """They got 503: the message could not be read, because it had left the queue."""
    desk = make_desk(desk={"api_tokens": TOKENS, "change_relay": "127.0.0.1:3"}, changes=["redact"])
    path = f"/api/v1/incidents/{hold(desk).id}/decision"
    client = client_of(desk, NO_PREVIEWER)
    assert client.post(path, json={"decision": "approve"}).status_code == 200
    answer = client.post(path, json={"decision": "approve", "changes": {"redacted": True}})
    assert (answer.status_code, answer.json()["error"]) == (409, "decided")


NOT_ALLOWED: list[dict[str, Any]] = [
    {"without": ["a.pdf"]},
    {"encrypted": True},
    {"not_to": ["bob@partner.example"]},
    {"not_to": "bob@partner.example"},
    {"without": "a.pdf"},
    {"other": []},
]


def test_changes_that_the_policy_does_not_allow_decide_nothing(client: TestClient) -> None:
    name = client.get("/api/v1/incidents").json()["incidents"][0]["id"]

    def decided(changes: dict[str, Any]) -> tuple[int, str]:
        answer = client.post(f"/api/v1/incidents/{name}/decision", json={"decision": "approve", "changes": changes})
        return answer.status_code, client.get(f"/api/v1/incidents/{name}").json()["state"]

    for changes in NOT_ALLOWED:
        assert decided(changes) == (422, "held"), changes
    assert decided({}) == (200, "approved")


@pytest.mark.parametrize(
    ("left_out", "status"), [("carol@partner.example", 200), ("dave@partner.example", 422), ("corp.example", 422)]
)
def test_a_decision_excludes_the_named_recipients(make_desk: MakeDesk, hold: Hold, left_out: str, status: int) -> None:
    desk = make_desk(desk={"api_tokens": TOKENS, "change_relay": "127.0.0.1:3"}, changes=["without-recipients"])
    recipients = ["bob@partner.example", "carol@partner.example"]
    incident = hold(desk, recipients=recipients)
    envelope = "".join(f"original_recipient: {one}\nrecipient: {one}\n" for one in recipients).encode()
    held = b"Subject: Figures\n\nText\n"
    previewer: Any = SimpleNamespace(held=lambda _: held, envelope=lambda _: envelope)
    client = client_of(desk, previewer)
    decision = {"decision": "approve", "changes": {"not_to": [left_out]}}
    answer = client.post(f"/api/v1/incidents/{incident.id}/decision", json=decision)
    assert answer.status_code == status, answer.text
    shown = client.get(f"/api/v1/incidents/{incident.id}").json()
    assert (shown["state"] == "approved") is (status == 200)
    if status == 200:
        assert (shown["change"]["kinds"], shown["change"]["recipients"]) == (["without-recipients"], [left_out])


def test_the_description_lists_every_change_that_a_decision_accepts(client: TestClient) -> None:
    (described,) = [one for path, one in DESCRIPTION["paths"].items() if path.endswith("/decision")]
    body = described["post"]["requestBody"]["content"]["application/json"]["schema"]
    fields = body["properties"]["changes"]["properties"]
    assert {*fields} == {"without", "not_to", "redacted", "encrypted"}
    name = client.get("/api/v1/incidents").json()["incidents"][0]["id"]
    changes = {one: {"array": [], "boolean": False}[fields[one]["type"]] for one in fields}
    answers = [
        client.post(f"/api/v1/incidents/{name}/decision", json={"decision": "approve", "changes": given})
        for given in (changes | {"other": []}, changes)
    ]
    assert [one.status_code for one in answers] == [422, 200]
