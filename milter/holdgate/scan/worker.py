"""A worker process: receives a job and the message on its socket, answers, and ends.

Its work is to read and search (`scan.inspecting`), or only to read (`scan.reading`). It accepts another job only if its
work allows it, and then it has run no parser but that of plain text: a process in which a parser of documents, images
or archives ran never serves another message.
"""

import os
import socket
from typing import Any, Protocol

from holdgate.scan import sandbox, wire

TRIAL = b"Subject: trial\r\n\r\nWords and a number, 4111 1111 1111 1112, for nobody.\r\n"
"""What a worker reads before its first message, to show that everything works in its sandbox."""


class Work(Protocol):
    """What a worker does."""

    def do(self, job: dict[str, Any], content: bytes) -> bytes:
        """Do one job and return the answer, a frame. An exception ends the worker; the pool uses another one."""

    def is_reusable(self, job: dict[str, Any]) -> bool:
        """Return whether a process that did this job can do another."""


def serve(connection: socket.socket, work: Work, protections: sandbox.Protections) -> None:
    """Confine this process and do one job, or several if they allow it, until the pool disconnects.

    `protections` are those already active in the process from which it was forked.
    """
    try:
        sandbox.confine_rest(sandbox.WorkerLimits(), protections)
    except sandbox.SandboxError as error:
        wire.send(connection, {"error": str(error)})
        return
    reusable = True
    while reusable:
        try:
            job, content, descriptors = wire.receive_job(connection, descriptors=1, limit=wire.TEXT_LIMIT)
        except (wire.WireError, OSError):
            return
        for descriptor in descriptors:
            try:
                content = _content(job, descriptor)
            finally:
                os.close(descriptor)
        reusable = work.is_reusable(job)
        wire.send_encoded(connection, work.do(job, content))


def _content(job: dict[str, Any], descriptor: int) -> bytes:
    """Return a message or, for a search, the output of the worker that read it: empty if that worker has ended."""
    if job["do"] != "search":
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    try:
        return wire.read_frame(descriptor, wire.TEXT_LIMIT)
    except (wire.WireError, OSError):
        return b""
