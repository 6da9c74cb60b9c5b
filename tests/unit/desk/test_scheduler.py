"""The passes: asking, reminding, expiring, sending, erasing, with a clock that the test sets."""

import smtplib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from holdgate.desk import asking, consult, moderation, post
from holdgate.desk.context import Desk
from holdgate.desk.notices import Composer
from holdgate.desk.preview import Previewer
from holdgate.desk.scheduler import Scheduler
from holdgate.quarantine.incident import Actor, Answer, Incident, NewNotice, Notice
from holdgate.quarantine.outbox import Outbox
from holdgate.quarantine.states import State
from holdgate.quarantine.store import ConflictError, Store
from holdgate.queue.client import QueueError, UnreachableError
from holdgate.queue.wishes import Wishes
from testbed.sample_mail import readable
from tests.support.desks import templates_of
from tests.support.store_calls import calls_about
from tests.unit.desk.conftest import Hold, MakeDesk

# A Monday far in the future: entries that the store stamps with the current time are due by then.
NOW = datetime(2040, 1, 2, 12, tzinfo=UTC)
BOSS = Actor("boss@corp.example", "page")
ORIGINAL = b"From: anna@corp.example\nX-Holdgate-Incident: A\nSubject: Figures\n\nsecret\n"


class FakePreviewer(Previewer):
    """Shows one message, without a queue agent and workers; its sender may want no report."""

    unwanted = False

    def __init__(self) -> None:
        self.described = 0

    def wishes(self, incident: Incident) -> Wishes:
        return Wishes(unwanted=frozenset(incident.recipients)) if self.unwanted else Wishes()

    def original(self, incident: Incident) -> bytes | None:
        return ORIGINAL

    def describe(self, incident: Incident) -> dict[str, Any]:
        self.described += 1
        if incident.subject == "odd":
            raise RuntimeError("odd")
        return {"attachments": [{"name": "a.pdf", "size": 5}]}


class Relay:
    """Postfix's listener for notices, as smtplib sees it."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, bytes]] = []
        self.refused: dict[str, int] = {}
        self.crash_after = False

    def __call__(self, content: bytes, recipient: str, relay: tuple[str, int], sender: str = "") -> None:
        if recipient in self.refused:
            raise smtplib.SMTPRecipientsRefused({recipient: (self.refused[recipient], b"no")})
        self.taken.append((sender, recipient, content))
        if self.crash_after:
            raise KeyboardInterrupt

    def to(self, recipient: str) -> list[EmailMessage]:
        found = [message_from_bytes(c, policy=policy.default) for _, r, c in self.taken if r == recipient]
        assert all(isinstance(message, EmailMessage) for message in found)
        return found


@pytest.fixture
def relay(monkeypatch: pytest.MonkeyPatch) -> Relay:
    relay = Relay()
    monkeypatch.setattr(post, "submit_one", relay)
    return relay


def scheduler(desk: Desk) -> Scheduler:
    previewer = FakePreviewer()
    return Scheduler(desk, Composer(desk, templates_of(desk), previewer), previewer)


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_a_request_contains_all_data_for_a_decision(make_desk: MakeDesk, hold: Hold, relay: Relay) -> None:
    desk = make_desk()
    findings = [
        {"identifier": "iban", "confidence": "high", "count": 2, "unique": 1, "parts": ["a.pdf"], "masked": ["DE** *1"]}
    ]
    incident = hold(desk, asked=False, findings=findings, size=48_000, now=NOW)
    scheduler(desk).run_once(NOW)
    (message,) = relay.to("boss@corp.example")
    text = text_of(message)
    for output in (
        "anna@corp.example",
        "bob@partner.example",
        "Figures",
        "a.pdf (5 bytes)",
        "This message contains 1 IBAN.",
    ):
        assert output in text
    assert "In a.pdf: DE** *1" in text
    assert "Wed 4 Jan 2040, 13:00" in text
    assert "Times are in Europe/Berlin, UTC+01:00." in text
    for identifier in ("iban (", "high"):
        assert identifier not in text
    html = message.get_body(("html",))
    assert html is not None
    assert "#approve" in html.get_content()
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["References"] == f"<{incident.id}@corp.example>"
    (sender, _, _) = relay.taken[0]
    assert sender.startswith("holdgate+b-")
    assert message["Reply-To"].startswith("holdgate+r-")
    # Relays log it: it has no token.
    assert message["Message-ID"].strip() == f"<{incident.id}.request.1@corp.example>"
    assert "https://approve.corp.example/t/a-" in text


def test_the_original_is_attached_only_if_the_policy_allows_it(make_desk: MakeDesk, hold: Hold, relay: Relay) -> None:
    desk = make_desk(attach_original=True)
    hold(desk)
    scheduler(desk).run_once(datetime.now(UTC))
    (message,) = relay.to("boss@corp.example")
    assert message.get_content_type() == "multipart/mixed"
    alternative, original = message.iter_parts()
    assert alternative.get_content_type() == "multipart/alternative"
    assert original.get_content_type() == "message/rfc822"
    assert b"secret" in original.as_bytes()
    assert b"X-Holdgate" not in original.as_bytes()
    relay.taken.clear()
    plain = make_desk()
    hold(plain)
    scheduler(plain).run_once(datetime.now(UTC))
    assert relay.taken
    assert not any(b"secret" in content for _, _, content in relay.taken)


def test_reminders_are_sent_before_the_deadline_and_then_the_message_is_returned(
    make_desk: MakeDesk, hold: Hold, relay: Relay
) -> None:
    desk = make_desk(reminders=["1d", "2h"])
    incident = hold(desk, now=NOW)
    table = scheduler(desk)
    kinds: list[tuple[int, str]] = []
    for hours in range(49):
        before = len(relay.taken)
        table.run_once(NOW + timedelta(hours=hours))
        kinds.extend((hours, recipient) for _, recipient, _ in relay.taken[before:])
    assert kinds == [
        (0, "boss@corp.example"),
        (24, "boss@corp.example"),
        (46, "boss@corp.example"),
        (48, "anna@corp.example"),
    ]
    request, reminder, _ = relay.to("boss@corp.example")
    assert reminder["Subject"] == f"Re: {request['Subject']}"
    assert reminder["References"].split() == [f"<{incident.id}@corp.example>", request["Message-ID"].strip()]
    assert "This is a reminder" in text_of(reminder)
    (report,) = relay.to("anna@corp.example")
    assert "The message has been returned to the sender because no decision was made" in text_of(report)
    events = [event.event for event in desk.store.history(incident.id)]
    assert events.count("reminded") == 2
    assert events[-2:] == ["expired", "notice sent"]


def test_working_days_move_the_deadline_past_the_weekend(make_desk: MakeDesk, hold: Hold, relay: Relay) -> None:
    desk = make_desk(working_days=["mon", "tue", "wed", "thu", "fri"])
    friday = datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert hold(desk, now=friday).deadline_at == datetime(2026, 12, 1, 12, tzinfo=UTC)


def test_a_desk_that_was_down_asks_before_it_returns_a_message(make_desk: MakeDesk, hold: Hold, relay: Relay) -> None:
    desk = make_desk()
    incident = hold(desk, asked=False, now=NOW)
    scheduler(desk).run_once(NOW + timedelta(days=9))
    held = desk.store.incident(incident.id)
    assert (held.state, held.deadline_at) == (State.HELD, NOW + timedelta(days=11))
    assert relay.to("boss@corp.example")


def test_an_unusual_incident_does_not_delay_the_others(make_desk: MakeDesk, hold: Hold, relay: Relay) -> None:
    desk = make_desk()
    hold(desk, asked=False, subject="odd", queue_id="4a")
    hold(desk, asked=False, subject="fine", queue_id="4b")
    scheduler(desk).run_once(NOW)
    assert [message["Subject"] for message in relay.to("boss@corp.example")] == ["Approval needed: fine"]


@pytest.mark.slow  # postmap(1) waits a second before it gives up, each time
def test_no_message_is_read_before_its_moderators_are_known(make_desk: MakeDesk, hold: Hold, relay: Relay) -> None:
    desk = make_desk(moderators=["manager"], managers="/nonexistent/managers", managers_retry_for="15m")
    incident = hold(desk, asked=False, now=NOW)
    previewer = FakePreviewer()
    clock = [0.0]
    composer = Composer(desk, templates_of(desk), previewer)
    table = Scheduler(desk, composer, previewer, clock=lambda: clock[0])
    table.run_once(NOW)
    clock[0] += 16 * 60
    assert (previewer.described, desk.store.requests.of(incident.id)) == (0, [])
    table.run_once(NOW + timedelta(minutes=16))
    assert previewer.described == 1
    assert relay.to("desk@corp.example")


def test_a_moderator_whose_address_postfix_rejects_is_replaced(make_desk: MakeDesk, hold: Hold, relay: Relay) -> None:
    desk = make_desk()
    relay.refused["boss@corp.example"] = 550
    incident = hold(desk)
    table = scheduler(desk)
    table.run_once(datetime.now(UTC))
    table.run_once(datetime.now(UTC))
    assert relay.to("desk@corp.example")
    assert [one.answer for one in desk.store.requests.of(incident.id)] == [Answer.BOUNCED, None]


def test_a_request_that_postfix_defers_is_retried(make_desk: MakeDesk, hold: Hold, relay: Relay) -> None:
    desk = make_desk()
    relay.refused["boss@corp.example"] = 450
    hold(desk)
    scheduler(desk).run_once(datetime.now(UTC))
    relay.refused.clear()
    scheduler(desk).run_once(datetime.now(UTC))
    assert not relay.taken
    scheduler(desk).run_once(datetime.now(UTC) + timedelta(minutes=1))
    assert relay.to("boss@corp.example")


@pytest.mark.parametrize(
    ("error", "output"),
    [
        (smtplib.SMTPRecipientsRefused({"boss@corp.example": (450, b"secret")}), "recipient refused with 450"),
        (smtplib.SMTPSenderRefused(553, b"secret", "holdgate@corp.example"), "sender refused with 553"),
        (smtplib.SMTPDataError(552, b"secret"), "refused with 552"),
        (smtplib.SMTPServerDisconnected("secret"), "SMTPServerDisconnected at "),
        (QueueError("the queue agent does not answer"), "the queue agent does not answer"),
    ],
)
def test_the_log_has_the_reason_of_a_rejected_notice(
    make_desk: MakeDesk,
    hold: Hold,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Any,
    output: str,
) -> None:
    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr(post, "submit_one", refuse)
    desk = make_desk()
    hold(desk)
    scheduler(desk).run_once(datetime.now(UTC))
    (line,) = [record.getMessage() for record in caplog.records if "notice-failed" in record.getMessage()]
    assert line.startswith(f"4a: notice-failed: kind=request error={output}")
    assert "secret" not in line


def test_a_waiting_request_is_not_sent_after_the_decision(make_desk: MakeDesk, hold: Hold, relay: Relay) -> None:
    desk = make_desk(notify_sender_on_hold=True)
    incident = hold(desk)
    moderation.override(desk, incident, Answer.REJECT, BOSS)
    scheduler(desk).run_once(datetime.now(UTC))
    assert [recipient for _, recipient, _ in relay.taken] == ["anna@corp.example", "boss@corp.example"]
    assert not desk.store.outbox.due(datetime.now(UTC) + timedelta(days=1))


def test_the_sender_is_notified_of_an_approval_after_the_release(make_desk: MakeDesk, hold: Hold, relay: Relay) -> None:
    desk = make_desk()
    incident = moderation.override(desk, hold(desk), Answer.APPROVE, BOSS, "Fine")
    table = scheduler(desk)
    table.run_once(datetime.now(UTC))
    assert not relay.to("anna@corp.example")
    desk.store.change(incident, State.RELEASED, Actor("holdgate-queue", "queue"))
    table.run_once(datetime.now(UTC))
    (notice,) = relay.to("anna@corp.example")
    assert "The moderator responded Approve." in text_of(notice)
    assert "Fine" in text_of(notice)


def test_no_approval_notice_is_sent_for_a_message_that_an_operator_removed(
    make_desk: MakeDesk, hold: Hold, relay: Relay
) -> None:
    desk = make_desk()
    incident = moderation.override(desk, hold(desk), Answer.APPROVE, BOSS)
    desk.store.change(incident, State.VANISHED, Actor("holdgate-queue", "queue"))
    scheduler(desk).run_once(datetime.now(UTC))
    assert not relay.to("anna@corp.example")


def test_no_decision_notice_is_sent_once_the_message_is_held_again(
    make_desk: MakeDesk, hold: Hold, relay: Relay
) -> None:
    desk = make_desk()
    incident = moderation.override(desk, hold(desk), Answer.APPROVE, BOSS)
    gone = desk.store.change(incident, State.VANISHED, Actor("q", "queue"))
    desk.store.change(gone, State.HELD, Actor("q", "queue"), asked_at=None, deadline_at=None, decided_by=None)
    scheduler(desk).run_once(datetime.now(UTC))
    scheduler(desk).run_once(datetime.now(UTC))
    assert [message["Subject"] for message in relay.to("boss@corp.example")] == ["Approval needed: Figures"]


def test_a_notice_that_is_sent_twice_has_the_same_message_id(make_desk: MakeDesk, hold: Hold, relay: Relay) -> None:
    desk = make_desk()
    incident = hold(desk)
    table = scheduler(desk)
    relay.crash_after = True
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):  # the process is killed between Postfix's answer and the record of it
            table.run_once(datetime.now(UTC))
    relay.crash_after = False
    table.run_once(datetime.now(UTC))
    assert len({message["Message-ID"] for message in relay.to("boss@corp.example")}) == 1
    moderation.override(desk, incident, Answer.REJECT, BOSS)
    relay.crash_after = True
    with pytest.raises(KeyboardInterrupt):
        table.run_once(datetime.now(UTC))
    relay.crash_after = False
    table.run_once(datetime.now(UTC))
    first, second = relay.to("anna@corp.example")
    assert first["Message-ID"] == second["Message-ID"]


def test_a_sender_who_wants_no_report_gets_none(
    make_desk: MakeDesk, hold: Hold, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakePreviewer, "unwanted", True)
    desk = make_desk()
    incident = hold(desk)
    moderation.override(desk, incident, Answer.REJECT, BOSS)
    scheduler(desk).run_once(datetime.now(UTC))
    assert not relay.to("anna@corp.example")
    assert not [
        notice for notice in desk.store.outbox.due(datetime.now(UTC) + timedelta(days=365)) if notice.kind == "rejected"
    ]


def test_the_first_notice_to_the_sender_has_a_link_to_withdraw(make_desk: MakeDesk, hold: Hold, relay: Relay) -> None:
    desk = make_desk(notify_sender_on_hold=True, language="de")
    hold(desk)
    scheduler(desk).run_once(datetime.now(UTC))
    (notice,) = relay.to("anna@corp.example")
    assert notice["Subject"] == "Wartet auf Freigabe: Figures"
    assert "https://approve.corp.example/t/w-" in text_of(notice)


def test_an_alert_reports_a_message_without_its_text(make_desk: MakeDesk, relay: Relay) -> None:
    desk = make_desk()
    finding = {
        "identifier": "iban",
        "confidence": "high",
        "count": 1,
        "unique": 1,
        "parts": ["DE1.pdf"],
        "masked": ["D*"],
    }
    incident = Incident(
        queue_id="4a",
        sender="anna@corp.example",
        recipients=["bob@partner.example"],
        policy="watch",
        state=State.RECORDED,
        action="alert",
        subject="DE1 unmasked",
        findings=[finding],
    )
    desk.store.record(incident, BOSS, outbox=[NewNotice("alert", "audit@corp.example")])
    scheduler(desk).run_once(NOW)
    (alert,) = relay.to("audit@corp.example")
    assert "This message contains 1 IBAN." in text_of(alert)
    assert "D*" in text_of(alert)
    assert "DE1" not in readable(alert)
    assert scheduler(desk).erase_old(NOW)
    assert desk.store.incident(incident.id).subject == ""


def test_content_is_erased_after_its_retention_and_the_trail_still_verifies(
    make_desk: MakeDesk, hold: Hold, relay: Relay
) -> None:
    desk = make_desk(retention="30d")
    findings = [{"identifier": "iban", "confidence": "high", "count": 1, "unique": 1, "parts": ["x"], "masked": ["D*"]}]
    incident = hold(desk, subject="Secret plan", findings=findings, message_id="<1@x>")
    done = moderation.override(desk, incident, Answer.REJECT, BOSS, "a private remark")
    closed = desk.store.change(done, State.RETURNED, Actor("q", "queue"), closed_at=datetime.now(UTC))
    assert closed.closed_at is not None
    table = scheduler(desk)
    table.erase_old(closed.closed_at + timedelta(days=29))
    assert desk.store.incident(incident.id).subject == "Secret plan"
    table.erase_old(closed.closed_at + timedelta(days=31))
    table.erase_old(closed.closed_at + timedelta(days=32))
    assert [event.event for event in desk.store.history(incident.id)].count("erased") == 1
    erased = desk.store.incident(incident.id)
    everything = repr(erased) + repr(desk.store.history(incident.id)) + repr(list(desk.store.audit.export()))
    for content in ("Secret plan", "a private remark", "D*", "<1@x>"):
        assert content not in everything
    assert erased.findings[0]["identifier"] == "iban"
    assert (erased.decided_by, erased.sender) == ("boss@corp.example", "anna@corp.example")
    assert desk.store.audit.verify().problem == ""


@pytest.mark.slow
def test_erased_content_is_not_in_the_files_of_the_store(make_desk: MakeDesk, hold: Hold, tmp_path: Path) -> None:
    def kept() -> list[str]:
        return sorted(path.name for path in tmp_path.glob("holdgate.db*") if b"Secret plan" in path.read_bytes())

    desk = make_desk(retention="30d")
    table = scheduler(desk)
    closed = desk.store.change(hold(desk, subject="Secret plan"), State.VANISHED, BOSS, closed_at=NOW)
    assert table.erase_old(NOW)
    assert kept() == ["holdgate.db"]
    # A reader keeps SQLite's log; the next pass tries again.
    with closing(sqlite3.connect(tmp_path / "holdgate.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM incidents").fetchall()
        assert table.erase_old(NOW + timedelta(days=31))
        assert desk.store.incident(closed.id).subject == ""
        assert kept()
    assert table.erase_old(NOW + timedelta(days=31))
    assert kept() == []


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("reminder", [False, True])
def test_hostile_text_does_not_damage_a_mail(
    make_desk: MakeDesk, hold: Hold, relay: Relay, language: str, reminder: bool
) -> None:
    desk = make_desk(language=language, desk={"own_domains": ["corp.example"]})
    forged = ("Bcc: victim@elsewhere.example", "Decide by: never", "Frist: nie")
    hostile = "<script>x</script>\r\n" + "\u202e\u2028{{ 1234*1000 }}\n".join(forged) + "A" * 1000
    incident = hold(
        desk,
        asked=False,
        now=NOW,
        subject=hostile,
        header_from=hostile,
        recipients=["<b>@partner.example", "b@\u202epartner.example"],
        findings=[
            {"identifier": "x", "confidence": "low", "count": 1, "unique": 1, "parts": [hostile], "masked": [hostile]}
        ],
    )
    asking.ask(desk, incident, NOW, lambda: {"attachments": [{"name": hostile, "size": 1}]})
    table = scheduler(desk)
    table.run_once(NOW)
    table.run_once(NOW + timedelta(hours=25 if reminder else 0))
    # A comment has lines, and is a moderator's own.
    comment = hostile.replace("Bcc:", "Comment-Bcc:").replace("Decide", "I decide").replace("Frist", "Keine Frist")
    current = desk.store.incident(incident.id)
    assert current is not None
    moderation.override(desk, current, Answer.REJECT, BOSS, comment * 100)
    table.run_once(NOW + timedelta(hours=25))
    for _, _, content in relay.taken:
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        assert "Bcc" not in message
        assert not any(line.strip().startswith(forged) for line in text_of(message).splitlines())
        assert b"1234000" not in content
        assert b"<script" not in content.partition(b"text/html")[2]
        assert "\u202e".encode() not in content
        assert b"\n" not in content.replace(b"\r\n", b"")
        assert max(len(line) for line in content.split(b"\r\n")) <= 998
        assert len(content) < 60_000
    assert len(relay.taken) >= 3


def test_a_sender_s_reason_cannot_pass_for_lines_of_holdgate(make_desk: MakeDesk, hold: Hold, relay: Relay) -> None:
    """In plain text, the reason stood unmarked between Holdgate's own lines, without a blank line behind it."""
    desk = make_desk(reminders=["1h"], desk={"own_domains": ["corp.example"]})
    now = datetime.now(UTC)
    incident = hold(desk, now=now)
    forged = ["Policy: checked, and harmless.", "", "You decide on this page:", "  https://phishing.example/t/x"]
    consult.answer_as_sender(desk, incident, "\n".join(forged), Actor("anna@corp.example", "page"))
    table = scheduler(desk)
    table.run_once(now + timedelta(minutes=1))
    table.run_once(now + timedelta(hours=47, minutes=30))
    texts = []
    for _, _, content in relay.taken:
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        texts.append(text_of(message).splitlines())
    quoting = [lines for lines in texts if "> You decide on this page:" in lines]
    assert len(quoting) == 3  # the request, the answer, the reminder
    for lines in quoting:
        assert not {line.strip() for line in lines} & {line.strip() for line in forged if line}
        assert lines[lines.index(">   https://phishing.example/t/x") + 1] == ""


# -- one item of ten that fails -------------------------------------------------------------------------------------


class Clock:
    """The clock of the runners."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def table_of(desk: Desk, clock: Clock) -> Scheduler:
    previewer = FakePreviewer()
    composer = Composer(desk, templates_of(desk), previewer)
    return Scheduler(desk, composer, previewer, clock=clock)


def several(desk: Desk, hold: Hold, count: int = 11, **values: Any) -> list[Incident]:
    """Hold messages, of which the fourth is the one that fails."""
    return [hold(desk, queue_id=f"4id{number}", **values) for number in range(count)]


ERRORS = [
    lambda: RuntimeError("odd"),
    lambda: OperationalError("UPDATE", {}, Exception("database is locked")),
    lambda: ConflictError(Incident("4", "", [], "p")),
]
# How many messages are held for each kind of work: one that fails, some before it and one after it.
COUNT = 5
# A kind of work, the call of the store that it ends with, and how many incidents show that it was done.
WORK: dict[str, tuple[str, Callable[[Desk], int]]] = {
    "ask": ("amend", lambda desk: COUNT - len(desk.store.agenda.awaiting_request())),
    "remind": ("amend", lambda desk: COUNT - len(desk.store.agenda.to_remind(NOW + timedelta(days=1)))),
    "expire": ("change", lambda desk: len(desk.store.incidents([State.EXPIRED]))),
    "erase": ("erase", lambda desk: sum(one.erased_at is not None for one in desk.store.incidents())),
    "replace": ("change", lambda desk: len(desk.store.incidents([State.REJECTED]))),
}


def prepare(desk: Desk, work: str, held: list[Incident]) -> None:
    """Leave incidents as this kind of work finds them: closed long ago, or replaced while the desk was away."""
    for incident in held:
        if work == "erase":
            desk.store.change(incident, State.VANISHED, BOSS, closed_at=NOW - timedelta(days=2))
        if work == "replace":
            begun = desk.store.replacements.begin(incident.id, "k", "d", Actor("billing", "replacement"), NOW)
            desk.store.replacements.accepted(begun, f"5{incident.queue_id}")


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("work", WORK)
def test_an_incident_that_always_fails_does_not_delay_others(
    make_desk: MakeDesk,
    hold: Hold,
    relay: Relay,
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
    work: str,
    error: Callable[[], Exception],
) -> None:
    desk = make_desk(reminders=["1d"], retention="1d")
    held = several(desk, hold, COUNT, asked=work != "ask", now=NOW)
    call, done = WORK[work]
    table = table_of(desk, clock)
    moment = {"ask": NOW, "remind": NOW + timedelta(days=1), "expire": NOW + timedelta(days=3)}.get(work, NOW)
    prepare(desk, work, held)
    real = getattr(Store, call)

    def fails(self: Store, incident: Incident, *rest: Any, **more: Any) -> Any:
        if incident.queue_id == "4id3":
            raise error()
        return real(self, incident, *rest, **more)

    def once() -> None:
        table.check_deadlines(moment)
        table.ask(moment)
        table.erase_old(moment)

    with monkeypatch.context() as patch:
        patch.setattr(Store, call, fails)
        once()
        assert done(desk) == COUNT - 1
        for _ in range(3):
            once()
    clock.now += 60
    once()
    assert done(desk) == COUNT


@pytest.mark.slow  # each call of each kind of work has a separate desk
@pytest.mark.parametrize("work", [*WORK, "send"])
def test_a_conflict_of_any_store_call_does_not_delay_others(
    make_desk: MakeDesk,
    hold: Hold,
    relay: Relay,
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
    tmp_path: Path,
    work: str,
) -> None:
    days = {"remind": 1, "expire": 3}.get(work, 0)
    moment = NOW + timedelta(days=days)

    def done(desk: Desk) -> int:
        return len(relay.to("boss@corp.example")) if work == "send" else WORK[work][1](desk)

    def attempt(failing: str) -> tuple[set[str], int]:
        """Do the work while a call about the fourth message fails; return these calls and how many were done."""
        for left in tmp_path.glob("holdgate.db*"):  # its write-ahead log too
            left.unlink()
        relay.taken.clear()
        desk = make_desk(reminders=["1d"], retention="1d")
        held = several(desk, hold, COUNT, asked=work != "ask", now=NOW)
        prepare(desk, work, held)
        seen: set[str] = set()

        def reach(name: str) -> None:
            seen.add(name)
            if name == failing:
                raise ConflictError(Incident("4", "", [], "p"))

        table = table_of(desk, clock)
        with monkeypatch.context() as patch:
            calls_about(patch, [held[3].id], reach)
            if work == "send":
                table.send(datetime.now(UTC))
            else:
                table.check_deadlines(moment)
                table.ask(moment)
                table.erase_old(moment)
        return seen, done(desk)

    calls, count = attempt("")
    assert count == COUNT
    assert calls
    for call in sorted(calls):
        assert attempt(call)[1] >= COUNT - 1, call


def test_a_notice_that_cannot_be_written_does_not_delay_others(
    make_desk: MakeDesk, hold: Hold, relay: Relay, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    desk = make_desk()
    several(desk, hold)
    real = Composer.compose

    def fails(self: Composer, incident: Incident, notice: Notice, now: datetime) -> Any:
        if incident.queue_id == "4id3":
            raise RuntimeError("odd")
        return real(self, incident, notice, now)

    monkeypatch.setattr(Composer, "compose", fails)
    table_of(desk, clock).send(datetime.now(UTC))
    assert len(relay.to("boss@corp.example")) == 10


@pytest.mark.parametrize("call", ["sent", "failed", "drop"])
def test_a_notice_that_cannot_be_recorded_does_not_delay_others(
    make_desk: MakeDesk, hold: Hold, relay: Relay, monkeypatch: pytest.MonkeyPatch, clock: Clock, call: str
) -> None:
    desk = make_desk()
    held = several(desk, hold)
    if call == "failed":
        relay.refused["boss@corp.example"] = 450
    if call == "drop":
        for incident in held:
            moderation.override(desk, incident, Answer.REJECT, BOSS)
    real = getattr(Outbox, call)
    (first, *_) = desk.store.outbox.due(datetime.now(UTC))

    def fails(self: Outbox, notice: Notice, *rest: Any) -> Any:
        if notice.number == first.number:
            raise ConflictError(held[0])
        return real(self, notice, *rest)

    monkeypatch.setattr(Outbox, call, fails)
    table_of(desk, clock).send(datetime.now(UTC))
    left = [one for one in desk.store.outbox.due(datetime.now(UTC)) if one.kind == "request"]
    assert [one.number for one in left] == [first.number]


@pytest.mark.parametrize("error", [TimeoutError, ConnectionRefusedError, smtplib.SMTPServerDisconnected])
def test_a_silent_relay_delays_only_a_few_notices_and_no_deadline(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch, clock: Clock, error: Exception
) -> None:
    desk = make_desk()
    several(desk, hold, now=NOW)
    asked: list[str] = []

    def silent(_content: bytes, recipient: str, *_: Any) -> None:
        asked.append(recipient)
        clock.now += 60
        raise error

    monkeypatch.setattr(post, "submit_one", silent)
    table = table_of(desk, clock)
    for _ in range(2):
        before = len(asked)
        assert table.send(NOW)
        assert len(asked) - before <= 3
    assert table.check_deadlines(NOW + timedelta(days=3))
    assert len(desk.store.incidents([State.EXPIRED])) == 11


def test_notices_that_need_the_queue_agent_do_not_delay_others(
    make_desk: MakeDesk, hold: Hold, relay: Relay, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    desk = make_desk()
    for incident in several(desk, hold)[:10]:
        moderation.override(desk, incident, Answer.REJECT, BOSS)

    def away(_self: FakePreviewer, _incident: Incident) -> bytes:
        raise UnreachableError("the queue agent does not answer")

    monkeypatch.setattr(FakePreviewer, "original", away)
    table = table_of(desk, clock)
    table.send(datetime.now(UTC))
    assert len(relay.to("boss@corp.example")) == 11  # a request, and ten decisions
    table.return_messages(datetime.now(UTC))
    assert relay.to("anna@corp.example") == []
    monkeypatch.undo()
    monkeypatch.setattr(post, "submit_one", relay)
    clock.now += 60
    table.return_messages(datetime.now(UTC) + timedelta(minutes=10))
    assert len(relay.to("anna@corp.example")) == 10


@pytest.mark.parametrize("how", ["rejected", "expired", "withdrawn"])
def test_a_message_that_an_operator_removed_is_not_reported_as_returned(
    make_desk: MakeDesk,
    hold: Hold,
    relay: Relay,
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    how: str,
) -> None:
    desk = make_desk()
    incident = hold(desk)
    actor = Actor("anna@corp.example", "withdrawal") if how == "withdrawn" else BOSS
    if how == "expired":
        incident = moderation.expire(desk, incident)
    elif how == "rejected":
        incident = moderation.override(desk, incident, Answer.REJECT, actor)
    else:
        incident = moderation.withdraw(desk, incident, actor)
    monkeypatch.setattr(FakePreviewer, "original", lambda _self, _incident: None)
    table = table_of(desk, clock)
    table.run_once(datetime.now(UTC))
    assert relay.to("anna@corp.example") == []
    assert f"notice-failed: kind={how} error=the message is not in the hold queue any more" in caplog.text
    # The queue agent takes note of it, perhaps while the desk is at this notice.
    due = [one for one in desk.store.outbox.due(NOW) if one.kind == how]
    desk.store.change(incident, State.VANISHED, Actor("q", "queue"))
    assert [one for one in desk.store.outbox.due(NOW) if one.kind == how] == []
    monkeypatch.setattr(type(desk.store.outbox), "due", lambda _self, _now: due)
    monkeypatch.setattr(FakePreviewer, "original", lambda _self, _incident: ORIGINAL)
    clock.now += 60
    table.return_messages(NOW)
    assert relay.to("anna@corp.example") == []


def test_a_pass_returns_whether_the_store_answered(
    make_desk: MakeDesk, hold: Hold, relay: Relay, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    desk = make_desk()
    several(desk, hold, now=NOW)
    table = table_of(desk, clock)

    def locked(*_: Any, **__: Any) -> None:
        raise OperationalError("UPDATE", {}, Exception("database is locked"))

    with monkeypatch.context() as patch:
        patch.setattr(Store, "change", locked)
        assert not table.check_deadlines(NOW + timedelta(days=3))
    clock.now += 60
    assert table.check_deadlines(NOW + timedelta(days=3))
    assert len(desk.store.incidents([State.EXPIRED])) == 11
