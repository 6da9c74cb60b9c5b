"""Headless Chromium, for tests and screenshots of the pages: with a separate profile and without network services."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver

_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


@contextmanager
def chromium(profile: Path, language: str = "en", *, scripts: bool = False) -> Iterator[webdriver.Chrome]:
    """Run Chromium; without `scripts`, because the pages need none."""
    binary = shutil.which("chromium")
    assert binary, "Chromium is not installed: run script/test as root, it installs what is missing"
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in (*_ARGUMENTS, f"--user-data-dir={profile}", f"--lang={language}"):
        options.add_argument(argument)
    preferences: dict[str, object] = {"intl.accept_languages": language}
    if not scripts:
        preferences["profile.managed_default_content_settings.javascript"] = 2
    options.add_experimental_option("prefs", preferences)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def emulate(browser: webdriver.Chrome, width: int, height: int, *, dark: bool = False) -> None:
    """Give the window a size, in CSS pixels, and a colour scheme."""
    screen = {"width": width, "height": height, "screenWidth": width, "screenHeight": height}
    screen |= {"deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})


def overhang(browser: webdriver.Chrome) -> int:
    """Return how many CSS pixels the page is wider than the screen; a phone's viewport grows with the page."""
    pixels = browser.execute_script("return document.documentElement.scrollWidth - screen.width")
    assert isinstance(pixels, int)
    return pixels
