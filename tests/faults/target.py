"""A site under faults, in the form that the faults use."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from holdgate.quarantine.database import _engine
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import OPEN
from holdgate.quarantine.store import Store
from testbed.postgres import PostgresServer
from testbed.site import DAEMONS, Site
from tests.faults.disk import Disk
from tests.faults.ledger import Ledger


class Target:
    """A site under faults. The supervisor restarts ended daemons, as systemd does, unless `restarts_paused`."""

    def __init__(self, site: Site, ledger: Ledger, rng: random.Random, postgres: PostgresServer | None) -> None:
        self.site, self.ledger, self.rng, self.postgres = site, ledger, rng, postgres
        self.restarts_paused = False
        # The disks of store and queue, if the site has separate ones.
        self.disks: list[Disk] = []
        # How often another version of the package was put in place.
        self.versions = 0
        # The process of the milter after Holdgate's.
        self.next_milter = 0
        # When Postfix was ended, on the clock of time.monotonic.
        self.postfix_ended: list[float] = []
        # When the power was cut, on the same clock.
        self.power_cuts: list[float] = []

    def pid(self, name: str) -> int:
        """Return the process id of a daemon."""
        return self.site.pid(name)

    def signal(self, name: str, number: int) -> None:
        """Send a signal to a daemon, if it runs."""
        with suppress(KeyError):
            send_signal(self.pid(name), number)

    def below(self, name: str) -> list[int]:
        """Return all processes below a daemon, nearest first."""
        return children(self.pid(name))

    def any_process(self) -> int:
        """Return the id of a random process: a daemon, a zygote, a worker, or half of the queue agent."""
        name = self.rng.choice(list(DAEMONS))
        return self.rng.choice([self.pid(name), *self.below(name)])

    def kill_all(self) -> None:
        """Kill every process of the site, with Postfix and PostgreSQL."""
        everything = []
        for name in DAEMONS:
            with suppress(KeyError):
                everything += [self.pid(name), *self.below(name)]
        master = self.site.postfix.queue / "pid/master.pid"
        with suppress(OSError, ValueError):
            everything += (number := int(master.read_text()), *children(number))
        # Processes that Postfix's master started since are recognised by their directory.
        while everything:
            for pid in everything:
                send_signal(pid, signal.SIGKILL)
            everything = within(self.site.postfix.queue)
        self.postfix_ended.append(time.monotonic())
        if self.postgres is not None and self.disks:
            self.postgres.kill()

    def reopen(self) -> None:
        """Connect to the store again; its version may have changed."""
        self.site.store = Store(_engine(self.site.settings.store.url))

    def resume_postgres(self) -> None:
        """Start PostgreSQL if it has ended."""
        if self.postgres is not None:
            self.postgres.resume()

    def open_incidents(self) -> dict[str, Incident]:
        """Return the open incidents by queue id."""
        return {one.queue_id: one for one in self.site.store.incidents(OPEN)}

    def held(self) -> list[str]:
        """Return the queue ids of the messages that are held."""
        return self.site.postfix.held_ids()


Fault = Callable[[Target], AbstractContextManager[None]]


def send_signal(pid: int, number: int) -> None:
    """Send a signal to a process, if it still exists."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def children(pid: int) -> list[int]:
    """Return all processes below one, nearest first."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError, IndexError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = [child for child, parent in parents.items() if parent == pid]
    return found + [grandchild for child in found for grandchild in children(child)]


def within(directory: Path) -> list[int]:
    """Return the processes whose directory is this one or below."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                if (entry / "cwd").readlink().is_relative_to(directory):
                    found.append(int(entry.name))
    return found
