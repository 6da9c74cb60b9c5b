"""Every page with axe-core and with the keyboard only, on a desk with made-up messages and no Postfix."""

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

from holdgate.desk import tokens
from holdgate.desk.language.catalogue import languages
from holdgate.quarantine.states import State
from testbed.browser import chromium, emulate, overhang
from testbed.ports import PATIENCE
from testbed.showcase import Showcase, showcase

_AXE = "axe-core@4.14.1"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core, from npm; where npm's registry cannot be reached, what needs it is skipped."""
    directory = tmp_path_factory.mktemp("npm")
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(directory), _AXE]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        pytest.skip(f"npm cannot fetch {_AXE}: {done.stderr.strip()[-200:]}")
    return (directory / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def case() -> Iterator[Showcase]:
    with showcase() as running:
        yield running


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path / "profile", scripts=True) as driver:
        # The pages have no scripts, and forbid them: axe is one.
        driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
        yield driver


def addresses(case: Showcase) -> dict[str, str]:
    request = case.incidents["request"].id
    return {
        "request": case.link("request"),
        "text": f"{case.base}/incidents/{request}/text",
        "text with images": f"{case.base}/incidents/{request}/text?images=yes",
        "change": f"{case.base}/incidents/{request}/change?without=1&encrypted=yes",
        "many": case.link("many"),
        "done": case.link("approved"),
        "sign-in": f"{case.base}/sign-in",
        "wrong link": f"{case.base}/t/x",
        "withdraw": case.sender_link("request", tokens.WITHDRAW),
        "reason": case.sender_link("request", tokens.ANSWER),
        "ask": case.asked_link("ask"),
        "class": case.link("program"),
        "list": f"{case.base}/incidents",
        "all": f"{case.base}/incidents?show=all",
    }


def sign_in(browser: webdriver.Chrome, case: Showcase) -> None:
    browser.get(f"{case.base}/sign-in")
    name, value = case.session()
    browser.add_cookie({"name": name, "value": value, "path": "/"})


def violations(browser: webdriver.Chrome, axe: str) -> list[str]:
    """Return what axe finds on the page that is open."""
    browser.execute_script(axe)
    found = browser.execute_async_script(
        "const done = arguments[1]; axe.run({runOnly: arguments[0]}).then(r => done(JSON.stringify(r.violations)))",
        _RULES,
    )
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in json.loads(found)
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [(390, 844), (1280, 900), (320, 640)], ids=["phone", "desktop", "narrow"])
def test_axe_reports_no_violation_and_no_page_scrolls_sideways(
    case: Showcase, browser: webdriver.Chrome, axe: str, size: tuple[int, int], dark: bool
) -> None:
    emulate(browser, *size, dark=dark)
    for name, address in addresses(case).items():
        if name == "list":
            sign_in(browser, case)
        browser.get(address)
        for closed in browser.find_elements(By.TAG_NAME, "details"):
            browser.execute_script("arguments[0].open = true", closed)
        assert violations(browser, axe) == [], name
        assert overhang(browser) <= 0, name


@pytest.mark.parametrize("language", languages())
def test_no_language_scrolls_sideways_on_a_narrow_phone(tmp_path: Path, language: str) -> None:
    with showcase(language) as case, chromium(tmp_path / "profile", language) as browser:
        emulate(browser, 320, 640)
        for name, address in addresses(case).items():
            if name == "list":
                sign_in(browser, case)
            browser.get(address)
            assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == language
            for closed in browser.find_elements(By.TAG_NAME, "details"):
                browser.execute_script("arguments[0].open = true", closed)
            assert overhang(browser) <= 0, name


def test_a_printed_page_has_all_recipients_and_the_history_and_no_controls(
    case: Showcase, browser: webdriver.Chrome
) -> None:
    browser.get(case.link("many"))
    printed = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {})["data"])
    pages = pypdfium2.PdfDocument(printed)
    text = "".join(page.get_textpage().get_text_range() for page in pages)
    for wanted in ("May this message go out?", "person39@partner.example", "The sender was asked."):
        assert wanted in text
    for control in ("Add a comment", "Reject", "Approve with changes", "Skip to content"):
        assert control not in text


def test_axe_reports_no_violation_on_pages_that_require_the_number(browser: webdriver.Chrome, axe: str) -> None:
    with showcase(ask_number=True) as case:
        emulate(browser, 390, 844, dark=False)
        for name in ("request", "text", "change", "withdraw", "reason"):
            browser.get(addresses(case)[name])
            assert violations(browser, axe) == [], name


def test_a_message_can_be_decided_with_the_keyboard_only(case: Showcase, browser: webdriver.Chrome) -> None:
    emulate(browser, 390, 844)
    browser.get(case.link("soon"))
    for _ in range(60):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        focused = browser.switch_to.active_element
        if focused.get_attribute("name") == "decision":
            break
    # Nothing is chosen by the way; the arrow keys choose.
    assert focused.get_attribute("value") != "reject"
    while browser.switch_to.active_element.get_attribute("value") != "reject":
        browser.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    assert case.desk.store.incident(case.incidents["soon"].id).state is State.HELD
    browser.switch_to.active_element.send_keys(Keys.TAB)
    button = browser.switch_to.active_element
    assert button.text == "Yes, reject now"
    old = browser.find_element(By.TAG_NAME, "html")
    button.send_keys(Keys.ENTER)
    WebDriverWait(browser, PATIENCE).until(staleness_of(old))
    assert browser.find_element(By.TAG_NAME, "h1").text == "You rejected this."
    assert case.desk.store.incident(case.incidents["soon"].id).state is State.REJECTED


def focused_elements(browser: webdriver.Chrome, bar: str) -> set[str]:
    """Press the tab key many times, and return the tags of the focused elements; none of them is behind the bar."""
    seen = set()
    for _ in range(60):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        focused = browser.switch_to.active_element
        seen.add(focused.tag_name)
        hidden = browser.execute_script(
            "const [e, bar] = arguments, r = e.getBoundingClientRect();"
            "if (e.closest(bar) || e.classList.contains('skip')) return false;"
            "const top = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);"
            "return !!top && !!top.closest(bar);",
            focused,
            bar,
        )
        assert not hidden, focused.get_attribute("outerHTML")
    return seen


def test_the_focused_element_is_never_hidden_by_the_bar(case: Showcase, browser: webdriver.Chrome) -> None:
    emulate(browser, 390, 844)
    browser.get(case.link("request"))
    assert {"a", "summary", "input"} <= focused_elements(browser, ".decide")


@pytest.mark.parametrize("size", [(390, 600), (320, 640), (1280, 900)], ids=["phone", "narrow", "desktop"])
@pytest.mark.parametrize("chosen", [False, True], ids=["ticked", "chosen"])
def test_the_focused_element_is_never_hidden_by_the_bar_of_the_list(
    case: Showcase, browser: webdriver.Chrome, size: tuple[int, int], chosen: bool
) -> None:
    """Once a message is ticked, the bar for several messages covers a third of a phone."""
    emulate(browser, *size)
    sign_in(browser, case)
    browser.get(f"{case.base}/incidents")
    browser.find_element(By.CSS_SELECTOR, ".box input").click()
    if chosen:
        browser.find_element(By.CSS_SELECTOR, ".together .go input").click()
    browser.execute_script("scrollTo(0, 0); document.activeElement.blur()")
    assert {"a", "summary", "input", "textarea"} <= focused_elements(browser, ".together")
