"""A site under mail and faults for a while; then all is healed, and what became of each message is checked.

``script/test soak --minutes N --seed S [--store postgresql]`` runs it and prints a table; a short run is a test. The
faults and the mail follow from the seed; when which process gets to run does not, so that a seed shows a fault again
often, not always.
"""

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from faults.deciders import MODERATORS, Deciders
from faults.injuries import INJURIES, Injury, Patient
from faults.ledger import Ledger, Seen
from faults.traffic import Clients
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import DECIDED, State
from holdgate.queue.postfix import PostfixError
from testbed.ports import LOOPBACK, free_port
from testbed.postgres import PostgresServer
from testbed.site import DAEMONS, Site

# How long everything has, once all is healed, to come to rest, in seconds.
_REST = 150.0

# How much later than it was sent a message may be read by the next host, in seconds.
_LATE = 10.0

# What a daemon may grow by, from its first half minute on: bytes of memory, and descriptors.
_MEMORY = 80 * 2**20
_FILES = 40

_EXTRA = f"""
[moderation]
moderators = ["{MODERATORS[0]}", "{MODERATORS[1]}"]
fallback = ["desk@corp.example"]
deadline = "%ds"
"""


@dataclass(slots=True)
class Outcome:
    """What a run comes to."""

    attempts: int = 0
    accepted: int = 0
    decisions: int = 0
    sent_again: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def table(self) -> str:
        """Return the table that a long run ends with."""
        kinds = ("lost", "doubled", "delivered without", "delivered after", "confirmed", "grew", "not carried out")
        rows = [("messages tried", self.attempts), ("accepted", self.accepted), ("decisions", self.decisions)]
        rows += [(f"incidents {state}", count) for state, count in sorted(self.states.items())]
        rows += [("faults", self.faults.total())] + [
            (f"  {name}", count) for name, count in sorted(self.faults.items())
        ]
        rows.append(("sent again by a Postfix that was ended", self.sent_again))
        rows += [(kind, sum(kind in output for output in self.violations)) for kind in kinds]
        return "\n".join(f"{name:48}{count:8}" for name, count in rows)


class Supervisor(threading.Thread):
    """Starts what ended anew, as systemd does, and watches what each daemon uses."""

    def __init__(self, patient: Patient) -> None:
        super().__init__(daemon=True)
        self._patient = patient
        self.stop = threading.Event()
        self.first: dict[int, tuple[str, int, int]] = {}
        self.last: dict[int, tuple[str, int, int]] = {}
        self._born: dict[int, float] = {}

    def run(self) -> None:
        """Look once a second."""
        while not self.stop.wait(1):
            for name in DAEMONS:
                with suppress(RuntimeError, TimeoutError, OSError, KeyError):
                    self._look(name)

    def _look(self, name: str) -> None:
        site = self._patient.site
        if self._patient.rests:
            return
        process = site._processes.get(name)
        if process is None or process.poll() is not None:
            site.start_daemon(name)
            return
        pid = process.pid
        born = self._born.setdefault(pid, time.monotonic())
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        used = (name, pages * resource.getpagesize(), len(list(Path(f"/proc/{pid}/fd").iterdir())))
        self.last[pid] = used
        if time.monotonic() - born > 30:
            self.first.setdefault(pid, used)

    def grown(self) -> list[str]:
        """Return which daemons grew more than they may."""
        found = []
        for pid, (name, memory, files) in self.first.items():
            _, memory_now, files_now = self.last[pid]
            if memory_now - memory > _MEMORY or files_now - files > _FILES:
                found.append(
                    f"holdgate-{name} grew: {memory} to {memory_now} bytes, {files} to {files_now} descriptors"
                )
        return found


def run(
    directory: Path,
    *,
    seconds: float,
    seed: int,
    clients: int = 4,
    pause: float = 0.2,
    injuries: Sequence[Injury] = INJURIES,
    postgres: PostgresServer | None = None,
    deadline: int = 60,
    say: bool = False,
) -> Outcome:
    """Run a site in `directory` under mail and faults for a time, heal it, and return what became of it."""
    dice = random.Random(seed)
    ledger, outcome = Ledger(), Outcome()
    url = postgres.new_database() if postgres is not None else ""
    behind = f"inet:{free_port()}@{LOOPBACK}"
    site = Site(
        directory,
        extra=_EXTRA % deadline,
        store_url=url,
        queue_extra='missing_after = "1m"\n',
        changes={"smtpd_milters": f"unix:{directory}/run/milter/milter.sock, {_as_postfix(behind)}"},
    )
    patient = Patient(site, ledger, dice, postgres)
    with ExitStack() as stack:
        stack.callback(site.stop)
        neighbour = subprocess.Popen(
            [sys.executable, "-m", "faults.neighbour", behind, str(seed)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        stack.callback(neighbour.wait)
        stack.callback(neighbour.kill)
        site.start()
        supervisor = Supervisor(patient)
        senders, deciders = Clients(site, ledger, seed, clients, pause), Deciders(site, ledger, seed, 3 * pause)
        for part in (supervisor, senders, deciders):
            part.start()
        _hurt(patient, outcome, injuries, seconds, say=say)
        senders.stop()
        deciders.stop()
        outcome.decisions = deciders.count
        _settle(site)
        supervisor.stop.set()
        supervisor.join()
        seen = _seen(patient, outcome)
        outcome.violations += [*ledger.violations(seen), *_unfinished(site), *supervisor.grown()]
        done = site.command("audit", "verify")
        if done.returncode != 0:
            outcome.violations.append(f"audit verify: {done.stdout}{done.stderr}")
        outcome.attempts = len(ledger.attempts)
        outcome.accepted = sum(attempt.accepted is True for attempt in ledger.attempts.values())
        outcome.states.update(str(incident.state) for incident in site.store.incidents())
        if outcome.violations and say:
            for name in DAEMONS:
                shutil.copy(directory / f"{name}.log", f"/tmp/soak-{seed}-{name}.log")
    return outcome


def _as_postfix(address: str) -> str:
    """Return a milter's address, which libmilter writes "inet:port@host", as Postfix writes it."""
    _, port, host = address.replace("@", ":").split(":")
    return f"inet:{host}:{port}"


def _hurt(patient: Patient, outcome: Outcome, injuries: Sequence[Injury], seconds: float, *, say: bool) -> None:
    """Do one fault after the other, now and then two at once."""
    end = time.monotonic() + seconds
    left: list[Injury] = []
    while time.monotonic() < end:
        time.sleep(patient.dice.random() * 2)
        left = left or patient.dice.sample(injuries, len(injuries))
        at_once = [left.pop() for _ in range(min(len(left), 2 if patient.dice.random() < 0.15 else 1))]
        lasts = patient.dice.choice([0.5, 2, 5])
        if say:
            print(f"{end - time.monotonic():7.0f} s left: {', '.join(one.__name__ for one in at_once)}", flush=True)
        try:
            with ExitStack() as stack:
                for injury in at_once:
                    stack.enter_context(injury(patient))
                    outcome.faults[injury.__name__] += 1
                time.sleep(lasts)
        except AssertionError as error:
            outcome.violations.append(str(error))
        except (KeyError, OSError, PostfixError) as error:
            # It met a site that was down already; what it did is undone.
            outcome.faults[f"(not done: {type(error).__name__})"] += 1


def _settle(site: Site) -> None:
    """Wait until nothing moves any more: no decision under way, nothing in Postfix's queue but held mail."""
    deadline = time.monotonic() + _REST
    quiet = 0
    while time.monotonic() < deadline and quiet < 5:
        time.sleep(1)
        try:
            waits = site.store.incidents({State.PENDING, *DECIDED})
            moves = [row for row in _queue(site) if row[0] != "hold"]
            quiet = 0 if waits or moves or list((site.postfix.queue / "maildrop").iterdir()) else quiet + 1
        except Exception:
            quiet = 0


def _queue(site: Site) -> list[tuple[str, list[str]]]:
    """Return queue and recipients of every message that Postfix has."""
    command = ["/usr/sbin/postqueue", "-c", str(site.postfix.config), "-j"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    rows = [json.loads(line) for line in done.stdout.decode("utf-8", "replace").splitlines()]
    return [(row["queue_name"], [one["address"] for one in row["recipients"]]) for row in rows]


def _seen(patient: Patient, outcome: Outcome) -> dict[str, Seen]:
    site, ledger = patient.site, patient.ledger
    last: dict[str, float] = {}
    seen = {token: Seen() for token in ledger.attempts}
    senders = {attempt.sender: attempt.token for attempt in ledger.attempts.values()}
    for delivery in site.world.deliveries:
        attempt = ledger.of(delivery.recipients)
        if attempt is not None:
            for name in delivery.recipients:
                # SMTP delivers at least once: who is ended between the next host's answer and its own note sends again.
                # What it had sent by then may be read here some seconds later.
                before = last.get(name, delivery.at) - _LATE
                if name in last and any(before < ended < delivery.at for ended in patient.postfix_ended):
                    outcome.sent_again += 1
                else:
                    seen[attempt.token].delivered[name] += 1
                last[name] = delivery.at
        elif b"multipart/report" in delivery.content and b"report-type=delivery-status" in delivery.content:
            failed = b"Action: failed" in delivery.content
            for name in set(delivery.recipients) & senders.keys() if failed else ():
                seen[senders[name]].returned = True
    for _, recipients in _queue(site):
        attempt = ledger.of(recipients)
        if attempt is not None:
            seen[attempt.token].queued = True
    for incident in site.store.incidents():
        attempt = ledger.of(incident.recipients)
        if attempt is not None:
            one = seen[attempt.token]
            one.incidents.append(incident)
            one.events |= {event.event for event in site.store.history(incident.id)}
    return seen


def _unfinished(site: Site) -> list[str]:
    left: list[Incident] = site.store.incidents({State.PENDING, *DECIDED})
    return [f"{one.id} ({one.queue_id}): {one.state} and not carried out" for one in left]


def main(arguments: list[str]) -> int:
    """Run as the command line says; 0 when every promise was kept."""
    parser = argparse.ArgumentParser(prog="script/test soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--pause", type=float, default=0.2, help="longest pause between a client's messages, seconds")
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    given = parser.parse_args(arguments)
    directory = Path(tempfile.mkdtemp(prefix="holdgate-soak-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        postgres = PostgresServer() if given.store == "postgresql" else None
        if postgres is not None:
            postgres.start()
            stack.callback(postgres.stop)
        outcome = run(
            directory,
            seconds=given.minutes * 60,
            seed=given.seed,
            clients=given.clients,
            pause=given.pause,
            postgres=postgres,
            say=True,
        )
    print(f"seed {given.seed}, store {given.store}, {given.minutes:g} minutes\n{outcome.table()}")
    for output in outcome.violations:
        print(f"VIOLATION: {output}")
    return 1 if outcome.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
