"""A changed message from another node's desk is submitted only as approved, and only to recipients of the original."""

import hashlib
import smtplib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from holdgate.quarantine.incident import Actor, Change, Incident, NewNotice
from holdgate.quarantine.outbox import CHANGED, HOLD_QUEUE
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, open_store
from holdgate.queue import submitting
from holdgate.queue.agent import RefusedError
from holdgate.queue.client import QueueClient, QueueError
from holdgate.queue.submitting import Submitter

ACTOR = Actor("boss@corp.example", "page")
CONTENT = b"From: anna@corp.example\nSubject: Figures\n\nwithout it\n"
RELAY = Path("/nonexistent/holdgate-change")
ENVELOPE = b"sender: anna@corp.example\nrecipient: bob@partner.example\nrecipient: eve@partner.example\n"


class HeldQueue(QueueClient):
    """The local agent, with the envelope of one held message."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, int], bytes] = {("4a", 1000): ENVELOPE}  # type: ignore[assignment]

    def envelope(self, queue_id: str, arrival_time: int) -> bytes | None:
        return self.held.get((queue_id, arrival_time))


class Relay:
    """Records each submission: sender, recipients, content. It fails with `error`."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[str], bytes]] = []
        self.error: Exception | None = None

    def submit(self, content: bytes, sender: str, recipients: Any, relay: object, *_: object, **__: object) -> str:
        assert relay == RELAY
        if self.error is not None:
            raise self.error
        self.taken.append((sender, [address for address, _ in recipients], content))
        return ""


@pytest.fixture
def relay(monkeypatch: pytest.MonkeyPatch) -> Relay:
    made = Relay()
    monkeypatch.setattr(submitting, "submit", made.submit)
    return made


@pytest.fixture
def node(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url, "mx1.corp.example")
    yield opened
    opened.close()


@pytest.fixture
def queue() -> HeldQueue:
    return HeldQueue()


@pytest.fixture
def submitter(node: Store, queue: HeldQueue) -> Submitter:
    return Submitter(node, queue, RELAY)


def approved(
    node: Store, *, name: str = "mx1.corp.example", recipients: list[str] | None = None, content: bytes = CONTENT
) -> Incident:
    to = ["bob@partner.example", "eve@partner.example"]
    incident = Incident("4a", "anna@corp.example", to, "p", node=name)
    node.record(incident, ACTOR)
    found = node.incident(incident.id)
    assert found is not None
    held = node.change(found, State.HELD, ACTOR, arrival_time=1000, held_at=datetime.now(UTC))
    digest = hashlib.sha256(content).hexdigest()
    kinds = ["without-recipients"] if recipients else ["redact"]
    change = Change(kinds, original="0" * 64, sent=digest, token="5" * 32, recipients=recipients or [])
    notice = NewNotice(CHANGED, HOLD_QUEUE)
    return node.change(held, State.APPROVED, ACTOR, change=asdict(change), outbox=[notice])


def test_an_approved_message_is_submitted_to_its_recipients(
    node: Store, submitter: Submitter, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    incident = approved(node)
    with caplog.at_level("INFO", "holdgate"):
        assert submitter.submit(incident.id, CONTENT, "mx2.corp.example") == 0
    ((sender, recipients, content),) = relay.taken
    assert (sender, recipients) == ("anna@corp.example", ["bob@partner.example", "eve@partner.example"])
    header, _, body = content.partition(b"\r\n\r\n")
    assert body == b"without it\r\n"
    assert f"X-Holdgate-Incident: {incident.id}\r\n".encode() in header
    assert b"X-Holdgate-Changed: " + b"5" * 32 + b"-" in header
    assert "submitted-for-node" in caplog.text
    assert "node=mx2.corp.example" in caplog.text


@pytest.mark.parametrize("signs", [True, False])
def test_a_signature_made_at_hold_is_removed_if_this_node_signs_again(
    node: Store, queue: HeldQueue, relay: Relay, signs: bool
) -> None:
    content = b"DKIM-Signature: v=1; b=OLD==\nReceived: from a by b; Mon, 30 Nov 2026 01:00:00 +0000\n" + CONTENT
    incident = approved(node, content=content)
    assert Submitter(node, queue, RELAY, lambda: signs).submit(incident.id, content, "mx2.corp.example") == 0
    assert (b"OLD" in relay.taken[0][2]) != signs
    assert b"\r\nReceived: from a by b;" in relay.taken[0][2]


def test_content_that_differs_from_the_approved_one_is_not_submitted(
    node: Store, submitter: Submitter, relay: Relay
) -> None:
    incident = approved(node)
    for other in (CONTENT + b"x", CONTENT.replace(b"\n", b"\r\n"), b"X-Holdgate-Changed: 1\n" + CONTENT, b"x"):
        with pytest.raises(RefusedError, match="not the message that was approved"):
            submitter.submit(incident.id, other, "mx2")
    assert relay.taken == []
    assert submitter.submit(incident.id, CONTENT, "mx2") == 0


def test_only_a_message_that_the_store_awaits_is_submitted(node: Store, submitter: Submitter, relay: Relay) -> None:
    def refused(incident_id: str) -> None:
        with pytest.raises(RefusedError, match="no changed message is awaited"):
            submitter.awaited(incident_id)
        with pytest.raises(RefusedError, match="no changed message is awaited"):
            submitter.submit(incident_id, CONTENT, "mx2")

    refused("0" * 16)
    held = Incident("4b", "anna@corp.example", ["bob@partner.example"], "p")
    node.record(held, ACTOR)
    refused(held.id)
    sent = approved(node)
    (notice,) = [one for one in node.outbox.due(datetime.now(UTC)) if one.incident_id == sent.id]
    node.outbox.sent(notice, ACTOR)
    refused(sent.id)
    there = approved(node)
    assert there.change is not None
    node.amend(there, "changed message held", ACTOR, change={**there.change, "queue_id": "4c", "arrival_time": 1})
    refused(there.id)
    decided = approved(node)
    node.change(decided, State.HELD, ACTOR)
    refused(decided.id)
    if not node._engine.dialect.name.startswith("sqlite"):
        refused(approved(node, name="mx3.corp.example").id)
    assert relay.taken == []


def test_excluded_recipients_get_nothing(node: Store, submitter: Submitter, queue: Any, relay: Relay) -> None:
    incident = approved(node, recipients=["eve@partner.example"])
    with pytest.raises(RefusedError, match="not certain"):
        submitter.submit(incident.id, CONTENT, "mx2")  # Postfix does not report how the client named them
    lines = [f"original_recipient: {one}\nrecipient: {one}\n" for one in ("bob@partner.example", "eve@partner.example")]
    queue.held["4a", 1000] = ("sender: anna@corp.example\n" + "".join(lines)).encode()
    assert submitter.submit(incident.id, CONTENT, "mx2") == 0
    assert relay.taken[0][1] == ["bob@partner.example"]


def test_a_message_is_submitted_once_until_the_desk_has_recorded_it(
    node: Store, submitter: Submitter, relay: Relay
) -> None:
    incident = approved(node)
    assert submitter.submit(incident.id, CONTENT, "mx2") == 0
    with pytest.raises(RefusedError, match="just submitted"):
        submitter.submit(incident.id, CONTENT, "mx2")
    submitter._submitted[incident.id] -= submitting._PAUSE
    assert submitter.submit(incident.id, CONTENT, "mx2") == 0, "the exchange deletes a second one"
    assert len(relay.taken) == 2


def test_only_one_of_two_simultaneous_requests_is_submitted(
    node: Store, submitter: Submitter, queue: HeldQueue, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = approved(node)
    both_checked = threading.Barrier(2, timeout=60)
    is_over = threading.Event()

    def envelope(queue_id: str, arrival_time: int) -> bytes:
        both_checked.wait()  # both have found the message awaited, and not submitted
        return ENVELOPE

    def slow(*given: Any, **more: Any) -> str:
        relay.submit(*given, **more)
        if len(relay.taken) > 1:
            is_over.set()
        assert is_over.wait(60)
        return ""

    def request() -> int | RefusedError:
        try:
            return submitter.submit(incident.id, CONTENT, "mx2")
        except RefusedError as error:
            is_over.set()
            return error

    monkeypatch.setattr(queue, "envelope", envelope)
    monkeypatch.setattr(submitting, "submit", slow)
    monkeypatch.setattr(submitting, "_PAUSE", 0.0)  # a submission can take longer than the pause
    with ThreadPoolExecutor(2) as threads:
        done = [one.result() for one in [threads.submit(request), threads.submit(request)]]
    refused = [one for one in done if isinstance(one, RefusedError)]
    assert [str(one) for one in refused] == ["it was just submitted"]
    assert [one for one in done if one == 0] == [0]
    assert len(relay.taken) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (smtplib.SMTPRecipientsRefused({"bob@partner.example": (550, b"5.1.1 bob@partner.example")}), 550),
        (smtplib.SMTPRecipientsRefused({"bob@partner.example": (450, b"4.2.0 later")}), 450),
        (smtplib.SMTPSenderRefused(552, b"5.3.4 too big", "anna@corp.example"), 499),
        (smtplib.SMTPDataError(451, b"4.3.0 later"), 451),
    ],
    ids=["recipient", "recipient for now", "sender", "data"],
)
def test_a_rejection_is_returned_and_can_be_retried(
    node: Store, submitter: Submitter, relay: Relay, error: Exception, code: int
) -> None:
    incident = approved(node)
    relay.error = error
    assert submitter.submit(incident.id, CONTENT, "mx2") == code
    relay.error = None
    assert submitter.submit(incident.id, CONTENT, "mx2") == 0


def test_a_store_that_does_not_answer_prevents_a_submission(
    node: Store, submitter: Submitter, queue: Any, relay: Relay
) -> None:
    incident = approved(node)
    relay.error = FileNotFoundError(2, "No such file", str(RELAY))
    with pytest.raises(QueueError, match="does not answer"):
        submitter.submit(incident.id, CONTENT, "mx2")
    relay.error = None
    submitter._submitted.clear()
    queue.held.clear()
    with pytest.raises(RefusedError, match="not in the hold queue any more"):
        submitter.submit(incident.id, CONTENT, "mx2")
    with pytest.raises(RefusedError, match="change_relay is not set"):
        Submitter(node, queue, None).awaited(incident.id)
    assert relay.taken == []
