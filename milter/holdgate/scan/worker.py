"""A worker process: takes a job and the message from its socket, answers, and ends.

What it does with a job is its work: it reads and searches (`scan.inspecting`), or only reads (`scan.reading`). It stays
for another job only where its work says so, and then has run no parser but that of plain text: a process in which a
parser of documents, pictures or archives ran never serves another message.
"""

import os
import socket
from typing import Any, Protocol

from holdgate.scan import sandbox, wire

TRIAL = b"Subject: trial\r\n\r\nWords and a number, 4111 1111 1111 1112, for nobody.\r\n"
"""What a worker reads before its first message: all that one needs works in here, and has its memory."""


class Work(Protocol):
    """What a worker does."""

    def do(self, job: dict[str, Any], content: bytes) -> bytes:
        """Do one job and return the answer, a frame. An exception ends the worker: the pool takes another."""

    def may_stay(self, job: dict[str, Any]) -> bool:
        """Say whether a process that did this job may do another."""


def serve(connection: socket.socket, work: Work, protections: sandbox.Protections) -> None:
    """Confine this process and do one job, or several of the kind that lets it stay, until the pool disconnects.

    `protections` are those that the process it was forked from has put on.
    """
    try:
        sandbox.confine_rest(sandbox.WorkerLimits(), protections)
    except sandbox.SandboxError as error:
        wire.send(connection, {"error": str(error)})
        return
    stays = True
    while stays:
        try:
            job, content, descriptors = wire.receive_job(connection, descriptors=1, limit=wire.TEXT_LIMIT)
        except (wire.WireError, OSError):
            return
        for descriptor in descriptors:
            try:
                content = _content(job, descriptor)
            finally:
                os.close(descriptor)
        stays = work.may_stay(job)
        wire.send_encoded(connection, work.do(job, content))


def _content(job: dict[str, Any], descriptor: int) -> bytes:
    """Return a message, or for a search what the worker that has read it says: nothing, when that one has ended."""
    if job["do"] != "search":
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    try:
        return wire.read_frame(descriptor, wire.TEXT_LIMIT)
    except (wire.WireError, OSError):
        return b""
