"""What the three daemons share: arguments, settings, log, the change to an unprivileged user, word to systemd."""

import argparse
import contextlib
import ctypes
import grp
import os
import pwd
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from holdgate import __version__, maillog
from holdgate.config import Settings
from holdgate.configfile import DEFAULT_PATH, ConfigError, load_settings

# Exit codes as sysexits.h and systemd.exec(5) name them.
EX_OSERR = 71
EX_CONFIG = 78

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4

# Pause between two questions whether a daemon still answers, in seconds: often enough for every WatchdogSec= of ours.
_ATTEND_INTERVAL = 10.0
_FIRST_INTERVAL = 0.05


def begin(name: str, description: str | None) -> tuple[Settings, Path]:
    """Read the command line and the settings and open the log. Ends the process with EX_CONFIG on bad settings."""
    parser = argparse.ArgumentParser(prog=name, description=description)
    parser.add_argument("-c", "--config", type=Path, default=DEFAULT_PATH, help="settings file (default: %(default)s)")
    parser.add_argument("-v", "--verbose", action="store_true", help="log more")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    arguments = parser.parse_args()
    keep_memory_private()
    maillog.configure(name, daemon=True, verbose=arguments.verbose)
    try:
        return load_settings(arguments.config), arguments.config
    except ConfigError as error:
        refuse(error)


def refuse(error: ConfigError) -> NoReturn:
    """End the process with EX_CONFIG, so that systemd does not try again, and say each mistake."""
    for problem in error.problems:
        maillog.failed(stage="config", error=problem)
    sys.exit(EX_CONFIG)


def drop_privileges(user: str) -> None:
    """Change from root to `user` for good, with its groups; do nothing when we are not root or `user` is.

    Raises KeyError for an unknown user.
    """
    if os.geteuid() != 0:
        return
    entry = pwd.getpwnam(user)
    if entry.pw_uid == 0:
        return
    os.initgroups(user, entry.pw_gid)
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, however that ends (prctl(2), PR_SET_PDEATHSIG).

    A change of user undoes it, so call `drop_privileges` first. The parent is the thread that forked, not its process.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def keep_memory_private() -> None:
    """Have this process leave no core file, and let no process of its user read its memory (prctl(2)).

    It holds keys, and mail while it is read. A program that it starts begins dumpable again, without core files.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0)


def ids_of(user: str) -> tuple[int, int]:
    """Return the user id and the primary group id of `user`. Raises KeyError for an unknown one."""
    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid


def group_id(name: str) -> int:
    """Return the id of a group. Raises KeyError for an unknown one."""
    return grp.getgrnam(name).gr_gid


def notify(*states: str) -> None:
    """Tell systemd how we are, by the protocol of sd_notify(3): one datagram with one "NAME=value" a line.

    "READY=1" ends the start, "WATCHDOG=1" puts the watchdog off. Does nothing where systemd did not start us; a
    datagram that systemd does not take is its to notice, for it waits for the next one.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, contextlib.suppress(OSError):
        sender.sendto("\n".join(states).encode(), address)


def watchdog_loop(answers: Callable[[], bool]) -> None:
    """Have a thread ask again and again whether the daemon answers, and tell systemd: ready at the first yes.

    For a daemon whose main thread is a library's. After a no, nothing is told, and the watchdog does its work.
    """

    def ask() -> None:
        ready = False
        pause = threading.Event()
        while True:
            if answers():
                notify(*([] if ready else ["READY=1"]), "WATCHDOG=1")
                ready = True
            pause.wait(_ATTEND_INTERVAL if ready else _FIRST_INTERVAL)

    if os.environ.get("NOTIFY_SOCKET"):
        threading.Thread(target=ask, daemon=True).start()
