"""Two desks on one PostgreSQL: each notice and summary is sent once, and reports by the desk that has the message."""

import smtplib
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from holdgate import metrics
from holdgate.config import Settings
from holdgate.desk import moderation, post
from holdgate.desk.context import Desk
from holdgate.desk.digest import Summaries
from holdgate.desk.notices import Composer
from holdgate.desk.presence import Presence
from holdgate.desk.preview import Previewer, UnreadableError
from holdgate.desk.remotenodes import RemoteNodeError, RemoteNodes
from holdgate.desk.scheduler import Scheduler
from holdgate.desk.templates import Templates
from holdgate.node import Machine
from holdgate.quarantine.incident import Actor, Answer, Incident
from holdgate.quarantine.nodes import Nodes
from holdgate.quarantine.recorded import ADOPTED
from holdgate.quarantine.states import State
from holdgate.quarantine.store import migrate, open_store
from holdgate.queue.client import QueueClient
from holdgate.queue.wishes import Wishes
from testbed.postgres import PostgresServer

pytestmark = pytest.mark.postgresql

MILTER, QUEUE = Actor("holdgate-milter", "milter"), Actor("holdgate-queue", "queue")
COUNT = 12


def soon() -> datetime:
    """Return a time at which entries that the store stamps with the current time are due."""
    return datetime.now(UTC) + timedelta(seconds=5)


class LocalPreviewer(Previewer):
    """Has the messages of its own node, without a queue agent and workers."""

    def original(self, incident: Incident) -> bytes | None:
        return self._ask_agent(incident, lambda _: b"From: anna@corp.example\nSubject: Figures\n\ntext\n")

    def wishes(self, incident: Incident) -> Wishes:
        return self._ask_agent(incident, lambda _: Wishes())

    def describe(self, incident: Incident) -> dict[str, Any]:
        return {"attachments": [{"name": "a.pdf", "size": 5}]} if incident.policy == ADOPTED else {}


class OneDesk:
    """The background work of one node's desk."""

    def __init__(self, url: str, directory: Path, name: str) -> None:
        tables = {
            "store": {"url": url},
            "node": {"name": name},
            "queue": {"postfix_config": str(directory)},
            "policy": {"file": str(directory / "policies.toml")},
            "desk": {"notice_from": "Holdgate <holdgate@corp.example>", "templates": str(directory / "templates")},
            "moderation": {"moderators": ["boss@corp.example"], "reminders": ["2h"], "deadline": "4h"},
        }
        self.desk = Desk(open_store(url, name), Settings.model_validate(tables))
        self.previewer = LocalPreviewer(
            self.desk.settings, QueueClient(Path("/nonexistent")), RemoteNodes(self.desk.store, None)
        )
        composer = Composer(self.desk, Templates(self.desk.settings.desk.templates, self.desk.zone), self.previewer)
        self.presence = Presence(self.desk)
        self.presence.run_once(datetime.now(UTC))
        self.scheduler = Scheduler(self.desk, composer, self.previewer)
        self.summaries = Summaries(self.desk, composer)

    def work(self, now: datetime) -> None:
        self.scheduler.run_once(now)
        self.summaries.send(now)


@pytest.fixture
def two(postgres: PostgresServer, tmp_path: Path) -> Iterator[list[OneDesk]]:
    url = postgres.new_database()
    migrate(url)
    (tmp_path / "main.cf").touch()
    (tmp_path / "policies.toml").write_text('[[policy]]\nname = "all"\naction = "quarantine"\n')
    made = [OneDesk(url, tmp_path, name) for name in ("a", "b")]
    yield made
    for one in made:
        one.desk.store.close()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """The recorded mail: its thread, its recipient, its Message-ID or subject."""
    taken: list[tuple[str, str, str]] = []

    def take(content: bytes, recipient: str, *_: Any, **__: Any) -> None:
        message = message_from_bytes(content)
        taken.append((threading.current_thread().name, recipient, str(message["Message-ID"] or message["Subject"])))

    monkeypatch.setattr(post, "submit_one", take)
    return taken


def hold(one: OneDesk, number: int, policy: str = "all") -> Incident:
    incident = Incident(
        queue_id=f"4id{number}", sender="anna@corp.example", recipients=["bob@partner.example"], policy=policy
    )
    one.desk.store.record(incident, MILTER)
    found = one.desk.store.incident(incident.id)
    assert found is not None
    return one.desk.store.change(found, State.HELD, QUEUE, arrival_time=1000, held_at=datetime.now(UTC))


def at_once(two: list[OneDesk], now: datetime, ahead: timedelta = timedelta(0)) -> None:
    """Have both desks work at the same moment; the clock of the first one is `ahead`."""
    threads = [
        threading.Thread(target=one.work, args=[moment], name=name)
        for one, moment, name in zip(two, (now + ahead, now), "ab", strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_each_notice_is_sent_once_and_reports_are_sent_by_the_node_of_the_message(
    two: list[OneDesk], sent: list[tuple[str, str, str]]
) -> None:
    now = soon()
    incidents = [hold(two[number % 2], number) for number in range(COUNT)]
    store = two[0].desk.store
    store.digests.subscribe("boss@corp.example", now, now)
    for step in range(3):
        at_once(two, now + timedelta(seconds=step))
    requests = [one for one in sent if one[1] == "boss@corp.example"]
    assert len(requests) == COUNT + 1  # and the summary
    # A reminder, then a rejection of every second one, then the deadline of the others.
    at_once(two, now + timedelta(hours=3))
    at_once(two, now + timedelta(hours=3, seconds=1))
    for incident in incidents[::3]:
        current = store.incident(incident.id)
        assert current is not None
        moderation.override(two[1].desk, current, Answer.REJECT, Actor("boss@corp.example", "page"))
    for step in range(3):
        at_once(two, now + timedelta(hours=5, seconds=step))
    assert {one.state for one in store.incidents()} == {State.REJECTED, State.EXPIRED}
    assert not two[0].desk.store.outbox.due(now + timedelta(days=9))
    counted = Counter(kind for _, _, kind in sent)
    assert set(counted.values()) == {1}, counted
    reports = {kind: thread for thread, recipient, kind in sent if recipient == "anna@corp.example"}
    assert len(reports) == COUNT
    names = {incident.id: "ab"[number % 2] for number, incident in enumerate(incidents)}
    assert {name: next(t for kind, t in reports.items() if name in kind) for name in names} == names
    assert store.audit.verify().problem == ""


def test_desks_with_clocks_ten_minutes_apart_do_everything_once(
    two: list[OneDesk], sent: list[tuple[str, str, str]]
) -> None:
    now, ahead = soon(), timedelta(minutes=10)
    for number in range(COUNT):
        hold(two[number % 2], number)
    store = two[0].desk.store
    for step in range(3):
        at_once(two, now + timedelta(seconds=step), ahead)
    assert Counter(recipient for _, recipient, _ in sent) == {"boss@corp.example": COUNT}
    # The deadline is four hours after the request, by the clock of the desk that asked: for one desk it has passed.
    for step in range(3):
        at_once(two, now + timedelta(hours=3, minutes=55, seconds=step), ahead)
    for step in range(3):
        at_once(two, now + timedelta(hours=4, minutes=20, seconds=step), ahead)
    assert {one.state for one in store.incidents()} == {State.EXPIRED}
    assert not store.outbox.due(now + timedelta(days=9))
    counted = Counter(kind for _, _, kind in sent)
    assert set(counted.values()) == {1}, counted
    assert len([one for one in sent if one[1] == "anna@corp.example"]) == COUNT
    assert {desk.machine for desk in store.claims.desks()}  # leases go by the database's clock
    assert store.audit.verify().problem == ""


def test_the_desk_of_its_node_asks_about_uninspected_mail(two: list[OneDesk], sent: list[tuple[str, str, str]]) -> None:
    incident = hold(two[0], 1, ADOPTED)
    two[1].work(soon())
    assert not sent
    two[0].work(soon())
    described = two[1].desk.store.incident(incident.id)
    assert described is not None
    assert described.attachments
    assert len(sent) == 1
    with pytest.raises(RemoteNodeError, match="at node a"):
        two[1].previewer.original(described)
    with pytest.raises(UnreadableError) as raised:
        two[1].previewer.read(described)
    assert raised.value.why == "node"


def test_a_notice_of_a_dead_desk_is_sent_by_another_desk(
    two: list[OneDesk], sent: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(two[0], 1)
    at_once(two, soon())
    sent.clear()
    incident = hold(two[0], 2)
    two[0].scheduler.ask(datetime.now(UTC))
    (notice,) = two[0].desk.store.outbox.due(soon())
    assert notice.incident_id == incident.id
    with two[0].desk.store.claims.claimed(f"notice {notice.number}"):
        two[1].work(soon())
        assert not sent
        monkeypatch.setattr("holdgate.quarantine.claims.LEASE", timedelta(0))
        two[0].presence.run_once(datetime.now(UTC))  # its last heartbeat
        monkeypatch.undo()
        monkeypatch.setattr(post, "submit_one", lambda _, recipient, *__, **___: sent.append(("", recipient, "")))
        two[1].presence.run_once(datetime.now(UTC))
        two[1].work(soon())
    assert [one[1] for one in sent] == ["boss@corp.example"]


@pytest.mark.parametrize("outcome", ["sends", "fails"])
def test_a_suspended_desk_does_not_send_a_notice_that_another_has_sent(
    two: list[OneDesk], sent: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    incident = hold(two[0], 1)
    two[0].scheduler.ask(datetime.now(UTC))
    compose = Composer.compose

    def pause_once(self: Composer, *arguments: Any) -> Any:
        monkeypatch.setattr(Composer, "compose", compose)
        monkeypatch.setattr("holdgate.quarantine.claims.LEASE", timedelta(0))
        two[0].presence.run_once(datetime.now(UTC))  # its last heartbeat
        monkeypatch.setattr("holdgate.quarantine.claims.LEASE", timedelta(seconds=30))
        two[1].presence.run_once(datetime.now(UTC))
        two[1].scheduler.send(soon())
        two[0].presence.run_once(datetime.now(UTC))
        if outcome == "fails":
            raise OSError("the connection has ended meanwhile")
        return compose(self, *arguments)

    monkeypatch.setattr(Composer, "compose", pause_once)
    two[0].scheduler.send(soon())
    assert [one[1] for one in sent] == ["boss@corp.example"]
    store = two[0].desk.store
    assert [one.event for one in store.history(incident.id)][-2:] == ["asked", "notice sent"]
    assert not store.outbox.due(soon())
    assert store.audit.verify().problem == ""


def test_a_postponed_notice_is_not_sent_early_by_another_desk(
    two: list[OneDesk], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def refuse(*_: Any, **__: Any) -> None:
        tries.append("")
        raise smtplib.SMTPServerDisconnected

    monkeypatch.setattr(post, "submit_one", refuse)
    hold(two[0], 1)
    now = soon()
    for one in two:
        one.work(now)
    assert len(tries) == 1


def test_a_metric_shows_how_long_each_node_is_silent(two: list[OneDesk]) -> None:
    store = two[0].desk.store
    nodes: Nodes = store.nodes
    nodes.acquire("a", Machine("1" * 32, "one.corp.example", "1.0"))
    two[1].presence.run_once(datetime.now(UTC))
    (sample,) = next(iter(metrics.NODE_SILENT.collect())).samples
    assert sample.labels == {"node": "a"}
    assert sample.value < 60
    nodes.release("a", Machine("1" * 32, "one.corp.example", "1.0"))
    assert nodes.retire("a")
    two[1].presence.run_once(datetime.now(UTC))
    assert not next(iter(metrics.NODE_SILENT.collect())).samples
