"""Postfix's commands: what they are asked, and that no line of a listing hides the others."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.queue.postfix import HeldMessage, Postfix

ROW = {
    "queue_name": "hold",
    "queue_id": "4a",
    "arrival_time": 100,
    "message_size": 10,
    "sender": "a@corp.example",
    "recipients": [{"address": "b@partner.example"}],
}


class Asked(Postfix):
    """Keeps what was asked, and answers `output`."""

    def __init__(self) -> None:
        super().__init__(Path("/etc/postfix"))
        self.output = b""
        self.commands: list[tuple[str, ...]] = []

    def _run(self, program: str, *arguments: str) -> bytes:
        self.commands.append((program, *arguments))
        return self.output


def test_only_the_hold_queue_is_touched_and_nothing_is_requeued() -> None:
    postfix = Asked()
    postfix.release("4aaa", "4bbb")
    postfix.flush("4aaa")
    postfix.delete("4aaa", "4bbb")
    assert postfix.commands == [
        ("postsuper", "-H", "4aaa", "-H", "4bbb"),
        ("postqueue", "-i", "4aaa"),
        ("postsuper", "-d", "4aaa", "-d", "4bbb", "hold"),
    ]


def listed(*lines: bytes) -> list[str]:
    postfix = Asked()
    postfix.output = b"\n".join(lines) + b"\n"
    return [message.queue_id for message in postfix.held()]


def row(**values: Any) -> bytes:
    return json.dumps(ROW | values).encode()


def test_a_listing_is_read() -> None:
    postfix = Asked()
    postfix.output = row() + b"\n" + row(queue_name="deferred") + b"\n" + row(sender="MAILER-DAEMON") + b"\n"
    held = HeldMessage("4a", 100, 10, "a@corp.example", ["b@partner.example"])
    assert postfix.held() == [held, HeldMessage("4a", 100, 10, "", ["b@partner.example"])]


@pytest.mark.parametrize("line", [b"", b"nonsense", b"{}", b"[]", b"null", row(recipients=[1]), row()[:-9]])
def test_a_line_that_cannot_be_read_hides_no_other(line: bytes) -> None:
    assert listed(row(queue_id="4x"), line, row(queue_id="4y")) == ["4x", "4y"]


def test_an_address_that_is_not_utf8_is_listed() -> None:
    assert listed(row(sender="X").replace(b"X", b"\xff")) == ["4a"]


@given(st.binary().map(lambda line: line.replace(b"\n", b"")))
def test_no_line_raises(line: bytes) -> None:
    assert set(listed(row(queue_id="4x"), line)) <= {"4x"}
