"""A worker process: takes jobs from its socket, reads the message from the descriptor beside, answers with findings."""

import os
import socket
from dataclasses import asdict
from typing import Any

from holdgate.scan import wire
from holdgate.scan.inspect import Inspector


def serve(connection: socket.socket, inspector: Inspector) -> None:
    """Do jobs until the pool hangs up. An exception ends the worker: the pool notices and starts another."""
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
    return inspector.inspect(data, job["name"]).to_json()
