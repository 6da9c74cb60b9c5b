"""A moderator allows a class of a program's mail with a real Postfix: in a browser, by keyboard, and by reply."""

from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from testbed.browser import overhang
from testbed.site import Site
from tests.e2e.browser import DESKTOP, PHONE, looks, output, send
from tests.e2e.conftest import running_site
from tests.e2e.desk import closed, link_in, mail_about, reply, text_of

FOLDED = "With an approval, also allow"
SENDER, BOSS = "billing@corp.example", "boss@corp.example"
POLICIES = """
internal_domains = ["corp.example"]

[[policy]]
name = "agents"
action = "quarantine"
direction = "outbound"
machine = { links = "new" }
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place: Path = tmp_path_factory.mktemp("machines")
    (place / "machines").write_text("127.0.0.1 owner@corp.example\n")
    extra = f'[machines]\nmode = "on"\naccounts = "texthash:{place}/machines"\ntime_limit = "60s"\n'
    extra += f'[relations]\nkey = "{place}/relations.key"\n'
    extra += f'[moderation]\nmoderators = ["{BOSS}"]\nclasses = true\nclasses_days = 7\n'
    with running_site(policies=POLICIES, extra=extra) as running:
        yield running


def submit(site: Site, name: str, number: int, answers: bool = False) -> None:
    """Submit a message with a link that was never sent, perhaps as an answer in the thread of the first."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, f"{name}@partner.example", f"Invoice {name}"
    message["Message-ID"] = f"<{name}-{number}@corp.example>"
    if answers:
        message["References"] = f"<{name}-1@corp.example>"
    message.set_content(f"See https://{name}-{number}.corp.example/invoice\n")
    site.submit(message.as_bytes(), SENDER, f"{name}@partner.example")


def held(site: Site, name: str) -> Incident:
    def find() -> Incident | None:
        waiting = site.store.incidents([State.HELD])
        return next((one for one in waiting if f"{name}@partner.example" in one.recipients and one.asked_at), None)

    found = site.wait_for(find, f"a held message to {name}")
    assert found is not None
    return found


def arrived(site: Site, name: str, count: int) -> None:
    site.wait_for(lambda: len(site.next_hop.to(f"{name}@partner.example")) >= count, f"{count} messages to {name}")


@pytest.mark.parametrize(
    ("name", "size", "choice"), [("phone", PHONE, "thread"), ("desktop", DESKTOP, "7")], ids=["phone", "desktop"]
)
def test_a_class_is_allowed_on_the_page(
    site: Site, browser: webdriver.Chrome, name: str, size: tuple[int, int], choice: str
) -> None:
    submit(site, name, 1)
    incident = held(site, name)
    looks(browser, size)
    browser.get(link_in(mail_about(site, BOSS, incident)))
    # No other class is accepted unless it is chosen, and the page does not scroll sideways.
    chosen = browser.find_elements(By.CSS_SELECTOR, "input[name=allow]:checked")
    assert [one.get_attribute("value") for one in chosen] == [""]
    assert overhang(browser) <= 0
    browser.find_element(By.XPATH, f"//summary[. = '{FOLDED}']").click()
    browser.find_element(By.CSS_SELECTOR, f"input[name=allow][value='{choice}']").click()
    assert site.store.incident(incident.id).state is State.HELD
    browser.find_element(By.CSS_SELECTOR, "input[name=decision][value=approve]").click()
    send(browser, "/decision")
    assert "You approved this." in output(browser)
    closed(site, incident, State.RELEASED)
    arrived(site, name, 1)
    submit(site, name, 2, answers=True)
    arrived(site, name, 2)
    # A message that is not of the class waits.
    submit(site, f"{name}-other", 3)
    assert held(site, f"{name}-other").policy == "agents"


def test_a_class_is_allowed_with_the_keyboard_only(site: Site, browser: webdriver.Chrome) -> None:
    submit(site, "keys", 1)
    incident = held(site, "keys")
    looks(browser, PHONE)
    browser.get(link_in(mail_about(site, BOSS, incident)))
    for _ in range(60):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        focused = browser.switch_to.active_element
        if focused.tag_name == "summary" and focused.text == FOLDED:
            focused.send_keys(Keys.ENTER)
        if focused.get_attribute("name") == "allow":
            break
    focused.send_keys(Keys.ARROW_DOWN)
    assert browser.switch_to.active_element.get_attribute("value") == "thread"
    browser.switch_to.active_element.send_keys(Keys.TAB)
    for _ in range(3):
        if browser.switch_to.active_element.get_attribute("value") == "approve":
            break
        browser.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    browser.switch_to.active_element.send_keys(Keys.SPACE)
    assert browser.switch_to.active_element.get_attribute("value") == "approve"
    browser.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Yes, approve now"
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    closed(site, incident, State.RELEASED)
    site.wait_for(lambda: "answers in a thread" in site.command("machines", "allowances").stdout, "the allowance")


def test_a_class_is_allowed_by_reply(site: Site) -> None:
    submit(site, "reply", 1)
    incident = held(site, "reply")
    request = mail_about(site, BOSS, incident)
    words = " ".join(text_of(request).split())
    assert "APPROVE WITH ANSWERS (answers in this thread for 24 hours)" in words
    assert "APPROVE FOR ONE WEEK" in words
    assert "APPROVE FOR THIRTY DAYS" not in words
    # More than the policy allows decides nothing.
    reply(site, BOSS, request, "APPROVE FOR THIRTY DAYS")
    assert "does not allow more mail" in text_of(mail_about(site, BOSS, incident, "allow more mail with this"))
    assert site.store.incident(incident.id).state is State.HELD
    reply(site, BOSS, request, "APPROVE FOR ONE WEEK")
    found = closed(site, incident, State.RELEASED)
    assert found.decided_how == "mail"
    arrived(site, "reply", 1)
    submit(site, "reply", 2)
    arrived(site, "reply", 2)
