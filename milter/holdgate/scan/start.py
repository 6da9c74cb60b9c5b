"""Starts a zygote: through the scan service if the settings name its socket, otherwise as a child process.

In both cases it gets the same settings on its control socket and answers whether it is ready. If the service does not
answer, there are no workers, and mail is deferred: a daemon that uses the service never starts workers itself.
"""

import errno
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from holdgate import maillog
from holdgate.phrases import failure_of, reason_of
from holdgate.scan import wire
from holdgate.scan.control import Zygote
from holdgate.scan.poolsettings import PoolSettings
from holdgate.scan.process import ScanError

DIED_ON_TRIAL = (
    "a worker, or the process that they are forked from, ended before its first message, while it confined itself; "
    "where seccomp killed it, the kernel's log has a line with type=1326 and the system call"
)
# How long to wait for a service that is starting or restarting, in seconds from the first failed attempt.
_WAIT_LIMIT = 10.0
_PAUSE = 0.1
# How long a service that accepts connections may need to start a zygote on a busy host, in seconds.
_GREETING_SECONDS = 60.0
# How much to keep of the standard error of a zygote that does not start, in characters.
_STDERR_END = 500
_NOT_READY = {errno.ENOENT, errno.ECONNREFUSED}


@dataclass(slots=True)
class _Outage:
    """When the service stopped answering, by the monotonic clock; None while it answers."""

    since: float | None = None


class Starter:
    """Starts zygotes with the same settings, one after the other. It must be used by one thread at a time.

    If `only_reads` is set, its zygotes load no rules and know no identifiers. Two starters of one service, one created
    with the other as `sibling`, share the wait for it: an earlier outage that one saw does not shorten the other's
    wait.
    """

    def __init__(self, settings: PoolSettings, *, only_reads: bool = False, sibling: "Starter | None" = None) -> None:
        self._settings = settings
        self._only_reads = only_reads
        self._outage: _Outage = _Outage() if sibling is None else sibling._outage

    def start(self) -> tuple[Zygote, frozenset[str]]:
        """Return a zygote that is ready, and the identifiers it knows. Raises ScanError."""
        if self._settings.service is not None:
            return self._by_service(self._settings.service)
        with tempfile.TemporaryFile() as errors:
            return self._as_child(errors)

    def _as_child(self, errors: IO[bytes]) -> tuple[Zygote, frozenset[str]]:
        # Message boundaries are kept, so several packets can be in the socket.
        control, child_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with child_end:
            try:
                process = subprocess.Popen(
                    command(self._settings.readers_directory, child_end.fileno()),
                    pass_fds=[child_end.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                )
            except OSError as error:
                control.close()
                raise ScanError(f"the zygote did not start: {failure_of(error)}") from error
        try:
            return self._made_ready(Zygote(control, process.pid, process))
        except (wire.WireError, OSError) as error:
            if process.returncode == -signal.SIGSYS:
                raise ScanError(DIED_ON_TRIAL) from error
            raise ScanError(f"the zygote did not start: {failure_of(error)}{_end_of_stderr(errors)}") from error

    def _by_service(self, path: Path) -> tuple[Zygote, frozenset[str]]:
        control = self._connected(path)
        try:
            greeting, _ = wire.receive(control, timeout=_GREETING_SECONDS)
            if "error" in greeting:
                raise ScanError(f"the scan service: {greeting['error']}")
            zygote = Zygote(control, int(greeting["zygote"]))
        except (wire.WireError, OSError, KeyError, ValueError) as error:
            control.close()
            raise ScanError(f"{path}: the scan service does not answer; see the log of holdgate-scan") from error
        except ScanError:
            control.close()
            raise
        try:
            return self._made_ready(zygote)
        except (wire.WireError, OSError) as error:
            raise ScanError(f"the zygote did not start: {failure_of(error)}; see the log of holdgate-scan") from error

    def _connected(self, path: Path) -> socket.socket:
        """Connect; wait for a service that is not available yet, up to a total limit. Raises ScanError."""
        while True:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            wire.set_timeout(connection, _GREETING_SECONDS)
            try:
                connection.connect(str(path))
            except OSError as error:
                connection.close()
                if not self._may_wait(error):
                    why = f"{reason_of(error)}; the scan service does not run there"
                    raise ScanError(f"{path}: {why}; run: systemctl start holdgate-scan") from error
                time.sleep(_PAUSE)
            else:
                self._outage.since = None
                return connection

    def _may_wait(self, error: OSError) -> bool:
        now = time.monotonic()
        if self._outage.since is None:
            self._outage.since = now
        return error.errno in _NOT_READY and now - self._outage.since < _WAIT_LIMIT

    def _made_ready(self, zygote: Zygote) -> tuple[Zygote, frozenset[str]]:
        """Send a zygote its settings and wait until it has loaded all. Raises ScanError, WireError and OSError."""
        try:
            wire.send(zygote.control, _zygote_settings(self._settings, self._only_reads))
            reported, _ = zygote.receive()
            if "error" in reported:
                raise ScanError(str(reported["error"]))
            return zygote, frozenset(reported["identifiers"])
        except TimeoutError as error:
            zygote.close()
            raise ScanError("the zygote was not ready in time") from error
        except (ScanError, wire.WireError, OSError):
            zygote.close()
            raise


def command(readers_directory: Path, control: int) -> list[str]:
    """Return the command of a zygote. The caller names the directory of the site's readers, because they are code."""
    return [sys.executable, "-m", "holdgate.scan.zygote", str(readers_directory), str(control)]


def _zygote_settings(settings: PoolSettings, only_reads: bool) -> dict[str, Any]:
    return {
        "only_reads": only_reads,
        "rules": str(settings.rules),
        "local_rules": str(settings.local_rules) if settings.local_rules else None,
        "profiles": settings.profiles,
        "readers": settings.readers,
        "ocr_languages": settings.ocr_languages,
        "ocr_seconds": settings.ocr_seconds,
        "limits": {"message_seconds": settings.time_limit},
    }


def _end_of_stderr(errors: IO[bytes]) -> str:
    """Return the end of a failed zygote's standard error, printable, on one line."""
    errors.seek(max(0, errors.seek(0, 2) - _STDERR_END))
    words = " ".join(errors.read().decode("utf-8", "replace").split())
    return f"; its output: {maillog.quote(words[-200:])}" if words else ""
