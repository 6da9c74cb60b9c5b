"""A milter after Holdgate changes Holdgate's headers: the message stays held, or is not delivered uninspected."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdgate.quarantine.states import State
from testbed import sample_mail
from testbed.site import Site
from tests.e2e.conftest import running_site

RECIPIENT, ADDED = "bob@partner.example", "extra@partner.example"
_MILTER = """
import sys
import Milter


class NextMilter(Milter.Base):
    def eom(self):
        if sys.argv[2] == "adds a field":
            self.addheader("X-Signed", "yes")
        if sys.argv[2] == "adds a recipient":
            self.addrcpt("<extra@partner.example>")
        if sys.argv[2] in ("removes the mark", "removes all fields"):
            self.chgheader("X-Netskope-Action", 1, "")
        if sys.argv[2] == "removes all fields":
            for name in ("X-Holdgate-Incident", "X-Holdgate-Status", "X-Holdgate-Seal", "X-Netskope-Inspected"):
                self.chgheader(name, 1, "")
        return Milter.ACCEPT


Milter.factory = NextMilter
Milter.set_flags(Milter.ADDHDRS | Milter.CHGHDRS | Milter.ADDRCPT)
Milter.runmilter("next-milter", sys.argv[1], 300)
"""


@contextmanager
def next_milter(site: Site, does: str) -> Iterator[None]:
    """Run the other milter, and have Postfix call it after Holdgate's."""
    directory = site.directory / "run/milter"
    program = site.directory / "next_milter.py"
    program.write_text(_MILTER)
    socket = directory / "next-milter.sock"
    process = subprocess.Popen([sys.executable, program, f"unix:{socket}", does], umask=0o117)
    try:
        site.wait_for(socket.exists, "the next milter to listen")
        yield
    finally:
        process.kill()
        process.wait()
        socket.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_site() as running:
        ours = f"unix:{running.directory}/run/milter/milter.sock"
        main = Path(running.postfix.config) / "main.cf"
        with main.open("a", encoding="utf-8") as settings:
            settings.write(f"\nsmtpd_milters = {ours} unix:{running.directory}/run/milter/next-milter.sock\n")
        running.postfix.reload()
        yield running


@pytest.mark.parametrize("does", ["adds a field", "adds a recipient", "removes the mark", "removes all fields"])
def test_a_milter_after_holdgate_cannot_release_a_message(site: Site, does: str) -> None:
    before = {one.id for one in site.store.incidents()}
    with next_milter(site, does):
        site.submit(sample_mail.number_in_text().as_bytes(), sample_mail.SENDER, RECIPIENT)
        (incident,) = site.wait_for(
            lambda: [one for one in site.store.incidents() if one.id not in before and one.state is not State.PENDING],
            "the incident",
        )
        assert incident.state is State.HELD
        assert incident.queue_id in site.postfix.held_ids()
    assert not site.next_hop.to(RECIPIENT)
    assert not site.next_hop.to(ADDED)
