"""The client of the queue agent, by which unprivileged daemons and the command line access the hold queue."""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdgate.phrases import reason_of
from holdgate.queue.postfix import HeldMessage

_TIMEOUT = 180

AT_TERMINAL = 30.0
"""The same for a person who waits: time for a long hold queue, in seconds."""


class QueueError(Exception):
    """The agent cannot be reached or could not carry out a request; only reported changes were made."""


class UnreachableError(QueueError):
    """The agent cannot be reached, or Postfix does not answer it: no message is the cause."""


# The key of a message: its queue id, and its arrival time in seconds since the epoch.
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Listing:
    """The held messages, with a stamp and a version for the next call.

    If `gone` is None, `messages` are all held messages. Otherwise they arrived since the version of the call, and the
    messages with the queue ids `gone` are no longer held.
    """

    messages: list[HeldMessage]
    gone: list[str] | None
    stamp: str
    version: str


class HeldReader:
    """Reads held messages by `_ask`, which queries a queue agent: the local one, or that of another node.

    Every method raises QueueError.
    """

    def show(self, queue_id: str, arrival_time: int, *, header_only: bool = False) -> bytes | None:
        """Return a held message (or only its header) with LF line ends, or None if it is no longer held."""
        request = {"do": "show", "queue_id": queue_id, "arrival_time": arrival_time, "header_only": header_only}
        answer, content = self._ask(request)
        return None if answer.get("gone") else content

    def envelope(self, queue_id: str, arrival_time: int) -> bytes | None:
        """Return a held message's envelope as postcat(1) prints it, or None if it is no longer held."""
        request = {"do": "show", "queue_id": queue_id, "arrival_time": arrival_time, "envelope": True}
        answer, content = self._ask(request)
        return None if answer.get("gone") else content

    def _ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Return the answer to a request, and the bytes that follow it. Raises QueueError."""
        raise NotImplementedError


class QueueClient(HeldReader):
    """Uses the agent on the unix socket at `path`. Every method raises QueueError.

    `timeout` is the limit for each step of an answer, in seconds: the agent needs a while for a batch.
    """

    def __init__(self, path: Path, *, timeout: float = _TIMEOUT) -> None:
        self._path = path
        self._timeout = timeout

    def held(self) -> list[HeldMessage]:
        """List the hold queue."""
        answer, _ = self._ask({"do": "list"})
        return [HeldMessage(**message) for message in answer["held"]]

    def held_unless(self, stamp: str | None, version: str = "") -> Listing | None:
        """List the changes of the hold queue since a `version`; return None if it is unchanged since this `stamp`.

        The stamp of the answer is "" while the queue changes. With None Postfix lists the queue, even if the agent has
        a listing. If the agent does not know the version, such as "", it lists all messages.
        """
        request = {"do": "list", "since": version}
        answer, _ = self._ask(request if stamp is None else request | {"unless": stamp})
        if answer.get("unchanged"):
            return None
        messages = [HeldMessage(**message) for message in answer["held"]]
        return Listing(messages, answer.get("gone"), answer["stamp"], answer["version"])

    def wait(self, stamp: str, seconds: float) -> bool:
        """Wait until the hold queue is no longer as it was with a `stamp`; return whether it changed within `seconds`.

        No more than `agent.LONGEST_WAIT`, and less than the timeout.
        """
        answer, _ = self._ask({"do": "wait", "unless": stamp, "seconds": seconds})
        return bool(answer.get("changed"))

    def headers(self, keys: list[Key]) -> list[bytes | QueueError | None]:
        """Return the header of each held message, None if it is no longer held, or the error that occurred.

        Like `release_all` and `delete_all`, it accepts at most `agent.BATCH` messages.
        """
        outcomes, content = self._ask_for("headers", keys)
        found: list[bytes | QueueError | None] = []
        for outcome in outcomes:
            size = outcome.get("size", 0)
            found.append(_error(outcome) or (None if outcome.get("gone") else content[:size]))
            content = content[size:]
        return found

    def release_all(self, keys: list[Key]) -> list[bool | QueueError]:
        """Release held messages. Return for each: True, False if it is no longer held, or the error."""
        return [_error(outcome) or not outcome.get("gone") for outcome in self._ask_for("release", keys)[0]]

    def delete_all(self, keys: list[Key]) -> list[bool | QueueError]:
        """Delete held messages; the result is as in `release_all`."""
        return [_error(outcome) or not outcome.get("gone") for outcome in self._ask_for("delete", keys)[0]]

    def release(self, queue_id: str, arrival_time: int) -> bool:
        """Release a held message; return False if it is no longer held."""
        return _only(self.release_all([(queue_id, arrival_time)]))

    def delete(self, queue_id: str, arrival_time: int) -> bool:
        """Delete a held message; return False if it is no longer held."""
        return _only(self.delete_all([(queue_id, arrival_time)]))

    def _ask_for(self, do: str, keys: list[Key]) -> tuple[list[dict[str, Any]], bytes]:
        try:
            answer, content = self._ask({"do": do, "messages": keys})
        except UnreachableError:
            raise
        except QueueError as error:  # not about a single message
            raise UnreachableError(str(error)) from error
        outcomes = answer.get("outcomes", [])
        if len(outcomes) != len(keys):
            raise UnreachableError(f"{self._path}: the answer names other messages")
        return outcomes, content

    def _ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(self._timeout)
                connection.connect(str(self._path))
                connection.sendall(json.dumps(request).encode() + b"\n")
                with connection.makefile("rb") as stream:
                    answer = json.loads(stream.readline())
                    content = stream.read(answer.get("size", 0))
        except (OSError, ValueError) as error:
            raise UnreachableError(f"{self._path}: the queue agent does not answer: {reason_of(error)}") from error
        if not answer.get("ok"):
            raise QueueError(answer.get("error", "no answer"))
        if len(content) != answer.get("size", 0):
            raise UnreachableError(f"{self._path}: the answer was cut short")
        return answer, content


def _error(outcome: dict[str, Any]) -> QueueError | None:
    return QueueError(outcome["error"]) if "error" in outcome else None


def _only(outcomes: list[bool | QueueError]) -> bool:
    (outcome,) = outcomes
    if isinstance(outcome, QueueError):
        raise outcome
    return outcome
