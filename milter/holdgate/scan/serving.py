"""The second stage of `holdgate-scan`, after it has read its settings: it serves the socket and forks zygotes.

`scan.main` replaces itself by it with exec, and passes what it needs as an argument (see `scan.reexec`).
"""

import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

from holdgate import daemon, maillog
from holdgate.phrases import failure_of
from holdgate.scan.reexec import ServerArguments
from holdgate.scan.sandbox import SandboxError
from holdgate.scan.service import ScanService
from holdgate.scan.template import Template


def main() -> None:
    """Serve until SIGTERM."""
    daemon.keep_memory_private()
    serving = ServerArguments(**json.loads(sys.argv[1]))
    maillog.configure(serving.program, daemon=True, verbose=serving.verbose)
    for descriptor in (serving.listener, serving.lock):
        os.set_inheritable(descriptor, False)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    listener = socket.socket(fileno=serving.listener)
    try:
        template = Template(Path(serving.readers_directory))
    except (SandboxError, OSError) as error:
        maillog.failed(stage="zygote", error=failure_of(error))
        sys.exit(daemon.EX_OSERR)
    service = ScanService(listener, user_ids=serving.user_ids, start=template.fork)
    maillog.started(socket=serving.path)
    daemon.notify("READY=1")
    try:
        service.serve()
    finally:
        with contextlib.suppress(OSError):  # a socket in root's directory remains; the next start removes it
            Path(serving.path).unlink()
        os.close(serving.lock)
        maillog.stopped()


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
