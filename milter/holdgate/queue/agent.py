"""The queue agent: the only operations that run as root, offered to the other processes over a unix socket.

One request per connection. A request is one line of JSON:

- ``{"do": "list"}`` lists the queue with Postfix. With ``"unless": STAMP`` that is done only if necessary, and the
  answer is ``"unchanged"`` while the queue is the same as when the agent returned that stamp. With
  ``"since": VERSION`` the answer contains only the messages that arrived since the answer with that version, and the
  queue ids of those that are no longer held;
- ``{"do": "wait", "unless": STAMP, "seconds": …}`` is answered as soon as the queue is no longer as it was with that
  stamp, or after that time: ``"changed"`` says which;
- ``{"do": "show", "queue_id": …, "arrival_time": …}``, with ``"header_only"``, or ``"envelope"`` for that instead;
- ``{"do": "headers" | "release" | "delete", "messages": [[queue_id, arrival_time], …]}``: the agent checks by the files
  whether each message is held, before the operation and after a removal; it lists the queue for unknown ones.

The answer is one line of JSON, ``{"ok": true, …}`` or ``{"error": …}``, followed by ``"size"`` bytes. For several
messages it has ``"outcomes"``, one for each in their order.

A few threads accept connections, so that a slow peer delays no other. Operations are carried out one after the other:
if two peers remove the same message, the second finds it removed.

The agent acts only on a message that is in the hold queue, has the given arrival time, and is Holdgate's: it carries
Holdgate's mark, or never passed through the milter and the settings have such mail adopted. So a compromised
unprivileged daemon cannot read or delete other mail. The desk can only list and show; the milter can request nothing.
"""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Collection
from typing import Any

from holdgate import headers, maillog
from holdgate.phrases import failure_of
from holdgate.queue.holdqueue import HoldQueue, Key
from holdgate.queue.postfix import HeldMessage, Postfix, PostfixError
from holdgate.sockets import claim, listen, peer_user
from holdgate.watch import Watch

__all__ = ["BATCH", "LONGEST_WAIT", "PLACES", "Agent", "Key", "RefusedError", "claim", "listen", "read_request"]

_REQUEST_LIMIT = 16384
_READING = ("list", "show")

# How many messages one request can name.
BATCH = 100

# How many slow peers are served at once, and the time limit for a request and for its answer, in seconds.
PLACES = 8

LONGEST_WAIT = 30.0
"""How long a request may wait for a change, in seconds."""

# How many requests may wait at once. They take none of the places.
_WAITING = 2
_REQUEST_TIMEOUT = 5
_SEND_TIMEOUT = 60


class RefusedError(Exception):
    """The agent does not carry out a request; the argument states why."""


class Agent:
    """Serves all requests from root and from the users in `user_ids`; from those in `reader_ids`, only reads."""

    def __init__(
        self,
        postfix: Postfix,
        *,
        user_ids: Collection[int],
        reader_ids: Collection[int] = (),
        action_header: str,
        adopt_uninspected: bool = False,
    ) -> None:
        self._postfix = postfix
        self._queue = HoldQueue(postfix)
        self._user_ids = frozenset(user_ids) | {0}
        self._reader_ids = frozenset(reader_ids)
        self._mark = _any_of(headers.INCIDENT, headers.REPLACES, action_header)
        self._inspected = _any_of(headers.STATUS)
        self._adopt_uninspected = adopt_uninspected
        self._acting = threading.Lock()
        self._waiting = threading.Semaphore(_WAITING)

    def serve(self, listener: socket.socket) -> None:
        """Start answering requests, in threads that end when the listener is shut down."""
        for _ in range(PLACES + _WAITING):
            threading.Thread(target=self._accept, args=[listener], daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self._answer(connection)
                except OSError:
                    continue  # the peer has disconnected, and will retry
                except Exception as error:  # one bad request must not end the service
                    maillog.failed(stage="request", error=maillog.describe(error))

    def _answer(self, connection: socket.socket) -> None:
        content = b""
        try:
            # Read before refusing: a peer that is still writing would not see the reason.
            request = read_request(connection, _REQUEST_TIMEOUT)
            self._check_peer(connection, request)
            if request.get("do") == "wait":
                answer = self._wait(request.get("unless"), request.get("seconds"))
            else:
                with self._acting:
                    answer, content = self._carry_out(request)
        except RefusedError as error:
            answer = {"error": str(error)}
        except PostfixError as error:
            answer = {"error": str(error)}
            maillog.failed(stage="postfix", error=str(error))
        connection.settimeout(_SEND_TIMEOUT)
        connection.sendall(json.dumps(answer).encode() + b"\n" + content)

    def _check_peer(self, connection: socket.socket, request: dict[str, Any]) -> None:
        user_id = peer_user(connection)
        reads = user_id in self._reader_ids and request.get("do") in _READING
        if user_id not in self._user_ids and not reads:
            raise RefusedError("not allowed")

    def _carry_out(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        match request.get("do"):
            case "list":
                return self._list(request.get("unless"), request.get("since")), b""
            case "show":
                return self._show(request)
            case "headers":
                return self._headers(_named(request))
            case "release":
                return self._act(_named(request), "release"), b""
            case "delete":
                return self._act(_named(request), "delete"), b""
        raise RefusedError("no such request")

    def _list(self, unless: object, since: object) -> dict[str, Any]:
        if unless and unless == self._queue.stamp():
            return {"ok": True, "unchanged": True}
        messages, stamp = self._queue.messages(fresh=unless is None)
        answer = {"ok": True, "stamp": stamp, "version": self._queue.versions.newest()}
        changes = self._queue.changes_since(since)
        if changes is not None:
            messages, answer["gone"] = changes
        return answer | {"held": [message.to_json() for message in messages]}

    def _wait(self, unless: object, seconds: object) -> dict[str, Any]:
        """Answer when the queue is no longer as it was with the stamp `unless`, or after some seconds.

        Meanwhile others are served. Raises RefusedError.
        """
        if not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST_WAIT or not self._waiting.acquire(False):
            raise RefusedError(f"seconds: 0 to {LONGEST_WAIT:.0f}, and {_WAITING} requests at a time")
        deadline = time.monotonic() + seconds
        try:
            with self._acting:
                directories = self._queue.directories()
            with Watch(*directories) as watch:
                while True:
                    with self._acting:
                        changed = self._queue.stamp() != unless
                    left = deadline - time.monotonic()
                    if changed or left <= 0:
                        return {"ok": True, "changed": changed}
                    watch.wait(left)
        except OSError as error:
            raise RefusedError(f"the hold queue cannot be watched: {failure_of(error)}") from error
        finally:
            self._waiting.release()

    def _show(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        (key,) = _keys([[request.get("queue_id"), request.get("arrival_time")]])
        held = self._queue.among([key])
        content = self._look(key, held, header_only=True)
        if content is not None:
            self._require_managed(content)
        if content is not None and request.get("header_only") is not True:
            wanted = self._postfix.envelope if request.get("envelope") is True else None
            content = self._look(key, held, header_only=False, show=wanted)
            if not self._queue.among([key]):
                content = None  # postcat(1) looks into every queue: the message was released meanwhile
        if content is None:
            return {"ok": True, "gone": True}, b""
        return {"ok": True, "size": len(content)}, content

    def _headers(self, keys: list[Key]) -> tuple[dict[str, Any], bytes]:
        held = self._queue.among(keys)
        outcomes: list[dict[str, Any]] = []
        contents: list[bytes] = []
        for key in keys:
            try:
                content = self._look(key, held, header_only=True)
            except PostfixError as error:
                outcomes.append({"error": str(error)})
                continue
            outcomes.append({"gone": True} if content is None else {"size": len(content)})
            contents.append(content or b"")
        return {"ok": True, "outcomes": outcomes, "size": sum(map(len, contents))}, b"".join(contents)

    def _look(
        self,
        key: Key,
        held: dict[Key, HeldMessage],
        *,
        header_only: bool,
        show: Callable[[str], bytes] | None = None,
    ) -> bytes | None:
        """Return a message or its header, or the result of `show` for it; None if it is no longer held.

        Raises PostfixError.
        """
        if key not in held:
            return None
        try:
            queue_id = held[key].queue_id
            return self._postfix.show(queue_id, header_only=header_only) if show is None else show(queue_id)
        except PostfixError:
            if not self._queue.among([key]):
                return None
            raise

    def _act(self, keys: list[Key], do: str) -> dict[str, Any]:
        """Release or delete those messages that may be; report for each whether it is removed, and by whom.

        A message is reported as removed only when this would survive a power failure.
        """
        held = self._queue.among(keys)
        outcomes: dict[Key, dict[str, Any]] = {key: {"gone": True} for key in keys}
        wanted = [key for key in outcomes if key in held]
        for key in wanted[:]:
            try:
                self._require_managed(self._postfix.show(held[key].queue_id, header_only=True))
            except (PostfixError, RefusedError) as error:
                outcomes[key] = {"error": str(error)}
                wanted.remove(key)
        if wanted:
            output = self._command(do, [held[key].queue_id for key in wanted])
            after = self._queue.among(wanted)
            for key in wanted:
                still = f"{held[key].queue_id} is still in the hold queue after {do}{output}"
                outcomes[key] = {"error": still} if key in after else {}
        try:
            self._queue.sync()
        except OSError as error:
            failed = {"error": f"the hold queue cannot be written to disk: {failure_of(error)}"}
            return {"ok": True, "outcomes": [outcomes[key] if "error" in outcomes[key] else failed for key in keys]}
        return {"ok": True, "outcomes": [outcomes[key] for key in keys]}

    def _command(self, do: str, queue_ids: list[str]) -> str:
        """Run Postfix's command for some messages, and return its error output, "" if there is none.

        A new listing shows what it did in spite of errors. A released message that cannot be flushed is sent with the
        next queue run.
        """
        try:
            if do == "delete":
                self._postfix.delete(*queue_ids)
                return ""
            self._postfix.release(*queue_ids)
        except PostfixError as error:
            maillog.failed(stage="postfix", error=str(error))
            return f": {error}"
        for queue_id in queue_ids:
            try:
                self._postfix.flush(queue_id)
            except PostfixError as error:
                maillog.failed(stage="postfix", error=str(error))
        return ""

    def _require_managed(self, header: bytes) -> None:
        adopted = self._adopt_uninspected and self._inspected.search(header) is None
        if not adopted and self._mark.search(header) is None:
            raise RefusedError("the message does not carry our mark")


def _named(request: dict[str, Any]) -> list[Key]:
    """Return the keys of the messages that a request names. Raises RefusedError."""
    named = request.get("messages")
    if not isinstance(named, list) or len(named) > BATCH:
        raise RefusedError(f"messages: a list of {BATCH} at most")
    return _keys(named)


def _keys(named: list[Any]) -> list[Key]:
    keys = [(one[0], one[1]) for one in named if isinstance(one, list) and len(one) == 2]
    if len(keys) != len(named) or not all(isinstance(key[0], str) and isinstance(key[1], int) for key in keys):
        raise RefusedError("messages: pairs of queue id and time of arrival")
    return keys


def _any_of(*names: str) -> re.Pattern[bytes]:
    """Return a pattern that finds a field with one of these names in a header."""
    return re.compile(rf"^(?:{'|'.join(map(re.escape, names))})[ \t]*:".encode(), re.IGNORECASE | re.MULTILINE)


def read_request(connection: socket.socket, seconds: float) -> dict[str, Any]:
    """Return the request that a peer sends within `seconds`. Raises RefusedError, and OSError after a time-out."""
    line = b""
    deadline = time.monotonic() + seconds
    while not line.endswith(b"\n"):
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        received = connection.recv(_REQUEST_LIMIT)
        line += received
        if not received or len(line) > _REQUEST_LIMIT:
            raise RefusedError("a request is one line of JSON")
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RefusedError("a request is one line of JSON") from error
    if not isinstance(request, dict):
        raise RefusedError("a request is one JSON object")
    return request
