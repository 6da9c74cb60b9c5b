"""The queue agent's protocol: any line is answered, and only Holdgate's held messages are changed."""

import json
import os
import socket
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from holdgate.queue import agent
from holdgate.queue.postfix import HeldMessage, Postfix, PostfixError
from tests.fuzz.frame import Target, Try

OWN = HeldMessage("4ours", 100, 10, "a@corp.example", ["b@partner.example"])
FOREIGN = HeldMessage("4foreign", 100, 10, "a@corp.example", ["b@partner.example"])


class Queue(Postfix):
    """Two held messages, one of them Holdgate's; records every change."""

    def __init__(self) -> None:
        self.touched: list[str] = []

    def hold_directory(self) -> Path:
        return Path("/nonexistent")

    def held(self) -> list[HeldMessage]:
        return [OWN, FOREIGN]

    def show(self, queue_id: str, *, header_only: bool) -> bytes:
        header = b"X-Holdgate-Incident: A\n" if queue_id == OWN.queue_id else b"Subject: private\n"
        if not header_only:
            self.touched.append(queue_id)
        return header if header_only else header + b"\nprivate\n"

    def release(self, *queue_ids: str) -> None:
        self.touched += queue_ids

    delete = release

    def flush(self, queue_id: str) -> None:
        raise PostfixError("the mail system is down")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.sampled_from(["4ours", "4foreign", "", "ALL", "-", "../x"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["do", "queue_id", "arrival_time", "messages", "unless", "header_only"])
WORDS = st.sampled_from(["list", "show", "show", "headers", "release", "release", "delete", "delete", "LIST"])
IDS = st.sampled_from(["4ours", "4foreign", "4foreign", "ALL"])
TIMES = st.sampled_from([100, 100, 100, 101, True, None])
PAIRS = st.lists(st.tuples(IDS, TIMES).map(list), min_size=1, max_size=3)
ALMOST_VALID = st.builds(
    lambda do, pairs, more: {"do": do, "messages": pairs, "queue_id": pairs[0][0], "arrival_time": pairs[0][1], **more},
    WORDS,
    PAIRS,
    st.dictionaries(KEYS.filter(lambda key: key != "do"), VALUES, max_size=1),
)
WRONG = st.one_of(
    st.dictionaries(KEYS, VALUES, max_size=6).map(lambda request: json.dumps(request).encode()),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=300),
    st.sampled_from([b"", b"{", b"[" * 2_000, b"x" * 20_000, b'{"do": "list"}\n{"do": "list"}']),
)
# Flattened, the many wrong ones would leave few that are nearly right.
LINES = st.integers(0, 3).flatmap(
    lambda number: WRONG if not number else ALMOST_VALID.map(lambda request: json.dumps(request).encode())
)


def make() -> Try:
    queue = Queue()
    serving = agent.Agent(queue, user_ids=[os.getuid()], action_header="X-Netskope-Action")

    @given(LINES)
    def any_line(request: bytes) -> None:
        queue.touched.clear()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(request + b"\n")
            ours.shutdown(socket.SHUT_WR)
            serving._answer(theirs)
            output = ours.recv(1 << 20)
        answer = json.loads(output.split(b"\n", 1)[0])
        assert answer.get("ok") is True or isinstance(answer.get("error"), str)
        assert FOREIGN.queue_id not in queue.touched
        assert set(queue.touched) <= {OWN.queue_id}

    return any_line


TARGET = Target("agent", "the queue agent, any request", make)
