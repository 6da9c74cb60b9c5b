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
from contextlib import contextmanager, suppress
from pathlib import Path

from faults import media, postgres
from faults.deciders import MODERATORS
from faults.patient import Injury, Patient, children, send_signal
from testbed.ports import PATIENCE
from testbed.site import DAEMONS


@contextmanager
def kill(patient: Patient) -> Iterator[None]:
    """Kill one process of the daemons."""
    send_signal(patient.any_process(), signal.SIGKILL)
    yield


@contextmanager
def stop(patient: Patient) -> Iterator[None]:
    """Freeze one process of the daemons."""
    pid = patient.any_process()
    send_signal(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        send_signal(pid, signal.SIGCONT)


@contextmanager
def twice(patient: Patient) -> Iterator[None]:
    """Start a daemon that is already running."""
    name = patient.rng.choice(list(DAEMONS))
    first = patient.site._processes.get(name)
    second = subprocess.Popen(
        [sys.executable, "-m", DAEMONS[name], "--config", patient.site.config],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"JOURNAL_STREAM": "", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        yield
        with suppress(subprocess.TimeoutExpired):
            second.wait(PATIENCE)
        # One that was down, or ended meanwhile, is no first.
        lives = first is not None and first is patient.site._processes.get(name) and first.poll() is None
        if lives and second.poll() in (None, 0):
            raise AssertionError(f"a second holdgate-{name} runs beside the first")
    finally:
        second.kill()
        second.wait()


@contextmanager
def all_killed(patient: Patient) -> Iterator[None]:
    """Kill every process at once, as a power cut does, but lose no data that the kernel has."""
    patient.kill_all()
    try:
        yield
    finally:
        patient.resume_postgres()
        patient.site.postfix.start()


@contextmanager
def store_locked(patient: Patient) -> Iterator[None]:
    """Have another process hold the store's lock."""
    if patient.postgres is not None:
        with postgres.locked(patient):
            yield
        return
    database = sqlite3.connect(patient.site.state / "holdgate.db", isolation_level=None, timeout=20)
    with contextlib.closing(database):
        database.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def store_lost(patient: Patient) -> Iterator[None]:
    """Delete the store, with decisions not yet carried out; start with an empty one, as the documentation describes."""
    patient.rests = True
    site = patient.site
    try:
        for name in DAEMONS:
            with suppress(KeyError):
                site.kill_daemon(name)
        patient.ledger.lose(site.store.incidents())
        site.store.close()
        if patient.postgres is not None:
            patient.postgres.replace(site.settings.store.url)
        for path in (*site.state.glob("holdgate.db*"), site.state / "audit.head"):
            path.unlink(missing_ok=True)
        done = site.command("migrate")
        if done.returncode != 0:
            raise AssertionError(f"holdgate migrate: {done.stdout}{done.stderr}")
        patient.reopen()
    finally:
        patient.rests = False
    yield


@contextmanager
def spool_gone(patient: Patient) -> Iterator[None]:
    """Remove the spool directory."""
    spool = patient.site.directory / "spool"
    spool.rename(spool.with_name("spool.away"))
    try:
        yield
    finally:
        spool.with_name("spool.away").rename(spool)


def limited(name: str, what: int, limit: Callable[[int], int]) -> Injury:
    """Return the fault that a process of the daemons has almost exhausted a resource (prlimit(2))."""

    @contextmanager
    def act(patient: Patient) -> Iterator[None]:
        pid = patient.any_process()
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
def postfix_reload(patient: Patient) -> Iterator[None]:
    """Reload Postfix."""
    patient.site.postfix.reload()
    yield


@contextmanager
def postfix_stop(patient: Patient) -> Iterator[None]:
    """Stop Postfix, and start it again."""
    patient.site.postfix.stop()
    patient.postfix_ended.append(time.monotonic())
    try:
        yield
    finally:
        patient.site.postfix.start()


@contextmanager
def postfix_stands(patient: Patient) -> Iterator[None]:
    """Freeze Postfix: it accepts connections and answers nothing. So does the listener for notices."""
    master = int((patient.site.postfix.queue / "pid/master.pid").read_text())
    everything = [master, *children(master)]
    for pid in everything:
        send_signal(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in everything:
            send_signal(pid, signal.SIGCONT)


def by_hand(action: str, excuse: str) -> Injury:
    """Return the fault that an operator changes a held message by hand."""

    @contextmanager
    def act(patient: Patient) -> Iterator[None]:
        held = patient.open_incidents()
        queue_id = patient.rng.choice([queue_id for queue_id in patient.held() if queue_id in held])
        if excuse:
            patient.ledger.excuse(held[queue_id].recipients, excuse)
        with suppress(subprocess.CalledProcessError):
            patient.site.postfix.postsuper(action, queue_id)
        yield

    act.__name__ = f"postsuper {action}"
    return act


@contextmanager
def held_by_hand(patient: Patient) -> Iterator[None]:
    """Put all mail on hold, then release the mail that is not Holdgate's."""
    patient.site.postfix.postsuper("-h", "ALL")
    try:
        yield
    finally:
        for queue_id in set(patient.held()) - patient.open_incidents().keys():
            content = patient.site.postfix.show(queue_id)
            if b"X-Holdgate-Incident" not in content and b"X-Netskope-Action" not in content:
                patient.site.postfix.postsuper("-H", queue_id)


@contextmanager
def queue_file_damaged(patient: Patient) -> Iterator[None]:
    """Damage the file of a held message; its owner has it deleted in the end."""
    held = patient.open_incidents()
    found = [path for path in (patient.site.postfix.queue / "hold").rglob("*") if path.name in held]
    damaged = patient.rng.choice(found)
    patient.ledger.excuse(held[damaged.name].recipients, "deleted")
    with suppress(OSError), damaged.open("r+b") as stream:
        stream.truncate(max(damaged.stat().st_size // 2, 1))
    try:
        yield
    finally:
        with suppress(subprocess.CalledProcessError):
            patient.site.postfix.postsuper("-d", damaged.name)


def broken(name: str, text: str, *, restart: bool) -> Injury:
    """Return the fault that a file of Holdgate's has an error or, without `text`, is missing at a reload or a start."""

    @contextmanager
    def act(patient: Patient) -> Iterator[None]:
        path = patient.site.directory / name
        good = path.read_bytes() if path.exists() else None
        mode = path.stat().st_mode if path.exists() else 0
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            if text:
                path.write_text(text, encoding="utf-8")
            else:
                path.unlink(missing_ok=True)
            for daemon in ("milter", "desk") if restart else ("milter",):
                patient.signal(daemon, signal.SIGKILL if restart else signal.SIGUSR1)
            yield
        finally:
            if good is None:
                path.unlink(missing_ok=True)
            else:
                path.touch(mode & 0o7777)
                path.write_bytes(good)
            if not restart:
                patient.signal("milter", signal.SIGUSR1)

    act.__name__ = f"{name} {'broken' if text else 'missing'} {'at start' if restart else 'at reload'}"
    return act


@contextmanager
def relay_refuses(patient: Patient) -> Iterator[None]:
    """Have the next host defer all mail."""
    patient.site.world.defers = True
    try:
        yield
    finally:
        patient.site.world.defers = False


@contextmanager
def relay_slow(patient: Patient) -> Iterator[None]:
    """Make the next host slow."""
    patient.site.world.delay = 2.0
    try:
        yield
    finally:
        patient.site.world.delay = 0.0


@contextmanager
def moderator_gone(patient: Patient) -> Iterator[None]:
    """Make mail to a moderator bounce."""
    person = patient.rng.choice(MODERATORS)
    patient.site.world.gone.add(person)
    try:
        yield
    finally:
        patient.site.world.gone.discard(person)


@contextmanager
def neighbour_gone(patient: Patient) -> Iterator[None]:
    """Freeze the milter after Holdgate; Postfix waits for it."""
    send_signal(patient.neighbour, signal.SIGSTOP)
    try:
        yield
    finally:
        send_signal(patient.neighbour, signal.SIGCONT)


INJURIES: list[Injury] = [
    kill,
    kill,
    stop,
    stop,
    twice,
    all_killed,
    store_locked,
    store_lost,
    spool_gone,
    limited("no descriptor left", resource.RLIMIT_NOFILE, lambda pid: len(list(Path(f"/proc/{pid}/fd").iterdir())) + 1),
    # Python ignores SIGXFSZ: a write beyond fails, as on a full disk.
    limited("no room on disk", resource.RLIMIT_FSIZE, lambda _: 4096),
    postfix_reload,
    postfix_stop,
    postfix_stands,
    by_hand("-H", "released"),
    by_hand("-r", ""),
    by_hand("-d", "deleted"),
    held_by_hand,
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
    relay_refuses,
    relay_slow,
    moderator_gone,
    neighbour_gone,
    *media.INJURIES,
]

# One of these at a time: each restarts the complete site, or would prevent another one from doing so.
ALONE = (all_killed, store_locked, store_lost, media.power_cut, media.disk_read_only, media.upgrade)
ALONE += (media.disk_full, media.disk_slow, *postgres.INJURIES)
