"""Postfix's listener for notices: only the desk can use it, and no copies of its mail are sent."""

import os
import smtplib
import socket
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import pytest

from holdgate.desk import post
from holdgate.queue.postfix import Postfix
from holdgate.queue.presence import notice_listener
from testbed import sample_mail
from testbed.site import Site
from tests.e2e.desk import link_in, mail_about, press, submit

ARCHIVE, BOSS, INBOX = "archive@corp.example", "boss@corp.example", "inbox@corp.example"
SITE = {
    "extra": f'\n[moderation]\nmoderators = ["{BOSS}"]\n',
    "changes": {
        "always_bcc": ARCHIVE,
        "recipient_bcc_maps": f"inline:{{{INBOX}=second-{ARCHIVE}, {BOSS}=second-{ARCHIVE}}}",
        "sender_bcc_maps": f"static:third-{ARCHIVE}",
        "virtual_alias_maps": f"inline:{{{BOSS}={INBOX}}}",
    },
}


def test_no_archive_gets_a_copy_with_a_link_and_aliases_are_kept(site: Site) -> None:
    incident = submit(site, sample_mail.SENDER, sample_mail.RECIPIENT)
    request = mail_about(site, INBOX, incident)
    press(link_in(request), decision="approve", comment="Fine")
    site.wait_for(lambda: site.next_hop.to(sample_mail.RECIPIENT), "the message to be delivered")
    for archive in (ARCHIVE, f"third-{ARCHIVE}"):  # both get the mail of people
        site.wait_for(partial(site.next_hop.to, archive), f"{archive} to get the message")
    for archive in (ARCHIVE, f"second-{ARCHIVE}", f"third-{ARCHIVE}"):
        assert all(b"/t/" not in delivery.content for delivery in site.next_hop.to(archive))


def test_no_local_user_can_send_through_the_listener(site: Site) -> None:
    service = notice_listener(Postfix(site.postfix.config).services(), site.settings)
    assert service is not None
    content = sample_mail.number_in_text().as_bytes()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            post.submit_one(content, "stranger@partner.example", site.settings.desk.notice_relay)
        except PermissionError:
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    post.submit_one(content, "desk@partner.example", site.settings.desk.notice_relay)
    site.wait_for(lambda: site.next_hop.to("desk@partner.example"), "the desk's own mail")
    assert site.next_hop.to("stranger@partner.example") == []


def test_a_rejection_or_a_closed_socket_is_an_error(site: Site, tmp_path: Path) -> None:
    message = EmailMessage()
    message.set_content("x")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        post.submit_one(message.as_bytes(), "not an address@", site.settings.desk.notice_relay)
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(tmp_path / "closed"))
    with pytest.raises(OSError, match="refused"):
        post.submit_one(message.as_bytes(), BOSS, tmp_path / "closed")


def test_check_reports_no_problem_about_the_listener(site: Site) -> None:
    assert "notice" not in site.command("check").stdout
