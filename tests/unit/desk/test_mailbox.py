"""Mail to the reply address: its sender, its meaning, and its effect."""

import re
import smtplib
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import OperationalError

from holdgate.desk import classes, incoming, mailbox, peer, tokens, trial
from holdgate.desk.changing import CannotChangeError, Changer, Prepared, RequestedChanges
from holdgate.desk.context import Desk
from holdgate.desk.decision import decide
from holdgate.desk.language.catalogue import Catalogue, languages
from holdgate.desk.mailbox import Mailbox
from holdgate.desk.preview import UnreadableError
from holdgate.quarantine.incident import Answer, Change, Incident, Request
from holdgate.quarantine.replies import ReplyOrigin
from holdgate.quarantine.states import State
from holdgate.scan.pool import ScanError
from holdgate.scan.shapes import ChangeReport
from testbed.ports import PATIENCE, free_port
from tests.support.desks import templates_of
from tests.unit.desk.conftest import Hold, MakeDesk

BOSS = "boss@corp.example"


def take(desk: Desk, content: bytes, sender: str, recipients: list[str], now: datetime | None = None) -> str:
    """Take a mail of a client that is listed."""
    return incoming.process(desk, content, sender, recipients, now, client="127.0.0.1")


def address(desk: Desk, incident: Incident, purpose: str = tokens.REPLY) -> str:
    (request, *_) = desk.store.requests.of(incident.id)
    token = desk.key.token(purpose, incident.id, request.number, request.moderator, request.deadline_at)
    return f"holdgate+{token}@reply.corp.example"


def mail(text: str, sender: str = BOSS, **fields: str) -> bytes:
    message = EmailMessage()
    message["From"] = sender
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def answers(desk: Desk) -> list[str]:
    due = desk.store.outbox.due(datetime.now(UTC) + timedelta(days=1))
    return [notice.note for notice in due if notice.kind == "answer"]


def test_a_reply_decides_and_its_comment_is_recorded(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    assert take(desk, mail("Reject\nUse the portal."), BOSS, [address(desk, incident)]) == "reject"
    done = desk.store.incident(incident.id)
    assert (done.state, done.decided_by, done.decided_how, done.comment) == (
        State.REJECTED,
        BOSS,
        "mail",
        "Use the portal.",
    )


def thread(incident: Incident, number: int) -> str:
    return f"<x@y> <{incident.id}.request.{number}@corp.example>"


def test_a_reply_that_only_refers_to_the_thread_decides_nothing(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    (request,) = desk.store.requests.of(incident.id)
    content = mail("approve", References=thread(incident, request.number))
    for _ in range(9):
        assert take(desk, content, BOSS, ["holdgate@reply.corp.example"]) == "no valid token"
    assert desk.store.incident(incident.id).state is State.HELD
    # The moderator gets instructions; other people do not.
    assert answers(desk) == ["wrong address"] * 3
    content = mail("approve", "other@corp.example", References=thread(incident, request.number))
    assert take(desk, content, "other@corp.example", ["holdgate@reply.corp.example"]) == "no valid token"


def test_a_token_for_bounces_decides_nothing(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    assert take(desk, mail("approve"), BOSS, [address(desk, incident, tokens.BOUNCE)]) == "wrong address"
    assert desk.store.incident(incident.id).state is State.HELD
    for purpose in (tokens.LINK, tokens.WITHDRAW):
        assert take(desk, mail("approve"), BOSS, [address(desk, incident, purpose)]) == "no valid token"


def test_addresses_and_tokens_survive_a_change_of_case(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    assert take(desk, mail("APPROVE", "Boss@Corp.Example"), "BOSS@corp.example", [address(desk, incident).upper()]) == (
        "approve"
    )


@pytest.mark.parametrize(
    ("envelope", "header"),
    [
        ("other@corp.example", BOSS),
        (BOSS, "other@corp.example"),
        (BOSS, f"{BOSS}, other@corp.example"),
        (BOSS, f'"{BOSS}" <other@corp.example>'),
        ("boss@corp.example.elsewhere.example", BOSS),
    ],
)
def test_a_reply_needs_the_moderator_in_envelope_and_from_header(
    make_desk: MakeDesk, hold: Hold, envelope: str, header: str
) -> None:
    desk = make_desk()
    incident = hold(desk)
    assert take(desk, mail("approve", header), envelope, [address(desk, incident)]) == "not from the moderator"
    assert desk.store.incident(incident.id).state is State.HELD
    # The moderator is notified at the address that was asked. The writer is not, because the address may be forged.
    assert answers(desk) == ["other address"]
    due = desk.store.outbox.due(datetime.now(UTC) + timedelta(days=1))
    assert [notice.recipient for notice in due if notice.kind == "answer"] == [BOSS]


@pytest.mark.parametrize(
    "damage",
    [
        lambda to: to.replace("+r-", "+a-"),
        lambda to: to.replace("@", "a@", 1),
        lambda to: re.sub("(.)@", lambda end: ("b" if end[1] == "a" else "a") + "@", to, count=1),
        lambda _: "x@y",
    ],
)
def test_a_reply_without_a_valid_token_is_ignored(
    make_desk: MakeDesk, hold: Hold, damage: Callable[[str], str]
) -> None:
    desk = make_desk()
    incident = hold(desk)
    assert take(desk, mail("approve"), BOSS, [damage(address(desk, incident))]) == "no valid token"


def test_a_token_is_not_valid_for_another_incident(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    one, other = hold(desk), hold(desk)
    mine, theirs = address(desk, one), address(desk, other)
    pattern = r"(.+-)(\d+)-(\w{26})(@.+)"
    first, second = re.fullmatch(pattern, mine), re.fullmatch(pattern, theirs)
    assert first is not None
    assert second is not None
    swapped = f"{first[1]}{first[2]}-{second[3]}{first[4]}"
    assert take(desk, mail("approve"), BOSS, [swapped]) == "no valid token"


def test_an_unclear_reply_is_answered_up_to_a_limit(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    for _ in range(10):
        assert take(desk, mail("Who is that?"), BOSS, [address(desk, incident)]) == "unclear"
    assert answers(desk) == ["unclear"] * 3
    assert desk.store.incident(incident.id).state is State.HELD


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Re: APPROVE", "\n"),
        ("APPROVE", "> May this message go out?\n"),
        ("Re: x", "> May this message go out?\n\nAPPROVE\n"),
        ("Re: x", "> Write the word\nAPPROVE\n> or REJECT\n"),
        ("Fwd: x", "For you.\n\n-----Original Message-----\nFrom: a@corp.example\nSent: Monday\nTo: x\n\nAPPROVE\n"),
    ],
)
def test_a_word_in_the_subject_or_only_below_the_quotation_is_answered_with_instructions(
    make_desk: MakeDesk, hold: Hold, subject: str, text: str
) -> None:
    desk = make_desk()
    incident = hold(desk)
    assert take(desk, mail(text, Subject=subject), BOSS, [address(desk, incident)]) == "unclear"
    found = desk.store.incident(incident.id)
    assert found is not None
    assert (found.state, answers(desk)) == (State.HELD, ["unclear"])
    _, answer, _ = templates_of(desk).mail("answer", "en", **{**trial.MAIL["answer"], "note": "unclear"})
    assert "Write the word above the quoted text. The subject is not read." in answer


def test_a_late_reply_is_answered_with_the_reason(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(approvals=2)
    incident = hold(desk)
    to = [address(desk, incident)]
    assert take(desk, mail("approve"), BOSS, to, now=datetime.now(UTC) + timedelta(days=3)) == "deadline_passed"
    assert take(desk, mail("approve"), BOSS, to) == "recorded"
    assert take(desk, mail("approve"), BOSS, to) == "already_approved"
    assert answers(desk) == ["deadline_passed", "recorded", "already_approved"]


def test_an_out_of_office_reply_goes_to_the_deputy_at_once(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(deputies={BOSS: "deputy@corp.example"})
    incident = hold(desk)
    content = mail("approve: I am away, ask my deputy", "Boss Assistant <x@y>", Auto_Submitted="auto-replied")
    assert take(desk, content, "", [address(desk, incident, tokens.BOUNCE)]) == "absent"
    first, second = desk.store.requests.of(incident.id)
    assert (first.answer, second.moderator, second.role) == (Answer.OUT_OF_OFFICE, "deputy@corp.example", "deputy")
    assert desk.store.incident(incident.id).state is State.HELD


def bounced() -> float:
    return REGISTRY.get_sample_value("holdgate_notices_total", {"kind": "request", "outcome": "bounced"}) or 0.0


def test_a_returned_request_goes_to_the_fallback(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(deputies={BOSS: "deputy@corp.example"})
    incident = hold(desk)
    content = mail("User unknown", "MAILER-DAEMON@corp.example")
    before = bounced()
    assert take(desk, content, "<>", [address(desk, incident, tokens.BOUNCE)]) == "bounced"
    assert bounced() == before + 1
    assert [one.moderator for one in desk.store.requests.of(incident.id)] == [BOSS, "desk@corp.example"]
    # A bounce that comes when all is decided changes nothing.
    assert take(desk, mail("reject"), BOSS, [address(desk, incident)]) == "not_requested"


def test_a_port_in_use_is_reported_at_once(make_desk: MakeDesk) -> None:
    port = free_port()
    desk = make_desk(desk={"lmtp_listen": f"127.0.0.1:{port}"})
    with (
        Mailbox(desk, ("127.0.0.1", port)),
        pytest.raises(OSError, match="in use"),
        Mailbox(desk, ("127.0.0.1", port)),
    ):
        pytest.fail("two listen")


def test_idle_connections_do_not_keep_out_postfix(make_desk: MakeDesk, hold: Hold) -> None:
    """Any local user can connect: a thousand connections took all descriptors, also those of the page."""
    port = free_port()
    desk = make_desk()
    incident = hold(desk)
    with ExitStack() as stack:
        listener = stack.enter_context(Mailbox(desk, ("127.0.0.1", port)))
        busy = stack.enter_context(smtplib.LMTP("127.0.0.1", port, timeout=PATIENCE))
        busy.ehlo()
        assert busy.mail(BOSS)[0] == 250
        idle = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(300)]
        with smtplib.LMTP("127.0.0.1", port, timeout=PATIENCE) as relay:
            relay.sendmail(BOSS, [address(desk, incident)], mail("reject"))
            assert len(listener._open) <= 100
        idle[0].settimeout(PATIENCE)
        with suppress(ConnectionError):
            while idle[0].recv(1000):
                pass  # the greeting, then the end
        # A connection with a sender is not closed for others.
        assert busy.rcpt(address(desk, incident))[0] == 250
    done = desk.store.incident(incident.id)
    assert done is not None
    assert done.state is State.REJECTED


def test_lmtp_accepts_all_mail_except_if_the_store_fails(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    desk = make_desk(desk={"lmtp_listen": f"127.0.0.1:{port}"})
    incident = hold(desk)
    with Mailbox(desk, ("127.0.0.1", port)), smtplib.LMTP("127.0.0.1", port) as client:
        client.sendmail("forged@elsewhere.example", ["holdgate@reply.corp.example"], mail("approve"))
        client.sendmail(BOSS, [address(desk, incident)], b"\xff\x00" * 500)
        # One recipient at a time: Postfix sends the second on its own.
        refused = client.sendmail(BOSS, [address(desk, incident), "holdgate@reply.corp.example"], mail("approve"))
        assert [code for code, _ in refused.values()] == [452]
        assert desk.store.incident(incident.id).state is State.APPROVED

        def broken(*_: object, **__: object) -> str:
            raise OperationalError("x", {}, Exception("locked"))

        monkeypatch.setattr(mailbox, "process", broken)
        with pytest.raises(smtplib.SMTPDataError) as caught:
            client.sendmail(BOSS, [address(desk, incident)], mail("approve"))
        assert caught.value.smtp_code == 451


@pytest.mark.parametrize(
    ("envelope", "header", "result"),
    [
        ("prvs=4561a2b3c4=boss@corp.example", f"Bob Boss <{BOSS}>", "approve"),
        ("prvs=boss/4561a2b3c4@corp.example", f"Bob Boss <{BOSS}>", "approve"),
        ("btv1==489040e8aa2==boss@corp.example", f"Bob Boss <{BOSS}>", "approve"),
        (BOSS, f"Boss, Bob <{BOSS}>", "approve"),
        ("SRS0=5cDK=TQ=corp.example=boss@relay.corp.example", f"Bob Boss <{BOSS}>", "not from the moderator"),
        ("prvs=4561a2b3c4=eve@corp.example", f"Bob Boss <{BOSS}>", "not from the moderator"),
        ("boss+holdgate@corp.example", "boss+holdgate@corp.example", "not from the moderator"),
        ("bob.boss@corp.example", "Bob Boss <bob.boss@corp.example>", "not from the moderator"),
        ("pa@corp.example", f"Bob Boss <{BOSS}>", "not from the moderator"),
        ("carla@corp.example", "Carla <carla@corp.example>", "not from the moderator"),
    ],
)
def test_a_reply_from_another_address_is_answered_and_a_tag_is_ignored(
    make_desk: MakeDesk, hold: Hold, envelope: str, header: str, result: str
) -> None:
    desk = make_desk()
    incident = hold(desk)
    content = mail("Approve").replace(b"From: " + BOSS.encode(), b"From: " + header.encode(), 1)
    for _ in range(5):
        assert take(desk, content, envelope, [address(desk, incident)]) == result
        if result == "approve":
            return
    assert answers(desk) == ["other address"] * 3


def test_aliases_and_delegates_in_a_table_can_answer(make_desk: MakeDesk, hold: Hold, tmp_path: Path) -> None:
    (tmp_path / "same").write_text("bob.boss@corp.example boss@corp.example\n")
    (tmp_path / "delegates").write_text(
        "boss@corp.example pa@corp.example, anna@corp.example\nlist@corp.example carla@corp.example\n"
    )
    desk = make_desk(
        replies={
            "proof": ["client"],
            "clients": ["127.0.0.1"],
            "same_person": str(tmp_path / "same"),
            "delegates": str(tmp_path / "delegates"),
        },
        moderators=[BOSS, "list@corp.example"],
        approvals=2,
    )
    incident = hold(desk)
    boss, members = desk.store.requests.of(incident.id)

    def to(request: Request) -> list[str]:
        token = desk.key.token(tokens.REPLY, incident.id, request.number, request.moderator, request.deadline_at)
        return [f"holdgate+{token}@reply.corp.example"]

    # The sender of the message is a delegate too, and decides nothing about it.
    assert take(desk, mail("approve", "anna@corp.example"), "anna@corp.example", to(boss)) == "involved"
    assert take(desk, mail("approve", "eve@corp.example"), "eve@corp.example", to(boss)) == "not from the moderator"
    assert take(desk, mail("approve", "bob.boss@corp.example"), "bob.boss@corp.example", to(boss)) == "recorded"
    assert take(desk, mail("approve", "carla@corp.example"), "carla@corp.example", to(members)) == "approve"
    assert desk.store.incident(incident.id).decided_by == "carla@corp.example"


def test_a_delegate_of_two_moderators_approves_only_once(make_desk: MakeDesk, hold: Hold, tmp_path: Path) -> None:
    (tmp_path / "delegates").write_text("boss@corp.example pa@corp.example\nother@corp.example pa@corp.example\n")
    replies = {"proof": ["client"], "clients": ["127.0.0.1"], "delegates": str(tmp_path / "delegates")}
    desk = make_desk(replies=replies, moderators=[BOSS, "other@corp.example"], approvals=2)
    incident = hold(desk)
    results = []
    for request in desk.store.requests.of(incident.id):
        token = desk.key.token(tokens.REPLY, incident.id, request.number, request.moderator, request.deadline_at)
        to = [f"holdgate+{token}@reply.corp.example"]
        results.append(take(desk, mail("approve", "pa@corp.example"), "pa@corp.example", to))
    assert results == ["recorded", "already_approved"]
    assert desk.store.incident(incident.id).state is State.HELD


def test_an_unproven_reply_is_answered_with_the_link(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(replies={})
    incident = hold(desk)
    for text in ("approve", "Who is that?"):
        assert take(desk, mail(text), BOSS, [address(desk, incident)]) == "unproven"
    assert desk.store.incident(incident.id).state is State.HELD
    assert answers(desk) == ["unproven", "unproven"]


def test_an_unlisted_client_is_not_a_proof(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    for client in ("", "192.0.2.7", "unknown"):
        assert incoming.process(desk, mail("approve"), BOSS, [address(desk, incident)], client=client) == "unproven"


def test_the_origin_recorded_by_the_gate_is_a_proof_once_and_for_one_request(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(replies={"proof": ["login"], "login_domain": "corp.example"}, approvals=2)
    incident, other = hold(desk), hold(desk)
    (request,) = [one for one in desk.store.requests.of(incident.id) if one.moderator == BOSS]

    def word(sender: str = BOSS, login: str = "boss") -> str:
        origin = ReplyOrigin(request.number, sender, login, client="")
        return str(desk.store.replies.record_origin(origin))

    def reply(word: str, about: Incident) -> str:
        return incoming.process(desk, mail("approve", X_Holdgate_Reply=word), BOSS, [address(desk, about)])

    for wrong in ("", "00" * 16, word(login="carla"), word(login=""), word(sender="eve@corp.example")):
        assert reply(wrong, incident) == "unproven"
    good = word()
    assert reply(good, other) == "unproven"
    assert reply(good, incident) == "recorded"
    assert reply(good, incident) == "unproven"
    assert desk.store.history(incident.id)[-1].event != "approved"


def test_rows_outside_the_audit_trail_decide_nothing_without_a_token(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(replies={"proof": ["login"], "login_domain": "corp.example"})
    incident = hold(desk)
    (request,) = desk.store.requests.of(incident.id)
    word = desk.store.replies.record_origin(ReplyOrigin(request.number, BOSS, "boss", ""))
    good = address(desk, incident)
    made_up = good.replace(good.partition("@")[0][-26:], "a" * 26)
    desk.store.replies.announce(made_up.partition("@")[0].partition("+")[2], request.number)
    for to in (made_up, "holdgate@reply.corp.example"):
        taken = incoming.process(desk, mail("approve", X_Holdgate_Reply=word), BOSS, [to])
        assert taken == "no valid token"
    assert desk.store.incident(incident.id).state is State.HELD


def test_a_comment_with_an_uncertain_end_is_dropped_and_the_moderator_notified(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    text = f"reject: wrong customer\n\nApproval needed\nIncident {incident.id}\n"
    assert take(desk, mail(text), BOSS, [address(desk, incident)]) == "reject"
    assert desk.store.incident(incident.id).comment == ""
    assert answers(desk) == ["no comment"]


def test_the_lmtp_client_address_comes_from_xforward(make_desk: MakeDesk, hold: Hold) -> None:
    port = free_port()
    desk = make_desk(
        desk={"lmtp_listen": f"127.0.0.1:{port}"}, replies={"proof": ["client"], "clients": ["192.0.2.0/24"]}
    )
    incident = hold(desk)
    received = b"Received: from x by mx.corp.example; Mon, 23 Nov 2026 12:00:00 +0000\r\n"
    with Mailbox(desk, ("127.0.0.1", port)), smtplib.LMTP("127.0.0.1", port) as client:
        client.ehlo_or_helo_if_needed()
        assert client.has_extn("xforward")
        client.sendmail(BOSS, [address(desk, incident)], received + mail("approve"))
        assert desk.store.incident(incident.id).state is State.HELD
        client.docmd("XFORWARD", "NAME=x ADDR=198.51.100.1 PROTO=ESMTP")
        client.sendmail(BOSS, [address(desk, incident)], received + mail("approve"))
        assert desk.store.incident(incident.id).state is State.HELD
        client.docmd("XFORWARD", "NAME=x ADDR=192.0.2.7 PROTO=ESMTP")
        client.sendmail(BOSS, [address(desk, incident)], received + mail("approve"))
    assert desk.store.incident(incident.id).state is State.APPROVED


def test_mail_is_deferred_if_its_reader_fails(make_desk: MakeDesk, hold: Hold) -> None:
    def broken(_content: bytes) -> dict[str, object]:
        raise ScanError("no free worker")

    port = free_port()
    desk = make_desk(desk={"lmtp_listen": f"127.0.0.1:{port}"})
    incident = hold(desk)
    with Mailbox(desk, ("127.0.0.1", port), broken), smtplib.LMTP("127.0.0.1", port) as client:
        with pytest.raises(smtplib.SMTPDataError) as caught:
            client.sendmail(BOSS, [address(desk, incident)], mail("approve"))
        assert caught.value.smtp_code == 451
        # Without a token nothing of it is read.
        client.sendmail(BOSS, ["holdgate@reply.corp.example"], mail("approve"))


def test_mail_is_deferred_after_an_error_before_its_content(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bool:
        raise OSError("too many open files")

    port = free_port()
    desk = make_desk(desk={"lmtp_listen": f"127.0.0.1:{port}"})
    incident = hold(desk)
    with Mailbox(desk, ("127.0.0.1", port)), smtplib.LMTP("127.0.0.1", port) as client:
        with monkeypatch.context() as patch:
            patch.setattr(peer, "may_deliver", broken)
            with pytest.raises(smtplib.SMTPSenderRefused) as caught:
                client.sendmail(BOSS, [address(desk, incident)], mail("approve"))
        assert (caught.value.smtp_code, b"files" in caught.value.smtp_error) == (451, False)
        client.sendmail(BOSS, [address(desk, incident)], mail("approve"))
    assert desk.store.incident(incident.id).state is State.APPROVED


class FakeChanger(Changer):
    """Makes changed messages, or cannot."""

    def __init__(self, error: Exception | None = None) -> None:
        self.wanted: list[RequestedChanges] = []
        self._error = error

    def prepare(self, _: Incident, wanted: RequestedChanges) -> Prepared:
        self.wanted.append(wanted)
        if self._error is not None:
            raise self._error
        return Prepared(b"x", Change(wanted.kinds, "a", "b", "t"), ChangeReport())


def changing(desk: Desk, text: str, incident: Incident, changer: FakeChanger | None) -> str:
    given = [address(desk, incident)]
    return incoming.process(desk, mail(text), BOSS, given, client="127.0.0.1", changer=changer)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Approve redacted", RequestedChanges(redacted=True)),
        ("FREIGEBEN OHNE ANHÄNGE", RequestedChanges(("*",))),
        ("Approve encrypted\nThis is agreed.", RequestedChanges(encrypted=True)),
    ],
)
def test_a_reply_approves_with_a_change(make_desk: MakeDesk, hold: Hold, text: str, wanted: RequestedChanges) -> None:
    desk, changer = make_desk(), FakeChanger()
    incident = hold(desk)
    assert changing(desk, text, incident, changer) == "approve"
    assert changer.wanted == [wanted]
    done = desk.store.incident(incident.id)
    assert (done.state, (done.change or {})["kinds"], done.decided_how) == (State.APPROVED, wanted.kinds, "mail")


EVE = "eve@partner.example"
NOT_TO_EVE = RequestedChanges(excluded=(EVE,))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"NOT TO {EVE}", NOT_TO_EVE),
        (f"Nicht an {EVE.upper()}\n\nDas ist so vereinbart.", NOT_TO_EVE),
        (f"APPROVE REDACTED NOT TO {EVE}", RequestedChanges(redacted=True, excluded=(EVE,))),
    ],
)
def test_a_reply_approves_without_some_recipients(
    make_desk: MakeDesk, hold: Hold, text: str, wanted: RequestedChanges
) -> None:
    desk, changer = make_desk(), FakeChanger()
    incident = hold(desk, recipients=["bob@partner.example", EVE])
    assert changing(desk, text, incident, changer) == "approve"
    assert changer.wanted == [wanted]
    done = desk.store.incident(incident.id)
    assert (done.state, (done.change or {})["kinds"], done.decided_how) == (State.APPROVED, wanted.kinds, "mail")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("NOT TO mallory@partner.example", "unclear"),
        ("NOT TO 2", "unclear"),
        (f"NOT TO {EVE}?", "unclear"),
        (f"NOT TO {EVE}\nOr should we wait?", "unclear"),
        (f"NOT TO {EVE}\n\nbob@partner.example", "unclear"),
        (f"Please NOT TO {EVE}", "unclear"),
        (f"> NOT TO {EVE}", "unclear"),
        (f"APPROVE WITH ANSWERS NOT TO {EVE}", "unclear"),
        (f"NOT TO {EVE}", ""),
        (f"NOT TO {EVE}", "not allowed"),
        (f"NOT TO {EVE} bob@partner.example", "cannot change"),  # no recipient is left
    ],
)
def test_a_reply_with_an_uncertain_exclusion_decides_nothing(
    make_desk: MakeDesk, hold: Hold, text: str, why: str
) -> None:
    allowed = [] if why == "not allowed" else ["without-recipients", "redact"]
    desk = make_desk(desk={"change_relay": "127.0.0.1:9"}, changes=allowed)
    incident = hold(desk, recipients=["bob@partner.example", EVE])
    envelope = "".join(f"original_recipient: {one}\nrecipient: {one}\n" for one in incident.recipients).encode()
    changer: Any = Changer(desk, Mock(envelope=lambda _: envelope, held=lambda _: b"Subject: Report\n\nText\n"))
    result = changing(desk, text, incident, changer)
    if why == "":
        assert result == "approve"
        assert (desk.store.incident(incident.id).change or {})["recipients"] == [EVE]
        return
    assert result == {"not allowed": "cannot change"}.get(why, why)
    assert desk.store.incident(incident.id).state is State.HELD
    assert answers(desk) == [result]


@pytest.mark.parametrize(
    "changer",
    [None, FakeChanger(CannotChangeError("no")), FakeChanger(UnreadableError("gone", "left the hold queue"))],
)
def test_a_change_that_cannot_be_made_decides_nothing(
    make_desk: MakeDesk, hold: Hold, changer: FakeChanger | None
) -> None:
    desk = make_desk()
    incident = hold(desk)
    assert changing(desk, "Approve redacted", incident, changer) == "cannot change"
    assert desk.store.incident(incident.id).state is State.HELD
    assert answers(desk) == ["cannot change"]


def of_program(desk: Desk, hold: Hold, thread: int = 5) -> Incident:
    incident = hold(desk)
    desk.store.machines.note(incident.id, 1, thread, [2], [], 1_700_000_000)
    return incident


@pytest.mark.parametrize(
    ("text", "is_thread", "days"),
    [
        ("Approve with answers", True, 1),
        ("FREIGEBEN FÜR EINE WOCHE\nDas ist unser Kunde.", False, 7),
        ("Approve for one day. This is our client.", False, 1),
    ],
)
def test_a_reply_allows_a_class_of_a_program_s_mail(
    make_desk: MakeDesk, hold: Hold, text: str, is_thread: bool, days: int
) -> None:
    desk = make_desk(classes=True, classes_days=7)
    incident = of_program(desk, hold)
    assert changing(desk, text, incident, None) == "approve"
    (allowed,) = desk.store.allowances.active(datetime.now(UTC))
    assert (allowed.incident_id, allowed.is_thread, allowed.who) == (incident.id, is_thread, BOSS)
    assert round((allowed.ends_at - allowed.created_at).total_seconds() / 86400) == days
    done = desk.store.incident(incident.id)
    assert (done.state, done.change, done.decided_how) == (State.APPROVED, None, "mail")


@pytest.mark.parametrize("text", ["Approve for thirty days", "Approve with answers"])
def test_a_class_that_is_not_offered_decides_nothing(make_desk: MakeDesk, hold: Hold, text: str) -> None:
    desk = make_desk(classes=True, classes_days=7)
    incident = of_program(desk, hold, thread=0)
    assert changing(desk, text, incident, None) == "not offered"
    assert desk.store.incident(incident.id).state is State.HELD
    assert answers(desk) == ["not offered"]
    assert desk.store.allowances.active(datetime.now(UTC)) == []


def test_mail_of_a_person_has_no_class(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(classes=True)
    incident = hold(desk)
    assert changing(desk, "Approve for one week", incident, None) == "not offered"
    assert desk.store.incident(incident.id).state is State.HELD


def test_the_request_names_the_words_that_allow_a_class(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(classes=True, classes_days=7)
    words = classes.reply_words(desk, of_program(desk, hold), Catalogue("en"))
    assert words == (
        "APPROVE WITH ANSWERS (answers in this thread for 24 hours); "
        "APPROVE FOR ONE DAY (mail of this program to these recipients for 1 day); "
        "APPROVE FOR ONE WEEK (mail of this program to these recipients for 7 days)"
    )
    assert classes.reply_words(desk, hold(desk), Catalogue("en")) == ""
    # Each language understands the words that it offers.
    for language in languages():
        for one in classes.reply_words(desk, of_program(desk, hold), Catalogue(language)).split("; "):
            assert decide(one.partition(" (")[0]).change in classes.BY_REPLY, one


def test_two_texts_of_one_mail_with_two_changes_decide_nothing(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk()
    incident = hold(desk)
    message = EmailMessage()
    message["From"] = BOSS
    message.set_content("Approve redacted")
    message.add_alternative("<p>Approve</p>", subtype="html")
    given = [address(desk, incident)]
    result = incoming.process(desk, message.as_bytes(), BOSS, given, client="127.0.0.1", changer=FakeChanger())
    assert result == "unclear"
    assert desk.store.incident(incident.id).state is State.HELD
