"""A site under mail and faults for a while; then all faults are undone, and the outcome of each message is checked.

``script/test soak --minutes N --seed S [--store postgresql]`` runs it and prints a table; a short run is a test. The
seed determines faults and mail, but not the scheduling of processes, so a seed reproduces an error often, not always.
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

import psycopg

from holdgate.daemon import die_with_parent
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import DECIDED, State
from holdgate.queue.postfix import PostfixError as AgentError
from testbed.next_hop import Delivery
from testbed.ports import LOOPBACK, free_port
from testbed.postfix import PostfixError
from testbed.postgres import PostgresError, PostgresServer
from testbed.site import DAEMONS, Site
from tests.faults import postgres_faults
from tests.faults.cleanup import Cleanup
from tests.faults.disk import Disk, available
from tests.faults.duplicates import PostfixLog, queue_id
from tests.faults.ledger import Ledger, Seen
from tests.faults.machine_faults import clock_environment
from tests.faults.moderators import MODERATORS, Moderators
from tests.faults.site_faults import FAULTS, ONE_AT_A_TIME
from tests.faults.target import Fault, Target
from tests.faults.traffic import Clients

# Once all faults are undone: after how many seconds without progress the site counts as idle, and the longest wait.
_STILL = 150.0
_REST = 1800.0

# What Postfix itself needs of its environment.
_IMPORTED = "MAIL_CONFIG MAIL_LOGTAG LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME"

# The sizes of the disks, in bytes: their images use only the written blocks.
_STORE_SIZE = 512 * 2**20
_QUEUE_SIZE = 1024 * 2**20

# What PostgreSQL keeps of its log of writes has to fit on the store's disk: by default it may be twice as large.
_WAL = {"min_wal_size": "80MB", "max_wal_size": "128MB"}

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
    """The result of a run."""

    attempts: int = 0
    accepted: int = 0
    decisions: int = 0
    redelivered: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    not_done: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def table(self) -> str:
        """Return the table that a long run ends with."""
        kinds = ("lost", "doubled", "delivered without", "delivered after", "confirmed", "grew", "not carried out")
        rows = [("messages tried", self.attempts), ("accepted", self.accepted), ("decisions", self.decisions)]
        rows += [(f"incidents {state}", count) for state, count in sorted(self.states.items())]
        rows += [("faults", self.faults.total())] + [
            (f"  {name}", count) for name, count in sorted(self.faults.items())
        ]
        rows += [(f"not done: {name}", count) for name, count in sorted(self.not_done.items())]
        rows.append(("redelivered by Postfix after it was killed", self.redelivered))
        rows += [(kind, sum(kind in output for output in self.violations)) for kind in kinds]
        return "\n".join(f"{name:48}{count:8}" for name, count in rows)


class Supervisor(threading.Thread):
    """Restarts ended daemons, as systemd does, and records what each daemon uses."""

    def __init__(self, target: Target) -> None:
        super().__init__(daemon=True)
        self._target = target
        self.stop = threading.Event()
        self.first: dict[int, tuple[str, int, int]] = {}
        self.last: dict[int, tuple[str, int, int]] = {}
        self._born: dict[int, float] = {}

    def run(self) -> None:
        """Check once a second."""
        while not self.stop.wait(1):
            for name in DAEMONS:
                with suppress(RuntimeError, TimeoutError, OSError, KeyError):
                    self._check(name)

    def _check(self, name: str) -> None:
        site = self._target.site
        if self._target.restarts_paused:
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
        """Return the daemons whose memory grew beyond the limit."""
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
    share: float = 0.3,
    faults: Sequence[Fault] = FAULTS,
    postgres: bool = False,
    deadline: int = 60,
    rest: float = 2.0,
    each: bool = False,
    verbose: bool = False,
) -> Outcome:
    """Run a site in `directory` under mail and faults for a time, undo the faults, and return the outcome.

    `pause` is the longest between a client's messages, `rest` between two faults, in seconds; `share` of the mail is
    such as a policy holds. With `each` the time goes on until each fault had its turn. Store and queue have a disk
    each, where this process may mount one.
    """
    rng = random.Random(seed)
    ledger, outcome = Ledger(), Outcome()
    behind = f"inet:{free_port()}@{LOOPBACK}"
    with ExitStack() as stack:
        stack.callback(Cleanup(directory).close)
        disks = _disks(directory) if available() else []
        for disk in disks:
            stack.callback(disk.remove)
        directory.chmod(0o755)  # PostgreSQL runs as another user
        server = _server(directory, on_disk=bool(disks)) if postgres else None
        if server is not None:
            server.start()
            stack.callback(server.stop)
        clock = clock_environment(directory)
        site = Site(
            directory,
            extra=_EXTRA % deadline,
            store_url=server.new_database() if server is not None else "",
            state=directory / "state",
            queue_extra='missing_after = "1m"\n',
            changes={
                "smtpd_milters": f"unix:{directory}/run/milter/milter.sock, {_as_postfix(behind)}",
                "import_environment": " ".join(
                    ["MAIL_CONFIG MAIL_LOGTAG LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME", *clock]
                ),
            },
        )
        site.environment |= clock
        site.postfix.environment |= clock
        site.next_hop.keeps = False
        target = Target(site, ledger, rng, server)
        target.disks = disks
        stack.callback(site.stop)
        next_milter = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.next_milter", behind, str(seed)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            preexec_fn=die_with_parent,
        )
        stack.callback(next_milter.wait)
        stack.callback(next_milter.kill)
        target.next_milter = next_milter.pid
        site.start()
        for disk in disks:
            disk.sync()
        supervisor = Supervisor(target)
        senders, moderators = Clients(site, ledger, seed, clients, pause, share), Moderators(site, ledger, seed, 0.5)
        for part in (supervisor, senders, moderators):
            part.start()
        faults = [*faults, *postgres_faults.FAULTS] if postgres else faults
        _inject(target, outcome, faults, seconds, rest, each=each, verbose=verbose)
        target.resume_postgres()
        senders.stop()
        moderators.stop()
        outcome.decisions = moderators.count
        settle(site)
        supervisor.stop.set()
        supervisor.join()
        seen = seen_at([target], outcome)
        outcome.violations += [*ledger.violations(seen), *unfinished(site), *supervisor.grown()]
        done = site.command("audit", "verify")
        if done.returncode != 0:
            outcome.violations.append(f"audit verify: {done.stdout}{done.stderr}")
        outcome.attempts = len(ledger.attempts)
        outcome.accepted = sum(attempt.accepted is True for attempt in ledger.attempts.values())
        outcome.states.update(str(incident.state) for incident in site.store.incidents())
        if outcome.violations and verbose:
            for name in DAEMONS:
                shutil.copy(directory / f"{name}.log", f"/tmp/soak-{seed}-{name}.log")
            shutil.copy(site.postfix.log, f"/tmp/soak-{seed}-postfix.log")
            with suppress(FileNotFoundError):
                shutil.copy(directory / "postgresql.log", f"/tmp/soak-{seed}-postgresql.log")
    return outcome


def _server(directory: Path, *, on_disk: bool) -> PostgresServer:
    """Return a server, on the store's disk if there is one; its log is outside that disk."""
    if not on_disk:
        return PostgresServer()
    return PostgresServer(directory / "state/postgresql", log=directory / "postgresql.log", **_WAL)


def _disks(directory: Path) -> list[Disk]:
    """Make a disk for the store and one for Postfix's queue."""
    disks = [
        Disk(directory / "state.img", directory / "state", _STORE_SIZE),
        Disk(directory / "queue.img", directory / "postfix/queue", _QUEUE_SIZE),
    ]
    for disk in disks:
        disk.place.chmod(0o755)
    return disks


def _as_postfix(address: str) -> str:
    """Return a milter's address, which libmilter writes "inet:port@host", as Postfix writes it."""
    _, port, host = address.replace("@", ":").split(":")
    return f"inet:{host}:{port}"


# Errors of a fault on a site that is already down, or has nothing to damage; its effect is undone.
_NOT_DONE = (
    *(LookupError, OSError, AgentError, PostfixError, PostgresError, DatabaseError, psycopg.Error),
    subprocess.SubprocessError,
)


def _inject(
    target: Target,
    outcome: Outcome,
    faults: Sequence[Fault],
    seconds: float,
    rest: float,
    *,
    each: bool,
    verbose: bool,
) -> None:
    """Apply one fault after the other, sometimes two at the same time."""
    end = time.monotonic() + seconds
    left = target.rng.sample(faults, len(faults))
    while time.monotonic() < end or (each and left):
        time.sleep(target.rng.random() * rest)
        left = left or target.rng.sample(faults, len(faults))
        at_once = _some(left, target.rng.choice([1, 1, 2, 2, 3]))
        # The other faults need the store: it is made silent last, and answers again first.
        at_once.sort(key=lambda one: one is postgres_faults.store_silent)
        lasts = target.rng.choice([0.5, 1, 3])
        if verbose:
            print(f"{end - time.monotonic():7.0f} s left: {', '.join(one.__name__ for one in at_once)}", flush=True)
        try:
            with ExitStack() as stack:
                for fault in at_once:
                    stack.enter_context(fault(target))
                    outcome.faults[fault.__name__] += 1
                time.sleep(lasts)
        except AssertionError as error:
            outcome.violations.append(str(error))
        except _NOT_DONE as error:
            outcome.not_done[type(error).__name__] += 1
        except Exception as error:  # the run is to go on, and to fail
            outcome.violations.append(f"{', '.join(one.__name__ for one in at_once)}: {error!r}")


def _some(left: list[Fault], count: int) -> list[Fault]:
    """Draw so many of the remaining faults, among them at most one that must not run next to another of its kind."""
    taken: list[Fault] = []
    for one in reversed(left):
        if len(taken) < count and not (one in ONE_AT_A_TIME and any(other in ONE_AT_A_TIME for other in taken)):
            taken.append(one)
    for one in taken:
        left.remove(one)
    return taken


def settle(site: Site) -> None:
    """Wait until nothing is left to do: no decision is open, and Postfix's queue has only held mail.

    On a busy machine this takes a while. Work that makes no progress any more is not waited for.
    """
    end = time.monotonic() + _REST
    moved_at, seen, quiet = time.monotonic(), "", 0
    while quiet < 5 and time.monotonic() < min(end, moved_at + _STILL):
        time.sleep(1)
        try:
            waits = site.store.incidents({State.PENDING, *DECIDED})
            moves = [row for row in _queue(site) if row[0] != "hold"]
            dropped = [path.name for path in (site.postfix.queue / "maildrop").iterdir()]
            now = repr((sorted(one.id for one in waits), moves, dropped, site.store.audit.heads()))
        except Exception:
            quiet = 0
            continue
        quiet = 0 if waits or moves or dropped else quiet + 1
        if now != seen:
            moved_at, seen = time.monotonic(), now


def _queue(site: Site) -> list[tuple[str, list[str]]]:
    """Return queue and recipients of every message that Postfix has."""
    command = ["/usr/sbin/postqueue", "-c", str(site.postfix.config), "-j"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    rows = [json.loads(line) for line in done.stdout.decode("utf-8", "replace").splitlines()]
    return [(row["queue_name"], [one["address"] for one in row["recipients"]]) for row in rows]


def seen_at(targets: Sequence[Target], outcome: Outcome) -> dict[str, Seen]:
    """Return the observed outcome of each attempt at the sites of a store."""
    ledger = targets[0].ledger
    seen = {token: Seen() for token in ledger.attempts}
    for target in targets:
        _record_deliveries(target, seen, outcome)
    store = targets[0].site.store
    for incident in store.incidents():
        attempt = ledger.of(incident.recipients)
        if attempt is not None:
            one = seen[attempt.token]
            one.incidents.append(incident)
            one.events |= {event.event for event in store.history(incident.id)}
    return seen


def _record_deliveries(target: Target, seen: dict[str, Seen], outcome: Outcome) -> None:
    """Add what came out of a site, and what its Postfix still has."""
    site, ledger = target.site, target.ledger
    log = PostfixLog.read(site.postfix.log.read_text(encoding="utf-8", errors="replace").splitlines())
    last: dict[str, Delivery] = {}
    senders = {attempt.sender: attempt.token for attempt in ledger.attempts.values()}
    for delivery in site.next_hop.deliveries:
        attempt = ledger.of(delivery.recipients)
        if attempt is not None:
            for name in delivery.recipients:
                if name in last and log.sent_twice(last[name], delivery, target.postfix_ended, target.power_cuts):
                    outcome.redelivered += 1
                else:
                    if name in last:
                        outcome.notes.append(f"{name}: {_copy(last[name])}, then {_copy(delivery)}")
                    seen[attempt.token].delivered[name] += 1
                last[name] = delivery
        elif b"multipart/report" in delivery.content and b"report-type=delivery-status" in delivery.content:
            failed = b"Action: failed" in delivery.content
            for name in set(delivery.recipients) & senders.keys() if failed else ():
                seen[senders[name]].returned = True
    for _, recipients in _queue(site):
        attempt = ledger.of(recipients)
        if attempt is not None:
            seen[attempt.token].queued = True


def _copy(delivery: Delivery) -> str:
    return f"id {queue_id(delivery)} at {delivery.at:.1f}"


def unfinished(site: Site) -> list[str]:
    left: list[Incident] = site.store.incidents({State.PENDING, *DECIDED})
    return [f"{one.id} ({one.queue_id}): {one.state} and not carried out" for one in left]


def main(arguments: list[str]) -> int:
    """Run with the options of the command line; 0 if every promise was kept."""
    parser = argparse.ArgumentParser(prog="script/test soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--pause", type=float, default=0.1, help="longest pause between a client's messages, seconds")
    parser.add_argument("--share", type=float, default=0.1, help="the part of the mail that has what a policy holds")
    parser.add_argument("--rest", type=float, default=10.0, help="longest pause between two faults, seconds")
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--nodes", type=int, default=1, help="so many mail servers, on PostgreSQL with a standby")
    parser.add_argument("--messages", type=int, default=5_000, help="with several nodes: end after so many")
    given = parser.parse_args(arguments)
    directory = Path(tempfile.mkdtemp(prefix="holdgate-soak-"))
    if given.nodes > 1:
        given.store = "postgresql"
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        if given.nodes > 1:
            from tests.faults import several_nodes

            return several_nodes.report(directory, given)
        outcome = run(
            directory,
            seconds=given.minutes * 60,
            seed=given.seed,
            clients=given.clients,
            pause=given.pause,
            postgres=given.store == "postgresql",
            share=given.share,
            rest=given.rest,
            verbose=True,
        )
    print(f"seed {given.seed}, store {given.store}, {given.minutes:g} minutes\n{outcome.table()}")
    for output in outcome.violations:
        print(f"VIOLATION: {output}")
    for output in outcome.notes:
        print(f"  twice: {output}")
    return 1 if outcome.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
