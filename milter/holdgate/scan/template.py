"""The template: loads once what all zygotes of the scan service need; the service forks them from it.

The parsers use much of a zygote's memory, and the milter alone has two zygotes. Forked from one process, they share it.
The service can fork because it has one thread. It has read no message and no settings (see `scan.reexec`): its
memory contains nothing that a zygote or a worker must not have.
"""

import contextlib
import gc
import logging
import os
import resource
import signal
import socket
import traceback
from pathlib import Path

from holdgate.daemon import die_with_parent
from holdgate.extract.budget import Limits
from holdgate.scan import memory, sandbox, zygote
from holdgate.scan.reading import ReadingOnly
from holdgate.scan.warm import warm_reading

_ENDING = {signal.SIGTERM, signal.SIGINT}


class Template:
    """Forks zygotes. `readers_directory` has the site's readers. Raises SandboxError if loading fails."""

    def __init__(self, readers_directory: Path) -> None:
        self._readers_directory = readers_directory
        gc.disable()  # as in a zygote that loads rules
        sandbox.preload()
        warm_reading(ReadingOnly(Limits()))
        # Objects that exist before the fork are never collected, so a zygote's collection does not copy their pages.
        gc.collect()
        gc.freeze()
        gc.enable()
        memory.gather()
        self._shared = memory.private()
        memory.release_files()

    def fork(self, control: socket.socket) -> int:
        """Fork a zygote whose control socket is `control`, and return its process id. Raises OSError."""
        parent = os.getpid()
        # A signal that ends the service must not run the service's handler in the zygote, which is a copy of it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            pid = os.fork()
            if pid == 0:
                self._run_zygote(control, parent)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return pid

    def _run_zygote(self, control: socket.socket, parent: int) -> None:
        """Run as a zygote until the control socket closes, sharing only the service's memory. Never returns."""
        status = 1
        try:
            for ending in _ENDING:
                signal.signal(ending, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
            die_with_parent()
            if os.getppid() == parent:
                logging.getLogger().handlers.clear()  # a handler would open its socket again
                _close_all_but(control.fileno())
                zygote.run(control, str(self._readers_directory), self._shared)
                status = 0
        except BaseException:
            with contextlib.suppress(OSError):
                os.write(2, traceback.format_exc().encode(errors="replace"))
        finally:
            os._exit(status)


def _close_all_but(kept: int) -> None:
    """Close all descriptors but one and standard input, output and error."""
    highest = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    os.closerange(3, kept)
    os.closerange(kept + 1, highest)
