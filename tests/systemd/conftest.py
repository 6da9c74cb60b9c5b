"""The package, built once, and Debian containers in which it is installed and attached."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.machine import Machine, build_package, built, make_root, missing
from tests.support.workshop import once, shared

ROOT = Path(__file__).parents[2]
HERE = f"{Path(__file__).parent}/"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = missing()
    for item in items:
        if str(item.path).startswith(HERE):
            item.add_marker(pytest.mark.systemd)
            # Building the package and making the Debian count for the first test.
            item.add_marker(pytest.mark.timeout(1800))
            if reason:
                item.add_marker(pytest.mark.skip(reason=f"no Debian can be booted here: {reason}"))


@pytest.fixture(scope="session")
def workshop() -> Iterator[Path]:
    """A directory for files that take long to make, one for all processes of the run."""
    with shared(os.environ.get("PYTEST_XDIST_TESTRUNUID", secrets.token_hex(16))) as directory:
        yield directory


@pytest.fixture(scope="session")
def package(workshop: Path) -> Path:
    """The package that the checkout builds; HOLDGATE_PACKAGE names one that is already built."""
    given = os.environ.get("HOLDGATE_PACKAGE", "")
    if given:
        return Path(given)
    once(workshop, "package", lambda: build_package(ROOT, workshop))
    return built(workshop)


@pytest.fixture(scope="session")
def debian(workshop: Path, package: Path) -> Path:
    """A root directory with a configured Postfix and two mailboxes, without Holdgate."""
    given = os.environ.get("HOLDGATE_DEBIAN", "")
    root = Path(given) if given else workshop / "debian"
    if not given:
        once(workshop, "debian", lambda: make_root(root, package))
    return root


def mail_server(debian: Path) -> Machine:
    """Boot a mail server with another milter, a signer that is down and must not have any effect."""
    machine = Machine(debian)
    machine.boot()
    for user in ("anna", "bob"):
        machine.run("useradd", user)
    machine.run("postconf", "-e", "smtpd_milters=inet:127.0.0.1:8891", "milter_default_action=accept")
    machine.run("systemctl", "restart", "postfix")
    return machine


@pytest.fixture(scope="session")
def installed(workshop: Path, debian: Path, package: Path) -> Path:
    """The root directory of a mail server on which Holdgate is installed, but not attached."""
    root = workshop / "installed"

    def make() -> None:
        machine = mail_server(debian)
        try:
            machine.install(package)
            machine.power_off()
            machine.root.rename(root)
        finally:
            machine.remove()

    once(workshop, "installed", make)
    return root


@pytest.fixture
def bare(debian: Path) -> Iterator[Machine]:
    """A separate mail server for one test, without Holdgate."""
    machine = mail_server(debian)
    yield machine
    machine.remove()


@pytest.fixture
def server(installed: Path) -> Iterator[Machine]:
    """A separate mail server for one test, with Holdgate installed and not attached."""
    machine = Machine(installed)
    machine.boot()
    yield machine
    machine.remove()


@pytest.fixture(scope="module")
def machine(installed: Path) -> Iterator[Machine]:
    """One mail server for the tests of a module, with Holdgate installed and attached."""
    running = Machine(installed)
    running.boot()
    running.run("holdgate", "attach", "--yes")
    yield running
    running.remove()
