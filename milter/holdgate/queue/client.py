"""Asks the queue agent: the way in which the unprivileged daemons and the command line reach the hold queue."""

import json
import socket
from pathlib import Path
from typing import Any

from holdgate.queue.postfix import HeldMessage

_TIMEOUT = 180


class QueueError(Exception):
    """The queue agent cannot be reached or could not do what was asked; nothing was changed that it did not say."""


class QueueClient:
    """Talks to the agent on the unix socket at `path`; every method raises QueueError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def held(self) -> list[HeldMessage]:
        """List the hold queue."""
        answer, _ = self._ask({"do": "list"})
        return [HeldMessage(**message) for message in answer["held"]]

    def show(self, queue_id: str, arrival_time: int, *, header_only: bool = False) -> bytes | None:
        """Return a held message (or its header alone) with LF line ends; None when it is not held any more."""
        request = {"do": "show", "queue_id": queue_id, "arrival_time": arrival_time, "header_only": header_only}
        answer, content = self._ask(request)
        return None if answer.get("gone") else content

    def release(self, queue_id: str, arrival_time: int) -> bool:
        """Release a held message; False when it was not held any more."""
        answer, _ = self._ask({"do": "release", "queue_id": queue_id, "arrival_time": arrival_time})
        return not answer.get("gone", False)

    def delete(self, queue_id: str, arrival_time: int) -> bool:
        """Delete a held message; False when it was not held any more."""
        answer, _ = self._ask({"do": "delete", "queue_id": queue_id, "arrival_time": arrival_time})
        return not answer.get("gone", False)

    def _ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(_TIMEOUT)
                connection.connect(str(self._path))
                connection.sendall(json.dumps(request).encode() + b"\n")
                with connection.makefile("rb") as stream:
                    answer = json.loads(stream.readline())
                    content = stream.read(answer.get("size", 0))
        except (OSError, ValueError) as error:
            raise QueueError(f"{self._path}: the queue agent does not answer: {error}") from error
        if not answer.get("ok"):
            raise QueueError(answer.get("error", "no answer"))
        if len(content) != answer.get("size", 0):
            raise QueueError(f"{self._path}: the answer was cut short")
        return answer, content
