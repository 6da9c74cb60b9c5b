"""The milter protocol, by OpenDKIM's miltertest with the real daemon; one Lua script for each conversation."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdgate.quarantine.incident import Incident
from testbed.postfix import PostfixError, require
from testbed.site import Site

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.lua"))


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The milter alone; a miltertest takes Postfix's place."""
    try:
        require()
    except PostfixError as error:
        pytest.fail(str(error))
    directory = Path(tempfile.mkdtemp(prefix="holdgate-site-"))
    site = Site(directory)
    try:
        site.prepare()
        site.start_daemon("milter")
        yield site
    finally:
        site.stop()
        shutil.rmtree(directory)


pytestmark = pytest.mark.postfix


def converse(site: Site, script: Path) -> subprocess.CompletedProcess[str]:
    command = ["miltertest", "-D", f"socket={site.settings.milter.socket}", "-s", str(script)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_each_script_passes(site: Site, script: Path) -> None:
    done = converse(site, script)
    assert done.returncode == 0, done.stdout + done.stderr + site.log("milter")[-1000:]


def test_the_scripts_recorded_the_expected_incidents(site: Site) -> None:
    site.store.incidents()

    def by_queue_id(queue_id: str) -> list[Incident]:
        return [incident for incident in site.store.incidents() if incident.queue_id == queue_id]

    for script in SCRIPTS:
        converse(site, script)
    assert by_queue_id("4CLEAN") == []
    assert by_queue_id("4ABORTED") == []
    first = by_queue_id("4HELD")[0]
    assert (first.sender, first.recipients) == ("anna@corp.example", ["bob@partner.example", "eve@partner.example"])
    assert (first.client_address, first.auth_user) == ("192.0.2.7", "anna")
    assert by_queue_id("4SECOND")[0].recipients == ["second@partner.example"]
    assert by_queue_id("4NULL")[0].sender == ""
