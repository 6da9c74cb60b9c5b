"""Failures with a real Postfix: no message is lost, delivered uninspected or decided twice."""

import os
import signal
import smtplib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from holdgate.desk import moderation
from holdgate.desk.context import Desk
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Actor
from holdgate.queue.postfix import Postfix
from testbed import sample_mail
from testbed.ports import LOOPBACK, PATIENCE
from testbed.site import Site

NewSite = Callable[..., Site]
SENDER = sample_mail.SENDER


def submit(site: Site, recipient: str = sample_mail.RECIPIENT) -> None:
    site.submit(sample_mail.number_in_text().as_bytes(), SENDER, recipient)


def the_incident(site: Site, *states: State) -> Incident:
    (incident,) = site.wait_for(lambda: site.store.incidents(states), f"an incident in {states}")
    return incident


def children(pid: int) -> list[int]:
    """All processes below `pid`."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = [child for child, parent in parents.items() if parent == pid]
    return found + [grandchild for child in found for grandchild in children(child)]


def test_a_message_is_deferred_if_the_milter_is_killed_and_the_retry_succeeds(new_site: NewSite) -> None:
    site = new_site()
    with smtplib.SMTP(LOOPBACK, site.postfix.smtp_port, timeout=PATIENCE) as client:
        client.ehlo()
        client.mail(SENDER)
        client.rcpt(sample_mail.RECIPIENT)
        client.putcmd("data")
        assert client.getreply()[0] == 354
        client.send(b"Subject: cut\r\n\r\nhalf of it\r\n")
        site.kill_daemon("milter")
        client.send(b"SSN: " + sample_mail.SSN.encode() + b"\r\n.\r\n")
        code, _ = client.getreply()
    assert 400 <= code < 500
    # While it is down nothing gets through, and nothing is lost by that.
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        submit(site)
    assert 400 <= refused.value.smtp_code < 500
    site.start_daemon("milter")
    submit(site)
    the_incident(site, State.HELD)
    assert site.next_hop.to(sample_mail.RECIPIENT) == []


def test_a_session_open_during_a_milter_restart_defers_until_a_new_connection(
    new_site: NewSite,
) -> None:
    site = new_site()
    with smtplib.SMTP(LOOPBACK, site.postfix.smtp_port, timeout=PATIENCE) as client:
        client.ehlo()
        site.kill_daemon("milter")
        site.start_daemon("milter")
        for _ in range(2):
            with pytest.raises(smtplib.SMTPResponseException) as refused:
                client.sendmail(SENDER, [sample_mail.RECIPIENT], sample_mail.number_in_text().as_bytes())
            assert 400 <= refused.value.smtp_code < 500
        submit(site)
    the_incident(site, State.HELD)
    assert site.next_hop.to(sample_mail.RECIPIENT) == []


def zygotes(site: Site) -> list[int]:
    return [pid for pid in children(site.pid("milter")) if children(pid)]


def workers(site: Site) -> list[int]:
    return [worker for zygote in zygotes(site) for worker in children(zygote)]


def test_a_stopped_worker_defers_only_one_message(new_site: NewSite) -> None:
    site = new_site(extra='\n[scan]\nworkers = 1\ntime_limit = "1s"\n')
    for worker in workers(site):
        os.kill(worker, signal.SIGSTOP)
    submit(site)  # the stopped worker is killed at its time limit, and a fresh one reads the message
    the_incident(site, State.HELD)
    assert "worker-lost: why=time limit" in site.log("milter")


def test_a_killed_worker_is_replaced(new_site: NewSite) -> None:
    site = new_site()
    for worker in workers(site):
        os.kill(worker, signal.SIGKILL)
    submit(site)
    the_incident(site, State.HELD)
    assert "worker-lost: why=crash" in site.log("milter")


def test_a_killed_zygote_is_replaced(new_site: NewSite) -> None:
    site = new_site()
    for zygote in zygotes(site):
        os.kill(zygote, signal.SIGKILL)
    submit(site)
    the_incident(site, State.HELD)


def test_mail_is_deferred_if_the_store_cannot_be_written(new_site: NewSite) -> None:
    site = new_site()
    with sqlite3.connect(site.directory / "holdgate.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(smtplib.SMTPDataError) as refused:
            submit(site)
        other.execute("ROLLBACK")
    assert (refused.value.smtp_code, refused.value.smtp_error[:5]) == (451, b"4.3.0")
    assert "tempfail: stage=gate error=StoreError" in site.log("milter")
    submit(site)
    the_incident(site, State.HELD)


def test_mail_is_deferred_if_the_spool_is_full(new_site: NewSite) -> None:
    site = new_site()
    (site.directory / "spool").rmdir()  # like a full disk: the file for a large message cannot be made
    big = sample_mail.clean().as_bytes() + b"some words on a line\r\n" * 100_000
    with pytest.raises(smtplib.SMTPDataError) as refused:
        site.submit(big, SENDER, sample_mail.RECIPIENT)
    assert refused.value.smtp_code == 451
    submit(site)  # small mail stays in memory and is not concerned
    the_incident(site, State.HELD)


def test_a_held_message_without_incident_is_adopted(new_site: NewSite) -> None:
    site = new_site()
    submit(site)
    before = the_incident(site, State.HELD)
    with sqlite3.connect(site.directory / "holdgate.db") as database:  # the database is lost
        database.execute("DROP TRIGGER events_stay")
        for table in ("events", "notices", "requests", "incidents"):
            database.execute(f"DELETE FROM {table}")
    after = the_incident(site, State.HELD)
    assert after.id == before.id  # as its header names it, and the milter's log
    assert (after.queue_id, after.sender, after.subject) == (before.queue_id, before.sender, before.subject)
    assert (after.policy, after.recipients) == ("adopted", before.recipients)
    assert site.command("release", after.id).returncode == 0
    site.wait_for(lambda: site.next_hop.to(sample_mail.RECIPIENT), "delivery")


def test_a_message_read_on_its_own_equals_its_entry_in_the_listing(new_site: NewSite) -> None:
    site = new_site()
    plain = ["b@partner.example", "c+d=e@partner.example"]
    odd = '"a b"@partner.example'
    for sender, recipients in ((SENDER, plain), ("", plain[:1]), (SENDER, [odd])):
        with smtplib.SMTP(LOOPBACK, site.postfix.smtp_port, timeout=PATIENCE) as client:
            client.sendmail(sender, recipients, sample_mail.number_in_text().as_bytes())
    postfix = Postfix(site.postfix.config)
    held = site.wait_for(lambda: found if len(found := postfix.held()) == 3 else [], "three held messages")
    assert postfix.keeps_zone()
    alone = [postfix.held_alone(message.queue_id) for message in held]
    assert alone == [None if odd in message.recipients else message for message in held]
    postfix.set({"import_environment": "MAIL_CONFIG TZ=Europe/Berlin"})
    assert not postfix.keeps_zone()


def test_a_held_message_without_the_holdgate_mark_is_not_managed(new_site: NewSite) -> None:
    site = new_site(changes={"smtpd_sender_restrictions": f"check_sender_access inline:{{{{{SENDER}=HOLD}}}}"})
    site.submit(sample_mail.clean().as_bytes(), SENDER, sample_mail.RECIPIENT)
    site.wait_for(site.postfix.held_ids, "Postfix to hold it")
    site.wait_for(lambda: "holdgate_unmanaged_held_messages 1.0" in site.metrics("queue"), "it to be counted")
    assert site.store.incidents() == []


def test_deleting_a_message_with_postsuper_closes_its_incident(new_site: NewSite) -> None:
    site = new_site()
    submit(site)
    incident = the_incident(site, State.HELD)
    site.postfix.postsuper("-d", incident.queue_id)
    the_incident(site, State.VANISHED)
    done = site.command("release", incident.id)
    assert done.returncode == 2
    assert "is no longer in Postfix's queue" in done.stderr


def test_an_expired_message_that_an_operator_releases_is_not_reported_as_returned(new_site: NewSite) -> None:
    site = new_site()
    submit(site)
    incident = the_incident(site, State.HELD)
    site.stop_daemon("desk")  # its sender is not notified yet
    moderation.expire(Desk(site.store, site.settings), site.store.find(incident.id)[0])
    site.postfix.postsuper("-H", incident.queue_id)
    the_incident(site, State.VANISHED)
    site.start_daemon("desk")
    site.wait_for(lambda: site.next_hop.to(sample_mail.RECIPIENT), "delivery")
    assert site.store.outbox.awaiting_report() == set()
    assert not site.next_hop.to(sample_mail.SENDER)


def test_an_incident_whose_message_never_arrives_is_logged(new_site: NewSite) -> None:
    site = new_site(queue_extra='missing_after = "2s"\n')
    unknown = Incident(queue_id="4Zghost0000z", sender=SENDER, recipients=[sample_mail.RECIPIENT], policy="dlp-pii")
    site.store.record(unknown, Actor("test", "test"))
    the_incident(site, State.VANISHED)
    site.wait_for(lambda: "4Zghost0000z: never-held" in site.log("queue"), "the alarm")


def test_decisions_are_completed_when_stopped_daemons_start_again(new_site: NewSite) -> None:
    """Killed between decision and queue action: the decision is carried out after the restart, once."""
    site = new_site()
    submit(site, "first@partner.example")
    submit(site, "second@partner.example")
    site.wait_for(lambda: len(site.store.incidents([State.HELD])) == 2, "both held")
    first, second = site.store.incidents([State.HELD])
    site.kill_daemon("queue")
    site.kill_daemon("desk")
    commands = [
        threading.Thread(target=site.command, args=("release", first.id)),
        threading.Thread(target=site.command, args=("reject", second.id)),
    ]
    for command in commands:
        command.start()
    the_incident(site, State.APPROVED)
    the_incident(site, State.REJECTED)
    assert site.next_hop.to("first@partner.example") == site.next_hop.to(SENDER) == []
    site.start_daemon("queue")
    the_incident(site, State.RELEASED)
    assert [i.id for i in site.store.incidents([State.REJECTED])] == [second.id]  # its sender is not notified yet
    assert site.postfix.held_ids() == [second.queue_id]
    site.start_daemon("desk")
    the_incident(site, State.RETURNED)
    for command in commands:
        command.join()
    site.wait_for(lambda: site.next_hop.to("first@partner.example"), "delivery")
    assert len(site.next_hop.to("first@partner.example")) == 1
    # One notice of each outcome.
    site.wait_for(lambda: len(site.next_hop.to(SENDER)) == 2, "both notices")
    subjects = sorted(str(delivery.message["Subject"]).partition(":")[0] for delivery in site.next_hop.to(SENDER))
    assert subjects == ["Approved", "Rejected"]
    assert site.next_hop.to("second@partner.example") == []


def test_a_message_without_a_decision_is_returned_at_the_deadline(new_site: NewSite) -> None:
    site = new_site(extra='[moderation]\ndeadline = "1s"\n')
    submit(site)
    incident = the_incident(site, State.RETURNED)
    (report,) = site.wait_for(lambda: site.next_hop.to(SENDER), "the report")
    assert b"returned to the sender because no decision was made" in report.content
    assert incident.decided_by == "holdgate-desk"
    assert site.next_hop.to(sample_mail.RECIPIENT) == []


def test_a_notice_waits_until_postfix_accepts_it(new_site: NewSite) -> None:
    site = new_site()
    submit(site)
    incident = the_incident(site, State.HELD)
    site.postfix.stop()
    rejecting = threading.Thread(target=site.command, args=("reject", incident.id))
    rejecting.start()
    site.wait_for(lambda: "notice-failed" in site.log("desk"), "the notice to be refused")
    the_incident(site, State.REJECTED)
    site.postfix.start()
    the_incident(site, State.RETURNED)
    rejecting.join()
    site.wait_for(lambda: site.next_hop.to(SENDER), "the notice")
    assert len(site.next_hop.to(SENDER)) == 1


def test_the_milter_shuts_down_normally(new_site: NewSite) -> None:
    site = new_site()
    below = children(site.pid("milter"))
    site.stop_daemon("milter")
    assert "stopped" in site.log("milter")
    site.wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below), "its workers to end")
