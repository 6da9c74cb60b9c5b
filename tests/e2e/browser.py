"""Chromium for the tests of the pages: without scripts, in the size of a phone or a desktop."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

from testbed.browser import emulate, overhang
from testbed.ports import PATIENCE

PHONE, DESKTOP = (390, 844), (1280, 900)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    """Return Chromium without scripts, with a separate profile, which connects only to the desk."""
    assert shutil.which("chromium"), "Chromium is not installed: run script/test as root, it installs what is missing"
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        f"--user-data-dir={tmp_path / 'profile'}",
    ):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
        # Nothing that the content security policy forbids was even tried.
        entries = driver.get_log("browser")  # type: ignore[no-untyped-call]  # the library has no types for it
        assert [entry["message"] for entry in entries if "Content Security" in entry["message"]] == []
    finally:
        driver.quit()


def looks(browser: webdriver.Chrome, size: tuple[int, int], *, dark: bool = False) -> None:
    emulate(browser, *size, dark=dark)


def picture(browser: webdriver.Chrome, name: str) -> None:
    # Nothing is wider than the screen, so that no page scrolls sideways on a phone.
    assert overhang(browser) <= 0
    if directory := os.environ.get("HOLDGATE_SCREENSHOTS"):
        browser.save_screenshot(str(Path(directory) / f"{name}.png"))


def send(browser: webdriver.Chrome, action: str, method: str = "post") -> None:
    """Press the button of a form, by its action without a query, and wait for the next page."""
    forms = f'form[method="{method}"]:is([action$="{action}"], [action*="{action}?"])'
    button = browser.find_element(By.CSS_SELECTOR, f"{forms} button")
    press(browser, button)


def follow(browser: webdriver.Chrome, text: str) -> None:
    """Follow a link and wait for the next page."""
    press(browser, browser.find_element(By.LINK_TEXT, text))


def press(browser: webdriver.Chrome, element: WebElement) -> None:
    old = browser.find_element(By.TAG_NAME, "html")
    element.click()
    # Between two pages the driver knows neither the old page's element nor that it was removed.
    WebDriverWait(browser, PATIENCE, ignored_exceptions=[WebDriverException]).until(staleness_of(old))


def output(browser: webdriver.Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "main").text
