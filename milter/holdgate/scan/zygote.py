"""The zygote: one process that loads what its workers need and forks them, so that they share its memory.

Its workers read and search, for which it loads the rules, or only read (see `scan.reading`).

It is forked from the scan service (see `scan.template`), or started with exec by the pool; never forked from the gate,
which runs threads. The pool holds the other end of its control socket. An order there forks a worker, and is answered
with the worker's socket; or kills one, or makes it slower. The zygote signals only children that it has not waited for,
whose ids are nobody else's.
It reads nothing that a sender wrote, and has given up files, network and privileges before it forks the first worker.
When the control socket closes, or says what it must not, the zygote ends and takes its workers with it.
"""

import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from holdgate.daemon import die_with_parent, keep_memory_private
from holdgate.extract import ocr
from holdgate.extract.budget import Limits
from holdgate.extract.formats import REGISTRY
from holdgate.plugins import PluginError
from holdgate.scan import memory, sandbox, wire
from holdgate.scan.reading import ReadingOnly
from holdgate.scan.warm import warm, warm_reading
from holdgate.scan.worker import Work, serve

# OCR may have what processor time the mail without pictures leaves, and so may a worker that is slowed down.
_NICE = 10
_LARGEST_NICE = 19
# How long whoever started us may take to send the settings, in seconds.
_SETTINGS_SECONDS = 60.0


def main() -> None:
    """Serve the control socket whose descriptor is the last argument; before it is the directory of own readers."""
    keep_memory_private()
    be(socket.socket(fileno=int(sys.argv[-1])), sys.argv[-2])


def be(control: socket.socket, readers_directory: str, shared: Sequence[tuple[int, int]] | None = None) -> None:
    """Serve the control socket until it closes.

    `shared` is the memory that a process forked from a template has in common with it: that one has loaded all that
    reading needs. None where there is no template.
    """
    # Linux shares the processor out among sessions first, and by nice values only within one (sched(7), autogroup): in
    # the session of who started us, all that serve small mail would wait for workers with large mail.
    with contextlib.suppress(PermissionError):  # we lead one already
        os.setsid()
    # The pool ends us by closing the socket; a terminal's Ctrl-C or systemd's SIGTERM is for the daemon to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        settings, _ = wire.receive(control, timeout=_SETTINGS_SECONDS)
    except (wire.WireError, OSError):
        return
    wire.bound(control, 0)
    try:
        REGISTRY.add_modules(settings["readers"], readers_directory)
        if settings["ocr_languages"]:
            # Here and not above: its libraries would be copied with each fork where nobody reads pictures.
            from holdgate.extract.tesseract import TesseractEngine

            limits = ocr.OcrLimits(message_seconds=settings["ocr_seconds"])
            ocr.configure(TesseractEngine(settings["ocr_languages"]), limits)
            os.nice(_NICE)
        if shared is None:
            sandbox.preload()
        if settings["only_reads"]:
            work, identifiers = _reading(settings, is_cold=shared is None)
        else:
            work, identifiers = _inspecting(settings)
        # What lives until the fork is never collected, so collecting in a worker does not copy these pages.
        gc.collect()
        gc.freeze()
        memory.gather(shared or ())
        _discard_output()
        protections = sandbox.confine_template()
    except (PluginError, _UnusableError, ocr.OcrError, sandbox.SandboxError, OSError) as error:
        wire.send(control, {"error": str(error)})
        return
    wire.send(control, {"ready": os.getpid(), "identifiers": identifiers})
    workers = Workers(work, protections)
    while True:
        try:
            order, _ = wire.receive(control)
            workers.carry_out(order, control)
        except (wire.WireError, OSError):
            return  # the pool has hung up


class _UnusableError(Exception):
    """The rules cannot be used; the argument says why."""


def _inspecting(settings: dict[str, Any]) -> tuple[Work, list[str]]:
    """Return the work of processes that read and search, and the identifiers they know. Raises _UnusableError."""
    # Here and not above: a process that only reads would copy all of it with each fork.
    from holdgate.detect import Detector, RuleError
    from holdgate.detect.preload import preload
    from holdgate.scan.inspect import Inspector
    from holdgate.scan.inspecting import Inspecting

    local = settings["local_rules"]
    try:
        detector = Detector.from_rules(Path(settings["rules"]), local_dir=Path(local) if local else None)
        inspector = Inspector(detector, settings["profiles"], _limits(settings))
    except RuleError as error:
        raise _UnusableError(str(error)) from error
    preload()  # when the detectors are made: some of it depends on which of their validators are in use
    warm(inspector, inspector.samples)
    return Inspecting(inspector), inspector.identifiers


def _reading(settings: dict[str, Any], is_cold: bool) -> tuple[Work, list[str]]:
    """Return the work of processes that only read; they know no identifiers."""
    reading = ReadingOnly(_limits(settings))
    if is_cold:
        warm_reading(reading)
    return reading, []


def _limits(settings: dict[str, Any]) -> Limits:
    known = {field.name for field in fields(Limits)}
    return Limits(**{name: value for name, value in settings["limits"].items() if name in known})


def _discard_output() -> None:
    """Have all that this process and its workers print go nowhere: libraries quote what they cannot read."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


class Workers:
    """The workers that were forked and not waited for yet."""

    def __init__(self, work: Work, protections: sandbox.Protections) -> None:
        self._work = work
        self._protections = protections
        self._pids: set[int] = set()

    def carry_out(self, order: dict[str, Any], control: socket.socket) -> None:
        """Do what the pool says. Raises WireError when that is no order, and OSError when the pool is gone."""
        self.bury()
        match order:
            case {"do": "fork"}:
                self._answer_with_worker(control)
            case {"do": "end", "worker": int(pid)}:
                if pid in self._pids:
                    os.kill(pid, signal.SIGKILL)
            case {"do": "slow down", "worker": int(pid)}:
                if pid in self._pids:
                    nice = os.getpriority(os.PRIO_PROCESS, 0) + _NICE
                    os.setpriority(os.PRIO_PROCESS, pid, min(nice, _LARGEST_NICE))
            case _:
                raise wire.WireError("no order")

    def bury(self) -> None:
        """Wait for those that have ended, so that their processor time counts as ours (wait4(2), times(2))."""
        with contextlib.suppress(ChildProcessError):
            while pid := os.waitpid(-1, os.WNOHANG)[0]:
                self._pids.discard(pid)

    def _answer_with_worker(self, control: socket.socket) -> None:
        try:
            ours, pid = self._fork(control)
        except OSError as error:
            # This machine has no process or descriptor left: the pool asks again when it needs one.
            wire.send(control, {"error": f"no worker can be forked: {error.strerror}"})
            return
        with ours:
            wire.send(control, {"pid": pid}, (ours.fileno(),))

    def _fork(self, control: socket.socket) -> tuple[socket.socket, int]:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                pid = os.fork()
            except OSError:
                ours.close()
                raise
            if pid == 0:
                status = 1
                try:
                    die_with_parent()
                    control.close()
                    ours.close()
                    serve(theirs, self._work, self._protections)
                    status = 0
                finally:
                    os._exit(status)
        self._pids.add(pid)
        return ours, pid


if __name__ == "__main__":
    main()
