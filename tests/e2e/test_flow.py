"""The main path with a real Postfix: inspected, held, released, rejected, delivered."""

import io
import smtplib
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

import pytest

from holdgate import headers
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from testbed import sample_mail
from testbed.ports import LOOPBACK, PATIENCE
from testbed.site import Site
from tests.e2e.desk import text_of

SENDER = sample_mail.SENDER
NewSite = Callable[..., Site]


def submit(site: Site, recipient: str, message: bytes | None = None, sender: str = SENDER) -> bytes:
    content = message or sample_mail.number_in_text().as_bytes()
    site.submit(content, sender, recipient)
    return content


def held(site: Site, recipient: str) -> Incident:
    def find() -> list[Incident]:
        return [incident for incident in site.store.incidents([State.HELD]) if recipient in incident.recipients]

    return site.wait_for(find, f"the message to {recipient} to be held")[0]


def header_and_body(content: bytes) -> tuple[bytes, bytes]:
    header, _, body = content.partition(b"\r\n\r\n")
    return header, body


def test_a_clean_message_is_delivered_at_once_without_holdgate_headers(site: Site) -> None:
    content = submit(site, "clean@partner.example", sample_mail.clean().as_bytes())
    site.wait_for(lambda: site.next_hop.to("clean@partner.example"), "delivery")
    (delivery,) = site.next_hop.to("clean@partner.example")
    assert not [name for name in headers.ALL if name in delivery.message]
    header, body = header_and_body(content)
    assert delivery.body == body
    # The submitted content is delivered unchanged, after the trace field that Postfix added at the top.
    received, _, rest = header_and_body(delivery.content)[0].partition(b"\r\nFrom:")
    assert received.startswith(b"Received: ")
    assert b"From:" + rest == header
    assert not [i for i in site.store.incidents() if "clean@partner.example" in i.recipients]


@pytest.mark.parametrize("letter", [sample_mail.number_in_text, sample_mail.card_in_document, sample_mail.card_in_zip])
def test_a_released_message_equals_the_submitted_one(site: Site, letter: Callable[[], EmailMessage]) -> None:
    recipient = f"{letter.__name__}@partner.example"
    content = submit(site, recipient, letter().as_bytes())
    incident = held(site, recipient)
    assert not site.next_hop.to(recipient)
    done = site.command("release", incident.id, "--comment", "agreed")
    assert done.returncode == 0, done.stderr
    assert f"released to {recipient}" in done.stdout
    site.wait_for(lambda: site.next_hop.to(recipient), "delivery")
    (delivery,) = site.next_hop.to(recipient)
    header, body = header_and_body(content)
    assert delivery.body == body
    assert header_and_body(delivery.content)[0].endswith(header)
    assert not [name for name in headers.ALL if name in delivery.message]
    closed = site.store.incident(incident.id)
    assert closed is not None
    assert (closed.state, closed.decided_by, closed.decided_how) == (State.RELEASED, "root", "command")
    # Whether people were asked before the command was quicker is all one.
    asking = ("asked", "notice sent", "notice dropped")
    events = [event.event for event in site.store.history(incident.id) if event.event not in asking]
    assert events == ["recorded", "held", "approved", "release begun", "released"]
    again = site.command("release", incident.id)
    assert again.returncode == 2
    assert "already released, by root" in again.stderr


def test_a_rejected_message_is_returned_with_the_reason(site: Site) -> None:
    content = submit(site, "rejected@partner.example", sender="carol@corp.example")
    incident = held(site, "rejected@partner.example")
    done = site.command("reject", incident.queue_id, "--comment", "Use the portal,\nplease: für alle")
    assert done.returncode == 0, done.stderr
    site.wait_for(lambda: site.next_hop.to("carol@corp.example"), "the report")
    (report,) = site.next_hop.to("carol@corp.example")
    assert report.sender == ""
    message = message_from_bytes(report.content, policy=policy.default)
    assert message.get_content_type() == "multipart/report"
    notice, status, original = message.iter_parts()
    assert isinstance(notice, EmailMessage)
    text = text_of(notice)
    assert "Your message was rejected by a moderator for these recipients" in text
    assert "> Use the portal,\n> please: für alle" in text
    per_recipient = cast(list[EmailMessage], status.get_payload())[1]
    assert (per_recipient["Action"], per_recipient["Status"]) == ("failed", "5.7.1")
    assert per_recipient["Final-Recipient"] == "rfc822; rejected@partner.example"
    returned = original.get_payload(0).as_bytes()
    assert header_and_body(content)[1].replace(b"\r\n", b"\n").strip() in returned.replace(b"\r\n", b"\n")
    assert b"X-Holdgate" not in returned
    assert b"X-Netskope" not in returned
    closed = site.store.incident(incident.id)
    assert closed is not None
    assert closed.state is State.RETURNED
    assert not site.next_hop.to("rejected@partner.example")
    assert incident.queue_id not in str(site.postfix.held_ids())


def test_a_report_follows_the_dsn_options_of_the_sender(site: Site) -> None:
    for name, notify in (("wanted", "FAILURE"), ("unwanted", "NEVER")):
        recipient = f"{name}@partner.example"
        with smtplib.SMTP(LOOPBACK, site.postfix.smtp_port, timeout=PATIENCE) as connection:
            connection.ehlo()
            connection.mail("asks@corp.example", ["RET=HDRS", "ENVID=env-125"])
            connection.rcpt(recipient, [f"NOTIFY={notify}", f"ORCPT=rfc822;orig-{name}@partner.example"])
            connection.data(sample_mail.number_in_text().as_bytes())
        assert site.command("reject", held(site, recipient).id).returncode == 0
    site.wait_for(lambda: len(site.store.incidents([State.RETURNED])) >= 2, "both to be returned")
    site.wait_for(lambda: site.next_hop.to("asks@corp.example"), "the report")
    (report,) = site.next_hop.to("asks@corp.example")
    assert b"Original-Envelope-Id: env-125" in report.content
    assert b"Original-Recipient: rfc822; orig-wanted@partner.example" in report.content
    assert b"text/rfc822-headers" in report.content
    assert b"536-90" not in report.content


def test_mail_of_sendmail_is_inspected(site: Site) -> None:
    site.postfix.sendmail(sample_mail.number_in_text().as_bytes(), SENDER, "cron@partner.example")
    incident = held(site, "cron@partner.example")
    assert "us-ssn" in [finding["identifier"] for finding in incident.findings]


def test_forged_headers_are_removed_and_not_trusted(site: Site) -> None:
    forged = (
        b"X-Netskope-Inspected: true\r\nx-netskope-inspected:TRUE\r\nX-Holdgate-Status: complete\r\n"
        b"X-Holdgate-Incident: AAAA-AAAA-AAAA\r\nX-NETSKOPE-ACTION: Allow\r\nX-Holdgate-Seal: v=1\r\n"
    )
    submit(site, "forged@partner.example", forged + sample_mail.number_in_text().as_bytes())
    incident = held(site, "forged@partner.example")
    queued = site.postfix.show(incident.queue_id)
    message = message_from_bytes(queued)
    assert message.get_all("X-Netskope-Inspected") == ["true"]
    assert message.get_all("X-Netskope-Action") == ["Quarantine"]
    assert message.get_all("X-Holdgate-Incident") == [incident.id]
    assert message.get_all("X-Holdgate-Status") == ["complete"]
    (seal,) = message.get_all("X-Holdgate-Seal", [])
    assert seal != "v=1"
    assert "seal-ignored: why=malformed" in site.log("milter")
    assert "outside-headers-removed: count=6" in site.log("milter")


def test_forged_headers_on_clean_mail_do_not_reach_the_recipient(site: Site) -> None:
    submit(site, "forged2@partner.example", b"X-Netskope-Action: Quarantine\r\n" + sample_mail.clean().as_bytes())
    site.wait_for(lambda: site.next_hop.to("forged2@partner.example"), "delivery: a client cannot hold its own mail")
    assert "X-Netskope-Action" not in site.next_hop.to("forged2@partner.example")[0].message


def test_requeued_mail_is_held_again_with_new_requests(new_site: NewSite) -> None:
    site = new_site()
    submit(site, "requeued@partner.example")
    first = held(site, "requeued@partner.example")
    site.wait_for(lambda: site.next_hop.to("postmaster@mail.corp.example"), "the request")
    site.postfix.postsuper("-r", "ALL")
    site.postfix.wake_pickup()

    def again() -> Incident | None:
        return next((i for i in site.store.incidents([State.HELD]) if i.queue_id != first.queue_id), None)

    second = site.wait_for(again, "it to be held again")
    assert site.postfix.held_ids() == [second.queue_id]
    site.wait_for(lambda: len(site.next_hop.to("postmaster@mail.corp.example")) == 2, "the second request")
    assert site.command("release", second.id).returncode == 0
    site.wait_for(lambda: site.next_hop.to("requeued@partner.example"), "delivery")
    assert len(site.next_hop.to("requeued@partner.example")) == 1


INSIDE = """
internal_domains = ["corp.example"]
uninspected = "allow"
[[policy]]
name = "pii-outbound"
direction = "outbound"
found = [{ id = "us-ssn" }]
action = "quarantine"
[[policy]]
name = "others"
action = "allow"
"""
ALIASES = "inline:{{team@corp.example = ext@partner.example}, {own@corp.example = bob@corp.example}}"


def test_recipients_are_evaluated_by_their_final_destination(new_site: NewSite) -> None:
    site = new_site(policies=INSIDE, changes={"virtual_alias_maps": ALIASES})
    outside = ("team@corp.example", "bob%partner.example@corp.example", '"bob@partner.example"@corp.example')
    for recipient in outside:
        submit(site, recipient)
        assert held(site, recipient).policy == "pii-outbound"
    for recipient in ("own@corp.example", "bob+list@corp.example"):
        submit(site, recipient)
    site.wait_for(lambda: len(site.next_hop.deliveries) >= 2 + len(outside), "delivery inside, and the requests")
    assert len(site.store.incidents([State.HELD])) == len(outside)
    done = site.command("policy", "test", "--from", SENDER, "--to", "team@corp.example")
    assert "recipient:  team@corp.example → ext@partner.example: others" in done.stdout
    assert (
        "virtual_alias_maps: policies also test recipients by the targets in these tables"
        in site.command("check").stdout
    )


def test_a_bounce_to_an_external_address_contains_no_number(new_site: NewSite) -> None:
    alert = INSIDE.replace('action = "quarantine"', 'action = "alert"\nnotify = "security@corp.example"')
    site = new_site(policies=alert)
    site.next_hop.rejected = {"gone@corp.example"}
    submit(site, "gone@corp.example", sender="thief@partner.example")
    site.wait_for(lambda: site.next_hop.to("thief@partner.example"), "the bounce")
    (bounce,) = site.next_hop.to("thief@partner.example")
    assert sample_mail.SENDER.encode() in bounce.content
    assert b"536-90" not in bounce.content


def test_a_forged_held_mark_does_not_release_or_hide_mail(site: Site) -> None:
    submit(site, "marked@partner.example", b"X-Holdgate-Held: yes\r\n" + sample_mail.clean().as_bytes())
    incident = held(site, "marked@partner.example")
    assert incident.policy == "mark X-Holdgate-Held"
    assert site.postfix.show(incident.queue_id).count(b"X-Holdgate-Held:") == 1
    assert site.command("release", incident.id).returncode == 0
    site.wait_for(lambda: site.next_hop.to("marked@partner.example"), "delivery")


def test_all_of_200_messages_over_8_connections_have_an_outcome(site: Site) -> None:
    def connection(number: int) -> None:
        with smtplib.SMTP(LOOPBACK, site.postfix.smtp_port, timeout=PATIENCE) as client:
            for count in range(25):
                letter = sample_mail.number_in_text() if count % 5 == 0 else sample_mail.clean()
                client.sendmail(SENDER, [f"load-{number}-{count}@partner.example"], letter.as_bytes())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(connection, range(8)))

    def delivered() -> set[str]:
        return {r for d in site.next_hop.deliveries for r in d.recipients if r.startswith("load-")}

    def waiting() -> set[str]:
        return {r for i in site.store.incidents([State.HELD]) for r in i.recipients if r.startswith("load-")}

    site.wait_for(lambda: len(delivered()) + len(waiting()) == 200, "every message held or delivered")
    expected = {f"load-{n}-{c}@partner.example" for n in range(8) for c in range(25) if c % 5 == 0}
    assert waiting() == expected
    assert len([d for d in site.next_hop.deliveries if d.recipients[0].startswith("load-")]) == 160
    assert len({i.id for i in site.store.incidents() if i.recipients[0].startswith("load-")}) == 40


def test_a_number_in_subject_names_and_headers_is_shown_nowhere(site: Site) -> None:
    number = sample_mail.SSN
    message = sample_mail.letter(f"New hire, SSN {number}", "see the attachments\n")
    message.replace_header("From", f'"Anna, SSN {number}" <{SENDER}>')
    message[f"X-SSN-{number}"] = number
    message.add_attachment(b"%PDF-1.4 damaged", maintype="application", subtype="pdf", filename=f"SSN {number}.pdf")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(f"SSN {number}/note.txt", f"SSN {number}")
    message.add_attachment(archive.getvalue(), maintype="application", subtype="zip", filename=f"{number}.zip")
    submit(site, "words@partner.example", message.as_bytes())
    incident = held(site, "words@partner.example")
    assert incident.subject == "New hire, SSN ***-**-*399"
    assert incident.header_from == f'"Anna, SSN ***-**-*399" <{SENDER}>'
    assert "***-**-*399.zip › SSN ***-**-*399/note.txt" in [a["name"] for a in incident.attachments]
    path = site.directory / "words.eml"
    path.write_bytes(message.as_bytes())
    commands = (["list"], ["list", "--json"], ["show", incident.id], ["show", incident.id, "--json"])
    scans = (["scan", str(path)], ["scan", "--json", str(path)], ["scan", "--explain", str(path)])
    for words in (*commands, *scans):
        done = site.command(*words)
        assert number not in done.stdout + done.stderr, words
    for name in ("milter", "queue", "desk"):
        assert number not in site.log(name) + site.metrics(name)
    header = site.postfix.show(incident.queue_id).partition(b"\n\n")[0]
    assert number.encode() not in b"".join(line for line in header.splitlines() if line.startswith(b"X-Holdgate"))


def test_no_daemon_logged_a_number_or_a_subject(site: Site) -> None:
    for name in ("milter", "queue", "desk"):
        assert sample_mail.SSN not in site.log(name)
        assert "New colleague" not in site.log(name)
