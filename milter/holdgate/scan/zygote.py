"""The zygote: one process that loads what its workers need and forks them, so that they share its memory.

Its workers either read and search, for which it loads the rules, or only read (see `scan.reading`).

The scan service forks it (see `scan.template`), or the pool starts it with exec. It is never forked from the milter,
which runs threads. The pool holds the other end of its control socket. An order on it forks a worker, and is answered
with the worker's socket; or it kills a worker, or lowers its priority. The zygote signals only children that it has not
waited for, so that their ids cannot belong to another process.
It reads no data from a sender, and has dropped files, network and privileges before it forks the first worker.
When the control socket closes or receives an invalid order, the zygote ends, and its workers with it.
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

# OCR gets the processor time that mail without images leaves, and so does a worker with lowered priority.
_NICE = 10
_LARGEST_NICE = 19
# How long the starting process may take to send the settings, in seconds.
_SETTINGS_SECONDS = 60.0


def main() -> None:
    """Serve the control socket whose descriptor is the last argument, after the directory of the site's readers."""
    keep_memory_private()
    run(socket.socket(fileno=int(sys.argv[-1])), sys.argv[-2])


def run(control: socket.socket, readers_directory: str, shared: Sequence[tuple[int, int]] | None = None) -> None:
    """Serve the control socket until it closes.

    `shared` is the memory shared with the template from which this process was forked, which has loaded everything that
    reading needs. None if there is no template.
    """
    # Linux first divides processor time among sessions, and uses nice values only within a session (sched(7),
    # autogroup). In the starter's session, all processes for small mail would wait for workers with large mail.
    with contextlib.suppress(PermissionError):  # it is already a session leader
        os.setsid()
    # The pool ends the zygote by closing the socket; the daemon handles a terminal's Ctrl-C and systemd's SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        settings, _ = wire.receive(control, timeout=_SETTINGS_SECONDS)
    except (wire.WireError, OSError):
        return
    wire.set_timeout(control, 0)
    # Loading creates hundreds of thousands of objects and drops hardly any, so collections would only take time.
    gc.disable()
    try:
        REGISTRY.add_modules(settings["readers"], readers_directory)
        if settings["ocr_languages"]:
            # Imported here because each fork would copy its libraries even if no images are read.
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
        # Objects that exist before the fork are never collected, so a worker's collection does not copy their pages.
        gc.collect()
        gc.freeze()
        gc.enable()
        memory.gather(shared or ())
        memory.release_files()
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
            return  # the pool has disconnected


class _UnusableError(Exception):
    """The rules cannot be used; the argument states why."""


def _inspecting(settings: dict[str, Any]) -> tuple[Work, list[str]]:
    """Return the work of processes that read and search, and the identifiers they know. Raises _UnusableError."""
    # Imported here because a process that only reads would copy all of it with each fork.
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
    preload()  # after the detectors are made: some of it depends on which validators they use
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
    """Discard all output of this process and its workers: libraries quote what they cannot read."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


class Workers:
    """The forked workers that have not been waited for yet."""

    def __init__(self, work: Work, protections: sandbox.Protections) -> None:
        self._work = work
        self._protections = protections
        self._pids: set[int] = set()

    def carry_out(self, order: dict[str, Any], control: socket.socket) -> None:
        """Carry out an order of the pool. Raises WireError if it is invalid, OSError if the pool has disconnected."""
        self.reap()
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

    def reap(self) -> None:
        """Wait for ended workers, so that their processor time is added to this process's (wait4(2), times(2))."""
        with contextlib.suppress(ChildProcessError):
            while pid := os.waitpid(-1, os.WNOHANG)[0]:
                self._pids.discard(pid)

    def _answer_with_worker(self, control: socket.socket) -> None:
        try:
            parent_end, pid = self._fork(control)
        except OSError as error:
            # The machine has no free process or descriptor: the pool orders again when it needs a worker.
            wire.send(control, {"error": f"no worker can be forked: {error.strerror}"})
            return
        with parent_end:
            wire.send(control, {"pid": pid}, (parent_end.fileno(),))

    def _fork(self, control: socket.socket) -> tuple[socket.socket, int]:
        parent_end, child_end = socket.socketpair()
        with child_end:
            try:
                pid = os.fork()
            except OSError:
                parent_end.close()
                raise
            if pid == 0:
                status = 1
                try:
                    die_with_parent()
                    control.close()
                    parent_end.close()
                    serve(child_end, self._work, self._protections)
                    status = 0
                finally:
                    os._exit(status)
        self._pids.add(pid)
        return parent_end, pid


if __name__ == "__main__":
    main()
