"""A program can see its own messages only."""

import hashlib
import smtplib
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from holdgate.desk import moderation, post
from holdgate.desk.context import Desk
from holdgate.desk.preview import Previewer
from holdgate.desk.replacing import Replacer
from holdgate.desk.web.guard import Guard
from holdgate.desk.web.machine_api import STATUSES, MachineApi, described
from holdgate.quarantine.incident import Actor, Answer, Change, Incident
from holdgate.quarantine.machine_tokens import Bearer
from holdgate.quarantine.states import State
from holdgate.risks import COLLEAGUES, LOOKALIKE, Risk
from holdgate.submission import Client
from tests.unit.desk.conftest import Hold, MakeDesk
from tests.unit.desk.web.test_api import DESCRIPTION

ENVELOPE = b"""sender: a@corp.example
original_recipient: b@partner.example
recipient: b@inner.partner.example
original_recipient: c@partner.example
recipient: c@partner.example
"""
MESSAGE = b"Subject: Amended\nX-Holdgate-Held: yes\nX-Holdgate-Replaces: x\n\nDear Bob\n"

BILLING, OTHER = Bearer("billing", 1), Bearer("other", 2)


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class FakePreviewer(Previewer):
    """Has the envelope of one held message."""

    def __init__(self) -> None:
        pass

    def envelope(self, _incident: Incident) -> bytes | None:
        return ENVELOPE


class Postfix:
    """Accepts messages, or returns a given error."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, str, list[str], Client | None]] = []
        self.trouble: Exception | None = None

    def submit(
        self, content: bytes, sender: str, recipients: Any, _relay: object, _options: object = (), *, client: Client
    ) -> str:
        if self.trouble is not None:
            raise self.trouble
        self.taken.append((content, sender, [address for address, _ in recipients], client))
        return f"4new{len(self.taken)}"


@pytest.fixture
def postfix(monkeypatch: pytest.MonkeyPatch) -> Postfix:
    made = Postfix()
    monkeypatch.setattr(post, "submit", made.submit)
    return made


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    made = make_desk(desk={"replacement_relay": "127.0.0.1:3", "replacement_size": 200_000})
    for bearer in (BILLING, OTHER):
        made.store.machine_tokens.add(hashlib.sha256(bearer.name.encode()).hexdigest(), bearer)
    return made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(desk: Desk, clock: Clock) -> TestClient:
    api = MachineApi(desk, Replacer(desk, FakePreviewer()), clock)
    app = Guard(Starlette(routes=api.routes()), "https://approve.corp.example", [], larger=api.body_limit)
    return TestClient(app, headers={"Authorization": "Bearer billing"})


@pytest.fixture
def held(desk: Desk, hold: Hold) -> Callable[..., Incident]:
    def make(bearer: Bearer = BILLING, **values: Any) -> Incident:
        incident = hold(desk, **values)
        desk.store.machines.note(incident.id, bearer.account, 0, [], [], 1_700_000_000)
        return incident

    return make


def test_a_program_sees_only_its_own_messages(client: TestClient, held: Callable[..., Incident], hold: Hold) -> None:
    mine, others = held(queue_id="41"), held(OTHER, queue_id="42")
    found = client.get("/machine/v1/messages").json()
    assert (found["account"], [one["id"] for one in found["messages"]]) == ("billing", [mine.id])
    assert client.get(f"/machine/v1/messages/{mine.id.lower()}").json()["status"] == "pending"
    assert client.get(f"/machine/v1/messages/{others.id}").status_code == 404


def test_a_message_of_a_person_is_not_visible_to_a_program(client: TestClient, desk: Desk, hold: Hold) -> None:
    assert client.get(f"/machine/v1/messages/{hold(desk).id}").status_code == 404
    assert client.get("/machine/v1/messages").json()["messages"] == []


def test_a_rejected_message_has_its_reason(client: TestClient, desk: Desk, held: Callable[..., Incident]) -> None:
    incident = held()
    moderation.override(desk, incident, Answer.REJECT, Actor("root", "command"), "Wrong client")
    shown = client.get(f"/machine/v1/messages/{incident.id}").json()
    assert (shown["status"], shown["reason"]) == ("rejected", "Wrong client")


def test_a_program_does_not_see_hidden_names_of_others_correspondents(
    held: Callable[..., Incident],
) -> None:
    risks = [asdict(Risk(LOOKALIKE, "b@x.example", "y.example", 3, whose)) for whose in (COLLEAGUES, "site")]
    shown = described(held(recipient_risks=risks))["recipient_risks"]
    assert [one["similar"] for one in shown] == ["", "y.example"]


@pytest.mark.parametrize("state", State)
def test_every_final_state_has_a_status(held: Callable[..., Incident], state: State) -> None:
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
def test_a_request_without_a_valid_token_gets_401(client: TestClient, header: str) -> None:
    for path in ("/machine/v1/messages", "/machine/v1/messages/7K3M-Q9TX-2ABC"):
        assert client.get(path, headers={b"Authorization": header.encode("latin-1")}).status_code == 401


def test_a_revoked_token_gives_no_access(client: TestClient, desk: Desk) -> None:
    assert desk.store.machine_tokens.revoke(BILLING.account) == 1
    assert client.get("/machine/v1/messages").status_code == 401
    assert client.get("/machine/v1/messages", headers={"Authorization": "Bearer other"}).status_code == 200


def test_guessing_tokens_is_slowed_down_without_blocking_programs(client: TestClient, clock: Clock) -> None:
    wrong = {"Authorization": "Bearer x"}
    for _ in range(20):
        assert client.get("/machine/v1/messages", headers=wrong).status_code == 401
    assert client.get("/machine/v1/messages", headers=wrong).status_code == 429
    assert client.get("/machine/v1/messages").status_code == 200
    clock.seconds += 61
    assert client.get("/machine/v1/messages", headers=wrong).status_code == 401


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "offset=1.5", "limit=999999999", "limit=²"])
def test_an_invalid_query_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/machine/v1/messages?{query}").status_code == 422


def test_the_length_of_a_page_has_a_limit(client: TestClient, held: Callable[..., Incident]) -> None:
    names = [held(queue_id=f"4{number}").id for number in range(3)]
    first = client.get("/machine/v1/messages?limit=2").json()["messages"]
    rest = client.get("/machine/v1/messages?limit=2&offset=2").json()["messages"]
    assert [one["id"] for one in first + rest] == names[::-1]


def test_the_machine_api_cannot_approve(client: TestClient, desk: Desk, held: Callable[..., Incident]) -> None:
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


# -- an amended message in the place of a held one --------------------------------------------------------------------


def send(client: TestClient, incident: Incident, content: bytes = MESSAGE, key: str = "1", **given: Any) -> Any:
    fields = {"Content-Type": "message/rfc822", "Idempotency-Key": key, **given.pop("headers", {})}
    address = f"/machine/v1/messages/{incident.id}/replacement"
    return client.post(address, content=content, headers=fields, params=given)


@pytest.fixture
def two(held: Callable[..., Incident]) -> Incident:
    to = ["b@partner.example", "c@partner.example"]
    return held(recipients=to, auth_user="billing", client_address="198.51.100.1")


def state(desk: Desk, incident: Incident) -> State:
    found = desk.store.incident(incident.id)
    assert found is not None
    return found.state


def test_an_amended_message_has_the_envelope_of_the_held_one(
    client: TestClient, desk: Desk, two: Incident, postfix: Postfix
) -> None:
    answer = send(client, two)
    assert (answer.status_code, answer.json()["status"]) == (200, "withdrawn")
    assert answer.json()["replaced_by"] == {"queue_id": "4new1", "id": None}
    ((content, sender, recipients, presented),) = postfix.taken
    # As the client named them: Postfix expands aliases again, and only Holdgate writes its own fields.
    assert (sender, recipients) == ("a@corp.example", ["b@partner.example", "c@partner.example"])
    assert presented == Client("", "198.51.100.1", "billing")
    mark = desk.store.replacements.of([two.id])[two.id].mark
    assert content == f"X-Holdgate-Replaces: {mark}\r\nSubject: Amended\r\n\r\nDear Bob\r\n".encode()
    events = [one.event for one in desk.store.history(two.id)]
    assert events.count("replacement submitted") == events.count("rejected") == 1


def test_the_same_request_twice_sends_one_message(
    client: TestClient, desk: Desk, two: Incident, postfix: Postfix
) -> None:
    first, second = send(client, two), send(client, two)
    assert (first.json(), second.status_code, len(postfix.taken)) == (second.json(), 200, 1)
    assert send(client, two, MESSAGE + b"x").status_code == 409
    other = send(client, two, key="2")
    assert (other.status_code, other.json()["error"]) == (409, "decided")
    assert len(postfix.taken) == 1


def test_an_amended_message_can_have_fewer_recipients_but_not_more(
    client: TestClient, desk: Desk, two: Incident, postfix: Postfix
) -> None:
    assert send(client, two, recipient=["b@partner.example", "eve@partner.example"]).status_code == 422
    assert state(desk, two) is State.HELD
    assert send(client, two, key="2", recipient=["c@partner.example"]).status_code == 200
    assert [one[2] for one in postfix.taken] == [["c@partner.example"]]


def test_a_recipient_in_two_spellings_gets_the_message_once(
    client: TestClient, held: Callable[..., Incident], postfix: Postfix
) -> None:
    incident = held(recipients=["B@Partner.example", "b@partner.example", "c@partner.example"])
    assert send(client, incident).status_code == 200
    assert postfix.taken[0][2] == ["b@partner.example", "c@partner.example"]


def test_recipients_with_the_same_masked_form_are_refused(
    client: TestClient, desk: Desk, held: Callable[..., Incident], postfix: Postfix
) -> None:
    incident = held(recipients=["b@partner.example", "gone@partner.example"])
    assert send(client, incident).status_code == 422
    assert (state(desk, incident), postfix.taken) == (State.HELD, [])


NO_REQUESTS: list[tuple[bytes, dict[str, str], int]] = [
    (b"", {}, 422),
    (b"no header at all\n", {}, 422),
    (b"X-Holdgate-Held: yes\n\nx\n", {}, 422),
    (MESSAGE, {"Content-Type": "text/plain"}, 415),
    (MESSAGE, {"Idempotency-Key": ""}, 422),
    (MESSAGE, {"Idempotency-Key": "k" * 256}, 422),
    (MESSAGE + b"x" * 200_000, {}, 413),
    (MESSAGE + b"x" * 100_000, {"Authorization": "Bearer wrong"}, 413),
    (MESSAGE, {"Authorization": "Bearer other"}, 404),
]


def test_an_invalid_request_changes_nothing(client: TestClient, desk: Desk, two: Incident, postfix: Postfix) -> None:
    for content, fields, status in NO_REQUESTS:
        assert send(client, two, content, headers=fields).status_code == status, (content[:100], fields)
        assert (state(desk, two), postfix.taken) == (State.HELD, []), (content[:100], fields)


def test_a_large_message_is_accepted(client: TestClient, two: Incident, postfix: Postfix) -> None:
    assert send(client, two, MESSAGE + b"x" * 150_000).status_code == 200
    assert len(postfix.taken[0][0]) > 150_000


@pytest.mark.parametrize(
    ("trouble", "status", "is_kept"),
    [
        (smtplib.SMTPDataError(550, b"Message refused by policy"), 422, False),
        (smtplib.SMTPRecipientsRefused({"b@partner.example": (550, b"no")}), 422, False),
        (smtplib.SMTPDataError(451, b"later"), 503, False),
        (smtplib.SMTPServerDisconnected("gone"), 503, True),
        (ConnectionRefusedError(), 503, True),
        (OSError("broken"), 503, True),
    ],
)
def test_the_message_stays_held_if_postfix_does_not_accept_the_amended_one(
    client: TestClient, desk: Desk, two: Incident, postfix: Postfix, trouble: Exception, status: int, is_kept: bool
) -> None:
    postfix.trouble = trouble
    assert send(client, two).status_code == status
    assert state(desk, two) is State.HELD
    # Where Postfix may have it, another key has to wait.
    postfix.trouble = None
    answer = send(client, two, key="2")
    assert answer.status_code == (409 if is_kept else 200)
    assert not is_kept or answer.json()["error"] == "busy"


def test_a_decision_made_between_submission_and_withdrawal_counts(
    client: TestClient, desk: Desk, two: Incident, postfix: Postfix, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = desk.store.replacements.accepted

    def decide(*arguments: Any) -> bool:
        moderation.override(desk, two, Answer.APPROVE, Actor("root", "command"))
        return taken(*arguments)

    monkeypatch.setattr(desk.store.replacements, "accepted", decide)
    answer = send(client, two)
    assert (answer.status_code, answer.json()["error"]) == (409, "decided")
    message = answer.json()["message"]
    assert (message["status"], message["replaced_by"]) == ("approved", None)


def test_a_held_message_is_withdrawn_once_postfix_has_the_amended_one(
    client: TestClient, desk: Desk, two: Incident, postfix: Postfix
) -> None:
    program = Actor("billing", "replacement")
    replacement = desk.store.replacements.begin(two.id, "k", "d", program, datetime.now(UTC))
    assert desk.store.replacements.accepted_while_held() == []
    desk.store.replacements.accepted(replacement, "4new")
    (taken,) = desk.store.replacements.accepted_while_held()
    for _ in range(2):
        Replacer(desk, FakePreviewer()).finish(taken)
        found = desk.store.incident(two.id)
        assert found is not None
        assert (found.state, found.decided_by, found.decided_how) == (State.REJECTED, "billing", "replacement")
    assert desk.store.replacements.accepted_while_held() == []
    # The moderators who were asked are notified, not the sender, who has the amended message.
    assert "withdrawn" not in [one.kind for one in desk.store.outbox.due(datetime.now(UTC))]


def test_amending_is_not_offered_without_the_listener(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    desk.store.machine_tokens.add(hashlib.sha256(b"billing").hexdigest(), BILLING)
    incident = hold(desk)
    desk.store.machines.note(incident.id, BILLING.account, 0, [], [], 1_700_000_000)
    app = Guard(Starlette(routes=MachineApi(desk, Replacer(desk, FakePreviewer())).routes()), "https://x.example", [])
    answer = send(TestClient(app, headers={"Authorization": "Bearer billing"}), incident)
    assert answer.status_code == 501


def test_a_program_sees_the_excluded_and_the_remaining_recipients(
    client: TestClient, desk: Desk, two: Incident
) -> None:
    change = Change(
        ["redact", "without-recipients"], original="1", sent="2", token="3", recipients=["c@partner.example"]
    )
    moderation.override(desk, two, Answer.APPROVE, Actor("root", "command"), change=change)
    found = desk.store.incident(two.id)
    assert found is not None
    shown = described(replace(found, already_sent=["d@corp.example"]))
    assert shown["status"] == "approved"
    assert shown["changes"] == ["redact", "without-recipients"]
    assert shown["not_sent_to"] == ["c@partner.example"]
    assert shown["already_sent"] == ["d@corp.example"]
    assert "c@partner.example" in shown["recipients"]
    # A copy that is only signed when it leaves was not changed.
    assert described(replace(found, change=asdict(replace(change, kinds=[], recipients=[]))))["changes"] == []
