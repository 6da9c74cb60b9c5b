"""What the daemons share: arguments, settings, log, dropping privileges, notifying systemd.

The code that reads settings, 10 MB with its libraries, is loaded only by the process that reads them: the scan service
and its zygotes import this module too.
"""

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
from typing import TYPE_CHECKING, NoReturn

from holdgate import __version__, maillog

if TYPE_CHECKING:
    from holdgate.config import Settings
    from holdgate.configfile import ConfigError

# Exit codes as sysexits.h and systemd.exec(5) name them.
EX_OSERR = 71
EX_CONFIG = 78

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4

_libc = ctypes.CDLL(None, use_errno=True)

# Seconds between two checks whether a daemon still answers; shorter than every WatchdogSec= that Holdgate ships.
_ATTEND_INTERVAL = 10.0
_FIRST_INTERVAL = 0.05


def begin(name: str, description: str | None) -> tuple["Settings", Path]:
    """Read the command line and the settings, and open the log. Exits with EX_CONFIG if the settings have errors."""
    from holdgate.configfile import DEFAULT_PATH, ConfigError, load_settings

    parser = argparse.ArgumentParser(prog=name, description=description)
    parser.add_argument(
        "-c", "--config", metavar="FILE", type=Path, default=DEFAULT_PATH, help="settings file (default: %(default)s)"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log more details")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    arguments = parser.parse_args()
    keep_memory_private()
    maillog.configure(name, daemon=True, verbose=arguments.verbose)
    try:
        return load_settings(arguments.config), arguments.config
    except ConfigError as error:
        refuse(error)


def refuse(error: "ConfigError") -> NoReturn:
    """Log each error and exit with EX_CONFIG, so that systemd does not restart the daemon."""
    for problem in error.problems:
        maillog.failed(stage="config", error=problem)
    sys.exit(EX_CONFIG)


def drop_privileges(user: str) -> None:
    """Change from root to `user` permanently, with its groups. Does nothing if not run as root, or if `user` is root.

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
    """Have the kernel kill this process when its parent ends for any reason (prctl(2), PR_SET_PDEATHSIG).

    A change of user clears this setting, so call `drop_privileges` first. "Parent" is the thread that forked, not its
    process.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def keep_memory_private() -> None:
    """Disable core files of this process, and let no process of the same user read its memory (prctl(2)).

    It holds keys, and mail during inspection. A program that it starts is dumpable again, but writes no core file.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _libc.prctl(_PR_SET_DUMPABLE, 0)


def ids_of(user: str) -> tuple[int, int]:
    """Return the user id and the primary group id of `user`. Raises KeyError for an unknown one."""
    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid


def group_id(name: str) -> int:
    """Return the id of a group. Raises KeyError for an unknown one."""
    return grp.getgrnam(name).gr_gid


def notify(*states: str) -> None:
    """Notify systemd by the protocol of sd_notify(3): one datagram with one "NAME=value" per line.

    "READY=1" ends the start, "WATCHDOG=1" resets the watchdog. Does nothing if systemd did not start this process. A
    lost datagram is not an error: systemd waits for the next one.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, contextlib.suppress(OSError):
        sender.sendto("\n".join(states).encode(), address)


def watchdog_loop(answers: Callable[[], bool]) -> None:
    """Start a thread that regularly checks whether the daemon answers, and notifies systemd: ready once it does.

    For a daemon whose main thread belongs to a library. After a failed check systemd is not notified, so its watchdog
    restarts the daemon.
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
