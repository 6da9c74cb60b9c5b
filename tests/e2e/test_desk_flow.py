"""The desk with a real Postfix: outcomes by each method, deputies, bounces, withdrawal, deadlines, crashes."""

import json
from datetime import timedelta
from email.message import EmailMessage

import httpx2
import pytest

from holdgate.desk import moderation
from holdgate.desk.context import Desk
from holdgate.quarantine.incident import Actor, Answer
from holdgate.quarantine.states import State
from testbed import sample_mail
from testbed.ports import PATIENCE
from testbed.site import Site
from tests.e2e.desk import (
    closed,
    envelope_sender,
    events,
    link_in,
    mail_about,
    parsed,
    pass_at,
    press,
    reply,
    submit,
    text_of,
)

ANNA, BOSS = "anna@corp.example", "boss@corp.example"
SITE = {
    "extra": f"""
[moderation]
managers = "inline:{{{ANNA}={BOSS}, emil@corp.example=gone@corp.example, dora@corp.example={BOSS}}}"
deputies = {{"{BOSS}" = "deputy@corp.example"}}
fallback = ["desk@corp.example"]
notify_sender_on_hold = true
"""
}


@pytest.mark.parametrize("way", ["link", "mail", "command"])
def test_approved_mail_reaches_its_recipients_and_the_sender_is_notified(site: Site, way: str) -> None:
    recipient = f"approved-by-{way}@partner.example"
    incident = submit(site, ANNA, recipient)
    request = mail_about(site, BOSS, incident)
    assert "***-**-*399" in text_of(request)
    assert sample_mail.SSN not in str(request)
    if way == "link":
        assert "approved the message" in press(link_in(request), decision="approve", comment="Fine").text
    elif way == "mail":
        reply(site, BOSS, request, "Approve\n\nFine")
    else:
        done = site.command("release", incident.id, "--as", BOSS.upper(), "--comment", "Fine")
        assert done.returncode == 0, done.stderr
    done_ = closed(site, incident, State.RELEASED)
    assert done_.decided_by is not None
    assert done_.decided_by.startswith(BOSS)
    assert (done_.decided_how, done_.comment) == ({"link": "page"}.get(way, way), "Fine")
    site.wait_for(lambda: site.next_hop.to(recipient), "delivery")
    assert len(site.next_hop.to(recipient)) == 1
    notice = mail_about(site, ANNA, incident, "Approved")
    assert "The moderator responded Approve." in text_of(notice)
    assert "Fine" in text_of(notice)


@pytest.mark.parametrize("way", ["link", "mail", "command"])
def test_rejected_mail_is_returned_with_the_comment(site: Site, way: str) -> None:
    recipient = f"rejected-by-{way}@partner.example"
    incident = submit(site, ANNA, recipient)
    request = mail_about(site, BOSS, incident)
    if way == "link":
        press(link_in(request), decision="reject", comment="Use the portal")
    elif way == "mail":
        reply(site, BOSS, request, "REJECT: Use the portal")
    else:
        site.command("reject", incident.id, "--comment", "Use the portal")
    closed(site, incident, State.RETURNED)
    report = mail_about(site, ANNA, incident, "Rejected")
    assert report.get_content_type() == "multipart/report"
    assert "Your message was rejected by a moderator for these recipients:" in text_of(report)
    assert "Moderator comments:\n\n> Use the portal" in text_of(report)
    assert incident.queue_id not in site.postfix.held_ids()
    assert not site.next_hop.to(recipient)
    if way != "link":
        mail_about(site, BOSS, incident, "rejected")


def test_undecided_mail_causes_a_reminder_and_is_returned(site: Site) -> None:
    incident = submit(site, ANNA, "late@partner.example")
    request = mail_about(site, BOSS, incident)
    assert incident.deadline_at is not None
    site.stop_daemon("desk")
    try:
        pass_at(site, incident.deadline_at - timedelta(hours=24))
        reminder = mail_about(site, BOSS, incident, "This is a reminder")
        assert reminder["References"].split()[-1] == request["Message-ID"].strip()
        pass_at(site, incident.deadline_at - timedelta(seconds=1))
        assert site.store.incident(incident.id).state is State.HELD
        pass_at(site, incident.deadline_at)
        closed(site, incident, State.RETURNED)
    finally:
        site.start_daemon("desk")
    report = mail_about(site, ANNA, incident, "no decision")
    assert "The message has been returned to the sender because no decision was made" in text_of(report)
    assert incident.queue_id not in site.postfix.held_ids()
    assert not site.next_hop.to("late@partner.example")
    page = httpx2.get(link_in(request), follow_redirects=True, timeout=PATIENCE)
    assert "The message was not decided before the deadline." in page.text


def test_an_out_of_office_reply_moves_the_request_to_the_deputy(site: Site) -> None:
    incident = submit(site, ANNA, "deputy@partner.example")
    request = mail_about(site, BOSS, incident)
    away = EmailMessage()
    away["From"], away["Subject"] = BOSS, "Automatic reply: approve"
    away["Auto-Submitted"] = "auto-replied"
    away.set_content("approve? I am away until Monday.")
    # RFC 3834: to the envelope sender, from the null sender.
    site.submit(away.as_bytes(), "", envelope_sender(site, BOSS, request))
    asked = mail_about(site, "deputy@corp.example", incident)
    assert f"You are asked as the deputy of {BOSS}" in text_of(asked)
    reply(site, "deputy@corp.example", asked, "approve")
    assert closed(site, incident, State.RELEASED).decided_by == "deputy@corp.example"
    assert "absent" in events(site, incident)


def test_a_bounced_request_moves_to_the_fallback(site: Site) -> None:
    site.next_hop.rejected.add("gone@corp.example")
    incident = submit(site, "emil@corp.example", "bounce@partner.example")
    asked = mail_about(site, "desk@corp.example", incident)
    assert "because gone@corp.example cannot be reached" in text_of(asked)
    assert [one.answer for one in site.store.requests.of(incident.id)] == [Answer.BOUNCED, None]
    press(link_in(asked), decision="approve")
    assert closed(site, incident, State.RELEASED).decided_by == "desk@corp.example"


def test_the_fallback_is_asked_without_a_manager_and_nothing_is_delivered(site: Site) -> None:
    incident = submit(site, "nobody@corp.example", "unmanaged@partner.example")
    assert "no one else can decide" in text_of(mail_about(site, "desk@corp.example", incident))
    assert not site.next_hop.to("unmanaged@partner.example")


def test_a_sender_can_withdraw_their_message(site: Site) -> None:
    incident = submit(site, ANNA, "withdrawn@partner.example")
    held = mail_about(site, ANNA, incident, "Waiting for approval")
    assert "Nothing was done" in press(link_in(held)).text
    assert "withdrew the message" in press(link_in(held), confirm="yes").text
    closed(site, incident, State.RETURNED)
    mail_about(site, ANNA, incident, "Withdrawn")
    mail_about(site, BOSS, incident, "The sender withdrew the message")
    assert not site.next_hop.to("withdrawn@partner.example")


def test_a_crawler_that_opens_every_link_of_every_mail_decides_nothing(site: Site) -> None:
    incident = submit(site, ANNA, "crawled@partner.example")
    request, held = mail_about(site, BOSS, incident), mail_about(site, ANNA, incident, "Waiting")
    sent = ["notice sent", "notice sent"]
    site.wait_for(lambda: [one for one in events(site, incident) if one in sent] == sent, "both to be recorded")
    before = events(site, incident)
    for delivery in site.next_hop.to(BOSS) + site.next_hop.to(ANNA):
        for word in delivery.content.decode(errors="replace").replace('"', " ").split():
            if word.startswith("http://"):
                httpx2.get(word, follow_redirects=True, timeout=PATIENCE)
    for link, default in ((link_in(request), {"decision": "later", "comment": ""}), (link_in(held), {})):
        assert press(link, **default).status_code == 422
    assert site.store.incident(incident.id).state is State.HELD
    assert [event for event in events(site, incident) if event not in before] == ["opened"]


def test_hostile_names_do_not_damage_mail_page_or_log(site: Site) -> None:
    letter = sample_mail.number_in_text()
    markup = "<script>alert(1)</script>\u202egnp.exe"
    letter.replace_header("From", f'"{markup} boss@corp.example" <{ANNA}>')
    letter.add_attachment(
        b"x", maintype="application", subtype="octet-stream", filename=f"{markup} {sample_mail.SSN}.txt"
    )
    # An additional header in the subject, by an encoded line break.
    content = letter.as_bytes().replace(
        b"Subject: New colleague", b"Subject: =?utf-8?q?a=0D=0ABcc:_v@elsewhere.example=0D=0A=E2=80=AE<b>_536-90-4399?="
    )
    site.submit(content, ANNA, "hostile@partner.example")
    site.wait_for(
        lambda: [i for i in site.store.incidents() if "hostile@partner.example" in i.recipients], "an incident"
    )
    (incident,) = [one for one in site.store.incidents() if "hostile@partner.example" in one.recipients]
    request = mail_about(site, BOSS, incident)
    assert "Bcc" not in request
    page = httpx2.get(link_in(request), follow_redirects=True, timeout=PATIENCE)
    press(link_in(request), decision="reject", comment=markup + "\r\nBcc: v@elsewhere.example\r\n" + "x" * 3000)
    closed(site, incident, State.RETURNED)
    report = mail_about(site, ANNA, incident, "Rejected")
    assert "Bcc" not in report
    for text in (str(request), page.text, text_of(report)):
        assert "\u202e" not in text
        assert sample_mail.SSN not in text
    html = request.get_body(("html",))
    assert html is not None
    for text in (page.text, str(html.get_content())):
        assert "<script" not in text
        assert "<b>" not in text
    assert not site.next_hop.to("v@elsewhere.example")
    for name in ("milter", "queue", "desk"):
        assert "<script" not in site.log(name)


def test_null_and_external_senders_are_not_notified(site: Site) -> None:
    for sender in ("", "victim@elsewhere.example"):
        incident = submit(site, sender, f"backscatter{len(sender)}@partner.example")
        site.command("reject", incident.id)
        closed(site, incident, State.RETURNED)
        assert "sender_not_notified" in events(site, incident)
    assert not site.next_hop.to("victim@elsewhere.example")
    assert not [d for d in site.next_hop.deliveries if "MAILER-DAEMON" in str(d.recipients) or d.recipients == [""]]


def test_a_desk_killed_at_any_time_notifies_each_person_once(site: Site) -> None:
    incident = submit(site, ANNA, "crash@partner.example")
    request = mail_about(site, BOSS, incident)
    site.kill_daemon("desk")
    moderation.override(Desk(site.store, site.settings), incident, Answer.REJECT, Actor("root", "command"))
    site.start_daemon("desk")
    closed(site, incident, State.RETURNED)
    mail_about(site, ANNA, incident, "Rejected")
    about = [one for one in map(parsed, site.next_hop.to(ANNA)) if incident.id in text_of(one)]
    reports = [one for one in about if one["Subject"].startswith("Rejected")]
    assert len({one["Message-ID"] for one in reports}) == 1
    page = httpx2.get(link_in(request), follow_redirects=True, timeout=PATIENCE)
    assert "rejected the message" in page.text


def test_the_audit_trail_can_be_verified_and_exported(site: Site) -> None:
    incident = submit(site, ANNA, "audit@partner.example")
    mail_about(site, BOSS, incident)
    site.wait_for(lambda: "notice sent" in events(site, incident), "the request to be recorded")
    site.command("release", incident.id)
    closed(site, incident, State.RELEASED)
    verified = site.command("audit", "verify")
    assert verified.returncode == 0, verified.stderr
    lines = [json.loads(line) for line in site.command("audit", "export").stdout.splitlines()]
    mine = [line["event"] for line in lines if line["incident_id"] == incident.id]
    assert mine[:4] == ["recorded", "held", "asked", "notice sent"]
    assert "approved" in mine
    assert site.command("audit", "verify", "--head", lines[-1]["hash"]).returncode == 0
    assert site.command("audit", "verify", "--head", "0" * 63 + "1").returncode == 1
    assert f"1 in {site.settings.store.audit_head}" in verified.stdout


def test_no_daemon_logged_a_number_a_subject_or_a_token(site: Site) -> None:
    for name in ("milter", "queue", "desk"):
        log = site.log(name)
        assert sample_mail.SSN not in log
        assert "New colleague" not in log
        assert "/t/" not in log
