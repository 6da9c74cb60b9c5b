"""Approval with changes: permission, the record, and a message that cannot be sent as approved."""

import smtplib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from holdgate.desk import moderation, post
from holdgate.desk.changing import CannotChangeError, Changer, RequestedChanges, offered
from holdgate.desk.context import Desk
from holdgate.desk.outcome import outcome_key
from holdgate.desk.preview import Previewer, UnreadableError
from holdgate.desk.senderchoice import Choice, choose
from holdgate.desk.sending import Sender
from holdgate.extract.budget import Limits
from holdgate.headers import INCIDENT, first
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Actor, Answer, Change, Incident, NewNotice, Notice
from holdgate.quarantine.outbox import CHANGED, HOLD_QUEUE, Outbox
from holdgate.quarantine.states import State
from holdgate.quarantine.store import ConflictError, open_store
from holdgate.queue.changed import content_options
from holdgate.queue.client import UnreachableError
from holdgate.queue.wishes import read_envelope
from holdgate.rewrite.change import change
from holdgate.rewrite.entity import RefusedError
from holdgate.scan.shapes import ChangeReport, Listed, Refusal
from tests.unit.desk.conftest import Hold, MakeDesk

BOSS = Actor("boss@corp.example", "page")
RELAY = {"change_relay": "127.0.0.1:9"}
ENVELOPE = b"""\
sender: anna@corp.example
named_attribute: envelope_id=a b
named_attribute: ret_flags=2
named_attribute: notify_flags=10
named_attribute: dsn_orig_rcpt=rfc822;bob+x@partner.example
original_recipient: bob@partner.example
recipient: bob@partner.example
"""


# A changed message needs no composer.
NO_COMPOSER: Any = None


class Message(Previewer):
    """The data that a previewer has about a held message, without a queue agent and a worker."""

    def __init__(self) -> None:
        letter = EmailMessage()
        letter["From"], letter["Subject"] = "anna@corp.example", "Report"
        letter["DKIM-Signature"] = "v=1; b=AA=="
        letter.set_content("Hello\n")
        letter.add_attachment("a,b\n", subtype="csv", filename="t.csv")
        self.content = b"X-Holdgate-Incident: x\nX-Holdgate-Held: yes\n" + letter.as_bytes()
        self.forged = b""

    def held(self, _: Incident) -> bytes:
        return self.content

    def envelope(self, _: Incident) -> bytes:
        return ENVELOPE

    def change(
        self, content: bytes, without: Sequence[str], note: str, *, redact: bool = False
    ) -> tuple[ChangeReport, bytes]:
        try:
            done = change(content, Limits(), without=without, note=note, mask=str)
        except RefusedError as error:
            return ChangeReport(refused=Refusal(error.part, error.why)), b""
        listed = [Listed(one.number, one.name, one.kind, one.size) for one in done.attachments]
        return ChangeReport(listed, done.removed, done.signatures), self.forged + done.content


@pytest.fixture
def message() -> Message:
    return Message()


def approve(desk: Any, message: Message, incident: Any, wanted: RequestedChanges = RequestedChanges(["t.csv"])) -> Any:  # noqa: B008
    prepared = Changer(desk, message).prepare(incident, wanted)
    request = moderation.request_of(desk, incident, "boss@corp.example")
    assert request is not None
    return moderation.answer(desk, request, Answer.APPROVE, BOSS, change=prepared.change)


def send(desk: Any, message: Message) -> None:
    changer = Changer(desk, message)
    Sender(desk, NO_COMPOSER, changer=changer, reports=True).send_due(datetime.now(UTC) + timedelta(hours=1))


@pytest.mark.parametrize(
    ("desk", "rules", "kinds"),
    [
        ({}, {"changes": ["without-attachments"]}, []),
        (RELAY, {}, []),
        (RELAY, {"changes": ["without-attachments", "encrypt"]}, ["without-attachments"]),
        (RELAY, {"changes": ["encrypt"], "encrypt_through": "gate:[gw.corp.example]"}, ["encrypt"]),
        (
            RELAY,
            {"changes": ["without-attachments"], "approvals": 2, "moderators": ["a@corp.example", "b@corp.example"]},
            [],
        ),
        (RELAY, {"changes": ["without-attachments"], "levels": [["a@corp.example"], ["b@corp.example"]]}, []),
    ],
)
def test_the_policy_sets_which_changes_are_offered(
    make_desk: MakeDesk, hold: Hold, message: Message, desk: dict[str, Any], rules: dict[str, Any], kinds: list[str]
) -> None:
    made = make_desk(desk=desk, **rules)
    incident = hold(made)
    assert offered(made, incident) == kinds
    wanted = RequestedChanges(["t.csv"], encrypted=True)
    if set(wanted.kinds) - set(kinds):
        with pytest.raises(CannotChangeError):
            Changer(made, message).prepare(incident, wanted)


def test_the_decision_records_both_messages_and_notifies_the_sender(
    make_desk: MakeDesk, hold: Hold, message: Message
) -> None:
    desk = make_desk(desk=RELAY, changes=["without-attachments"], notify_sender_on_approval=False)
    decided = approve(desk, message, hold(desk))
    found = Change.of(decided)
    assert found is not None
    assert (found.kinds, found.parts, found.names, found.signatures) == (
        ["without-attachments"],
        [1],
        ["t.csv"],
        ["DKIM"],
    )
    chosen = desk.store.history(decided.id)[-1]
    assert chosen.event == "changes chosen"
    assert found.original in chosen.note
    assert found.sent in chosen.note
    kinds = [one.kind for one in desk.store.outbox.due(datetime.now(UTC) + timedelta(seconds=1))]
    assert {"changed", "approved"} <= set(kinds)


def test_a_changed_message_has_the_envelope_of_the_held_one(
    make_desk: MakeDesk, hold: Hold, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(desk=RELAY, changes=["without-attachments"])
    decided = approve(desk, message, hold(desk))
    sent: list[Any] = []
    monkeypatch.setattr(post, "submit", lambda *given, **_: sent.append(given))
    send(desk, message)
    send(desk, message)
    ((content, sender, recipients, relay, options),) = sent
    assert (sender, relay, options) == ("anna@corp.example", ("127.0.0.1", 9), ["RET=HDRS", "ENVID=a+20b"])
    assert recipients == [("bob@partner.example", ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;bob+2Bx@partner.example"])]
    header = content.partition(b"\r\n\r\n")[0].decode()
    assert f"X-Holdgate-Incident: {decided.id}" in header
    assert f"X-Holdgate-Changed: {decided.change['token']}-" in header
    assert "X-Holdgate-Held" not in header
    assert b"a,b" not in content


SEVERAL = (
    ENVELOPE
    + b"""\
named_attribute: notify_flags=1
named_attribute: dsn_orig_rcpt=rfc822;list@corp.example
original_recipient: list@corp.example
recipient: carol@partner.example
original_recipient: bob@partner-group.example
recipient: bob@partner-group.example
"""
)


def test_a_message_without_some_recipients_keeps_its_content(
    make_desk: MakeDesk, hold: Hold, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = '[[policy]]\nname = "ask"\naction = "ask-sender"\n'
    desk = make_desk(desk=RELAY, policies=policies)
    recipients = ["bob@partner.example", "list@corp.example", "bob@partner-group.example"]
    incident = hold(desk, policy="ask", action="ask-sender", recipients=recipients)
    seal = b"X-Holdgate-Seal: v=2; k=aaaaaaaa; t=1; r=A; s=B\n"
    message.content = b"X-Holdgate-Incident: %s\n" % incident.id.encode() + seal + message.content.partition(b"\n")[2]
    message.content += b"a line that ends in CR\r\n"
    monkeypatch.setattr(Message, "envelope", lambda *_: SEVERAL)
    changer = Changer(desk, message)
    (request,) = desk.store.requests.of(incident.id)
    choice = Choice(True, ["bob@partner-group.example"])
    choose(desk, request, choice, Actor("anna@corp.example", "page"), changer)
    sent: list[Any] = []
    monkeypatch.setattr(post, "submit", lambda *given, **_: sent.append(given))
    send(desk, message)
    ((content, sender, addressees, _, options),) = sent
    mark, _, rest = content.partition(b"\r\n")
    assert mark.startswith(b"X-Holdgate-Changed: ")
    assert rest == message.content.replace(b"\n", b"\r\n")
    assert (sender, options) == ("anna@corp.example", ["RET=HDRS", "ENVID=a+20b"])
    assert addressees == [
        ("bob@partner.example", ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;bob+2Bx@partner.example"]),
        ("carol@partner.example", ["NOTIFY=NEVER", "ORCPT=rfc822;list@corp.example"]),
    ]


COPY = b"""\
DKIM-Signature: v=1; d=corp.example;
\tb=OLD==
Received: from client.corp.example by mail.corp.example; Mon, 30 Nov 2026 01:00:00 +0000
X-Netskope-Inspected: true
X-Holdgate-Status: complete
X-Holdgate-Incident: %s
DKIM-Signature: v=1; d=program.example; b=KEPT==
Subject: Report

line\rwith CR\r
"""


def test_a_copy_is_submitted_without_the_signature_made_at_hold(
    make_desk: MakeDesk, hold: Hold, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(desk=RELAY)
    incident = hold(desk)
    decided = moderation.override(desk, incident, Answer.APPROVE, BOSS)
    change, notice = Change([], "", "", "5f" * 16), NewNotice(CHANGED, HOLD_QUEUE)
    desk.store.amend(decided, EventName.SIGNING_REQUESTED, BOSS, outbox=[notice], change=asdict(change))
    message.content = COPY.replace(b"%s", incident.id.encode())
    sizes = b"message_size:  526  913  3  10  526  %d\nnamed_attribute: encoding=8bit\n"
    sent: list[Any] = []
    monkeypatch.setattr(post, "submit", lambda *given, **more: sent.append((given, more)))
    monkeypatch.setattr(Message, "envelope", lambda *_: sizes % 11 + ENVELOPE)
    send(desk, message)
    (((content, _, recipients, _, options), more),) = sent
    assert (options, more) == (["RET=HDRS", "ENVID=a+20b", "BODY=8BITMIME", "SMTPUTF8"], {"is_declared": True})
    assert recipients == [("bob@partner.example", ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;bob+2Bx@partner.example"])]
    mark, _, rest = content.partition(b"\r\n")
    assert mark.startswith(b"X-Holdgate-Changed: " + change.token.encode())
    expected = message.content[message.content.index(b"Received:") :]
    assert rest == expected.replace(b"\n", b"\r\n")
    # A client that declared neither 8BITMIME nor SMTPUTF8 did not ask for them.
    assert content_options(read_envelope(sizes.replace(b"8bit", b"7bit") % 2 + ENVELOPE)) == []


def test_a_copy_that_is_only_signed_counts_as_approved_without_changes(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(desk=RELAY)
    incident = hold(desk)
    before = moderation.override(desk, incident, Answer.APPROVE, BOSS)
    after = desk.store.amend(before, EventName.SIGNING_REQUESTED, BOSS, change=asdict(Change([], "", "", "5f" * 16)))
    assert outcome_key(after) == outcome_key(before) == "approved"
    assert Change.chosen(after) is None


def test_a_message_whose_recipients_have_changed_needs_a_new_decision(
    make_desk: MakeDesk, hold: Hold, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(desk=RELAY, policies='[[policy]]\nname = "ask"\naction = "ask-sender"\n')
    recipients = ["bob@partner.example", "list@corp.example", "bob@partner-group.example"]
    incident = hold(desk, policy="ask", action="ask-sender", recipients=recipients)
    monkeypatch.setattr(Message, "envelope", lambda *_: SEVERAL)
    (request,) = desk.store.requests.of(incident.id)
    choice = Choice(True, ["bob@partner-group.example"])
    choose(desk, request, choice, Actor("anna@corp.example", "page"), Changer(desk, message))
    monkeypatch.setattr(Message, "envelope", lambda *_: ENVELOPE)
    monkeypatch.setattr(post, "submit", lambda *_: pytest.fail("it must not be sent"))
    send(desk, message)
    found = desk.store.incident(incident.id)
    assert (found.state, found.change, found.asked_at) == (State.HELD, None, None)


def test_a_message_whose_change_would_give_another_result_needs_a_new_decision(
    make_desk: MakeDesk, hold: Hold, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(desk=RELAY, changes=["without-attachments"])
    decided = approve(desk, message, hold(desk))
    monkeypatch.setattr(post, "submit", lambda *_: pytest.fail("it must not be sent"))
    message.content += b"\nmore"
    send(desk, message)
    again = desk.store.incident(decided.id)
    assert again is not None
    assert (again.state, again.change, again.decided_by, again.asked_at) == (State.HELD, None, None, None)
    assert "change failed" in [one.event for one in desk.store.history(decided.id)]
    assert not desk.store.outbox.awaits_change(decided.id)


@pytest.mark.parametrize(("code", "attempts", "state"), [(550, 4, State.HELD), (450, 6, State.APPROVED)])
def test_a_permanently_rejected_recipient_needs_a_new_decision(
    make_desk: MakeDesk,
    hold: Hold,
    message: Message,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    attempts: int,
    state: State,
) -> None:
    desk = make_desk(desk=RELAY, changes=["without-attachments"])
    decided = approve(desk, message, hold(desk))

    def refuse(*_: object, **__: object) -> None:
        raise smtplib.SMTPRecipientsRefused({"bob@partner.example": (code, b"no")})

    monkeypatch.setattr(post, "submit", refuse)
    for _ in range(attempts):
        send(desk, message)
    found = desk.store.incident(decided.id)
    assert found is not None
    assert found.state is state


def test_a_worker_cannot_add_a_header_field(make_desk: MakeDesk, hold: Hold, message: Message) -> None:
    desk = make_desk(desk=RELAY, changes=["without-attachments"])
    incident = hold(desk)
    message.forged = b"X-Holdgate-Route: smtp:[evil.example]\n"
    with pytest.raises(CannotChangeError):
        Changer(desk, message).prepare(incident, RequestedChanges(["t.csv"]))


def test_a_missing_attachment_is_named(make_desk: MakeDesk, hold: Hold, message: Message) -> None:
    desk = make_desk(desk=RELAY, changes=["without-attachments"])
    with pytest.raises(CannotChangeError) as refused:
        Changer(desk, message).prepare(hold(desk), RequestedChanges(["other"]))
    assert (refused.value.part, refused.value.why) == ("other", "There is no such attachment.")


# -- one item of ten that fails -------------------------------------------------------------------------------------

# The step in which the item fails: the display by the agent, the acceptance by Postfix, or the record in the store.
CHANGE_ERRORS = {
    "not shown": ("show", UnreadableError("odd", "not read")),
    "agent unreachable": ("show", UnreachableError("the queue agent does not answer")),
    "odd": ("show", RuntimeError("odd")),
    "refused": ("submit", smtplib.SMTPDataError(451, b"later")),
    "relay unreachable": ("submit", smtplib.SMTPServerDisconnected("gone")),
    "conflict": ("record", ConflictError(Incident("4", "", [], "p"))),
    "locked": ("record", OperationalError("UPDATE", {}, Exception("database is locked"))),
}


@pytest.mark.parametrize("change_error", CHANGE_ERRORS)
def test_a_changed_message_that_always_fails_does_not_delay_others(
    make_desk: MakeDesk,
    hold: Hold,
    message: Message,
    monkeypatch: pytest.MonkeyPatch,
    store_url: str,
    change_error: str,
) -> None:
    place, error = CHANGE_ERRORS[change_error]
    settings = make_desk(desk=RELAY, changes=["without-attachments"]).settings
    with closing(open_store(store_url)) as store:
        desk = Desk(store, settings)
        decided = [approve(desk, message, hold(desk, queue_id=f"4id{number}")) for number in range(5)]
        bad = decided[3].id
        sent: list[str] = []
        show, record = Message.held, Outbox.sent

        def fail(where: str, name: str) -> None:
            if (where, name) == (place, bad):
                raise error

        def held(self: Message, incident: Incident) -> bytes:
            fail("show", incident.id)
            return show(self, incident)

        def submit(content: bytes, *_: object, **__: object) -> None:
            name = first(content, INCIDENT) or ""
            fail("submit", name)
            sent.append(name)

        def recorded(self: Outbox, notice: Notice, actor: Actor) -> None:
            fail("record", notice.incident_id)
            record(self, notice, actor)

        def waiting() -> list[str]:
            return [one.id for one in decided if store.outbox.awaits_change(one.id)]

        for owner, name, made in ((Message, "held", held), (post, "submit", submit), (Outbox, "sent", recorded)):
            monkeypatch.setattr(owner, name, made)
        changer = Changer(desk, message)
        hours = 0  # on both clocks, so that each retry is due
        sender = Sender(desk, NO_COMPOSER, changer=changer, reports=True, clock=lambda: hours * 3600.0)
        for hours in range(1, 4):
            sender.send_due(datetime.now(UTC) + timedelta(hours=hours))
            assert waiting() == [bad]
        good = [one.id for one in decided if one.id != bad]
        assert sorted(name for name in sent if name != bad) == sorted(good)
        place = ""  # the error has ended
        hours = 9
        sender.send_due(datetime.now(UTC) + timedelta(hours=hours))
        assert waiting() == []
        assert set(sent) == {bad, *good}
