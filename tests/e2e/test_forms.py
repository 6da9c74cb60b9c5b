"""Mail in every form of SMTP: the session's state is correct for any commands in any order."""

import smtplib
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from holdgate.desk.notices import TO_MODERATOR
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from testbed import sample_mail
from testbed.ports import LOOPBACK, PATIENCE
from testbed.site import Site
from tests.e2e.desk import closed

SSN = sample_mail.SSN.encode()
SENDER = "anna@corp.example"


@contextmanager
def smtp(site: Site) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(LOOPBACK, site.postfix.smtp_port, timeout=PATIENCE) as client:
        client.ehlo()
        yield client


def recorded(site: Site, recipient: str) -> Incident:
    def find() -> list[Incident]:
        return [incident for incident in site.store.incidents() if recipient in incident.recipients]

    (incident,) = site.wait_for(find, f"an incident for {recipient}")
    return incident


def delivered(site: Site, recipient: str) -> bytes:
    (delivery,) = site.wait_for(lambda: site.next_hop.to(recipient), f"delivery to {recipient}")
    return delivery.content


def test_several_messages_on_one_connection_do_not_mix(site: Site) -> None:
    with smtp(site) as client:
        for number in range(4):
            text = SSN if number % 2 else b"nothing"
            body = b"Subject: %d\r\n\r\nSSN: %s\r\n" % (number, text)
            client.sendmail(SENDER, [f"several{number}@partner.example"], body)
    for number in (0, 2):
        assert b"Subject: %d" % number in delivered(site, f"several{number}@partner.example")
    for number in (1, 3):
        incident = recorded(site, f"several{number}@partner.example")
        assert (incident.subject, incident.recipients) == (str(number), [f"several{number}@partner.example"])


def test_rset_discards_recipients(site: Site) -> None:
    with smtp(site) as client:
        client.mail(SENDER)
        client.rcpt("dropped@partner.example")
        client.rset()
        client.sendmail(SENDER, ["kept@partner.example"], b"Subject: s\r\n\r\nSSN: " + SSN)
    incident = recorded(site, "kept@partner.example")
    assert incident.recipients == ["kept@partner.example"]


def test_a_connection_lost_during_a_message_leaves_no_incident(site: Site) -> None:
    with closing(socket.create_connection((LOOPBACK, site.postfix.smtp_port), timeout=PATIENCE)) as raw:
        stream = raw.makefile("rwb")
        stream.readline()
        for line in (b"EHLO x", b"MAIL FROM:<a@corp.example>", b"RCPT TO:<lost@partner.example>", b"DATA"):
            stream.write(line + b"\r\n")
            stream.flush()
            while stream.readline()[3:4] == b"-":
                pass
        stream.write(b"Subject: cut\r\n\r\nSSN: " + SSN + b"\r\n")
        stream.flush()
    # The next message on the same milter is complete and separate.
    site.submit(b"Subject: after\r\n\r\nSSN: " + SSN, SENDER, "after@partner.example")
    assert recorded(site, "after@partner.example").recipients == ["after@partner.example"]
    assert not [i for i in site.store.incidents() if "lost@partner.example" in i.recipients]


def test_pipelined_commands_with_many_recipients_are_accepted(site: Site) -> None:
    names = [f"many{number}@partner.example" for number in range(50)]
    commands = [b"EHLO x", b"MAIL FROM:<a@corp.example>", *(f"RCPT TO:<{name}>".encode() for name in names), b"DATA"]
    with closing(socket.create_connection((LOOPBACK, site.postfix.smtp_port), timeout=PATIENCE)) as raw:
        stream = raw.makefile("rwb")
        stream.readline()
        stream.write(commands[0] + b"\r\n")
        stream.flush()
        while stream.readline()[3:4] == b"-":
            pass
        stream.write(b"".join(command + b"\r\n" for command in commands[1:]))
        stream.flush()
        replies = [stream.readline()[:3] for _ in commands[1:]]
        assert set(replies[:-1]) == {b"250"}
        assert replies[-1] == b"354"
        stream.write(b"Subject: many\r\n\r\nSSN: " + SSN + b"\r\n.\r\n")
        stream.flush()
        assert stream.readline().startswith(b"250")
    assert recorded(site, names[0]).recipients == names


def test_a_rejected_recipient_is_not_in_the_envelope(site: Site) -> None:
    with smtp(site) as client:
        client.mail(SENDER)
        assert client.docmd("RCPT TO:<unbalanced@partner.example")[0] >= 500
        assert client.rcpt("valid@partner.example")[0] == 250
        client.data(b"Subject: s\r\n\r\nSSN: " + SSN)
    assert recorded(site, "valid@partner.example").recipients == ["valid@partner.example"]


def test_the_null_sender_is_inspected_and_never_answered(site: Site) -> None:
    with smtp(site) as client:
        client.sendmail("", ["bounced@partner.example"], b"Subject: s\r\n\r\nSSN: " + SSN)
    incident = recorded(site, "bounced@partner.example")
    assert incident.sender == ""
    site.wait_for(lambda: site.store.find(incident.id)[0].state == "held", "held")
    done = site.command("reject", incident.id)
    assert done.returncode == 0, done.stderr
    assert "it has no sender to notify" in done.stdout
    closed(site, incident, State.RETURNED)
    # The outbox is complete: it is written with the decision. Notices that were already sent are in the history.
    outbox = {
        notice.kind
        for notice in site.store.outbox.due(datetime.now(UTC) + timedelta(days=365))
        if notice.incident_id == incident.id
    }
    sent = {
        event.note.partition(" to ")[0] for event in site.store.history(incident.id) if event.event == "notice sent"
    }
    assert outbox | sent <= {*TO_MODERATOR, "decided"}


def test_smtputf8_addresses_and_headers_are_recorded(site: Site) -> None:
    message = f"From: <jürgen@corp.example>\r\nSubject: größer\r\n\r\nSSN: {sample_mail.SSN}\r\n".encode()
    with smtp(site) as client:
        client.sendmail("jürgen@corp.example", ["søren@partner.example"], message, ["SMTPUTF8", "BODY=8BITMIME"])
    incident = recorded(site, "søren@partner.example")
    assert (incident.sender, incident.subject) == ("jürgen@corp.example", "größer")
    site.wait_for(lambda: site.store.find(incident.id)[0].state == "held", "held")
    assert site.command("reject", incident.id, "--comment", "größer").returncode == 0
    site.wait_for(lambda: site.next_hop.to("jürgen@corp.example"), "the report to a non-ASCII address")
    report = site.next_hop.to("jürgen@corp.example")[0].content
    assert b"Final-Recipient: utf-8; s\xc3\xb8ren@partner.example" in report
    assert b"Content-Type: message/global\r\n" in report


def test_8bitmime_passes_unchanged(site: Site) -> None:
    body = "Grüße aus Köln\r\n".encode("iso-8859-1")
    header = (
        b"Subject: latin\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    )
    with smtp(site) as client:
        client.sendmail(SENDER, ["latin@partner.example"], header + body, ["BODY=8BITMIME"])
    assert delivered(site, "latin@partner.example").endswith(body)


@pytest.mark.parametrize(
    "value", [b"\xff\xfe raw bytes", b"=?utf-8?q?broken=C3?=", b"=?x-nowhere?b?AAAA?=", b"=?utf-8?b?!!!?="]
)
def test_headers_that_are_not_text_do_not_stop_the_message(site: Site, value: bytes) -> None:
    recipient = f"raw{value.hex()[:8]}{len(value)}@partner.example"
    with smtp(site) as client:
        client.sendmail(SENDER, [recipient], b"Subject: " + value + b"\r\n\r\nSSN: " + SSN)
    assert recorded(site, recipient).findings


def test_a_header_field_name_outside_ascii_does_not_stop_the_message(site: Site) -> None:
    with smtp(site) as client:
        client.sendmail(SENDER, ["name@partner.example"], b"Subject: s\r\nX-G\xc3\xb6r: 1\r\n\r\nSSN: " + SSN)
    assert recorded(site, "name@partner.example").findings


def test_a_folded_header_is_read_completely(site: Site) -> None:
    folded = b"Subject: a\r\n\tb\r\n  c\r\nX-Note: SSN\r\n " + SSN + b"\r\n\r\nbody\r\n"
    with smtp(site) as client:
        client.sendmail(SENDER, ["folded@partner.example"], folded)
    assert recorded(site, "folded@partner.example").subject == "a b c"


def _raw_message(site: Site, recipient: str, content: bytes) -> bytes:
    with smtp(site) as client:
        client.mail(SENDER)
        client.rcpt(recipient)
        client.putcmd("data")
        assert client.getreply()[0] == 354
        client.send(content)
        code, text = client.getreply()
        assert code == 250, text
    return text


def test_a_message_without_header_and_body_is_delivered(site: Site) -> None:
    _raw_message(site, "empty@partner.example", b".\r\n")
    assert delivered(site, "empty@partner.example")


def test_a_message_with_an_empty_body_is_delivered(site: Site) -> None:
    _raw_message(site, "nobody@partner.example", b"Subject: only a header\r\n\r\n.\r\n")
    assert b"only a header" in delivered(site, "nobody@partner.example")


def test_a_message_without_header_is_inspected(site: Site) -> None:
    _raw_message(site, "noheader@partner.example", b"\r\nMy SSN: " + SSN + b"\r\n.\r\n")
    assert recorded(site, "noheader@partner.example").findings


def test_bare_line_feeds_hide_nothing(site: Site) -> None:
    _raw_message(site, "barelf@partner.example", b"Subject: lf\n\nMy SSN: " + SSN + b"\n\r\n.\r\n")
    assert recorded(site, "barelf@partner.example").findings


def test_a_message_at_the_size_limit_is_inspected_from_disk(site: Site) -> None:
    limit = 10_240_000  # Postfix's default message_size_limit
    head, tail = b"Subject: big\r\n\r\n", b"My SSN: " + SSN + b"\r\n"
    line = b"0123456789 abcdefghij klmnopqrst uvwxyz ABCDEFGHIJ KLMNOPQRST\r\n"
    filler = line * ((limit - 2_000 - len(head) - len(tail)) // len(line))
    site.submit(head + filler + tail, SENDER, "big@partner.example")
    incident = recorded(site, "big@partner.example")
    assert incident.size > 10_000_000
    assert [f["identifier"] for f in incident.findings if f["confidence"] == "high"] == ["us-ssn"]
    with pytest.raises(smtplib.SMTPResponseException, match=r"too big|exceeds"):
        site.submit(head + filler + line * 100 + tail, SENDER, "toobig@partner.example")


def test_the_sessions_leave_no_open_file(site: Site, open_files: Callable[[int], list[str]]) -> None:
    def spools() -> list[str]:
        return [name for name in open_files(site.pid("milter")) if "holdgate-message" in name or "/spool/" in name]

    # Postfix reports a message that it refused itself to the milter after the client.
    site.wait_for(lambda: not spools(), "the spools to be closed")


def long_field(name: str, words: list[str]) -> bytes:
    """Return a message with one field of all these words, a line each."""
    field = f"{name}: " + "\r\n ".join(words)
    return f"From: <{SENDER}>\r\nSubject: s\r\n{field}\r\n\r\nhello\r\n".encode()


@pytest.mark.parametrize(
    ("name", "words", "last"),
    [
        # More than 60,000 bytes; and in To more than header_address_token_limit (10,240) tokens (postconf(5)).
        pytest.param("X-Long", ["x " * 400] * 80, f"SSN: {sample_mail.SSN}", id="bytes"),
        pytest.param(
            "To", ["a@partner.example,"] * 2200, f'"SSN {sample_mail.SSN}" <z@partner.example>', id="addresses"
        ),
    ],
)
def test_text_that_postfix_cuts_from_a_long_field_is_not_delivered(
    site: Site, name: str, words: list[str], last: str
) -> None:
    recipient = f"cut.{name.lower()}@partner.example"
    with smtp(site) as client:
        client.sendmail(SENDER, [recipient], long_field(name, [*words, last]))
    assert SSN not in delivered(site, recipient)


def test_the_rest_of_a_cut_field_is_inspected(site: Site) -> None:
    recipients = ["a@partner.example,"] * 1000
    with smtp(site) as client:
        content = long_field("To", [*recipients, f'"SSN {sample_mail.SSN}" <z@partner.example>'])
        client.sendmail(SENDER, ["whole.to@partner.example"], content)
    assert recorded(site, "whole.to@partner.example").findings
