"""Mixed recipients: permitted recipients get the message at once, and a copy for the others is held."""

import re
import smtplib
import socket
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import pytest

from holdgate.desk import post
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from holdgate.queue.client import QueueClient
from holdgate.queue.wishes import read_wishes
from testbed import sample_mail
from testbed.next_hop import Delivery
from testbed.ports import LOOPBACK, PATIENCE
from testbed.site import Site

POLICIES = """\
internal_domains = ["corp.example"]
uninspected = "quarantine"

[[policy]]
name = "secret"
recipient = "*@rival.example"
profile = { dlp-pii = "low" }
action = "block"

[[policy]]
name = "never"
recipient = "*@never.example"
profile = { dlp-pii = "low" }
action = "block"
split = true

[[policy]]
name = "pii-outbound"
direction = "outbound"
recipient = "*@*partner.example"
profile = { dlp-pii = "low" }
action = "quarantine"
split = true

[[policy]]
name = "marked"
recipient = "*@tagged.example"
action = "tag"
headers = { X-Class = "seen" }
"""
SITE = {"policies": POLICIES, "extra": '\n[moderation]\nmoderators = ["boss@corp.example"]\n'}
SENDER = sample_mail.SENDER
NewSite = Callable[..., Site]


def number(mark: str) -> EmailMessage:
    letter = sample_mail.number_in_text()
    letter["X-Mark"] = mark
    return letter


def send(site: Site, content: bytes, recipients: Sequence[str], sender: str = SENDER, **rcpt: list[str]) -> str:
    """Submit with parameters; return Postfix's reply to the content. Raises SMTPDataError."""
    with smtplib.SMTP(LOOPBACK, site.postfix.smtp_port, timeout=PATIENCE) as connection:
        connection.ehlo()
        assert connection.mail(sender, rcpt.get("mail", []))[0] == 250
        for recipient in recipients:
            code, answer = connection.rcpt(recipient, rcpt.get(recipient.partition("@")[0], []))
            assert code == 250, answer
        code, answer = connection.data(content)
        if code != 250:
            raise smtplib.SMTPDataError(code, answer)
        return answer.decode()


def waiting(site: Site, recipient: str) -> Incident:
    def find() -> list[Incident]:
        return [one for one in site.store.incidents([State.HELD]) if recipient in one.recipients]

    found = site.wait_for(find, f"a copy for {recipient} to be held")
    assert len(found) == 1
    return found[0]


def held(site: Site) -> set[str]:
    return set(site.postfix.held_ids())


def test_permitted_recipients_get_the_message_at_once_and_the_others_after_approval(site: Site) -> None:
    letter = number("first")
    send(site, letter.as_bytes(), ["carol@corp.example", "one@partner.example", "two@partner.example"])
    site.wait_for(lambda: site.next_hop.to("carol@corp.example"), "the colleague's delivery")
    incident = waiting(site, "one@partner.example")
    assert incident.recipients == ["one@partner.example", "two@partner.example"]
    assert incident.already_sent == ["carol@corp.example"]
    assert not site.next_hop.to("one@partner.example")
    assert incident.queue_id in held(site)
    assert site.command("release", incident.id).returncode == 0
    site.wait_for(lambda: site.next_hop.to("two@partner.example"), "the copy")
    (first,), (second,) = site.next_hop.to("carol@corp.example"), site.next_hop.to("one@partner.example")
    assert first.recipients == ["carol@corp.example"]
    assert second.recipients == ["one@partner.example", "two@partner.example"]
    assert first.content.partition(b"From:")[2] == second.content.partition(b"From:")[2]
    assert second.content.count(b"Received: ") == 1
    assert b"X-Holdgate" not in second.content
    events = [event.event for event in site.store.history(incident.id)]
    assert events[0] == "recorded"
    assert {"copy queued", "held", "approved", "released"} <= set(events)


def test_the_copy_keeps_the_dsn_options_of_the_client(site: Site) -> None:
    send(
        site,
        number("dsn").as_bytes(),
        ["dave@corp.example", "three@partner.example", "four@partner.example"],
        mail=["RET=HDRS", "ENVID=env-1+2B25", "BODY=8BITMIME"],
        three=["NOTIFY=NEVER"],
        four=["NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;orig+2Bfour@partner.example"],
    )
    incident = waiting(site, "four@partner.example")
    assert incident.arrival_time is not None
    envelope = QueueClient(site.settings.queue.socket).envelope(incident.queue_id, incident.arrival_time)
    assert envelope is not None
    wishes = read_wishes(envelope)
    assert (wishes.envelope_id, wishes.header_only) == ("env-1+25", True)
    assert wishes.originals["four@partner.example"] == "rfc822;orig+four@partner.example"
    assert wishes.unwanted == {"three@partner.example"}
    site.next_hop.takes_dsn = True
    try:
        assert site.command("release", incident.id).returncode == 0
        site.wait_for(lambda: site.next_hop.to("four@partner.example"), "the copy")
    finally:
        site.next_hop.takes_dsn = False
    (sent,) = site.next_hop.to("four@partner.example")
    assert {"RET=HDRS", "ENVID=ENV-1+2B25"} <= set(sent.mail)
    assert "NOTIFY=NEVER" in sent.rcpt["three@partner.example"]
    original = "ORCPT=RFC822;ORIG+2BFOUR@PARTNER.EXAMPLE"
    assert {"NOTIFY=FAILURE,DELAY", original} == set(sent.rcpt["four@partner.example"])


# -- the milter is killed -----------------------------------------------------------------------------------------

_KILLED = """\
import os, signal, sys

if "holdgate.gate.main" in sys.orig_argv:
    from holdgate.gate import callbacks, submit, split

    def die(*_arguments, **_values):
        os.kill(os.getpid(), signal.SIGKILL)

    def then_die(function):
        return lambda *arguments, **values: (function(*arguments, **values), die())

    def nothing(*_arguments):
        from concurrent.futures import Future

        done = Future()
        done.set_result(None)
        return done

    def cut_short(copy, content=submit._content):
        yield next(content(copy))
        die()

    for place, name, value in {
        "before recording": [(split.Splitter, "_record", die)],
        "after recording": [(split.Splitter, "_record", then_die(split.Splitter._record))],
        "during the submission": [(submit, "_content", cut_short)],
        "after 250": [(split, "submit_copy", then_die(split.submit_copy))],
        # A crash of the machine: the copy is on disk, its incident is not.
        "record undone": [(split.Splitter, "_record", nothing), (split, "submit_copy", then_die(split.submit_copy))],
        "before delrcpt": [(callbacks.Callbacks, "delrcpt", die)],
        "after delrcpt": [(callbacks.Callbacks, "_carry_out", then_die(callbacks.Callbacks._carry_out))],
    }[os.environ["KILLED"]]:
        setattr(place, name, value)
"""
POINTS = (
    *("before recording", "after recording", "during the submission", "after 250", "record undone", "before delrcpt"),
    "after delrcpt",
)


def killed(site: Site, point: str, directory: Path) -> None:
    """Restart the milter so that it is killed at a point of the next split."""
    (directory / "sitecustomize.py").write_text(_KILLED)
    before = site.environment
    site.environment = before | {"PYTHONPATH": f"{directory}:{before['PYTHONPATH']}", "KILLED": point}
    site.kill_daemon("milter")  # libmilter takes seconds to end normally
    site.start_daemon("milter")
    site.environment = before


@pytest.mark.parametrize("agent", ["agent", "no agent"])
@pytest.mark.parametrize("point", POINTS)
def test_a_killed_milter_neither_loses_nor_duplicates_a_message(
    site: Site, tmp_path: Path, point: str, agent: str
) -> None:
    name = f"{point}-{agent}".replace(" ", "-")
    inside, outside = f"{name}@corp.example", f"{name}@partner.example"
    before, content = held(site), number(name).as_bytes()
    if agent == "no agent":  # two files of one incident are in the hold queue when it starts again
        site.stop_daemon("queue")
    killed(site, point, tmp_path)
    with pytest.raises(smtplib.SMTPDataError, match="4"):
        send(site, content, [inside, outside])
    assert not site.next_hop.to(inside)
    site.kill_daemon("milter")
    site.start_daemon("milter")
    if agent == "agent" and point in ("after 250", "record undone", "before delrcpt", "after delrcpt"):
        waiting(site, outside)
    send(site, content, [inside, outside])
    if agent == "no agent":
        site.start_daemon("queue")
    site.wait_for(lambda: site.next_hop.to(inside), "the colleague's delivery")
    incident = waiting(site, outside)
    site.wait_for(lambda: held(site) - before == {incident.queue_id}, "one copy to be left in the hold queue")
    assert not site.next_hop.to(outside)
    assert site.command("release", incident.id).returncode == 0
    site.wait_for(lambda: site.next_hop.to(outside), "the copy")
    assert held(site) <= before
    assert len(site.next_hop.to(inside)) == len(site.next_hop.to(outside)) == 1
    named = [one for one in site.store.incidents() if outside in one.recipients]
    assert [one.id for one in named] == [incident.id]
    send(site, content, [inside, outside])  # a client that did not receive the 250 response
    site.wait_for(
        lambda: len(site.next_hop.to(inside)) == 2, "the second delivery, as of any message that is sent twice"
    )
    assert held(site) <= before


# -- other failures -----------------------------------------------------------------------------------------------


def test_all_mail_through_the_listener_is_held(site: Site) -> None:
    before, letter = held(site), sample_mail.clean().as_bytes()
    post.submit_one(letter, "eve@partner.example", site.settings.milter.split_relay)
    (queue_id,) = site.wait_for(lambda: held(site) - before, "the message to be held")
    assert not site.next_hop.to("eve@partner.example")
    site.postfix.postsuper("-d", queue_id)


def test_many_recipients_named_twice_or_in_two_spellings_get_one_message(site: Site) -> None:
    outside = [f"many{number}@partner.example" for number in range(300)]
    inside = [f"many{number}@corp.example" for number in range(300)]
    mixed = [one for pair in zip(inside, outside, strict=True) for one in pair]
    send(site, number("many").as_bytes(), [*mixed, outside[0], "Many0@PARTNER.example", inside[0]])
    incident = waiting(site, outside[299])
    assert incident.recipients == [*outside, "Many0@PARTNER.example"]
    site.wait_for(lambda: site.next_hop.to(inside[299]), "the last colleague's delivery")
    for recipient in incident.recipients:
        assert not site.next_hop.to(recipient)
    assert site.command("release", incident.id).returncode == 0
    site.wait_for(lambda: site.next_hop.to(outside[299]), "the copy")


def test_an_unusual_address_that_needs_approval_holds_the_message_for_all(site: Site) -> None:
    for odd in ('"o@dd"@partner.example', "number-4111111111111111@partner.example"):
        colleague = f"odd{len(odd)}@corp.example"
        send(site, number("odd").as_bytes(), [colleague, odd])
        incident = waiting(site, colleague)
        assert len(incident.recipients) == 2
        assert incident.already_sent == []
        assert site.command("reject", incident.id).returncode == 0
    assert "not-split: why=address" in site.log("milter")


@pytest.mark.parametrize("odd", ['"o dd"@partner.example', '"plain"@partner.example', '"(x)"@partner.example'])
def test_a_message_with_a_quoted_address_can_be_split(site: Site, odd: str) -> None:
    colleague = f"quoted{len(odd)}@corp.example"
    send(site, number(odd.encode().hex()).as_bytes(), [colleague, odd])
    site.wait_for(lambda: site.next_hop.to(colleague), "the colleague's delivery")
    incident = waiting(site, odd)
    assert (incident.recipients, incident.already_sent) == ([odd], [colleague])
    (delivery,) = site.next_hop.to(colleague)
    assert delivery.recipients == [colleague]
    assert site.command("release", incident.id).returncode == 0
    site.wait_for(
        lambda: [one for one in site.next_hop.deliveries if incident.id and has_recipient(one, odd)], "the copy"
    )


def has_recipient(delivery: Delivery, odd: str) -> bool:
    """Return whether a recipient of a delivery is the same address, quoted or not."""
    return odd.replace('"', "") in [one.replace('"', "") for one in delivery.recipients]


def test_mail_of_sendmail_is_held_for_all_recipients(site: Site) -> None:
    site.postfix.sendmail(number("local").as_bytes(), SENDER, "local@corp.example", "local@partner.example")
    assert len(waiting(site, "local@corp.example").recipients) == 2


def has_received(site: Site, to: str, count: int) -> bool:
    return len(site.next_hop.to(to)) == count


def test_a_message_identified_by_its_date_is_split_and_a_retry_makes_no_second_copy(new_site: NewSite) -> None:
    # Clients on this machine would get a new Message-ID for each attempt.
    site = new_site(**SITE | {"changes": {"local_header_rewrite_clients": ""}})
    for names in (0, 2):
        inside, outside = f"nameless{names}@corp.example", f"nameless{names}@partner.example"
        letter = number(f"nameless{names}")
        field = f"Message-ID: {letter['Message-ID']}\r\n".encode()
        content = letter.as_bytes().replace(field, field * names)
        assert content.count(b"Message-ID:") == names
        for count in (1, 2):
            send(site, content, [inside, outside])
            site.wait_for(partial(has_received, site, inside, count), "the colleague's delivery")
            assert waiting(site, outside).already_sent == [inside]
        letter.replace_header("Date", "Mon, 30 Nov 2026 01:00:00 +0000")
        send(site, letter.as_bytes().replace(field, field * names), [inside, outside])

        def two(outside: str = outside) -> bool:
            return len([one for one in site.store.incidents([State.HELD]) if outside in one.recipients]) == 2

        site.wait_for(two, "the other message to be held too")


def test_messages_of_the_null_sender_or_with_smtputf8_are_split(site: Site) -> None:
    send(site, number("null").as_bytes(), ["null@corp.example", "null@partner.example"], sender="")
    assert waiting(site, "null@partner.example").already_sent == ["null@corp.example"]
    with smtplib.SMTP(LOOPBACK, site.postfix.smtp_port, timeout=PATIENCE) as connection:
        recipients = ["zoë@corp.example", "zoë@partner.example"]
        connection.sendmail(SENDER, recipients, number("utf8").as_bytes(), ["SMTPUTF8", "BODY=8BITMIME"])
    assert waiting(site, "zoë@partner.example").already_sent == ["zoë@corp.example"]
    site.wait_for(lambda: site.next_hop.to("zoë@corp.example"), "delivery to the colleague")
    assert not site.next_hop.to("zoë@partner.example")


def test_a_blocked_recipient_rejects_the_message_for_all(site: Site) -> None:
    with pytest.raises(smtplib.SMTPDataError, match="550"):
        send(site, number("no").as_bytes(), ["no@corp.example", "no@partner.example", "no@rival.example"])
    assert not site.next_hop.to("no@corp.example")


def test_aliases_and_blind_copies_are_split_correctly(new_site: NewSite) -> None:
    changes = {
        "virtual_alias_maps": "inline:{list@corp.example=in@corp.example, out@corp.example=away@partner.example}",
        "always_bcc": "archive@corp.example",
    }
    site = new_site(**SITE | {"changes": changes})
    send(site, number("alias").as_bytes(), ["list@corp.example", "out@corp.example", "far@partner.example"])
    site.wait_for(lambda: site.next_hop.to("in@corp.example"), "the colleague's delivery")
    incident = waiting(site, "far@partner.example")
    assert incident.recipients == ["out@corp.example", "far@partner.example"]
    assert not site.next_hop.to("away@partner.example")
    assert site.command("release", incident.id).returncode == 0
    site.wait_for(lambda: site.next_hop.to("away@partner.example"), "the copy")
    assert len(site.next_hop.to("archive@corp.example")) == 1


def test_only_a_blind_copy_to_a_held_recipient_prevents_the_split(new_site: NewSite) -> None:
    changes = {
        "recipient_bcc_maps": "inline:{in@corp.example=archive@corp.example, two@partner.example=eve@corp.example}"
    }
    site = new_site(**SITE | {"changes": changes})
    send(site, number("bcc").as_bytes(), ["in@corp.example", "one@partner.example"])
    site.wait_for(lambda: site.next_hop.to("archive@corp.example"), "the blind copy for a colleague")
    assert waiting(site, "one@partner.example").recipients == ["one@partner.example"]
    send(site, number("bcc two").as_bytes(), ["in@corp.example", "two@partner.example"])
    assert len(waiting(site, "two@partner.example").recipients) == 2
    assert not site.next_hop.to("eve@corp.example")


def test_the_message_is_deferred_if_the_listener_rejects_the_copy(new_site: NewSite) -> None:
    site = new_site(**SITE)
    relay = site.settings.milter.split_relay
    moved = relay.with_name("aside")
    relay.rename(moved)
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(relay))
    content = number("refused").as_bytes()
    with pytest.raises(smtplib.SMTPDataError, match="451"):
        send(site, content, ["ref@corp.example", "ref@partner.example"])
    assert re.search("tempfail: stage=split error=connection to /.*: Connection refused", site.log("milter"))
    relay.unlink()
    moved.rename(relay)
    send(site, content, ["ref@corp.example", "ref@partner.example"])
    assert waiting(site, "ref@partner.example").already_sent == ["ref@corp.example"]
    assert len(site.store.incidents()) == 1


def test_the_message_is_held_for_all_without_the_listener(new_site: NewSite) -> None:
    site = new_site(**SITE)
    site.settings.milter.split_relay.unlink()
    send(site, number("without").as_bytes(), ["with@corp.example", "with@partner.example"])
    assert waiting(site, "with@partner.example").recipients == ["with@corp.example", "with@partner.example"]
    assert "not-split: why=no listener" in site.log("milter")


def test_check_reports_no_problem_about_the_listener(site: Site) -> None:
    assert "split" not in site.command("check").stdout


# -- recipients whom a policy refuses -----------------------------------------------------------------------------


def reports(site: Site, person: str, words: str) -> list[bytes]:
    """Return the sender's messages about a recipient that contain these words."""
    got = [one.content for one in site.next_hop.to(SENDER)]
    return [one for one in got if person.encode() in one and words.encode() in one]


def returned(site: Site, person: str) -> list[Incident]:
    """Wait until the copy for a refused person is deleted, and return the incidents about them."""

    def find() -> list[Incident]:
        about = [one for one in site.store.incidents() if person in one.recipients]
        return about if about and all(one.state is State.RETURNED for one in about) else []

    return site.wait_for(find, f"the copy for {person} to be returned")


def test_blocked_recipients_are_reported_while_the_others_get_the_message(site: Site) -> None:
    fine, wait, no = "fine-r@corp.example", "wait-r@partner.example", "no-r@never.example"
    content = number("refused").as_bytes()
    send(site, content, [fine, wait, no], mail=["ENVID=refused"])
    site.wait_for(lambda: site.next_hop.to(fine), "delivery to the colleague")
    (report,) = site.wait_for(lambda: reports(site, no, "delivery-status"), "the report about the refused one")
    assert f"Final-Recipient: rfc822; {no}".encode() in report
    assert b"Action: failed" in report
    assert b"Original-Envelope-Id: refused" in report
    status = report.partition(b"message/delivery-status")[2].partition(b"\r\n--")[0]
    assert fine.encode() not in status
    assert wait.encode() not in status
    incident = waiting(site, wait)
    (refused,) = returned(site, no)
    assert (refused.decided_by, refused.decided_how, refused.policy) == ("never", "policy", "never")
    assert sorted(refused.already_sent) == [fine]
    assert site.command("release", incident.id).returncode == 0
    site.wait_for(lambda: site.next_hop.to(wait), "delivery after approval")
    assert site.next_hop.to(no) == []
    assert [len(site.next_hop.to(one)) for one in (fine, wait)] == [1, 1]
    assert len(reports(site, no, "delivery-status")) == 1


def test_a_repeated_message_is_reported_only_once(site: Site) -> None:
    fine, no = "fine-again@corp.example", "no-again@never.example"
    letter = number("refused again")
    letter.replace_header("Message-ID", "<refused-again@corp.example>")
    send(site, letter.as_bytes(), [fine, no])
    site.wait_for(lambda: reports(site, no, "delivery-status"), "the report")
    # The client did not see the answer, and retries: no person is notified twice.
    send(site, letter.as_bytes(), [fine, no])
    site.wait_for(lambda: len(site.next_hop.to(fine)) == 2, "the second delivery, as of any client that retries")
    (incident,) = returned(site, no)
    assert incident.queue_id not in held(site)
    assert len(reports(site, no, "delivery-status")) == 1


@pytest.mark.parametrize("daemon", ["queue", "desk"])
def test_a_split_rejection_survives_a_crash(site: Site, daemon: str) -> None:
    fine, no = f"fine-{daemon}@corp.example", f"no-{daemon}@never.example"
    letter = number(f"crash {daemon}")
    letter.replace_header("Message-ID", f"<refused-{daemon}@corp.example>")
    site.kill_daemon(daemon)
    try:
        send(site, letter.as_bytes(), [fine, no])
        site.wait_for(lambda: site.next_hop.to(fine), "delivery to the colleague")
        (incident,) = [one for one in site.store.incidents() if no in one.recipients]
        assert incident.queue_id in held(site)
    finally:
        site.start_daemon(daemon)
    site.wait_for(lambda: reports(site, no, "delivery-status"), "the report")
    returned(site, no)
    assert incident.queue_id not in held(site)
    assert (len(reports(site, no, "delivery-status")), site.next_hop.to(no)) == (1, [])


@pytest.mark.parametrize("sender", ["", "eve@elsewhere.example"])
def test_a_message_is_rejected_at_once_if_its_sender_cannot_be_notified(site: Site, sender: str) -> None:
    fine, no = "fine-outside@corp.example", "no-outside@never.example"
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(site, number("outside").as_bytes(), [fine, no], sender=sender)
    assert refused.value.smtp_code == 550
    assert site.next_hop.to(fine) == []


def test_milters_of_smtpd_milter_maps_do_not_see_the_copy(new_site: NewSite) -> None:
    """postconf(5): smtpd_milter_maps has precedence over the milters of a listener."""
    site = new_site(**SITE)
    path = site.postfix.config / "main.cf"
    milter = next(line for line in path.read_text().splitlines() if line.startswith("smtpd_milters")).partition("=")[2]
    text = f"{path.read_text()}\nsmtpd_milter_maps = inline:{{ {{ 127.0.0.1 ={milter} }} }}\n"
    site.postfix.rewrite("main.cf", text)
    send(site, number("by client").as_bytes(), ["map@corp.example", "map@partner.example"])
    assert waiting(site, "map@partner.example").already_sent == ["map@corp.example"]
    assert [one.recipients for one in site.store.incidents()] == [["map@partner.example"]]


def replies(connection: socket.socket, count: int) -> list[bytes]:
    """Read so many replies; return the last line of each."""
    file = connection.makefile("rb")
    found: list[bytes] = []
    while len(found) < count:
        line = file.readline()
        assert line, found
        if line[3:4] == b" ":
            found.append(line)
    return found


def test_bdat_chunks_and_pipelined_messages_are_split_correctly(site: Site) -> None:
    """BDAT (RFC 3030) and pipelining (RFC 2920): lines that DATA reads otherwise, long ones, and bytes of 8 bits."""
    inside, outside = "bdat@corp.example", "bdat@partner.example"
    head = f"From: {SENDER}\r\nSubject: chunks\r\nMessage-ID: <chunks@corp.example>\r\n\r\n".encode()
    lines = [b".", b"..", b".x", b"\xff\xfe", b"a" * 3000, b"", f"SSN: {sample_mail.SSN}".encode(), b"."]
    body = b"\r\n".join([*lines, b""])
    content = head + body
    commands = [f"MAIL FROM:<{SENDER}> SIZE=5000", f"RCPT TO:<{outside}>", f"RCPT TO:<{inside}>"]
    with socket.create_connection((LOOPBACK, site.postfix.smtp_port), PATIENCE) as connection:
        replies(connection, 1)
        connection.sendall(b"EHLO x\r\n")
        replies(connection, 1)
        half = len(content) // 2
        chunks = [b"BDAT %d\r\n" % half + content[:half], b"BDAT %d LAST\r\n" % (len(content) - half) + content[half:]]
        one = "".join(f"{command}\r\n" for command in commands).encode() + b"".join(chunks)
        other = content.replace(b"chunks", b"second").replace(sample_mail.SSN.encode(), b"nothing")
        two = one.replace(content[:half], other[:half]).split(b"BDAT")[0] + b"BDAT %d LAST\r\n" % len(other) + other
        connection.sendall(one + two + b"QUIT\r\n")
        answers = replies(connection, 10)
    assert [line[:3] for line in answers] == [*[b"250"] * 9, b"221"], answers
    site.wait_for(lambda: len(site.next_hop.to(inside)) == 2, "both deliveries to the colleague")
    site.wait_for(lambda: len(site.next_hop.to(outside)) == 1, "the second message, which needs no approval")
    incident = waiting(site, outside)
    assert (incident.recipients, incident.already_sent) == ([outside], [inside])
    assert site.command("release", incident.id).returncode == 0
    site.wait_for(lambda: len(site.next_hop.to(outside)) == 2, "the copy")
    bodies = [one.content.partition(b"\r\n\r\n")[2] for one in site.next_hop.to(inside) + site.next_hop.to(outside)]
    assert len(set(bodies)) == 2
    assert b"\r\n..\r\n" in bodies[0]


def test_a_message_to_a_thousand_recipients_is_split(site: Site) -> None:
    inside = [f"thousand{number}@corp.example" for number in range(500)]
    outside = [f"thousand{number}@partner.example" for number in range(500)]
    send(site, number("thousand").as_bytes(), [one for pair in zip(outside, inside, strict=True) for one in pair])
    incident = waiting(site, outside[0])
    assert incident.recipients == outside
    site.wait_for(lambda: all(site.next_hop.to(one) for one in inside), "the deliveries to colleagues")
    assert not any(site.next_hop.to(one) for one in outside)
    assert site.command("release", incident.id).returncode == 0
    site.wait_for(lambda: all(site.next_hop.to(one) for one in outside), "the copy to all of the others")
