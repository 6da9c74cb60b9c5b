"""The faults: each is applied to a running site, lasts a while, and is undone as an administrator or systemd would."""

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from testbed.ports import PATIENCE
from testbed.site import DAEMONS
from tests.faults import machine_faults, postgres_faults
from tests.faults.moderators import MODERATORS
from tests.faults.target import Fault, Target, children, send_signal


@contextmanager
def kill(target: Target) -> Iterator[None]:
    """Kill one process of the daemons."""
    send_signal(target.any_process(), signal.SIGKILL)
    yield


@contextmanager
def freeze(target: Target) -> Iterator[None]:
    """Freeze one process of the daemons."""
    pid = target.any_process()
    send_signal(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        send_signal(pid, signal.SIGCONT)


@contextmanager
def second_instance(target: Target) -> Iterator[None]:
    """Start a daemon that is already running."""
    name = target.rng.choice(list(DAEMONS))
    first = target.site._processes.get(name)
    second = subprocess.Popen(
        [sys.executable, "-m", DAEMONS[name], "--config", target.site.config],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"JOURNAL_STREAM": "", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        yield
        with suppress(subprocess.TimeoutExpired):
            second.wait(PATIENCE)
        # A daemon that was down, or has exited since, does not count as the first.
        is_running = first is not None and first is target.site._processes.get(name) and first.poll() is None
        if is_running and second.poll() in (None, 0):
            raise AssertionError(f"a second holdgate-{name} runs next to the first")
    finally:
        second.kill()
        second.wait()


@contextmanager
def all_killed(target: Target) -> Iterator[None]:
    """Kill every process at once, as a power cut does, but lose no data that the kernel has."""
    target.kill_all()
    try:
        yield
    finally:
        target.resume_postgres()
        target.site.postfix.start()


@contextmanager
def store_locked(target: Target) -> Iterator[None]:
    """Have another process hold the store's lock."""
    if target.postgres is not None:
        with postgres_faults.locked(target):
            yield
        return
    database = sqlite3.connect(target.site.state / "holdgate.db", isolation_level=None, timeout=20)
    with contextlib.closing(database):
        database.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def store_lost(target: Target) -> Iterator[None]:
    """Delete the store, with decisions not yet carried out; start with an empty one, as the documentation describes."""
    target.restarts_paused = True
    site = target.site
    try:
        for name in DAEMONS:
            with suppress(KeyError):
                site.kill_daemon(name)
        target.ledger.lose(site.store.incidents())
        site.store.close()
        if target.postgres is not None:
            target.postgres.replace(site.settings.store.url)
        for path in (*site.state.glob("holdgate.db*"), site.state / "audit.head"):
            path.unlink(missing_ok=True)
        done = site.command("migrate")
        if done.returncode != 0:
            raise AssertionError(f"holdgate migrate: {done.stdout}{done.stderr}")
        target.reopen()
    finally:
        target.restarts_paused = False
    yield


@contextmanager
def spool_missing(target: Target) -> Iterator[None]:
    """Remove the spool directory."""
    spool = target.site.directory / "spool"
    spool.rename(spool.with_name("spool.away"))
    try:
        yield
    finally:
        spool.with_name("spool.away").rename(spool)


def limited(name: str, what: int, limit: Callable[[int], int]) -> Fault:
    """Return the fault that a process of the daemons has almost exhausted a resource (prlimit(2))."""

    @contextmanager
    def act(target: Target) -> Iterator[None]:
        pid = target.any_process()
        before: tuple[int, int] | None = None
        with suppress(OSError):
            before = resource.prlimit(pid, what)
            resource.prlimit(pid, what, (min(limit(pid), before[1]) if before[1] >= 0 else limit(pid), before[1]))
        try:
            yield
        finally:
            with suppress(OSError):
                if before is not None:
                    resource.prlimit(pid, what, before)

    act.__name__ = name
    return act


@contextmanager
def postfix_reload(target: Target) -> Iterator[None]:
    """Reload Postfix."""
    target.site.postfix.reload()
    yield


@contextmanager
def postfix_stop(target: Target) -> Iterator[None]:
    """Stop Postfix, and start it again."""
    target.site.postfix.stop()
    target.postfix_ended.append(time.monotonic())
    try:
        yield
    finally:
        target.site.postfix.start()


@contextmanager
def postfix_frozen(target: Target) -> Iterator[None]:
    """Freeze Postfix: it accepts connections and answers nothing. So does the listener for notices."""
    master = int((target.site.postfix.queue / "pid/master.pid").read_text())
    everything = [master, *children(master)]
    for pid in everything:
        send_signal(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in everything:
            send_signal(pid, signal.SIGCONT)


def postsuper(action: str, operator_action: str) -> Fault:
    """Return the fault that an operator runs postsuper(1) on a held message."""

    @contextmanager
    def act(target: Target) -> Iterator[None]:
        held = target.open_incidents()
        queue_id = target.rng.choice([queue_id for queue_id in target.held() if queue_id in held])
        if operator_action:
            target.ledger.record_operator_action(held[queue_id].recipients, operator_action)
        with suppress(subprocess.CalledProcessError):
            target.site.postfix.postsuper(action, queue_id)
        yield

    act.__name__ = f"postsuper {action}"
    return act


@contextmanager
def all_mail_on_hold(target: Target) -> Iterator[None]:
    """Put all mail on hold, then release the mail that is not Holdgate's."""
    target.site.postfix.postsuper("-h", "ALL")
    try:
        yield
    finally:
        for queue_id in set(target.held()) - target.open_incidents().keys():
            content = target.site.postfix.show(queue_id)
            if b"X-Holdgate-Incident" not in content and b"X-Netskope-Action" not in content:
                target.site.postfix.postsuper("-H", queue_id)


@contextmanager
def queue_file_damaged(target: Target) -> Iterator[None]:
    """Damage the file of a held message; its owner has it deleted in the end."""
    held = target.open_incidents()
    found = [path for path in (target.site.postfix.queue / "hold").rglob("*") if path.name in held]
    damaged = target.rng.choice(found)
    target.ledger.record_operator_action(held[damaged.name].recipients, "deleted")
    with suppress(OSError), damaged.open("r+b") as stream:
        stream.truncate(max(damaged.stat().st_size // 2, 1))
    try:
        yield
    finally:
        with suppress(subprocess.CalledProcessError):
            target.site.postfix.postsuper("-d", damaged.name)


def broken(name: str, text: str, *, restart: bool) -> Fault:
    """Return the fault that a file of Holdgate's has an error or, without `text`, is missing at a reload or a start."""

    @contextmanager
    def act(target: Target) -> Iterator[None]:
        path = target.site.directory / name
        good = path.read_bytes() if path.exists() else None
        mode = path.stat().st_mode if path.exists() else 0
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            if text:
                path.write_text(text, encoding="utf-8")
            else:
                path.unlink(missing_ok=True)
            for daemon in ("milter", "desk") if restart else ("milter",):
                target.signal(daemon, signal.SIGKILL if restart else signal.SIGUSR1)
            yield
        finally:
            if good is None:
                path.unlink(missing_ok=True)
            else:
                path.touch(mode & 0o7777)
                path.write_bytes(good)
            if not restart:
                target.signal("milter", signal.SIGUSR1)

    act.__name__ = f"{name} {'broken' if text else 'missing'} {'at start' if restart else 'at reload'}"
    return act


@contextmanager
def relay_defers(target: Target) -> Iterator[None]:
    """Have the next host defer all mail."""
    target.site.next_hop.defers = True
    try:
        yield
    finally:
        target.site.next_hop.defers = False


@contextmanager
def relay_slow(target: Target) -> Iterator[None]:
    """Make the next host slow."""
    target.site.next_hop.delay = 2.0
    try:
        yield
    finally:
        target.site.next_hop.delay = 0.0


@contextmanager
def moderator_bounces(target: Target) -> Iterator[None]:
    """Make mail to a moderator bounce."""
    person = target.rng.choice(MODERATORS)
    target.site.next_hop.rejected.add(person)
    try:
        yield
    finally:
        target.site.next_hop.rejected.discard(person)


@contextmanager
def next_milter_frozen(target: Target) -> Iterator[None]:
    """Freeze the milter after Holdgate; Postfix waits for it."""
    send_signal(target.next_milter, signal.SIGSTOP)
    try:
        yield
    finally:
        send_signal(target.next_milter, signal.SIGCONT)


FAULTS: list[Fault] = [
    kill,
    kill,
    freeze,
    freeze,
    second_instance,
    all_killed,
    store_locked,
    store_lost,
    spool_missing,
    limited("no descriptor left", resource.RLIMIT_NOFILE, lambda pid: len(list(Path(f"/proc/{pid}/fd").iterdir())) + 1),
    # Python ignores SIGXFSZ: a write beyond fails, as on a full disk.
    limited("file size limit reached", resource.RLIMIT_FSIZE, lambda _: 4096),
    postfix_reload,
    postfix_stop,
    postfix_frozen,
    postsuper("-H", "released"),
    postsuper("-r", ""),
    postsuper("-d", "deleted"),
    all_mail_on_hold,
    queue_file_damaged,
    broken("policies.toml", "nonsense", restart=False),
    broken("policies.toml", "nonsense", restart=True),
    broken("rules.d/identifiers/bad.toml", "nonsense", restart=False),
    broken("rules.d/identifiers/bad.toml", "nonsense", restart=True),
    broken("seal.keys", "nonsense\n", restart=False),
    broken("seal.keys", "nonsense\n", restart=True),
    broken("seal.keys", "", restart=False),
    broken("seal.keys", "", restart=True),
    broken("policies.toml", "", restart=False),
    broken("policies.toml", "", restart=True),
    broken("token.key", "nonsense\n", restart=True),
    broken("token.key", "", restart=True),
    relay_defers,
    relay_slow,
    moderator_bounces,
    next_milter_frozen,
    *machine_faults.FAULTS,
]

# One of these at a time: each restarts the complete site, or would prevent another one from doing so.
ONE_AT_A_TIME: tuple[Callable[[Target], AbstractContextManager[None]], ...] = (
    all_killed,
    store_locked,
    store_lost,
    machine_faults.power_cut,
    machine_faults.disk_read_only,
    machine_faults.upgrade,
)
ONE_AT_A_TIME += (machine_faults.disk_full, machine_faults.disk_slow, *postgres_faults.FAULTS)
