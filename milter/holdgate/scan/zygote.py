"""The zygote: one process that loads the rules and forks workers, so that they share the rules' memory.

It is started anew with exec, not forked from the gate, which runs threads. The pool holds the other end of its control
socket: each message on it asks for one worker and is answered with the worker's socket and a pidfd to kill it by.
It reads nothing that a sender wrote, and has given up files, network and privileges before it forks the first worker.
When the control socket closes, the zygote ends and takes its workers with it.
"""

import contextlib
import gc
import os
import signal
import socket
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from holdgate.daemon import die_with_parent, keep_memory_private
from holdgate.detect import Detector, RuleError
from holdgate.extract import ocr
from holdgate.extract.budget import Limits
from holdgate.extract.formats import REGISTRY
from holdgate.plugins import PluginError
from holdgate.scan import memory, sandbox, wire
from holdgate.scan.inspect import Inspector
from holdgate.scan.warm import warm
from holdgate.scan.worker import serve

# OCR may have what processor time the mail without pictures leaves.
_OCR_NICE = 10


def main() -> None:
    """Serve the control socket whose descriptor is the only argument."""
    keep_memory_private()
    control = socket.socket(fileno=int(sys.argv[1]))
    # The pool ends us by closing the socket; a terminal's Ctrl-C or systemd's SIGTERM is for the daemon to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    settings, _ = wire.receive(control)
    try:
        REGISTRY.add_modules(settings["readers"], settings["readers_directory"])
        inspector = _load(settings)
        if settings["ocr_languages"]:
            # Here and not above: its libraries would be copied with each fork where nobody reads pictures.
            from holdgate.extract.tesseract import TesseractEngine

            limits = ocr.OcrLimits(message_seconds=settings["ocr_seconds"])
            ocr.configure(TesseractEngine(settings["ocr_languages"]), limits)
            os.nice(_OCR_NICE)
        sandbox.preload()
        warm(inspector, inspector.samples)
        # What lives until the fork is never collected, so collecting in a worker does not copy these pages.
        gc.collect()
        gc.freeze()
        memory.gather()
        _discard_output()
        protections = sandbox.confine_template()
    except (PluginError, RuleError, ocr.OcrError, sandbox.SandboxError, OSError) as error:
        wire.send(control, {"error": str(error)})
        return
    wire.send(control, {"ready": os.getpid(), "identifiers": inspector.identifiers})
    while True:
        try:
            wire.receive(control)
        except (wire.WireError, OSError):
            return  # the pool has hung up
        try:
            _bury()
            _fork_worker(control, inspector, protections)
        except BrokenPipeError:
            return
        except OSError as error:
            # This machine has no process or descriptor left: the pool asks again when it needs one.
            wire.send(control, {"error": f"no worker can be forked: {error.strerror}"})


def _load(settings: dict[str, Any]) -> Inspector:
    local = settings["local_rules"]
    detector = Detector.from_rules(Path(settings["rules"]), local_dir=Path(local) if local else None)
    known = {field.name for field in fields(Limits)}
    limits = Limits(**{name: value for name, value in settings["limits"].items() if name in known})
    return Inspector(detector, settings["profiles"], limits)


def _discard_output() -> None:
    """Have all that this process and its workers print go nowhere: libraries quote what they cannot read."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _bury() -> None:
    """Wait for the workers that have ended, so that their processor time counts as ours (wait4(2), times(2))."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _fork_worker(control: socket.socket, inspector: Inspector, protections: sandbox.Protections) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                die_with_parent()
                control.close()
                ours.close()
                serve(theirs, inspector, protections)
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        # A worker that has ended already is still there to be opened: nobody has waited for it.
        pidfd = os.pidfd_open(pid)
        try:
            wire.send(control, {"pid": pid}, (ours.fileno(), pidfd))
        finally:
            os.close(pidfd)


if __name__ == "__main__":
    main()
