"""Faults below the daemons: disks, the clock, the number of processes, the package itself."""

import gc
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from tests.faults.disk import Disk
from tests.faults.target import Fault, Target, send_signal, within

# By how many seconds the clock of a site is wrong: a native long (clock.c).
_OFFSET = "clock.offset"

_PIDS = Path("/sys/fs/cgroup/pids")
_HOUR = 3600


@contextmanager
def power_cut(target: Target) -> Iterator[None]:
    """Kill every process at once, and drop all data from both disks that was not synced."""
    target.restarts_paused = True
    target.kill_all()
    for disk in target.disks:
        disk.cut()
    target.power_cuts.append(time.monotonic())
    try:
        yield
    finally:
        _remount(target, target.disks)


@contextmanager
def disk_read_only(target: Target) -> Iterator[None]:
    """Make the file system of store or queue read-only; the machine is restarted at the end."""
    disks = target.disks and [target.rng.choice(target.disks)]
    for disk in disks:
        disk.turn_read_only()
    try:
        yield
    finally:
        if disks:
            target.restarts_paused = True
            target.kill_all()
            _remount(target, disks)


@contextmanager
def disk_full(target: Target) -> Iterator[None]:
    """Fill the file system of store or queue."""
    disks = target.disks and [target.rng.choice(target.disks)]
    for disk in disks:
        disk.fill()
    try:
        yield
    finally:
        for disk in disks:
            disk.empty()
        target.resume_postgres()


@contextmanager
def disk_slow(target: Target) -> Iterator[None]:
    """Have every write to the file system of store or queue take up to a second and a half."""
    disks = target.disks and [target.rng.choice(target.disks)]
    over = threading.Event()

    def slow() -> None:
        while not over.is_set():
            for disk in disks:
                disk.freeze()
            over.wait(1.5)
            for disk in disks:
                disk.thaw()
            over.wait(0.1)

    thread = threading.Thread(target=slow, daemon=True)
    if disks:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if disks:
            thread.join()


@contextmanager
def spool_full(target: Target) -> Iterator[None]:
    """Fill the spool directory: a file system of one page is mounted over it."""
    spool = str(target.site.directory / "spool")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", spool], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", spool], check=True, capture_output=True)


@contextmanager
def no_process_left(target: Target) -> Iterator[None]:
    """Have a daemon, or a part of one, unable to start a process (cgroups, pids.max)."""
    group = _PIDS / f"holdgate-{os.getpid()}"
    group.mkdir()
    try:
        (group / "cgroup.procs").write_text(str(target.any_process()))
        (group / "pids.max").write_text("0")
        yield
    finally:
        (group / "pids.max").write_text("max")
        # Processes that were started in the group before are ended too.
        for pid in (group / "cgroup.procs").read_text().split():
            with suppress(OSError):
                (_PIDS / "cgroup.procs").write_text(pid)
        deadline = time.monotonic() + 10
        while group.exists() and time.monotonic() < deadline:
            with suppress(OSError):
                group.rmdir()
            time.sleep(0.05)


def clock_jumps(seconds: int) -> Fault:
    """Return the fault that the clock of daemons and Postfix is set forward or back, and corrected at the end."""

    @contextmanager
    def act(target: Target) -> Iterator[None]:
        set_clock(target.site.directory, seconds)
        try:
            yield
        finally:
            set_clock(target.site.directory, 0)

    act.__name__ = f"clock {'forward' if seconds > 0 else 'back'} an hour"
    return act


def set_clock(directory: Path, seconds: int) -> None:
    """Set the clock of a site with `clock_environment` wrong by some seconds."""
    with (directory / _OFFSET).open("r+b") as stream:
        stream.write(struct.pack("l", seconds))


def clock_environment(directory: Path) -> dict[str, str]:
    """Return the environment by which `set_clock` affects a process; empty without a compiler."""
    (directory / _OFFSET).write_bytes(struct.pack("l", 0))
    library = directory / "clock.so"
    command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(Path(__file__).with_name("clock.c"))]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    except FileNotFoundError:
        return {}
    return {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(directory / _OFFSET)}


@contextmanager
def upgrade(target: Target) -> Iterator[None]:
    """Install another version while people decide: it has one more migration, and other daemons."""
    site = target.site
    target.restarts_paused = True
    try:
        for name in list(site._processes):
            with suppress(KeyError):
                site.stop_daemon(name)
        _next_version(target)
        done = site.command("migrate")
    finally:
        target.restarts_paused = False
    if done.returncode != 0:
        raise AssertionError(f"upgrade: {done.stdout}{done.stderr}")
    yield


def _next_version(target: Target) -> None:
    """Copy the package with one more migration, and have the site use it from now on."""
    site = target.site
    target.versions += 1
    package = site.directory / f"version{target.versions}"
    before = Path(site.environment["PYTHONPATH"].split(os.pathsep)[0])
    before = before if before.name.startswith("version") else Path(sys.modules["holdgate"].__path__[0]).parent
    shutil.copytree(before / "holdgate", package / "holdgate")
    with suppress(FileExistsError):
        # A package that is not installed looks for its rules next to its directory.
        (site.directory / "rules").symlink_to(Path(__file__).parents[2] / "rules")
    steps = package / "holdgate/quarantine/migrations/versions"
    last = max(steps.glob("[0-9]*.py"))
    name = f"{int(last.name.partition('_')[0]) + 1:04}"
    (steps / f"{name}_later.py").write_text(_STEP.format(name=name, before=_revision(last)), encoding="utf-8")
    site.environment["PYTHONPATH"] = os.pathsep.join([str(package), *sys.path])


_STEP = '''"""A step of a later version: a table without readers."""

import sqlalchemy as sa
from alembic import op

revision = "{name}"
down_revision = "{before}"


def upgrade() -> None:
    """Make it."""
    op.create_table("later{name}", sa.Column("id", sa.Integer, primary_key=True))
'''


def _revision(path: Path) -> str:
    line = next(line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("revision"))
    return line.partition("=")[2].strip().strip('"')


def _remount(target: Target, disks: list[Disk]) -> None:
    """Restart the machine: unmount, replay the journal, mount, start the servers. The supervisor starts the daemons."""
    site = target.site
    try:
        for disk in disks:
            _until_done(partial(_unmount, target, disk))
            disk.mount()
            # A process that opened the directory below the disk never finds a queue in it.
            for pid in within(disk.place):
                send_signal(pid, signal.SIGKILL)
        try:
            target.resume_postgres()
            target.reopen()
        finally:
            site.postfix.start()
    finally:
        target.restarts_paused = False


def _unmount(target: Target, disk: Disk) -> None:
    with suppress(Exception):  # a store on a removed disk cannot be closed normally
        target.site.store.close()
    gc.collect()  # what another thread had in use when the store was closed is closed with it
    for pid in within(disk.place):  # clients that use sendmail(1) at the same time
        send_signal(pid, signal.SIGKILL)
    disk.unmount()


def _until_done(step: Callable[[], None]) -> None:
    """Repeat a step until it succeeds, for at most 30 s: another command may still be ending."""
    deadline = time.monotonic() + 30
    while True:
        try:
            step()
        except subprocess.CalledProcessError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


FAULTS: list[Fault] = [
    power_cut,
    disk_read_only,
    disk_full,
    disk_slow,
    spool_full,
    no_process_left,
    clock_jumps(_HOUR),
    clock_jumps(-_HOUR),
    upgrade,
]
