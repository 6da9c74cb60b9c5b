"""The lock files have each package of setup.cfg, in an allowed release, with its hashes."""

import configparser
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")
EXTRAS = SETUP["options.extras_require"]
WANTED = {
    "package": SETUP["options"]["install_requires"] + EXTRAS["postgresql"],
    "demo": SETUP["options"]["install_requires"] + EXTRAS["demo"],
    "test": SETUP["options"]["install_requires"] + EXTRAS["test"] + EXTRAS["demo"] + EXTRAS["postgresql"],
    "build": (ROOT / "requirements/build.in").read_text(encoding="utf-8"),
}
PINNED = re.compile(r"(?m)^([\w.-]+)==([^\s;]+)[^\n]*\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)*)")


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> dict[str, tuple[str, str]]:
    text = (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8")
    return {plain(found[1]): (found[2], found[3]) for found in PINNED.finditer(text)}


@pytest.mark.parametrize("name", WANTED)
def test_every_required_package_is_locked(name: str) -> None:
    lines = [line for line in WANTED[name].splitlines() if line.strip() and not line.strip().startswith("#")]
    assert lines
    pins = locked(name)
    for line in lines:
        wanted = Requirement(line)
        assert plain(wanted.name) in pins, f"{wanted.name}: run script/lock"
        version = pins[plain(wanted.name)][0]
        assert wanted.specifier.contains(version), f"{wanted}, but {version} is locked: run script/lock"


@pytest.mark.parametrize("name", WANTED)
def test_every_pin_has_hashes_and_names_no_other_index(name: str) -> None:
    text = (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8")
    assert len(locked(name)) == len(re.findall("(?m)^[^#\n ;]+==", text))
    assert all(hashes for _, hashes in locked(name).values())
    assert not re.search(r"https?://|--(?:extra-)?index-url|--find-links|file:", text)


def test_the_lock_files_agree() -> None:
    pins: dict[str, str] = {}
    for name in WANTED:
        for package, (version, _) in locked(name).items():
            assert pins.setdefault(package, version) == version, package
