"""The sender is asked, with a real Postfix: each choice by page and reply, the recipients, crashes, and bounces."""

import re
import smtplib
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import httpx2
import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

from holdgate.desk import moderation, senderchoice
from holdgate.desk.changing import Changer
from holdgate.desk.context import Desk
from holdgate.desk.preview import Previewer
from holdgate.desk.senderchoice import Choice
from holdgate.quarantine.incident import Actor, Answer, Incident, Request
from holdgate.quarantine.states import State
from holdgate.queue.client import QueueClient
from testbed import sample_mail
from testbed.browser import chromium, emulate, overhang
from testbed.ports import LOOPBACK, PATIENCE
from testbed.site import Site
from tests.e2e.conftest import running_site
from tests.e2e.desk import closed, events, link_in, mail_about, press, reply, text_of

ANNA, BOSS = "anna@corp.example", "boss@corp.example"
POLICIES = """
internal_domains = ["corp.example"]

[[policy]]
name = "ask"
description = "Mail that asks to be checked is checked by its sender."
action = "ask-sender"
direction = "outbound"
subject = "Check*"
ask_overrides = 1000
ask_per_day = 1000
"""
EXTRA = f'[moderation]\nmoderators = ["{BOSS}"]\n'


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_site(policies=POLICIES, extra=EXTRA) as running:
        yield running


def right(name: str) -> str:
    return f"{name}@partner.example"


def wrong(name: str) -> str:
    return f"{name}@partner-group.example"


def content_of(name: str, sender: str = ANNA) -> bytes:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = sender, f"{right(name)}, {wrong(name)}", f"Check {name}"
    letter["Date"] = "Mon, 23 Nov 2026 12:00:00 +0000"
    letter["Message-ID"] = f"<{name}@corp.example>"
    letter.set_content("Dear Bob,\n\n.a line with a dot\nGrüße\n" + "word " * 150 + "\n", cte="8bit")
    return letter.as_bytes().replace(b"\n", b"\r\n")


def submit(site: Site, name: str, sender: str = ANNA) -> Incident:
    """Submit a message to two recipients, with DSN parameters of each, and return it when its sender was asked."""
    with smtplib.SMTP(LOOPBACK, site.postfix.smtp_port, timeout=PATIENCE) as connection:
        connection.ehlo()
        connection.mail(sender, ["RET=HDRS", f"ENVID={name}", "BODY=8BITMIME"])
        for address in (right(name), wrong(name)):
            connection.rcpt(address, ["NOTIFY=SUCCESS,FAILURE", f"ORCPT=rfc822;first-{address}"])
        code, answer = connection.data(content_of(name, sender))
        assert code == 250, answer

    def asked() -> Incident | None:
        waiting = site.store.incidents([State.HELD])
        return next((one for one in waiting if right(name) in one.recipients and one.asked_at), None)

    incident = site.wait_for(asked, f"somebody to be asked about {name}")
    assert incident is not None
    return incident


def request_of(site: Site, incident: Incident) -> Request:
    return next(one for one in site.store.requests.of(incident.id) if one.is_of_sender)


def state_of(site: Site, incident: Incident) -> State:
    found = site.store.incident(incident.id)
    assert found is not None
    return found.state


def check_only_the_right_one_received_it(site: Site, name: str, incident: Incident) -> None:
    """Look that one recipient got the message as it was sent, once, with its DSN parameters, and the other nothing."""
    closed(site, incident, State.RELEASED)
    site.wait_for(lambda: site.next_hop.to(right(name)), "delivery")
    site.wait_for(lambda: not site.postfix.held_ids(), "the hold queue to be empty")
    (delivery,) = site.next_hop.to(right(name))
    assert delivery.sender == ANNA
    assert site.next_hop.to(wrong(name)) == []
    sent = content_of(name)
    # What servers put before it is all that is new.
    fields, separator, rest = delivery.content.partition(b"From: ")
    assert separator + rest == sent
    assert {one.partition(b":")[0] for one in re.split(rb"\r\n(?=\S)", fields.rstrip(b"\r\n"))} <= {
        b"Received",
        b"X-Holdgate-Seal",
    }

    def reports() -> list[bytes]:
        found = [
            one.content for one in site.next_hop.to(ANNA) if f"Original-Envelope-Id: {name}".encode() in one.content
        ]
        return found

    (report,) = site.wait_for(reports, "the report that was asked for")
    assert f"Original-Recipient: rfc822;first-{right(name)}".encode() in report
    assert wrong(name).encode() not in report.partition(b"message/delivery-status")[2].partition(b"\r\n--")[0]


def check_both_received_it(site: Site, name: str) -> None:
    site.wait_for(
        lambda: site.next_hop.to(right(name)) and site.next_hop.to(wrong(name)), f"delivery to both of {name}"
    )


def test_the_page_excludes_a_recipient_and_a_crawler_decides_nothing(site: Site) -> None:
    incident = submit(site, "page")
    mail = mail_about(site, ANNA, incident, "Please check")
    link = link_in(mail)
    with httpx2.Client(follow_redirects=True, timeout=PATIENCE) as crawler:
        for _ in range(3):
            page = crawler.get(link)
        for address in {str(page.url), *re.findall(r'href="(http[^"]+)"', page.text)}:
            crawler.get(address)
        crawler.get(str(page.url), params={"answer": "all", "confirm": "yes"})
    assert state_of(site, incident) is State.HELD
    assert "Choose an answer and tick the box" in press(link, answer="all").text
    assert "Choose at least one recipient" in press(link, answer="some", confirm="yes").text
    assert state_of(site, incident) is State.HELD
    done = press(link, answer="some", confirm="yes", **{"not": "2"})
    assert "but not to all of its recipients" in done.text
    check_only_the_right_one_received_it(site, "page", incident)
    found = site.store.incident(incident.id)
    assert found is not None
    assert (found.decided_by, found.decided_how) == (ANNA, "sender")
    chosen = next(one for one in site.store.history(incident.id) if one.event == "changes chosen")
    assert wrong("page") in chosen.note
    # Who opens the link now reads what happened.
    with httpx2.Client(follow_redirects=True, timeout=PATIENCE) as late:
        assert "but not to all of its recipients" in late.get(link).text


def test_the_page_releases_to_all_recipients(site: Site) -> None:
    incident = submit(site, "all")
    assert (
        "released the message"
        in press(link_in(mail_about(site, ANNA, incident)), answer="all", confirm="yes", reason="Both know").text
    )
    found = closed(site, incident, State.RELEASED)
    assert (found.comment, found.change) == ("Both know", None)
    check_both_received_it(site, "all")


def test_the_page_cancels_the_message(site: Site) -> None:
    incident = submit(site, "none")
    assert (
        "withdrew the message"
        in press(link_in(mail_about(site, ANNA, incident)), answer="none", confirm="yes", reason="Wrong Bob").text
    )
    closed(site, incident, State.RETURNED)
    assert site.next_hop.to(right("none")) == site.next_hop.to(wrong("none")) == []


@pytest.mark.parametrize(
    ("name", "text", "state"),
    [
        ("reply-all", "APPROVE\nThey asked for it", State.RELEASED),
        ("reply-some", "NOT TO 2\nThey asked for it", State.RELEASED),
        ("reply-none", "REJECT", State.RETURNED),
    ],
)
def test_a_reply_decides(site: Site, name: str, text: str, state: State) -> None:
    incident = submit(site, name)
    reply(site, ANNA, mail_about(site, ANNA, incident, "Please check"), text)
    if name == "reply-some":
        check_only_the_right_one_received_it(site, name, incident)
        return
    closed(site, incident, state)
    if state is State.RELEASED:
        check_both_received_it(site, name)
    else:
        assert site.next_hop.to(right(name)) == site.next_hop.to(wrong(name)) == []


def test_an_unclear_reply_or_one_of_another_person_decides_nothing(site: Site) -> None:
    incident = submit(site, "unclear")
    request = mail_about(site, ANNA, incident, "Please check")
    reply(site, ANNA, request, "NOT TO 2 and somebody else")
    site.wait_for(lambda: "answer queued" in events(site, incident), "the answer")
    assert "could not be understood" in text_of(mail_about(site, ANNA, incident, "not be understood"))
    reply(site, "eve@corp.example", request, "APPROVE")
    site.wait_for(lambda: "not from the moderator" in site.log("desk"), "the other's reply to be ignored")
    assert state_of(site, incident) is State.HELD
    reply(site, ANNA, request, "REJECT")
    closed(site, incident, State.RETURNED)


def test_a_desk_that_died_after_postfix_accepted_the_message_sends_it_once(site: Site) -> None:
    incident = submit(site, "twice")
    site.stop_daemon("desk")
    try:
        desk = Desk(site.store, site.settings)
        previewer = Previewer(site.settings, QueueClient(site.settings.queue.socket))
        changer = Changer(desk, previewer)
        site.stop_daemon("queue")
        site.start_daemon("queue")
        content, envelope = previewer.held(incident), previewer.envelope(incident)
        previewer.held = lambda _: content  # type: ignore[method-assign, assignment]
        previewer.envelope = lambda _: envelope  # type: ignore[method-assign, assignment]
        choice = Choice(True, [wrong("twice")])
        decided = senderchoice.choose(desk, request_of(site, incident), choice, Actor(ANNA, "page"), changer)
        for _ in range(2):
            assert changer.submit(decided, 0, lambda: None)
        closed(site, incident, State.RELEASED)
    finally:
        site.start_daemon("desk")
    check_only_the_right_one_received_it(site, "twice", incident)


@pytest.mark.parametrize("daemon", ["desk", "queue"])
def test_a_daemon_killed_after_the_choice_is_recorded_loses_nothing(site: Site, daemon: str) -> None:
    name = f"killed-{daemon}"
    incident = submit(site, name)
    link = link_in(mail_about(site, ANNA, incident))
    press(link, answer="some", confirm="yes", **{"not": "2"})
    site.kill_daemon(daemon)
    site.start_daemon(daemon)
    check_only_the_right_one_received_it(site, name, incident)


def test_the_original_stays_held_while_the_listener_is_down(site: Site) -> None:
    incident = submit(site, "away")
    text = (site.postfix.config / "master.cf").read_text()
    site.postfix.rewrite("master.cf", re.sub(r"(?m)^holdgate-change unix.*\n(?: .*\n)+", "", text))
    try:
        press(link_in(mail_about(site, ANNA, incident)), answer="some", confirm="yes", **{"not": "2"})
        site.wait_for(lambda: "notice_deferred" in events(site, incident), "a failed attempt")
        assert incident.queue_id in site.postfix.held_ids()
    finally:
        site.postfix.rewrite("master.cf", text)
    check_only_the_right_one_received_it(site, "away", incident)


def test_a_request_that_bounces_goes_to_the_moderators(site: Site) -> None:
    gone = "gone@corp.example"
    site.next_hop.rejected.add(gone)
    incident = submit(site, "bounce", gone)
    site.wait_for(lambda: "bounced" in events(site, incident), "the bounce to be noted")
    mail_about(site, BOSS, incident, "Approval needed")
    press(link_in(mail_about(site, BOSS, incident)), decision="reject")
    site.wait_for(lambda: state_of(site, incident) is not State.HELD, "the moderator's decision")


def test_only_one_of_simultaneous_sender_and_moderator_answers_counts(site: Site) -> None:
    incident = submit(site, "once")
    desk = Desk(site.store, site.settings)
    start, outcomes = threading.Barrier(2), []

    def decide(person: str) -> None:
        start.wait()
        try:
            if person == ANNA:
                choice = Choice(False, reason="Wrong Bob")
                senderchoice.choose(desk, request_of(site, incident), choice, Actor(ANNA, "page"), None)
            else:
                moderation.override(desk, incident, Answer.APPROVE, Actor(BOSS, "command"))
            outcomes.append((person, "won"))
        except moderation.RefusedError as error:
            outcomes.append((person, str(error.incident.decided_by)))

    threads = [threading.Thread(target=decide, args=[person]) for person in (ANNA, BOSS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    (winner,) = [person for person, end in outcomes if end == "won"]
    assert [end for _, end in outcomes if end != "won"] == [winner]
    closed(site, incident, State.RETURNED if winner == ANNA else State.RELEASED)
    assert bool(site.next_hop.to(right("once"))) == (winner == BOSS) or site.wait_for(
        lambda: site.next_hop.to(right("once")), "delivery"
    )


# -- in a browser ---------------------------------------------------------------------------------------------------

PHONE, DESKTOP = (390, 844), (1280, 900)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path / "profile") as driver:
        yield driver


def send(browser: webdriver.Chrome) -> str:
    """Press the button and return the text of the next page."""
    old = browser.find_element(By.TAG_NAME, "html")
    browser.find_element(By.CSS_SELECTOR, "form button").click()
    WebDriverWait(browser, PATIENCE, ignored_exceptions=[WebDriverException]).until(staleness_of(old))
    return browser.find_element(By.TAG_NAME, "main").text


@pytest.mark.parametrize(
    ("name", "size", "answer", "state", "text"),
    [
        ("phone-all", PHONE, "all", State.RELEASED, "released the message"),
        ("phone-some", PHONE, "some", State.RELEASED, "but not to all of its recipients"),
        ("phone-none", PHONE, "none", State.RETURNED, "withdrew the message"),
        ("desktop-all", DESKTOP, "all", State.RELEASED, "released the message"),
        ("desktop-some", DESKTOP, "some", State.RELEASED, "but not to all of its recipients"),
        ("desktop-none", DESKTOP, "none", State.RETURNED, "withdrew the message"),
    ],
)
def test_each_choice_works_in_a_browser(
    site: Site, browser: webdriver.Chrome, name: str, size: tuple[int, int], answer: str, state: State, text: str
) -> None:
    incident = submit(site, name)
    emulate(browser, *size)
    browser.get(link_in(mail_about(site, ANNA, incident)))
    # The token is no longer in the address bar, no choice is preselected, and the page does not scroll sideways.
    assert browser.current_url == f"{site.settings.desk.public_url}/ask/{incident.id}"
    assert not [one for one in browser.find_elements(By.TAG_NAME, "input") if one.is_selected()]
    assert overhang(browser) <= 0
    browser.find_element(By.CSS_SELECTOR, f"input[name=answer][value={answer}]").click()
    if answer == "some":
        browser.find_element(By.CSS_SELECTOR, 'input[name="not"][value="2"]').click()
    assert "Nothing was done." in send(browser)
    assert state_of(site, incident) is State.HELD
    browser.find_element(By.CSS_SELECTOR, f"input[name=answer][value={answer}]").click()
    browser.find_element(By.ID, "reason").send_keys("They asked for it")
    browser.find_element(By.CSS_SELECTOR, "input[name=confirm]").click()
    assert text in send(browser)
    if answer == "some":
        check_only_the_right_one_received_it(site, name, incident)
        return
    assert closed(site, incident, state).comment == "They asked for it"
    if answer == "all":
        check_both_received_it(site, name)
    else:
        assert site.next_hop.to(right(name)) == site.next_hop.to(wrong(name)) == []


def test_the_request_states_what_is_unusual_about_a_recipient(tmp_path: Path) -> None:
    known, twin = "bob.smith@partner.example", "bob.smith@partner-group.example"
    policies = POLICIES.replace('subject = "Check*"', "recipient_risk = { lookalike = true }")
    extra = f'{EXTRA}[relations]\nmode = "on"\nkey = "{tmp_path}/relations.key"\ntime_limit = "60s"\n'
    with running_site(policies=policies, extra=extra) as site:

        def has_delivered(number: int) -> bool:
            return len(site.next_hop.to(known)) >= number

        for count in range(1, 5):
            site.submit(sample_mail.clean().as_bytes(), ANNA, known)
            site.wait_for(partial(has_delivered, count), f"{count} deliveries")
        site.wait_for(lambda: "holdgate_relations_learned_total 4.0" in site.metrics("milter"), "four lessons")
        site.submit(sample_mail.clean().as_bytes(), ANNA, twin, known)

        def held() -> Incident | None:
            waiting = site.store.incidents([State.HELD])
            return next((one for one in waiting if twin in one.recipients and one.asked_at), None)

        incident = site.wait_for(held, "the sender to be asked")
        assert incident is not None
        mail = mail_about(site, ANNA, incident, "Please check")
        why = f"{twin}: you have written to {known} 4×, never here."
        assert why in " ".join(text_of(mail).split())
        with httpx2.Client(follow_redirects=True, timeout=PATIENCE) as client:
            assert client.get(link_in(mail)).text.count(why) == 2
        assert 'holdgate_sender_questions_total{asked="sender"} 1.0' in site.metrics("desk")
        number = incident.recipients.index(twin) + 1
        press(link_in(mail), answer="some", confirm="yes", **{"not": str(number)})
        found = closed(site, incident, State.RELEASED)
        assert found.decided_how == "sender-corrected"
        site.wait_for(lambda: len(site.next_hop.to(known)) == 5, "delivery to the intended recipient")
        assert site.next_hop.to(twin) == []
