"""One connection, driven as by libmilter, without it: inspection, responses, failures."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate import headers
from holdgate.findings import Inspection
from holdgate.gate import holding, replies
from holdgate.gate.reply import Reply
from holdgate.gate.session import Session
from holdgate.policy.action import Action
from holdgate.policy.actions import Allow, Block, Quarantine, Tempfail
from holdgate.policy.verdict import PolicySet
from holdgate.quarantine.states import State
from holdgate.scan.pool import Pool
from holdgate.seal import HeaderHash
from tests.unit.gate.conftest import HOLD_ALL, FakePool, FakeService, NewService

Fields = Sequence[tuple[str, bytes]]
FIELDS: Fields = (
    ("From", b" <anna@corp.example>"),
    ("Message-ID", b" <1@corp.example>"),
    ("Subject", b" Lunch"),
    ("Content-Type", b" text/plain"),
)
BODY = b"See you at noon.\r\n"
LIMITED = Inspection(status="limited", reason="a.zip: encrypted")


@pytest.fixture(autouse=True)
def postfix_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Postfix is asked here whether it holds."""
    monkeypatch.setattr(holding, "needs_milter_quarantine", lambda *_: True)


def send(
    session: Session,
    fields: Fields = FIELDS,
    body: bytes = BODY,
    recipients: Sequence[str] = ("bob@partner.example",),
) -> Reply:
    session.open("client.example", "192.0.2.7")
    session.begin("anna@corp.example", "")
    for recipient in recipients:
        session.add_recipient(recipient)
    for name, value in fields:
        session.add_header(name, value)
    session.end_headers()
    if body:
        session.add_body(body)
    return session.end_of_message("4QUEUEID")


def seal_of(reply: Reply) -> str:
    return dict(reply.add).get(headers.SEAL, "")


def returned(service: FakeService, fields: Fields = FIELDS, **more: Any) -> Fields:
    """Return the fields of a message as it returns with its seal."""
    seal = seal_of(send(service.session(), fields, **more))
    assert seal
    service.pool.read.clear()
    return [*fields, (headers.SEAL, b" " + seal.encode())]


def test_the_complete_message_is_inspected(new_service: NewService) -> None:
    service = new_service()
    reply = send(service.session(), [*FIELDS, ("X-Fold", b" a\n b")])
    assert service.pool.read == [
        b"From: <anna@corp.example>\r\nMessage-ID: <1@corp.example>\r\nSubject: Lunch\r\nContent-Type: text/plain\r\n"
        b"X-Fold: a\r\n b\r\n\r\n" + BODY
    ]
    assert (headers.INSPECTED, "true") in reply.add
    assert not reply.hold
    assert service.store.incidents == []


def test_a_held_message_is_recorded_before_the_response(new_service: NewService) -> None:
    service = new_service(HOLD_ALL)
    reply = send(service.session())
    (incident,) = service.store.incidents
    assert (incident.state, incident.queue_id, incident.policy) == (State.PENDING, "4QUEUEID", "all")
    assert reply.hold == f"Holdgate incident {incident.id}"
    service.store.error = OSError("full")
    assert send(service.session()).tempfail


def test_messages_of_one_connection_share_no_state(new_service: NewService) -> None:
    service = new_service(HOLD_ALL)
    session = service.session()
    send(session, [*FIELDS, ("X-Holdgate-Status", b" x")], b"first\r\n", ["one@partner.example"])
    reply = send(session, [("Subject", b" second")], b"second\r\n", ["two@partner.example"])
    assert reply.remove == []
    assert service.pool.read[1] == b"Subject: second\r\n\r\nsecond\r\n"
    assert service.store.incidents[1].recipients == ["two@partner.example"]
    assert service.store.incidents[1].message_id == ""


# -- failures -----------------------------------------------------------------------------------------------------


def test_a_failure_defers_only_its_own_message(new_service: NewService) -> None:
    service = new_service()
    session = service.session()
    service.pool.error = OSError("gone")
    assert send(session).tempfail
    service.pool.error = None
    session.begin("anna@corp.example", "")
    session.fail(ValueError("outside"))
    assert session.end_of_message("4Q").tempfail
    assert not send(session).tempfail


def test_a_write_error_defers_the_message(new_service: NewService, monkeypatch: pytest.MonkeyPatch) -> None:
    session = new_service().session()
    monkeypatch.setattr(session, "_new_spool", lambda: (_ for _ in ()).throw(OSError(28, "No space left")))
    assert send(session).tempfail


# -- headers that only Holdgate writes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [*headers.ALL, "X-Netskope-Note", "x-holdgate-x", "X-NETSKOPE-INSPECTED", "X-Holdgate-Status "]
)
def test_a_holdgate_field_from_outside_is_removed_and_not_inspected(new_service: NewService, name: str) -> None:
    service = new_service()
    reply = send(service.session(), [(name, b" one"), *FIELDS, (name, b" two")])
    key = name.strip().lower()
    assert [(name.lower(), place) for name, place in reply.remove] == [(key, 2), (key, 1)]
    assert b"one" not in service.pool.read[0]


@pytest.mark.parametrize("name", ["X-Netskop", "X-Holdgates-Note", "Netskope-Note", "X-Note"])
def test_any_other_field_is_kept_and_inspected(new_service: NewService, name: str) -> None:
    service = new_service()
    assert send(service.session(), [*FIELDS, (name, b" one")]).remove == []
    assert f"{name}: one\r\n".encode() in service.pool.read[0]


def test_the_configured_action_header_counts_as_a_holdgate_field(new_service: NewService) -> None:
    service = new_service(action_header="X-Corp-Action")
    assert send(service.session(), [*FIELDS, ("x-corp-ACTION", b" Quarantine")]).remove == [("X-Corp-Action", 1)]


def test_a_message_with_over_20_copies_of_a_field_is_rejected_without_inspection(new_service: NewService) -> None:
    service = new_service()
    few = [(f"X-Holdgate-{number % 3}", b" a") for number in range(20)]
    assert len(send(service.session(), [*FIELDS, *few]).remove) == 20
    reply = send(service.session(), [*FIELDS, *few, ("X-Netskope-Inspected", b" true")])
    assert reply.block.startswith("Message refused: too many header fields")
    assert (reply.remove, len(service.pool.read)) == ([], 1)


def test_forged_marks_are_also_removed_from_sealed_mail(new_service: NewService) -> None:
    service = new_service()
    fields = [*returned(service), ("X-Holdgate-Status", b" failed"), ("X-Netskope-Note", b" 1")]
    reply = send(service.session(), fields)
    assert service.pool.read == []
    assert set(reply.remove) == {(headers.SEAL, 1), (headers.STATUS, 1), ("x-netskope-note", 1)}
    assert reply.add == [(headers.INSPECTED, "true"), (headers.STATUS, "complete")]


@pytest.mark.parametrize("action", ["allow", "tag", "quarantine", "block"])
def test_a_message_that_postfix_holds_for_a_forged_mark_gets_an_incident(new_service: NewService, action: str) -> None:
    """Otherwise it would stay in the hold queue, and no moderator would know."""
    service = new_service({"policy": [{"name": "one", "action": action, "headers": {"X-Class": "1"}}]})
    reply = send(service.session(), [*FIELDS, ("X-Holdgate-Held", b" yes")])
    (incident,) = service.store.incidents
    assert incident.policy == ("one" if action in ("quarantine", "block") else "mark X-Holdgate-Held")
    assert (bool(reply.hold), bool(reply.block)) == (action != "block", action == "block")
    assert (headers.HELD, 1) in reply.remove or action == "block"


def test_a_held_mark_on_sealed_mail_also_gets_an_incident(new_service: NewService) -> None:
    service = new_service()
    assert send(service.session(), [*returned(service), ("X-Holdgate-Held", b" yes")]).hold


# -- the seal -----------------------------------------------------------------------------------------------------


def test_unchanged_mail_with_a_seal_skips_inspection_once(new_service: NewService) -> None:
    service = new_service()
    fields = [("Received", b" from a by b"), ("DKIM-Signature", b" v=1"), *returned(service)]
    send(service.session(), fields)
    assert service.pool.read == []
    send(service.session(), fields)
    assert len(service.pool.read) == 1


CHANGES: list[Fields] = [
    [*FIELDS, ("X-Note", b" 1")],
    [("X-Note", b" 1"), *FIELDS],
    [*FIELDS, ("To", b" eve@partner.example")],
    [*FIELDS, FIELDS[2]],
    FIELDS[:3],
    [FIELDS[1], FIELDS[0], *FIELDS[2:]],
    [FIELDS[0], FIELDS[1], ("Subject", b" Dinner"), FIELDS[3]],
    [FIELDS[0], FIELDS[1], ("Subjects", b" Lunch"), FIELDS[3]],
    [FIELDS[0], FIELDS[1], ("Subject", b" Lunch Content-Type: text/plain")],
]


@pytest.mark.parametrize("changed", CHANGES)
def test_sealed_mail_with_a_changed_header_is_inspected_again(new_service: NewService, changed: Fields) -> None:
    service = new_service()
    seal = returned(service)[-1]
    send(service.session(), [*changed, seal])
    assert len(service.pool.read) == 1


@pytest.mark.parametrize("body", [b"", BODY + b"x", BODY[:-3], BODY.swapcase(), b"\r\n" + BODY, b"x" + BODY])
def test_sealed_mail_with_a_changed_body_is_inspected_again(new_service: NewService, body: bytes) -> None:
    service = new_service()
    fields = returned(service)
    send(service.session(), fields, body)
    assert len(service.pool.read) == 1


def test_empty_lines_at_the_end_of_the_body_do_not_break_the_seal(new_service: NewService) -> None:
    """Mail servers add and remove them."""
    service = new_service()
    fields = returned(service, body=BODY + b"\r\n\r\n")
    send(service.session(), fields, BODY)
    assert service.pool.read == []


def test_the_body_hash_starts_again_for_each_message_of_a_connection(new_service: NewService) -> None:
    service = new_service()
    fields, session = returned(service), service.session()
    send(session, body=b"another\r\n")
    service.pool.read.clear()
    send(session, fields)
    assert service.pool.read == []


def test_the_folding_of_a_field_does_not_break_the_seal(new_service: NewService) -> None:
    service = new_service()
    seal = returned(service, [*FIELDS, ("X-Long", b" one two")])[-1]
    send(service.session(), [*FIELDS, ("x-long", b" one\n\ttwo "), seal])
    assert service.pool.read == []


names = st.sampled_from(["From", "Subject", "X-A", "X-B", "To"])
values = st.sampled_from([b" a", b" b", b" a b", b"", b" X-A: a"])


@given(st.lists(st.tuples(names, values), max_size=4), st.lists(st.tuples(names, values), max_size=4))
def test_different_headers_have_different_hashes(one: list[tuple[str, bytes]], other: list[tuple[str, bytes]]) -> None:
    def digest(fields: list[tuple[str, bytes]]) -> bytes:
        header_hash = HeaderHash()
        for name, value in fields:
            header_hash.update(name.encode(), value)
        return header_hash.digest()

    assert (digest(one) == digest(other)) == (one == other)


def test_the_seal_covers_the_fields_that_a_policy_adds(new_service: NewService) -> None:
    tagging = {"policy": [{"name": "tag", "action": "tag", "headers": {"X-Class": "1", "X-Netskope-Action": "Note"}}]}
    service = new_service(tagging)
    seal = returned(service)[-1]
    send(service.session(), [*FIELDS, ("X-Class", b" 1"), ("X-Netskope-Action", b" Note"), seal])
    assert service.pool.read == []
    send(service.session(), [*FIELDS, seal])
    assert len(service.pool.read) == 1


def test_two_seals_count_as_no_seal(new_service: NewService) -> None:
    service = new_service()
    fields = returned(service)
    reply = send(service.session(), [*fields, (headers.SEAL, b" v=2; forged")])
    assert len(service.pool.read) == 1
    assert (headers.SEAL, 2) in reply.remove
    send(service.session(), [*fields, fields[-1]])
    assert len(service.pool.read) == 2


@pytest.mark.parametrize("status", ["limited", "failed"])
def test_an_incomplete_inspection_gets_no_seal(new_service: NewService, status: str) -> None:
    service = new_service({"uninspected": "allow", **HOLD_ALL}, inspection=Inspection(status=status, reason="x"))
    assert seal_of(send(service.session())) == ""
    assert seal_of(send(new_service().session())) != ""


# -- trusted scanners ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "mark", "is_read", "is_held"),
    [
        (["192.0.2.0/24"], ("X-Netskope-Inspected", b" true"), False, False),
        (["192.0.2.0/24"], ("X-Netskope-Action", b" Quarantine"), False, True),
        (["192.0.2.0/24"], ("X-Netskope-Inspected", b" false"), True, False),
        (["198.51.100.0/24"], ("X-Netskope-Inspected", b" true"), True, False),
        ([], ("X-Netskope-Action", b" Quarantine"), True, False),
    ],
)
def test_a_scanner_header_is_trusted_only_from_its_network(
    new_service: NewService, client: list[str], mark: tuple[str, bytes], is_read: bool, is_held: bool
) -> None:
    service = new_service(trusted_scanners=client)
    reply = send(service.session(), [*FIELDS, mark])
    assert (bool(service.pool.read), bool(reply.hold)) == (is_read, is_held)
    assert reply.remove == [(mark[0], 1)]


def test_two_headers_of_a_trusted_scanner_count_as_none(new_service: NewService) -> None:
    service = new_service(trusted_scanners=["192.0.2.0/24"])
    marks = [("X-Netskope-Inspected", b" true"), ("X-Netskope-Inspected", b" false")]
    send(service.session(), [*FIELDS, *marks])
    assert service.pool.read


# -- responses to verdicts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [Allow(), Quarantine(), Block(), Tempfail()])
def test_a_message_that_was_not_inspected_gets_the_uninspected_action(new_service: NewService, action: Action) -> None:
    none = {"uninspected": action.name, "policy": [{"name": "never", "action": "block", "sender": ["x@corp.example"]}]}
    service = new_service(none, inspection=LIMITED)
    reply = send(service.session())
    assert reply.tempfail == (action == Tempfail())
    assert bool(reply.block) == (action == Block())
    assert bool(reply.hold) == (action == Quarantine())
    assert [incident.policy for incident in service.store.incidents] == (
        ["uninspected"] if action in (Quarantine(), Block()) else []
    )


@pytest.mark.parametrize(
    ("inspection", "sender", "bare"),
    [
        (LIMITED, "thief@partner.example", "thief@partner.example"),
        (Inspection(), "thief@partner.example", ""),
        (LIMITED, "anna@corp.example", ""),
    ],
)
def test_a_bounce_to_an_external_recipient_carries_no_content(
    new_service: NewService, monkeypatch: pytest.MonkeyPatch, inspection: Inspection, sender: str, bare: str
) -> None:
    allow = {"uninspected": "allow", "policy": [{"name": "all", "action": "allow"}]}
    service = new_service(allow, inspection=inspection)
    outside = lambda _set, envelope: envelope.sender == "thief@partner.example"  # noqa: E731
    monkeypatch.setattr(PolicySet, "bounces_outside", outside)
    session = service.session()
    session.begin(sender, "")
    session.add_recipient("bob@corp.example")
    assert session.end_of_message("4Q").bare_bounce == bare


# -- images, replies, size --------------------------------------------------------------------------------------


def with_ocr(service: FakeService, mode: str, inspection: Inspection) -> FakePool:
    """Give a service workers that read images."""
    pool = FakePool(inspection)
    settings = service.snapshot.settings
    ocr = settings.ocr.model_copy(update={"mode": mode})
    service.snapshot = replace(
        service.snapshot, settings=settings.model_copy(update={"ocr": ocr}), ocr_pool=cast(Pool, pool)
    )
    return pool


@pytest.mark.parametrize(
    ("unread", "mode", "is_read"), [(True, "on", True), (False, "on", False), (True, "policies", False)]
)
def test_images_are_read_if_a_message_has_any_and_a_policy_asks_for_ocr(
    new_service: NewService, unread: bool, mode: str, is_read: bool
) -> None:
    service = new_service(HOLD_ALL, inspection=Inspection(pictures_unread=unread, subject="unread"))
    pool = with_ocr(service, mode, Inspection(subject="read"))
    send(service.session())
    assert pool.read == service.pool.read * is_read
    assert [one.subject for one in service.store.incidents] == ["read" if is_read else "unread"]


def test_one_policy_with_ocr_makes_images_be_read(new_service: NewService) -> None:
    pictures = {"policy": [{"name": "all", "action": "quarantine", "ocr": True, "recipient": "bob@partner.example"}]}
    service = new_service(pictures, inspection=Inspection(pictures_unread=True))
    pool = with_ocr(service, "policies", Inspection(subject="read"))
    send(service.session(), recipients=["eve@partner.example"])
    assert pool.read == []
    send(service.session())
    assert len(pool.read) == 1


def test_a_moderators_reply_skips_inspection_and_gets_the_reply_header(
    new_service: NewService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = new_service(HOLD_ALL)
    monkeypatch.setattr(replies, "answered", lambda *_: "request")
    monkeypatch.setattr(replies, "origin_field", lambda *_: (headers.REPLY, "word"))
    reply = send(service.session(), [*FIELDS, (headers.REPLY, b" forged")])
    assert reply.add == [(headers.REPLY, "word")]
    assert [name.lower() for name, _ in reply.remove] == [headers.REPLY.lower()]
    assert (reply.hold, service.pool.read, service.store.incidents) == ("", [], [])


def test_the_recorded_size_is_that_of_header_and_body(new_service: NewService) -> None:
    service = new_service(HOLD_ALL)
    send(service.session())
    send(service.session(), [], b"")
    assert [one.size for one in service.store.incidents] == [len(service.pool.read[0]), 2]


def test_a_message_under_an_observing_policy_is_recorded_and_accepted(new_service: NewService) -> None:
    service = new_service({"policy": [{"name": "trial", "action": "quarantine", "mode": "observe"}]})
    reply = send(service.session())
    (incident,) = service.store.incidents
    assert (incident.state, incident.policy, reply.hold, reply.tempfail) == (State.RECORDED, "trial", "", False)


def test_an_alert_puts_a_notice_for_its_recipients_into_the_outbox(new_service: NewService) -> None:
    service = new_service({"policy": [{"name": "a", "action": "alert", "notify": ["sec@corp.example"]}]})
    assert not send(service.session()).hold
    assert [(one.kind, one.recipient) for one in service.store.outbox] == [("alert", "sec@corp.example")]
