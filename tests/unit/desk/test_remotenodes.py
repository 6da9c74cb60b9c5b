"""A desk reads and returns messages of another node over real TLS; while that node is down, other work continues."""

import hashlib
import os
import smtplib
import socket
import threading
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage, Message
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from holdgate.cli.authority import Authority
from holdgate.config import Settings
from holdgate.desk import moderation, post
from holdgate.desk.changing import Changer, RequestedChanges
from holdgate.desk.context import Desk
from holdgate.desk.notices import Composer
from holdgate.desk.preview import Previewer, UnreadableError
from holdgate.desk.remotenodes import RemoteNodeError, RemoteNodes
from holdgate.desk.scheduler import Scheduler
from holdgate.desk.templates import Templates
from holdgate.desk.web.server import build
from holdgate.node import Machine
from holdgate.notation import format_address
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Actor, Answer, Change, Incident, NewNotice, Request
from holdgate.quarantine.outbox import CHANGED, HOLD_QUEUE
from holdgate.quarantine.recorded import ADOPTED
from holdgate.quarantine.states import State
from holdgate.quarantine.store import migrate, open_store
from holdgate.queue import agent, remote, submitting
from holdgate.queue.client import QueueClient, QueueError
from holdgate.queue.listener import NodeListener, open_listener
from holdgate.queue.mutual import NodeCertificate
from holdgate.queue.submitting import Submitter
from testbed.ports import PATIENCE
from testbed.postgres import PostgresServer
from tests.support.held import OURS, HeldMail

pytestmark = pytest.mark.postgresql

MILTER, QUEUE = Actor("holdgate-milter", "milter"), Actor("holdgate-queue", "queue")
BOSS = "boss@corp.example"
NAMES = ("mx1.corp.example", "mx2.corp.example")


class Node:
    """A mail server without Postfix: a queue agent with its listener, which can be away."""

    submitter: Submitter | None = None

    def __init__(self, name: str, directory: Path, url: str) -> None:
        self.name = name
        self.directory = directory / name
        self.directory.mkdir()
        now = datetime.now(UTC)
        Authority.open(directory / "ca", now).write(directory / "ca" / name, name, now, timedelta(days=1))
        files = directory / "ca" / name
        self.certificate = NodeCertificate(
            files / "authority.crt", files / "node.crt", files / "node.key", lambda _: False
        )
        (self.directory / "hold").mkdir()
        self.queue = HeldMail(self.directory / "hold")
        self.store = open_store(url, name)
        self._machine = Machine(name, name, "1.0")
        self._agent = agent.listen(self.directory / "queue.sock", group_id=os.getgid())
        agent.Agent(self.queue, user_ids=[], reader_ids=[os.getuid()], action_header="X").serve(self._agent)
        self._listener: socket.socket | None = None

    def start(self) -> None:
        self._listener = opened = open_listener(("127.0.0.1", 0))
        serving = NodeListener(self.certificate, QueueClient(self.directory / "queue.sock"), self.submitter)
        self._thread = threading.Thread(target=serving.serve, args=[opened])
        self._thread.start()
        address = format_address(opened.getsockname()[:2])
        self.store.nodes.acquire(self.name, Machine(self.name, self.name, "1.0", address))

    def stop(self) -> None:
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._thread.join(PATIENCE)
            self._listener = None
        self.store.nodes.release(self.name, self._machine)

    def close(self) -> None:
        self.stop()
        self._agent.shutdown(socket.SHUT_RDWR)
        self._agent.close()
        self.store.close()

    def hold(self, queue_id: str = OURS.queue_id, **values: Any) -> Incident:
        values = {"policy": "all", "attachments": [{"name": "a.pdf", "size": 5}]} | values
        incident = Incident(queue_id, "anna@corp.example", ["bob@partner.example"], **values)
        self.store.record(incident, MILTER)
        found = self.store.incident(incident.id)
        assert found is not None
        now = datetime.now(UTC)
        return self.store.change(found, State.HELD, QUEUE, arrival_time=OURS.arrival_time, held_at=now)


class OneDesk:
    """The desk of a node, or of a machine that has only a certificate."""

    def __init__(self, node: Node, directory: Path, *, certificate: bool = True) -> None:
        tables = {
            "node": {"name": node.name},
            "queue": {"postfix_config": str(directory)},
            "policy": {"file": str(directory / "policies.toml")},
            "scan": {"socket": ""},
            "desk": {
                "notice_from": "Holdgate <holdgate@corp.example>",
                "templates": str(directory / "templates"),
                "public_url": "http://testserver",
                "change_relay": "127.0.0.1:9",
            },
            "moderation": {"moderators": [BOSS], "reveal": True},
        }
        self.desk = Desk(node.store, Settings.model_validate(tables))
        remote_nodes = RemoteNodes(node.store, node.certificate if certificate else None)
        self.previewer = Previewer(self.desk.settings, QueueClient(node.directory / "queue.sock"), remote_nodes)
        self.templates = Templates(self.desk.settings.desk.templates, self.desk.zone)
        self.composer = Composer(self.desk, self.templates, self.previewer)
        self.seconds = 0.0
        self.scheduler = Scheduler(self.desk, self.composer, self.previewer, clock=lambda: self.seconds)

    def work(self, now: datetime) -> None:
        self.scheduler.run_once(now)

    def browser(self) -> TestClient:
        return TestClient(build(self.desk, self.templates, self.previewer, self.composer))


@pytest.fixture
def nodes(postgres: PostgresServer, tmp_path: Path) -> Iterator[list[Node]]:
    url = postgres.new_database()
    migrate(url)
    (tmp_path / "main.cf").touch()
    (tmp_path / "policies.toml").write_text('[[policy]]\nname = "all"\naction = "quarantine"\n')
    made = [Node(name, tmp_path, url) for name in NAMES]
    for node in made:
        node.start()
    yield made
    for node in made:
        node.close()


@pytest.fixture
def other(nodes: list[Node], tmp_path: Path) -> Iterator[OneDesk]:
    """The desk of the second node."""
    made = OneDesk(nodes[1], tmp_path)
    yield made
    made.previewer.close()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Message]]:
    taken: list[tuple[str, Message]] = []
    monkeypatch.setattr(
        post, "submit_one", lambda content, to, *_, **__: taken.append((to, message_from_bytes(content)))
    )
    return taken


def soon(seconds: float = 10) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def reject(desk: OneDesk, incident: Incident) -> None:
    current = desk.desk.store.incident(incident.id)
    assert current is not None
    moderation.override(desk.desk, current, Answer.REJECT, Actor(BOSS, "page"))


def reports(sent: list[tuple[str, Message]]) -> list[Message]:
    return [message for to, message in sent if to == "anna@corp.example"]


def test_the_desk_of_another_node_shows_the_text_of_a_message(nodes: list[Node], other: OneDesk) -> None:
    incident = nodes[0].hold()
    assert other.previewer.original(incident) == b"x-holdgate-incident: A\n\nbody\n"
    assert "body" in str(other.previewer.read(incident)["parts"])
    gone = nodes[0].hold("4gone")
    with pytest.raises(UnreadableError) as raised:
        other.previewer.read(gone)
    assert raised.value.why == "gone"


def test_a_message_of_this_node_is_read_here(nodes: list[Node], other: OneDesk) -> None:
    incident = nodes[1].hold()
    for node in nodes:
        node.stop()
    assert other.previewer.original(incident) == b"x-holdgate-incident: A\n\nbody\n"


def test_a_desk_without_a_certificate_names_the_node_of_a_message(nodes: list[Node], tmp_path: Path) -> None:
    incident = nodes[0].hold()
    desk = OneDesk(nodes[1], tmp_path, certificate=False)
    with pytest.raises(RemoteNodeError, match=rf"at node {NAMES[0]}, and this desk has no \[node\] certificate"):
        desk.previewer.original(incident)
    with pytest.raises(UnreadableError) as raised:
        desk.previewer.read(incident)
    assert raised.value.why == "node"


def test_a_message_is_returned_by_exactly_one_desk(
    nodes: list[Node], other: OneDesk, sent: list[tuple[str, Message]], tmp_path: Path
) -> None:
    own = OneDesk(nodes[0], tmp_path)
    first, second = nodes[0].hold(), nodes[0].hold()
    other.work(soon())
    reject(other, first)
    # The desk of the message's node begins; another takes over when that desk has not sent it by then.
    other.work(datetime.now(UTC))
    assert reports(sent) == []
    own.work(datetime.now(UTC))
    assert len(reports(sent)) == 1
    other.work(soon())
    assert len(reports(sent)) == 1
    reject(own, second)
    other.work(soon())
    own.work(soon())
    assert len(reports(sent)) == 2
    report = reports(sent)[1]
    assert report.get_content_type() == "multipart/report"
    assert "body" in str(report)
    assert nodes[0].queue.acts == nodes[1].queue.acts == []
    own.previewer.close()


def test_other_nodes_continue_while_one_is_down_and_it_is_served_later(
    nodes: list[Node],
    other: OneDesk,
    sent: list[tuple[str, Message]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote, "PAUSE", 0.0)
    away, here = nodes[0].hold(), nodes[1].hold()
    other.work(soon())
    nodes[0].stop()
    reject(other, away)
    reject(other, here)
    other.work(soon())
    other.work(soon())
    assert [message["Message-ID"].startswith(f"<{here.id}.rejected") for message in reports(sent)] == [True]
    assert caplog.text.count(f"node {NAMES[0]} at") == 1
    (notice,) = [one for one in other.desk.store.outbox.due(soon()) if one.incident_id == away.id]
    assert notice.attempts == 0  # the desk of the message's node does not wait
    nodes[0].start()
    other.seconds += 60
    other.work(soon())
    assert len(reports(sent)) == 2
    assert "body" in str(reports(sent)[1])


def test_a_request_with_the_original_waits_for_the_node(
    nodes: list[Node], other: OneDesk, sent: list[tuple[str, Message]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(remote, "PAUSE", 0.0)
    (tmp_path / "policies.toml").write_text(
        '[[policy]]\nname = "all"\naction = "quarantine"\nmoderation.attach_original = true\n'
    )
    incident = nodes[0].hold()
    nodes[0].stop()
    other.work(soon())
    assert sent == []
    nodes[0].start()
    other.seconds += 60
    other.work(soon())
    ((to, message),) = sent
    assert to == BOSS
    assert incident.id in str(message)
    assert "x-holdgate-incident" not in str(message).lower()
    assert "body" in str(message)


def test_uninspected_mail_is_described_by_another_desk_once_its_node_answers(
    nodes: list[Node], other: OneDesk, sent: list[tuple[str, Message]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PAUSE", 0.0)
    monkeypatch.setattr(HeldMail, "show", lambda *_, **__: b"X-Holdgate-Incident: A\nSubject: Figures\n\nbody\n")
    incident = nodes[0].hold(policy=ADOPTED, attachments=[])
    nodes[0].stop()
    other.work(soon())
    assert sent == []
    nodes[0].start()
    other.seconds += 60
    other.work(soon())
    assert [to for to, _ in sent] == [BOSS]
    described = other.desk.store.incident(incident.id)
    assert described is not None
    assert described.subject == "Figures"


def approve_without_attachment(
    nodes: list[Node], other: OneDesk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> tuple[Incident, list[str]]:
    """Have another desk approve a message of the first node without its attachment; return what will be submitted."""
    letter = EmailMessage()
    letter["X-Holdgate-Incident"], letter["From"], letter["Subject"] = "A", "anna@corp.example", "Report"
    letter.set_content("Hello\n")
    letter.add_attachment("a,b\n", subtype="csv", filename="t.csv")
    monkeypatch.setattr(HeldMail, "show", lambda *_, **__: letter.as_bytes())
    submitted: list[str] = []
    monkeypatch.setattr(post, "submit", lambda _content, sender, *_, **__: submitted.append(sender))
    (tmp_path / "policies.toml").write_text(
        '[[policy]]\nname = "all"\naction = "quarantine"\nmoderation.changes = ["without-attachments"]\n'
    )
    incident = nodes[0].hold()
    other.work(soon())
    prepared = Changer(other.desk, other.previewer).prepare(incident, RequestedChanges(["t.csv"]))
    assert b"t.csv" not in prepared.content.partition(b"\n\n")[0]
    request = request_of(other, incident)
    moderation.answer(other.desk, request, Answer.APPROVE, Actor(BOSS, "page"), change=prepared.change)
    monkeypatch.setattr(HeldMail, "envelope", lambda *_: b"sender: anna@corp.example\nrecipient: bob@partner.example\n")
    return incident, submitted


def awaited(desk: OneDesk) -> bool:
    return "changed" in [one.kind for one in desk.desk.store.outbox.due(soon(10_000))]


def test_the_desk_of_its_node_submits_a_changed_message(
    nodes: list[Node], other: OneDesk, sent: list[tuple[str, Message]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, submitted = approve_without_attachment(nodes, other, monkeypatch, tmp_path)
    for _ in range(2):
        other.work(soon())  # that node's listener is of an earlier version
    assert submitted == []
    (notice,) = [one for one in other.desk.store.outbox.due(soon()) if one.kind == "changed"]
    assert notice.attempts == 0, "the desk of its node need not wait"
    own = OneDesk(nodes[0], tmp_path)
    own.work(soon())
    assert submitted == ["anna@corp.example"]
    assert not awaited(own)
    own.previewer.close()


def test_another_desk_submits_a_changed_message_if_that_of_its_node_does_not(
    nodes: list[Node], other: OneDesk, sent: list[tuple[str, Message]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    incident, local = approve_without_attachment(nodes, other, monkeypatch, tmp_path)
    taken: list[tuple[bytes, str, Any]] = []
    monkeypatch.setattr(submitting, "submit", lambda content, sender, to, *_, **__: taken.append((content, sender, to)))
    nodes[0].stop()
    nodes[0].submitter = Submitter(
        nodes[0].store, QueueClient(nodes[0].directory / "queue.sock"), Path("/nonexistent/change")
    )
    nodes[0].start()
    other.work(datetime.now(UTC))
    assert taken == [], "that desk has a while to begin"
    other.seconds += 60
    other.work(soon())
    ((content, sender, to),) = taken
    assert (sender, to) == ("anna@corp.example", [("bob@partner.example", [])])
    assert f"X-Holdgate-Incident: {incident.id}\r\n".encode() in content
    assert b'filename="t.csv"' not in content
    assert local == []
    assert not awaited(other)


@pytest.mark.parametrize("known", ["this copy", "another one", "none"])
def test_another_desk_submits_a_copy_to_sign_only_if_its_node_knows_the_digest(
    nodes: list[Node], other: OneDesk, sent: list[tuple[str, Message]], monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    """An agent of 1.1.0 notes no digest: then the copy waits for the desk of its node, and for no new decision."""
    copy = b"DKIM-Signature: v=1; b=OLD==\nReceived: from a by b\nX-Holdgate-Incident: A\nSubject: Report\n\nHello\n"
    submittable = copy.partition(b"\n")[2]
    digests = {"this copy": submittable, "another one": copy}
    monkeypatch.setattr(HeldMail, "show", lambda *_, **__: copy)
    monkeypatch.setattr(HeldMail, "envelope", lambda *_: b"sender: anna@corp.example\nrecipient: bob@partner.example\n")
    taken: list[bytes] = []
    monkeypatch.setattr(submitting, "submit", lambda content, *_, **__: taken.append(content))
    nodes[0].stop()
    nodes[0].submitter = Submitter(
        nodes[0].store, QueueClient(nodes[0].directory / "queue.sock"), Path("/nonexistent/change")
    )
    nodes[0].start()
    incident = nodes[0].hold(message_digest="d" * 64)
    decided = nodes[0].store.change(incident, State.APPROVED, Actor(BOSS, "page"))
    digest = hashlib.sha256(digests[known]).hexdigest() if known in digests else ""
    change, notice = Change([], original="", sent=digest, token="5f" * 16), NewNotice(CHANGED, HOLD_QUEUE)
    nodes[0].store.amend(decided, EventName.SIGNING_REQUESTED, QUEUE, outbox=[notice], change=asdict(change))
    other.seconds += 60
    other.work(soon())
    if known == "this copy":
        (content,) = taken
        mark, _, rest = content.partition(b"\r\nReceived:")
        assert b"X-Holdgate-Changed: " + change.token.encode() in mark
        assert b"OLD" not in content
        assert rest.endswith(b"\r\n\r\nHello\r\n")
    else:
        assert taken == []
    assert awaited(other) == (known != "this copy")
    current = other.desk.store.incident(incident.id)
    assert current is not None
    assert current.state is State.APPROVED


@pytest.mark.parametrize("trouble", ["other rules", "away", "refused for now"])
def test_a_desk_that_cannot_submit_a_changed_message_leaves_it_to_the_desk_of_its_node(
    nodes: list[Node],
    other: OneDesk,
    sent: list[tuple[str, Message]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    trouble: str,
) -> None:
    incident, local = approve_without_attachment(nodes, other, monkeypatch, tmp_path)
    nodes[0].stop()

    class Refusing(Submitter):
        def awaited(self, incident_id: str) -> Any:
            raise agent.RefusedError("not now")

    nodes[0].submitter = Refusing(nodes[0].store, QueueClient(nodes[0].directory / "queue.sock"), None)
    if trouble != "away":
        nodes[0].start()
    if trouble == "other rules":
        monkeypatch.setattr("holdgate.desk.changing._NOTE", "Another version writes another note.\n")
    other.work(soon())
    monkeypatch.undo()
    current = other.desk.store.incident(incident.id)
    assert current is not None
    assert current.state is State.APPROVED, "no new decision is needed"
    (notice,) = [one for one in other.desk.store.outbox.due(soon()) if one.kind == "changed"]
    assert notice.attempts == 0
    assert local == []


def test_mail_without_the_holdgate_mark_is_not_shown_to_another_desk(
    nodes: list[Node], other: OneDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HeldMail, "show", lambda *_, **__: b"Subject: private\n\nprivate\n")
    with pytest.raises(QueueError, match="does not carry our mark"):
        other.previewer.original(nodes[0].hold())


# -- the page ----------------------------------------------------------------------------------------------------


def request_of(desk: OneDesk, incident: Incident) -> Request:
    (request,) = desk.desk.store.requests.of(incident.id)
    return request


def test_the_page_of_another_desk_shows_the_text_and_reveals(
    nodes: list[Node], other: OneDesk, sent: list[tuple[str, Message]]
) -> None:
    incident = nodes[0].hold()
    other.work(soon())
    assert sent
    browser = other.browser()
    page = browser.get(other.composer.link(request_of(other, incident), "a"))
    assert page.status_code == 200
    assert "cannot be reached now" not in page.text
    text = browser.get(f"/incidents/{incident.id}/text")
    assert text.status_code == 200
    assert "body" in text.text


def test_the_page_reports_that_a_node_is_down_and_accepts_the_decision(
    nodes: list[Node], other: OneDesk, sent: list[tuple[str, Message]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PAUSE", 0.0)
    incident = nodes[0].hold()
    other.work(soon())
    nodes[0].stop()
    browser = other.browser()
    page = browser.get(other.composer.link(request_of(other, incident), "a"))
    assert f"The mail server {NAMES[0]} cannot be reached now." in page.text
    text = browser.get(f"/incidents/{incident.id}/text")
    assert text.status_code == 503
    assert f"the mail server {NAMES[0]} does not answer" in text.text
    stamp = page.text.partition('name="stamp" value="')[2].partition('"')[0]
    decided = browser.post(
        f"/incidents/{incident.id}/decision",
        data={"stamp": stamp, "decision": "approve"},
        headers={"Origin": "http://testserver"},
    )
    assert f"The mail server {NAMES[0]} cannot be reached now." in decided.text
    found = other.desk.store.incident(incident.id)
    assert found is not None
    assert found.state is State.APPROVED
    nodes[0].start()
    again = browser.get(f"/incidents/{incident.id}")
    assert "cannot be reached now" not in again.text


def test_a_failed_relay_of_a_desk_does_not_count_as_a_failed_node(
    nodes: list[Node], other: OneDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise smtplib.SMTPServerDisconnected

    monkeypatch.setattr(post, "submit_one", refuse)
    incident = nodes[0].hold()
    other.work(soon())
    reject(other, incident)
    other.work(soon())
    (notice,) = [one for one in other.desk.store.outbox.due(soon(1000)) if one.kind == "rejected"]
    assert notice.attempts == 1
