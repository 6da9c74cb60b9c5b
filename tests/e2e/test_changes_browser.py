"""The page on changes in Chromium, on phone and desktop: it shows the result first, and reading it decides nothing."""

import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import httpx2
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from testbed import sample_mail
from testbed.ports import PATIENCE
from testbed.site import Site
from tests.e2e.browser import DESKTOP, PHONE, follow, looks, output, picture, send
from tests.e2e.conftest import running_site
from tests.e2e.desk import closed, link_in, mail_about, reply, submit, text_of

ANNA, BOSS = "anna@corp.example", "boss@corp.example"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_site(
        extra=f'\n[moderation]\nmoderators = ["{BOSS}"]\nchanges = ["redact", "without-recipients"]\n'
        'self_release = true\nself_release_severity = "critical"\n'
    ) as running:
        yield running


@pytest.mark.parametrize(("name", "size"), [("phone", PHONE), ("desktop", DESKTOP)])
def test_a_redacted_message_is_approved_after_its_preview(
    site: Site, browser: webdriver.Chrome, name: str, size: tuple[int, int]
) -> None:
    recipient = f"{name}@partner.example"
    incident = submit(site, ANNA, recipient)
    looks(browser, size)
    browser.get(link_in(mail_about(site, BOSS, incident)))
    follow(browser, "Approve with changes")
    browser.find_element(By.NAME, "redacted").click()
    send(browser, "/change", "get")
    shown = output(browser)
    assert "What will be sent" in shown
    assert sample_mail.SSN not in shown
    picture(browser, f"changes-{name}")
    send(browser, "/change")
    assert "tick the box first" in output(browser)
    assert site.store.incident(incident.id).state is State.HELD
    browser.find_element(By.NAME, "confirm").click()
    send(browser, "/change")
    assert "approved the message with changes" in output(browser)
    closed(site, incident, State.RELEASED)
    (delivery,) = site.wait_for(lambda: site.next_hop.to(recipient), "delivery")
    assert sample_mail.SSN not in delivery.content.decode()


def submit_to(site: Site, letter: EmailMessage, *recipients: str) -> Incident:
    """Submit a letter, and return its incident once people have been asked."""
    letter.replace_header("From", ANNA)
    site.submit(letter.as_bytes(), ANNA, *recipients)

    def asked() -> Incident | None:
        waiting = site.store.incidents([State.HELD])
        return next((one for one in waiting if recipients[0] in one.recipients and one.asked_at), None)

    incident = site.wait_for(asked, "people to be asked")
    assert incident is not None
    return incident


@pytest.mark.parametrize(("name", "size"), [("phone", PHONE), ("desktop", DESKTOP)])
def test_a_recipient_is_excluded_after_the_preview(
    site: Site, browser: webdriver.Chrome, name: str, size: tuple[int, int]
) -> None:
    right, wrong = f"right-{name}@partner.example", f"wrong-{name}@partner.example"
    letter = sample_mail.number_in_text()
    incident = submit_to(site, letter, right, wrong)
    looks(browser, size)
    browser.get(link_in(mail_about(site, BOSS, incident)))
    follow(browser, "Approve with changes")
    browser.find_elements(By.NAME, "not")[1].click()
    send(browser, "/change", "get")
    assert f"It is not sent to: {wrong}" in output(browser)
    picture(browser, f"left-out-{name}")
    browser.find_element(By.NAME, "confirm").click()
    send(browser, "/change")
    assert "approved the message, but not for all of its recipients" in output(browser)
    closed(site, incident, State.RELEASED)
    (delivery,) = site.wait_for(lambda: site.next_hop.to(right), "delivery")
    assert delivery.recipients == [right]
    assert delivery.body == letter.as_bytes(policy=SMTP).partition(b"\r\n\r\n")[2]
    assert site.next_hop.to(wrong) == []
    assert wrong in text_of(mail_about(site, ANNA, incident, "It is not sent to"))
    site.wait_for(lambda: incident.queue_id not in site.postfix.held_ids(), "the original to be deleted")


def held_mail(site: Site, incident: Incident) -> str:
    """Return the HTML of the mail that notifies the sender of the hold."""
    html = mail_about(site, ANNA, incident, "Waiting for approval").get_body(("html",))
    assert html is not None
    return str(html.get_content())


def from_held_mail(
    site: Site, browser: webdriver.Chrome, incident: Incident, link: str, directory: Path, size: tuple[int, int]
) -> None:
    """Open a link of that mail in a browser."""
    path = directory / "held.html"
    path.write_text(held_mail(site, incident), encoding="utf-8")
    looks(browser, size)
    browser.get(path.as_uri())
    follow(browser, link)


@pytest.mark.parametrize(("name", "size"), [("phone", PHONE), ("desktop", DESKTOP)])
def test_the_moderator_sees_the_reason_of_the_sender(
    site: Site, browser: webdriver.Chrome, tmp_path: Path, name: str, size: tuple[int, int]
) -> None:
    incident = submit(site, ANNA, f"reason-{name}@partner.example")
    from_held_mail(site, browser, incident, "Give a reason", tmp_path, size)
    assert sample_mail.SSN not in output(browser)
    picture(browser, f"reason-{name}")
    browser.find_element(By.ID, "reason").send_keys("It is in the contract")
    send(browser, incident.id)
    assert "Your answer was passed to the moderators." not in output(browser), "the box is not ticked"
    assert "It is in the contract" not in [one.note for one in site.store.history(incident.id)]
    browser.find_element(By.ID, "reason").clear()
    browser.find_element(By.ID, "reason").send_keys("It is in the contract")
    browser.find_element(By.NAME, "confirm").click()
    send(browser, incident.id)
    assert "Your answer was passed to the moderators." in output(browser)
    picture(browser, f"reason-given-{name}")
    assert site.store.incident(incident.id).state is State.HELD
    browser.get(link_in(mail_about(site, BOSS, incident)))
    assert "It is in the contract" in output(browser)


def decided(site: Site, incident: Incident) -> list[str]:
    """Return the events of a message, apart from notices, which are sent meanwhile."""
    return [one.event for one in site.store.history(incident.id) if one.event != "notice sent"]


def test_opening_the_links_of_a_sender_decides_nothing(site: Site) -> None:
    incident = submit(site, ANNA, "opened@partner.example")
    links = re.findall(r'href="(http[^"]+/t/[^"]+)"', held_mail(site, incident))
    assert len(links) == 3, "a reason, a release, a withdrawal"
    before = decided(site, incident)
    with httpx2.Client(follow_redirects=True, timeout=PATIENCE) as client:
        for link in links:
            page = client.get(link)
            assert page.status_code == 200
            (stamp,) = set(re.findall(r'name="stamp" value="(\w+)"', page.text))
            given = {"stamp": stamp, "reason": "x", "confirm": "yes", "not": "1"}
            for address in (link, str(page.url)):
                client.head(address)
                client.get(address, params=given)
            assert client.post(str(page.url), data={"reason": "x", "confirm": "yes"}).status_code >= 400
            assert client.post(str(page.url), data=given, headers={"Origin": "https://x.example"}).status_code >= 400
    assert decided(site, incident) == before
    assert site.store.incident(incident.id).state is State.HELD


@pytest.mark.parametrize(("name", "size"), [("phone", PHONE), ("desktop", DESKTOP)])
def test_the_sender_releases_a_message_without_some_recipients(
    site: Site, browser: webdriver.Chrome, tmp_path: Path, name: str, size: tuple[int, int]
) -> None:
    right, wrong = f"self-right-{name}@partner.example", f"self-wrong-{name}@partner.example"
    letter = sample_mail.number_in_text()
    incident = submit_to(site, letter, right, wrong)
    from_held_mail(site, browser, incident, "Send the message", tmp_path, size)
    assert "except those that you tick" in output(browser)
    assert sample_mail.SSN not in output(browser)
    picture(browser, f"self-release-left-out-{name}")
    browser.find_elements(By.NAME, "not")[1].click()
    send(browser, incident.id)
    # Without a reason and a tick nothing is decided, and the excluded recipients stay ticked.
    assert "Give a reason and tick the box first." in output(browser)
    assert [one.is_selected() for one in browser.find_elements(By.NAME, "not")] == [False, True]
    assert site.store.incident(incident.id).state is State.HELD
    browser.find_element(By.ID, "reason").send_keys("The new colleague asked for it")
    browser.find_element(By.NAME, "confirm").click()
    send(browser, incident.id)
    assert "sent the message, but not to all of its recipients" in output(browser)
    released = closed(site, incident, State.RELEASED)
    assert (released.decided_by, released.decided_how) == (ANNA, "self-release")
    (delivery,) = site.wait_for(lambda: site.next_hop.to(right), "delivery")
    assert delivery.recipients == [right]
    assert delivery.body == letter.as_bytes(policy=SMTP).partition(b"\r\n\r\n")[2]
    assert "The new colleague asked for it" in text_of(mail_about(site, BOSS, incident, "not to all of its recipients"))
    site.wait_for(lambda: incident.queue_id not in site.postfix.held_ids(), "the original to be deleted")
    assert site.next_hop.to(wrong) == []


def test_a_reply_of_a_moderator_excludes_a_recipient(site: Site) -> None:
    right, wrong = "right-reply@partner.example", "wrong-reply@partner.example"
    letter = sample_mail.number_in_text()
    incident = submit_to(site, letter, right, wrong)
    request = mail_about(site, BOSS, incident)
    assert "write NOT TO and their addresses" in " ".join(text_of(request).split())
    reply(site, BOSS, request, "NOT TO nobody@partner.example")
    again = mail_about(site, BOSS, incident, "could not be understood. No decision was recorded")
    assert site.store.incident(incident.id).state is State.HELD
    reply(site, BOSS, again, f"Not to {wrong.title()}\n\nThis is agreed.")
    released = closed(site, incident, State.RELEASED)
    assert (released.decided_by, released.decided_how, released.comment) == (BOSS, "mail", "This is agreed.")
    (delivery,) = site.wait_for(lambda: site.next_hop.to(right), "delivery")
    assert delivery.recipients == [right]
    assert delivery.body == letter.as_bytes(policy=SMTP).partition(b"\r\n\r\n")[2]
    site.wait_for(lambda: incident.queue_id not in site.postfix.held_ids(), "the original to be deleted")
    assert site.next_hop.to(wrong) == []


def test_a_command_excludes_a_recipient(site: Site) -> None:
    right, wrong = "right-command@partner.example", "wrong-command@partner.example"
    site.submit(sample_mail.number_in_text().as_bytes(), ANNA, right, wrong)

    def held() -> Incident | None:
        waiting = site.store.incidents([State.HELD])
        return next((one for one in waiting if right in one.recipients), None)

    incident = site.wait_for(held, "the message to be held")
    assert incident is not None
    refused = site.command("release", incident.id, "--not-to", "nobody@partner.example")
    assert (refused.returncode, "nobody@partner.example: This address is not" in refused.stderr) == (2, True)
    assert site.command("release", incident.id, "--not-to", wrong.upper()).returncode == 0
    site.wait_for(lambda: site.next_hop.to(right), "delivery")
    assert site.next_hop.to(wrong) == []
    shown = site.command("show", incident.id).stdout
    assert f"without-recipients: {wrong}" in shown


def test_reading_the_pages_decides_nothing(site: Site) -> None:
    incident = submit(site, ANNA, "crawled@partner.example")
    with httpx2.Client(follow_redirects=True, timeout=PATIENCE) as client:
        page = client.get(link_in(mail_about(site, BOSS, incident)))
        address = f"{str(page.url).partition('/incidents')[0]}/incidents/{incident.id}/change"
        for query in (
            "",
            "?redacted=yes",
            "?redacted=yes&confirm=yes&comment=x",
            "?without=1&encrypted=yes&confirm=yes",
            "?not=1&confirm=yes",
        ):
            assert client.get(address + query).status_code in (200, 422)
            client.head(address + query)
        assert client.post(address, data={"redacted": "yes", "confirm": "yes"}).status_code >= 400
    assert site.store.incident(incident.id).state is State.HELD
    assert not site.next_hop.to("crawled@partner.example")
