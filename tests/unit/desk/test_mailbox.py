"""Mail to the reply address: whose it is, what it says, and what is done."""

import re
import smtplib
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import OperationalError

from holdgate.desk import mailbox, tokens
from holdgate.desk.context import Desk
from holdgate.desk.mailbox import Mailbox, take
from holdgate.quarantine.incident import Answer, Incident
from holdgate.quarantine.states import State
from testbed.ports import free_port

BOSS = "boss@corp.example"


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
    due = desk.store.notices_due(datetime.now(UTC) + timedelta(days=1))
    return [notice.note for notice in due if notice.kind == "answer"]


def test_a_reply_decides_with_its_comment(make_desk, hold) -> None:  # type: ignore[no-untyped-def]
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


def test_the_thread_tells_which_incident_where_the_address_does_not(make_desk, hold) -> None:  # type: ignore[no-untyped-def]
    desk = make_desk()
    incident = hold(desk)
    content = mail("approve", References=f"<x@y> <{address(desk, incident)}>", In_Reply_To="<z@corp.example>")
    assert take(desk, content, BOSS, ["holdgate@reply.corp.example"]) == "approve"


def test_addresses_and_tokens_survive_a_change_of_case(make_desk, hold) -> None:  # type: ignore[no-untyped-def]
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
def test_a_reply_must_come_from_the_moderator_by_envelope_and_header(make_desk, hold, envelope, header) -> None:  # type: ignore[no-untyped-def]
    desk = make_desk()
    incident = hold(desk)
    assert take(desk, mail("approve", header), envelope, [address(desk, incident)]) == "not from the moderator"
    assert desk.store.incident(incident.id).state is State.HELD
    # Nothing is answered: the address may be forged.
    assert answers(desk) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda to: to.replace("+r-", "+a-"),
        lambda to: to.replace("@", "a@", 1),
        lambda to: re.sub("(.)@", lambda end: ("b" if end[1] == "a" else "a") + "@", to, count=1),
        lambda _: "x@y",
    ],
)
def test_without_a_valid_token_nothing_happens(make_desk, hold, damage) -> None:  # type: ignore[no-untyped-def]
    desk = make_desk()
    incident = hold(desk)
    assert take(desk, mail("approve"), BOSS, [damage(address(desk, incident))]) == "no valid token"


def test_a_token_of_one_incident_is_none_of_another(make_desk, hold) -> None:  # type: ignore[no-untyped-def]
    desk = make_desk()
    one, other = hold(desk), hold(desk)
    mine, theirs = address(desk, one), address(desk, other)
    pattern = r"(.+-)(\d+)-(\w{26})(@.+)"
    first, second = re.fullmatch(pattern, mine), re.fullmatch(pattern, theirs)
    swapped = f"{first[1]}{first[2]}-{second[3]}{first[4]}"
    assert take(desk, mail("approve"), BOSS, [swapped]) == "no valid token"


def test_an_unclear_reply_is_answered_but_not_for_ever(make_desk, hold) -> None:  # type: ignore[no-untyped-def]
    desk = make_desk()
    incident = hold(desk)
    for _ in range(10):
        assert take(desk, mail("Who is that?"), BOSS, [address(desk, incident)]) == "unclear"
    assert answers(desk) == ["unclear"] * 3
    assert desk.store.incident(incident.id).state is State.HELD


def test_whoever_is_too_late_is_told_so(make_desk, hold) -> None:  # type: ignore[no-untyped-def]
    desk = make_desk(approvals=2)
    incident = hold(desk)
    to = [address(desk, incident)]
    assert take(desk, mail("approve"), BOSS, to, now=datetime.now(UTC) + timedelta(days=3)) == "late"
    assert take(desk, mail("approve"), BOSS, to) == "recorded"
    assert take(desk, mail("approve"), BOSS, to) == "answered"
    assert answers(desk) == ["late", "recorded", "answered"]


def test_an_out_of_office_reply_goes_to_the_deputy_at_once(make_desk, hold) -> None:  # type: ignore[no-untyped-def]
    desk = make_desk(deputies={BOSS: "deputy@corp.example"})
    incident = hold(desk)
    content = mail("approve: I am away, ask my deputy", "Boss Assistant <x@y>", Auto_Submitted="auto-replied")
    assert take(desk, content, "", [address(desk, incident, tokens.BOUNCE)]) == "absent"
    first, second = desk.store.requests.of(incident.id)
    assert (first.answer, second.moderator, second.role) == (Answer.ABSENT, "deputy@corp.example", "deputy")
    assert desk.store.incident(incident.id).state is State.HELD


def bounced() -> float:
    return REGISTRY.get_sample_value("holdgate_notices_total", {"kind": "request", "outcome": "bounced"}) or 0.0


def test_a_returned_request_goes_to_the_fallback(make_desk, hold) -> None:  # type: ignore[no-untyped-def]
    desk = make_desk(deputies={BOSS: "deputy@corp.example"})
    incident = hold(desk)
    content = mail("User unknown", "MAILER-DAEMON@corp.example")
    before = bounced()
    assert take(desk, content, "<>", [address(desk, incident, tokens.BOUNCE)]) == "bounced"
    assert bounced() == before + 1
    assert [one.moderator for one in desk.store.requests.of(incident.id)] == [BOSS, "desk@corp.example"]
    # A bounce that comes when all is decided changes nothing.
    assert take(desk, mail("reject"), BOSS, [address(desk, incident)]) == "not asked"


def test_a_port_that_is_taken_is_said_at_once(make_desk) -> None:  # type: ignore[no-untyped-def]
    port = free_port()
    desk = make_desk(desk={"lmtp": f"127.0.0.1:{port}"})
    with (
        Mailbox(desk, ("127.0.0.1", port)),
        pytest.raises(OSError, match="in use"),
        Mailbox(desk, ("127.0.0.1", port)),
    ):
        pytest.fail("two listen")


def test_over_lmtp_all_is_taken_but_what_the_store_cannot_keep(make_desk, hold, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    port = free_port()
    desk = make_desk(desk={"lmtp": f"127.0.0.1:{port}"})
    incident = hold(desk)
    with Mailbox(desk, ("127.0.0.1", port)), smtplib.LMTP("127.0.0.1", port) as client:
        client.sendmail("forged@elsewhere.example", ["holdgate@reply.corp.example"], mail("approve"))
        client.sendmail(BOSS, [address(desk, incident)], b"\xff\x00" * 500)
        # One recipient at a time: Postfix sends the second on its own.
        refused = client.sendmail(BOSS, [address(desk, incident), "holdgate@reply.corp.example"], mail("approve"))
        assert [code for code, _ in refused.values()] == [452]
        assert desk.store.incident(incident.id).state is State.APPROVED

        def broken(*_: object) -> str:
            raise OperationalError("x", {}, Exception("locked"))

        monkeypatch.setattr(mailbox, "take", broken)
        with pytest.raises(smtplib.SMTPDataError) as caught:
            client.sendmail(BOSS, [address(desk, incident)], mail("approve"))
        assert caught.value.smtp_code == 451
