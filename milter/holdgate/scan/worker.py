"""A worker process: takes a job and the message from its socket, answers with findings, and ends.

It stays for another only where a job says so, and then has read nothing but plain text: a process in which a parser of
documents, pictures or archives ran never serves another message.
"""

import json
import os
import socket
from dataclasses import asdict
from typing import Any

from holdgate.extract.part import Extraction, Part
from holdgate.scan import answer, sandbox, wire
from holdgate.scan.inspect import Inspector
from holdgate.scan.letter import read_letter
from holdgate.scan.preview import preview

_TRIAL = b"Subject: trial\r\n\r\nWords and a number, 4111 1111 1111 1112, for nobody.\r\n"
# Of a message's text, `holdgate extract` is given at most so many characters: more does not fit into its answer.
_TEXT = 10_000_000
_CUT = "too much text to print"

BEYOND = b'{"beyond":true}'
"""The answer of a worker that reads plain text only about a message that is more than that."""


def serve(connection: socket.socket, inspector: Inspector, protections: sandbox.Protections) -> None:
    """Confine this process and do one job, or several of the kind that lets it stay, until the pool disconnects.

    `protections` are those that the process it was forked from has put on. An exception ends the worker: the pool
    notices and takes another.
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
                content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
            finally:
                os.close(descriptor)
        stays = job["do"] in ("trial", "inspect plain")
        wire.send_encoded(connection, _do(job, content, inspector))


def _do(job: dict[str, Any], data: bytes, inspector: Inspector) -> bytes:
    match job["do"]:
        case "trial":
            # What a message needs works in here; and the pages shared with the zygote that the first message would be
            # the first to write are copied.
            inspector.inspect_plain(_TRIAL)
            return b"{}"
        case "inspect plain":
            found = inspector.inspect_plain(data, **job["words"])
            return BEYOND if found is None else answer.encode(found)
        case "extract":
            return _encoded(asdict(_cut(inspector.extract(data, job["name"]))))
        case "explain":
            return _encoded(inspector.explain(data, job["name"]))
        case "letter":
            return _encoded(read_letter(data))
        case "preview":
            return _encoded(preview(inspector.extract(data, None), inspector.find, job["reveal"]))
    return answer.encode(inspector.inspect(data, job["name"], **job["words"]))


def _cut(extraction: Extraction) -> Extraction:
    """Leave as much text as can be answered with, and say of a part that is cut that it is."""
    left = _TEXT
    for part in extraction.parts:
        if len(part.text) > left:
            _cut_part(part, left)
        left -= len(part.text)
    return extraction


def _cut_part(part: Part, length: int) -> None:
    part.text = part.text[:length]
    part.places = [place for place in part.places if place[0] < length]
    part.reason = f"{part.reason}; {_CUT}" if part.reason else _CUT


def _encoded(values: Any) -> bytes:
    """Return plain values as JSON in UTF-8; half a surrogate pair, which a text may hold, is replaced."""
    return json.dumps(values, ensure_ascii=False).encode("utf-8", "replace")
