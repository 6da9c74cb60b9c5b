"""Channels: which notice goes over which channel, its content, and a new channel in one file."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from holdgate.configfile import ConfigError
from holdgate.desk import moderation, post
from holdgate.desk.channel import REGISTRY, AwayError, Channel, ChannelError, Letter, RefusedError, Shows
from holdgate.desk.context import Desk
from holdgate.desk.notices import Composer
from holdgate.desk.preview import Previewer
from holdgate.desk.scheduler import Scheduler
from holdgate.desk.templates import Templates
from holdgate.quarantine.incident import Actor, Answer
from holdgate.queue.client import QueueClient
from tests.unit.desk.conftest import Hold, MakeDesk

PAGE = Path(__file__).resolve().parents[3] / "docs/howto/add-a-channel.md"
NOW = datetime(2040, 1, 2, 12, tzinfo=UTC)  # a Monday
BOSS = "boss@corp.example"
FINDINGS = [
    {"identifier": "iban", "confidence": "high", "count": 2, "unique": 1, "parts": ["a.pdf"], "masked": ["DE** *1"]}
]
DECLARING = "from holdgate.desk.channel import Channel\nclass A(Channel): {}\nCHANNELS = (A,)"
Sent = list[tuple[str, Letter]]


class Chat(Channel):
    """Keeps the letters that it gets, or fails."""

    name: ClassVar[str] = "chat"
    sent: ClassVar[Sent]
    error: ClassVar[Exception | None]

    def deliver(self, recipient: str, letter: Letter) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append((recipient, letter))


class FullChat(Chat):
    """The same, if only that person can read the channel."""

    name: ClassVar[str] = "full-chat"
    shows: ClassVar[Shows] = Shows.MASKED
    may_decide: ClassVar[bool] = True


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the additions of a test from the registry afterwards."""
    monkeypatch.setattr(REGISTRY, "channels", dict(REGISTRY.channels))
    REGISTRY.add(Chat, FullChat)
    Chat.sent, Chat.error = [], None


@pytest.fixture(autouse=True)
def mailed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return who got mail."""
    mailed: list[str] = []
    monkeypatch.setattr(post, "submit_one", lambda _content, recipient, *_: mailed.append(recipient))
    return mailed


def scheduler(desk: Desk) -> Scheduler:
    previewer = Previewer(desk.settings, QueueClient(Path("/nonexistent")))
    return Scheduler(desk, Composer(desk, Templates(Path("/nonexistent"), desk.zone), previewer), previewer)


def test_a_request_is_sent_by_mail_and_over_the_channels_of_the_policy(
    make_desk: MakeDesk, hold: Hold, mailed: list[str]
) -> None:
    desk = make_desk(notify_over=["chat"], reminders=["1d"])
    hold(desk, findings=FINDINGS, now=NOW)
    scheduler(desk).run_once(NOW)
    assert (mailed, [recipient for recipient, _ in Chat.sent]) == ([BOSS], [BOSS])
    scheduler(desk).run_once(NOW + timedelta(days=1))
    assert mailed == [BOSS] * 2
    assert [letter.subject.partition(":")[0] for _, letter in Chat.sent] == ["Approval needed", "Reminder"]
    assert "notice sent" in {one.event for one in desk.store.history(desk.store.incidents()[0].id)}
    assert desk.store.outbox.due(NOW + timedelta(days=30)) == []


def test_a_channel_without_permission_gets_no_content(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(notify_over=["chat"])
    incident = hold(desk, findings=FINDINGS, header_from="Anna <anna@corp.example>", now=NOW)
    scheduler(desk).run_once(NOW)
    ((_, letter),) = Chat.sent
    assert letter.link == f"https://approve.corp.example/incidents/{incident.id}"
    assert incident.id in letter.subject
    assert letter.link in letter.text
    for word in ("anna", "bob", "Figures", "iban", "DE**", "/t/"):
        assert word not in letter.subject + letter.text


def test_a_channel_with_permission_gets_masked_matches_and_a_decision_link(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(notify_over=["full-chat"], language="de")
    hold(desk, findings=FINDINGS, now=NOW)
    scheduler(desk).run_once(NOW)
    ((_, letter),) = Chat.sent
    assert letter.link.startswith("https://approve.corp.example/t/a-")
    for word in ("anna@corp.example", "bob@partner.example", "Figures", "1 IBAN", "DE** *1", "Freigabe"):
        assert word in letter.text + letter.subject


def test_a_silent_channel_does_not_delay_mail_and_is_retried(
    make_desk: MakeDesk, hold: Hold, mailed: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    desk = make_desk(notify_over=["chat"])
    hold(desk)
    Chat.error = AwayError()
    now = datetime.now(UTC)
    table = scheduler(desk)
    table.run_once(now)
    assert mailed == [BOSS]
    (line,) = [record.getMessage() for record in caplog.records if "notice-failed" in record.getMessage()]
    assert line.endswith("channel=chat")
    Chat.error = None
    scheduler(desk).run_once(now + timedelta(minutes=1))
    assert (mailed, len(Chat.sent)) == ([BOSS], 1)


@pytest.mark.parametrize("permanent", [False, True])
def test_a_channel_that_refuses_a_recipient_does_not_reassign_the_request(
    make_desk: MakeDesk, hold: Hold, permanent: bool
) -> None:
    desk = make_desk(notify_over=["chat"])
    incident = hold(desk)
    Chat.error = RefusedError("refused with 410", permanent=permanent)
    scheduler(desk).run_once(datetime.now(UTC))
    assert [one.moderator for one in desk.store.requests.of(incident.id) if one.is_open] == [BOSS]
    left = desk.store.outbox.due(datetime.now(UTC) + timedelta(days=1))
    assert [one.channel for one in left] == ([] if permanent else ["chat"])


def test_no_request_is_sent_over_a_channel_after_the_decision(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(notify_over=["chat"])
    moderation.override(desk, hold(desk), Answer.APPROVE, Actor(BOSS, "page"))
    scheduler(desk).run_once(datetime.now(UTC))
    assert Chat.sent == []


def test_notices_for_a_removed_channel_are_dropped(make_desk: MakeDesk, hold: Hold, mailed: list[str]) -> None:
    desk = make_desk(notify_over=["chat"])
    incident = hold(desk)
    del REGISTRY.channels["chat"]
    scheduler(make_desk()).run_once(datetime.now(UTC))
    assert mailed == [BOSS]
    assert desk.store.outbox.due(datetime.now(UTC) + timedelta(days=1)) == []
    notes = [one.note for one in desk.store.history(incident.id) if one.event == "notice dropped"]
    assert notes == [f"request to {BOSS} over chat"]


class _Hook(BaseHTTPRequestHandler):
    taken: ClassVar[list[dict[str, str]]] = []

    def do_POST(self) -> None:
        self.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(410 if self.path == "/gone" else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def hook() -> Iterator[str]:
    """Serve a webhook on a free port; return its address."""
    server = HTTPServer(("127.0.0.1", 0), _Hook)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_channel_of_the_documentation_works(
    make_desk: MakeDesk, hold: Hold, tmp_path: Path, hook: str, mailed: list[str]
) -> None:
    del REGISTRY.channels["chat"]
    code = PAGE.read_text(encoding="utf-8").partition("```python\n")[2].partition("   ```")[0]
    (tmp_path / "page_chat.py").write_text("\n".join(line[3:] for line in code.splitlines()), encoding="utf-8")
    channels = {"modules": ["page_chat"], "directory": str(tmp_path), "options": {"chat": {"url": f"{hook}/hook"}}}
    desk = make_desk(channels=channels, notify_over=["chat"])
    incident = hold(desk)
    _Hook.taken.clear()
    scheduler(desk).run_once(datetime.now(UTC))
    (payload,) = _Hook.taken
    assert (payload["to"], payload["title"]) == (BOSS, f"Approval needed: incident {incident.id}")
    letter = Letter(subject="x")
    with pytest.raises(RefusedError) as refused:
        type(desk.channels["chat"])(desk.settings, {"url": f"{hook}/gone"}).deliver(BOSS, letter)
    assert refused.value.permanent
    with pytest.raises(AwayError):
        type(desk.channels["chat"])(desk.settings, {"url": "http://127.0.0.1:9/"}).deliver(BOSS, letter)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        ("", "AttributeError"),
        ("CHANNELS = (7,)", "must be a tuple of subclasses of Channel"),
        (DECLARING.format("name = 'mail'"), '"mail" is declared twice'),
        (DECLARING.format("name = 'a b'"), "no name of a channel"),
    ],
)
def test_a_module_without_a_valid_channel_is_named(make_desk: MakeDesk, tmp_path: Path, code: str, why: str) -> None:
    name = f"site_channel_{abs(hash(code))}"
    (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    with pytest.raises(ConfigError, match=f"channels.modules: {name}.*{why}"):
        make_desk(channels={"modules": [name], "directory": str(tmp_path)})


def test_options_of_an_unknown_channel_and_invalid_options_are_named(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match=r"channels.options.chatt: no channel"):
        make_desk(channels={"options": {"chatt": {}}})

    def raise_key_error(self: Channel, settings: object, options: object) -> None:
        raise KeyError("url")

    monkeypatch.setattr(Chat, "__init__", raise_key_error)
    with pytest.raises(ConfigError, match=r"channels.options.chat: KeyError: 'url'"):
        make_desk()


def test_a_channel_name_can_be_declared_only_once() -> None:
    with pytest.raises(ChannelError, match="declared twice"):
        REGISTRY.add(Chat)
