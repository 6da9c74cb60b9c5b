"""The page on changes in Chromium, on phone and desktop: it shows the result first, and reading it decides nothing."""

from collections.abc import Iterator

import httpx2
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from e2e.browser import DESKTOP, PHONE, follow, looks, output, picture, send
from e2e.conftest import running_site
from e2e.desk import closed, link_in, mail_about, submit
from holdgate.quarantine.states import State
from testbed import letters
from testbed.ports import PATIENCE
from testbed.site import Site

ANNA, BOSS = "anna@corp.example", "boss@corp.example"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_site(extra=f'\n[moderation]\nmoderators = ["{BOSS}"]\nchanges = ["redact"]\n') as running:
        yield running


@pytest.mark.parametrize(("name", "size"), [("phone", PHONE), ("desktop", DESKTOP)])
def test_redacted_after_a_look(site: Site, browser: webdriver.Chrome, name: str, size: tuple[int, int]) -> None:
    recipient = f"{name}@partner.example"
    incident = submit(site, ANNA, recipient)
    looks(browser, size)
    browser.get(link_in(mail_about(site, BOSS, incident)))
    follow(browser, "Approve with changes")
    browser.find_element(By.NAME, "redacted").click()
    send(browser, "/change", "get")
    shown = output(browser)
    assert "What will be sent" in shown
    assert letters.SSN not in shown
    picture(browser, f"changes-{name}")
    send(browser, "/change")
    assert "tick the box first" in output(browser)
    assert site.store.incident(incident.id).state is State.HELD  # type: ignore[union-attr]
    browser.find_element(By.NAME, "confirm").click()
    send(browser, "/change")
    assert "approved the message with changes" in output(browser)
    closed(site, incident, State.RELEASED)
    (delivery,) = site.wait_for(lambda: site.world.to(recipient), "delivery")
    assert letters.SSN not in delivery.content.decode()


def test_whoever_only_reads_decides_nothing(site: Site) -> None:
    incident = submit(site, ANNA, "crawled@partner.example")
    with httpx2.Client(follow_redirects=True, timeout=PATIENCE) as client:
        page = client.get(link_in(mail_about(site, BOSS, incident)))
        address = f"{str(page.url).partition('/incidents')[0]}/incidents/{incident.id}/change"
        for query in (
            "",
            "?redacted=yes",
            "?redacted=yes&confirm=yes&comment=x",
            "?without=1&encrypted=yes&confirm=yes",
        ):
            assert client.get(address + query).status_code in (200, 422)
            client.head(address + query)
        assert client.post(address, data={"redacted": "yes", "confirm": "yes"}).status_code >= 400
    assert site.store.incident(incident.id).state is State.HELD  # type: ignore[union-attr]
    assert not site.world.to("crawled@partner.example")
