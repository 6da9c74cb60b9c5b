"""A sender's report options, from the envelope as Postfix 3.7.11 prints it, and the resulting report."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.desk import dsn
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from holdgate.queue.wishes import Addressee, Sent, Wishes, read_envelope, read_wishes

ENVELOPE = b"""\
*** ENVELOPE RECORDS hold/4jcT1r6CMtzMC8y ***
message_size:             526             913               3              10             526               0
named_attribute: envelope_id=env-125
named_attribute: ret_flags=2
sender: anna@corp.example
named_attribute: notify_flags=4
named_attribute: dsn_orig_rcpt=rfc822;orig3@partner.example
original_recipient: dsn3@partner.example
recipient: dsn3@partner.example
named_attribute: notify_flags=1
named_attribute: dsn_orig_rcpt=rfc822;dsn4@partner.example
original_recipient: dsn4@partner.example
recipient: dsn4@partner.example
original_recipient: dsn5@partner.example
recipient: dsn5@partner.example
*** MESSAGE CONTENTS hold/4jcT1r6CMtzMC8y ***
"""
RECIPIENTS = ["dsn3@partner.example", "dsn4@partner.example", "dsn5@partner.example"]


def report(wishes: Wishes) -> str:
    incident = Incident(queue_id="4a", sender="anna@corp.example", recipients=RECIPIENTS, policy="p")
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    text = ("Rejected", "No.\n")
    content = dsn.compose(
        incident, State.REJECTED, text, None, notice_from="h@corp.example", now=now, wishes=wishes
    ).decode()
    return content.partition("message/delivery-status")[2]


def test_all_report_options_are_read() -> None:
    assert read_wishes(ENVELOPE) == Wishes(
        "env-125",
        True,
        {"dsn3@partner.example": "rfc822;orig3@partner.example", "dsn4@partner.example": "rfc822;dsn4@partner.example"},
        frozenset({"dsn4@partner.example"}),
    )


@pytest.mark.parametrize(
    ("flags", "is_unwanted"),
    [(b"0", False), (b"1", True), (b"2", True), (b"4", False), (b"6", False), (b"8", True), (b"x", False)],
)
def test_a_failure_report_is_sent_unless_the_notify_flags_exclude_it(flags: bytes, is_unwanted: bool) -> None:
    wishes = read_wishes(b"named_attribute: notify_flags=" + flags + b"\nrecipient: a@b.example\n")
    assert bool(wishes.unwanted) == is_unwanted


def test_ret_full_and_no_ret_return_the_complete_message() -> None:
    assert not read_wishes(ENVELOPE.replace(b"ret_flags=2", b"ret_flags=1")).header_only
    assert read_wishes(b"") == Wishes()


def test_the_envelope_is_read_completely() -> None:
    assert read_envelope(ENVELOPE) == Sent(
        "anna@corp.example",
        [
            Addressee("dsn3@partner.example", 4, "rfc822;orig3@partner.example", "dsn3@partner.example"),
            Addressee("dsn4@partner.example", 1, "rfc822;dsn4@partner.example", "dsn4@partner.example"),
            Addressee("dsn5@partner.example", 0, "", "dsn5@partner.example"),
        ],
        envelope_id="env-125",
        returned=2,
    )


def test_an_envelope_without_options_has_none() -> None:
    read = read_envelope(b"sender: a@corp.example\nrecipient: b@partner.example\n")
    assert (read.returned, read.envelope_id, read.is_8bit, read.is_utf8) == (0, "", False, False)
    (recipient,) = read.recipients
    assert (recipient.notify, recipient.original, recipient.called) == (0, "", "")
    assert (Sent().returned, Sent().recipients) == (0, [])


@pytest.mark.parametrize(
    ("encoding", "flags", "is_8bit", "is_utf8"),
    [("8bit", "1", True, True), ("8BIT", "3", True, True), ("7bit", "2", False, False), ("8bit", "x", True, False)],
)
def test_the_encoding_options_of_the_client_are_read(encoding: str, flags: str, is_8bit: bool, is_utf8: bool) -> None:
    sizes = f"message_size:   526  913  3  10  526  {flags}\n"
    read = read_envelope(f"{sizes}named_attribute: encoding={encoding}\n".encode())
    assert (read.is_8bit, read.is_utf8) == (is_8bit, is_utf8)
    assert not read_envelope(sizes.replace("  526  ", "  ").encode()).is_utf8, "an older Postfix has five numbers"


@given(st.binary(max_size=200))
def test_reading_an_envelope_never_raises(envelope: bytes) -> None:
    read_wishes(envelope)
    read_envelope(envelope)


def test_an_alias_keeps_the_original_recipient_of_the_client() -> None:
    envelope = b"""\
named_attribute: notify_flags=1
named_attribute: dsn_orig_rcpt=rfc822;first@partner.example
original_recipient: team@corp.example
recipient: ext1@partner.example
"""
    wishes = read_wishes(envelope)
    assert wishes.originals["team@corp.example"] == "rfc822;first@partner.example"
    assert "team@corp.example" in wishes.unwanted


def test_the_report_has_the_original_envelope_id_and_recipients() -> None:
    output = report(read_wishes(ENVELOPE))
    assert "Original-Envelope-Id: env-125\r\nReporting-MTA:" in output
    assert (
        "Original-Recipient: rfc822; orig3@partner.example\r\nFinal-Recipient: rfc822; dsn3@partner.example" in output
    )
    assert "dsn4@partner.example" not in output
    assert "\r\n\r\nFinal-Recipient: rfc822; dsn5@partner.example" in output


def test_a_report_without_options_names_all_recipients() -> None:
    output = report(Wishes())
    assert output.count("Final-Recipient:") == 3
    assert "Original-" not in output
