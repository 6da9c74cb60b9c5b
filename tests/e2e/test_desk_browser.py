"""The page in Chromium, opened by the link of a real request: outcomes, list, sign-in, and appearance.

With HOLDGATE_SCREENSHOTS set to a directory the screenshots of the documentation are written there.
"""

import re
from datetime import timedelta
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from holdgate.quarantine.states import State
from testbed import sample_mail
from testbed.site import Site
from tests.e2e.browser import DESKTOP, PHONE, follow, looks, output, picture, send
from tests.e2e.desk import closed, link_in, mail_about, pass_at, submit, text_of

ANNA, BOSS = "anna@corp.example", "boss@corp.example"
SITE = {"extra": f'\n[moderation]\nmoderators = ["{BOSS}"]\nself_release = true\nself_release_severity = "critical"\n'}


def choose(browser: webdriver.Chrome, decision: str, comment: str = "") -> None:
    browser.find_element(By.CSS_SELECTOR, f"input[name=decision][value={decision}]").click()
    if comment:
        browser.find_element(By.CSS_SELECTOR, ".comment summary").click()
        browser.find_element(By.ID, "comment").send_keys(comment)
    send(browser, "/decision")


def test_a_link_approves_on_a_phone(site: Site, browser: webdriver.Chrome) -> None:
    incident = submit(site, ANNA, "phone@partner.example", "Contract of our new colleague")
    link = link_in(mail_about(site, BOSS, incident))
    looks(browser, PHONE)
    browser.get(link + "#approve")
    # The token is out of the address line, and the choice that the mail named is marked, not made.
    assert browser.current_url == f"{site.settings.desk.public_url}/incidents/{incident.id}#approve"
    assert browser.find_element(By.CSS_SELECTOR, "#approve input").is_selected() is False
    picture(browser, "phone-request")
    follow(browser, "Read the whole message")
    assert "***-**-*399" in output(browser)
    assert sample_mail.SSN not in output(browser)
    picture(browser, "phone-text")
    browser.back()
    # Nothing is chosen, and there is nothing to send it with.
    assert not browser.find_element(By.CSS_SELECTOR, "button.send").is_displayed()
    browser.find_element(By.CSS_SELECTOR, "#approve").click()
    assert browser.find_element(By.CSS_SELECTOR, "button.send").text == "Yes, approve now"
    browser.find_element(By.CSS_SELECTOR, "input[name=decision][value=later]").click()
    assert not browser.find_element(By.CSS_SELECTOR, "button.send").is_displayed()
    assert site.store.incident(incident.id).state is State.HELD
    choose(browser, "approve", "Agreed")
    assert "You approved this.\nboss@corp.example approved the message." in output(browser)
    picture(browser, "phone-done")
    closed(site, incident, State.RELEASED)
    site.wait_for(lambda: site.next_hop.to("phone@partner.example"), "delivery")


def test_a_link_rejects_on_a_desktop(site: Site, browser: webdriver.Chrome) -> None:
    incident = submit(site, ANNA, "desktop@partner.example", "Contract of our new colleague")
    link = link_in(mail_about(site, BOSS, incident))
    looks(browser, DESKTOP, dark=True)
    browser.get(link)
    picture(browser, "desktop-request-dark")
    looks(browser, DESKTOP)
    picture(browser, "desktop-request")
    choose(browser, "reject", "Use the portal")
    assert "boss@corp.example rejected the message." in output(browser)
    closed(site, incident, State.RETURNED)
    assert "Use the portal" in text_of(mail_about(site, ANNA, incident, "Rejected"))
    # A person who opens the link now reads what happened.
    browser.delete_all_cookies()
    browser.get(link)
    assert "boss@corp.example rejected the message." in output(browser)


def test_the_request_mail_is_readable_on_a_phone(site: Site, browser: webdriver.Chrome, tmp_path: Path) -> None:
    incident = submit(site, ANNA, "mail@partner.example", "Contract of our new colleague")
    html = mail_about(site, BOSS, incident).get_body(("html",))
    assert html is not None
    path = tmp_path / "request.html"
    path.write_text(html.get_content(), encoding="utf-8")
    looks(browser, PHONE)
    browser.get(path.as_uri())
    picture(browser, "phone-mail")
    links = [link.get_attribute("href") for link in browser.find_elements(By.TAG_NAME, "a")]
    assert [str(link).partition("#")[2] for link in links[:2]] == ["approve", "reject"]
    # The others open a reply.
    assert [str(link).partition("&body=")[2] for link in links[2:]] == ["APPROVE%0D%0A%0D%0A", "REJECT%0D%0A%0D%0A"]


def test_the_sender_releases_the_message_on_a_phone(site: Site, browser: webdriver.Chrome, tmp_path: Path) -> None:
    incident = submit(site, ANNA, "self@partner.example", "Contract of our new colleague")
    html = mail_about(site, ANNA, incident, "Waiting for approval").get_body(("html",))
    assert html is not None
    path = tmp_path / "held.html"
    path.write_text(html.get_content(), encoding="utf-8")
    looks(browser, PHONE)
    browser.get(path.as_uri())
    picture(browser, "phone-held-mail")
    follow(browser, "Send the message")
    assert browser.current_url == f"{site.settings.desk.public_url}/release/{incident.id}"
    assert sample_mail.SSN not in output(browser)
    picture(browser, "phone-self-release")
    # Sent without a reason and a tick it decides nothing.
    send(browser, incident.id)
    assert "Give a reason and tick the box first." in output(browser)
    assert site.store.incident(incident.id).state is State.HELD
    browser.find_element(By.ID, "reason").send_keys("The new colleague asked for it")
    browser.find_element(By.CSS_SELECTOR, "input[name=confirm]").click()
    send(browser, incident.id)
    assert "Its sender, anna@corp.example, released the message." in output(browser)
    released = closed(site, incident, State.RELEASED)
    assert (released.decided_by, released.decided_how) == (ANNA, "self-release")
    site.wait_for(lambda: site.next_hop.to("self@partner.example"), "delivery")
    assert "The new colleague asked for it" in text_of(mail_about(site, BOSS, incident, "released the message"))
    listed = site.command("list", "--self-released").stdout
    assert incident.id in listed
    assert listed.count("\n") == 1


def test_a_link_after_its_deadline_shows_the_outcome(site: Site, browser: webdriver.Chrome) -> None:
    incident = submit(site, ANNA, "expired@partner.example")
    link = link_in(mail_about(site, BOSS, incident))
    assert incident.deadline_at is not None
    site.stop_daemon("desk")
    pass_at(site, incident.deadline_at + timedelta(seconds=1))
    site.start_daemon("desk")
    closed(site, incident, State.RETURNED)
    browser.get(link)
    assert (
        "The message was not decided before the deadline. It was not delivered, and was returned to its sender."
        in output(browser)
    )
    assert browser.find_elements(By.TAG_NAME, "form") == []
    browser.get(link[:-3])
    assert "This link does not work" in output(browser)


def test_a_match_is_revealed_and_this_is_recorded(site: Site, browser: webdriver.Chrome) -> None:
    incident = submit(site, ANNA, "reveal@partner.example")
    browser.get(link_in(mail_about(site, BOSS, incident)))
    follow(browser, "Read the whole message")
    # The first match is the name in "Hello Bob".
    Select(browser.find_element(By.ID, "match")).select_by_index(2)
    browser.find_element(By.ID, "reason").send_keys("Is it a test number?")
    send(browser, "/text")
    assert sample_mail.SSN in browser.find_element(By.CSS_SELECTOR, "mark.revealed").text
    (revealed,) = [event for event in site.store.history(incident.id) if event.event == "revealed"]
    assert (revealed.who, revealed.note) == (BOSS, "match 2: Is it a test number?")


def test_the_list_after_sign_in_by_code_decides_several_at_once(site: Site, browser: webdriver.Chrome) -> None:
    several = [submit(site, ANNA, f"several-{n}@partner.example", f"Report {n} of the quarter") for n in range(3)]
    looks(browser, DESKTOP)
    browser.get(site.settings.desk.public_url)
    browser.find_element(By.ID, "address").send_keys(BOSS)
    send(browser, "/sign-in")

    def codes() -> list[bytes]:
        return re.findall(
            rb"Your code to sign in is ([2-9A-Z]{5}-[2-9A-Z]{5})",
            b"".join(one.content for one in site.next_hop.to(BOSS)),
        )

    (code,) = site.wait_for(codes, "the code")
    browser.find_element(By.ID, "code").send_keys(code.decode())
    send(browser, "/code")
    assert "Signed in as boss@corp.example" in browser.find_element(By.TAG_NAME, "header").text
    picture(browser, "desktop-list")
    looks(browser, PHONE, dark=True)
    picture(browser, "phone-list-dark")
    looks(browser, DESKTOP)
    browser.find_element(By.TAG_NAME, "summary").click()
    browser.find_element(By.ID, "words").send_keys("quarter")
    send(browser, "/incidents", "get")
    assert "words=quarter" in browser.current_url
    for incident in several[:2]:
        browser.find_element(By.ID, f"tick-{incident.id}").click()
    browser.find_element(By.CSS_SELECTOR, "input[name=decision][value=approve]").click()
    send(browser, "/incidents")
    assert (
        "Answers recorded: 2. Not recorded, because the deadline has passed or the request is no longer yours: 0."
        in output(browser)
    )
    for incident in several[:2]:
        closed(site, incident, State.RELEASED)
    assert site.store.incident(several[2].id).state is State.HELD
    send(browser, "/sign-out")
    browser.get(f"{site.settings.desk.public_url}/incidents")
    assert browser.current_url.endswith("/sign-in")


def test_every_page_has_landmarks_and_names_for_assistive_technology(site: Site, browser: webdriver.Chrome) -> None:
    incident = submit(site, ANNA, "aria@partner.example")
    link = link_in(mail_about(site, BOSS, incident))
    withdraw = link_in(mail_about(site, ANNA, incident, "Waiting"))
    looks(browser, PHONE)
    base = site.settings.desk.public_url
    for url in (link, f"{base}/incidents/{incident.id}/text", withdraw, f"{base}/sign-in", f"{base}/t/x"):
        browser.get(url)
        assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
        assert browser.title
        assert len(browser.find_elements(By.TAG_NAME, "h1")) == 1
        tree = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        for node in tree:
            role = node.get("role", {}).get("value")
            if role in ("button", "link", "textbox", "radio", "checkbox", "combobox", "searchbox"):
                assert node["name"]["value"].strip(), f"{url}: a {role} without a name"
        # WCAG 2.2, 2.5.8: each target is at least 24 pixels high and wide.
        for element in browser.find_elements(
            By.CSS_SELECTOR, "button, label.choice, select, textarea, input[type=text]"
        ):
            if element.is_displayed():
                assert element.size["height"] >= 44
