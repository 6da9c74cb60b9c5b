"""The protocol between nodes: any request returns at most one message, and any answer is read or refused."""

import json
import socket
import ssl
import time
from pathlib import Path
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from holdgate.queue import remote
from holdgate.queue.agent import RefusedError
from holdgate.queue.client import QueueClient
from holdgate.queue.listener import NodeListener
from holdgate.queue.mutual import NodeCertificate
from tests.fuzz.agent import VALUES
from tests.fuzz.frame import Target, Try

_FILE = Path("/nonexistent")
_FILES = NodeCertificate(_FILE, _FILE, _FILE, lambda _: False)
KEYS = st.sampled_from(["do", "queue_id", "arrival_time", "header_only", "envelope", "messages"])
REQUESTS = st.one_of(
    st.dictionaries(KEYS, VALUES, max_size=6),
    st.builds(
        lambda more: {"do": "show", "queue_id": "4ours", "arrival_time": 100, **more},
        st.dictionaries(KEYS, VALUES, max_size=1),
    ),
)
SIZES = st.one_of(st.integers(-5, 20), st.sampled_from([True, None, 2**40, 1.5, "5"]))
ANSWERS = st.one_of(
    st.binary(max_size=100),
    st.builds(
        lambda size, content: json.dumps({"ok": True, "size": size}).encode() + b"\n" + content,
        SIZES,
        st.binary(max_size=20),
    ),
    VALUES.map(lambda value: json.dumps(value).encode() + b"\n"),
    st.sampled_from([b"[" * 5_000 + b"\n", b"{" + b" " * 90_000 + b"}\n", b"x" * 90_000]),
)


class Local(QueueClient):
    """The local agent: records its requests."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def _ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        self.asked.append(request)
        return {"ok": True, "size": 4}, b"text"


def make() -> Try:
    local = Local()
    serving = NodeListener(_FILES, local)

    @given(REQUESTS, ANSWERS)
    def any_word(request: dict[str, Any], answer: bytes) -> None:
        local.asked.clear()
        try:
            _, content = serving._carry_out(request, "mx1.corp.example")
        except RefusedError:
            assert local.asked == []
        else:
            assert content == b"text"
            (asked,) = local.asked
            assert asked["do"] == "show"
            assert asked["queue_id"] == request["queue_id"]
            assert isinstance(asked["queue_id"], str)
            assert type(asked["arrival_time"]) is int
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(answer)
            theirs.shutdown(socket.SHUT_WR)
            try:
                found, content = remote._read(cast("ssl.SSLSocket", ours), time.monotonic() + 10)
            except (ValueError, RecursionError):
                return
        assert len(content) == found.get("size", 0)
        assert answer.endswith(content)

    return any_word


TARGET = Target("nodes", "what nodes say to each other, any request and answer", make)
