"""A worker process: takes jobs from its socket, reads the message from the descriptor beside, answers with findings.

Its first word on the socket is unasked: that it is confined and has inspected a text, or why it cannot.
"""

import os
import socket
from dataclasses import asdict
from typing import Any

from holdgate.scan import sandbox, wire
from holdgate.scan.inspect import Inspector
from holdgate.scan.preview import preview

_TRIAL = b"Subject: trial\r\n\r\nWords and a number, 4111 1111 1111 1112, for nobody.\r\n"


def serve(connection: socket.socket, inspector: Inspector) -> None:
    """Confine this process, say so, and do jobs until the pool hangs up.

    An exception ends the worker: the pool notices and starts another.
    """
    try:
        sandbox.confine(sandbox.WorkerLimits())
    except sandbox.SandboxError as error:
        wire.send(connection, {"error": str(error)})
        return
    # What the first message needs works in here; and the pages shared with the zygote that it would be the first to
    # write are copied.
    inspector.inspect(_TRIAL)
    wire.send(connection, {"ready": os.getpid()})
    while True:
        try:
            job, descriptors = wire.receive(connection, descriptors=1)
        except (wire.WireError, OSError):
            return
        (descriptor,) = descriptors
        try:
            data = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        finally:
            os.close(descriptor)
        wire.send(connection, _do(job, data, inspector))


def _do(job: dict[str, Any], data: bytes, inspector: Inspector) -> dict[str, Any]:
    if job["do"] == "extract":
        return asdict(inspector.extract(data, job["name"]))
    if job["do"] == "explain":
        return {"reasons": inspector.explain(data, job["name"])}
    if job["do"] == "preview":
        return preview(inspector.extract(data, None), inspector.find, job["reveal"])
    return inspector.inspect(data, job["name"], **job["words"]).to_json()
