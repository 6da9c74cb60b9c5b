"""How a copy is submitted: the dialogue with the listener, the content of DATA, and which paths are not simple."""

import os
import smtplib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdgate.envelope import Envelope
from holdgate.gate import submit
from holdgate.gate.submit import Commands, Copy, SubmitError, submit_copy

ENVELOPE = Envelope(sender="anna@corp.example", client_name="[192.0.2.7]", client_address="192.0.2.7", auth_user="a+b")
EHLO = b"250-mail\r\n250-XCLIENT NAME ADDR LOGIN\r\n250 SMTPUTF8\r\n"
REPLIES = [b"220 mail\r\n", EHLO, b"220 again\r\n", EHLO, b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"]
Listen = Callable[[list[bytes]], tuple[Path, list[bytes]]]


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Listen]:
    """Return a function that answers one connection with given replies, then with none; it records the input."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket"))
    server.listen()
    received: list[bytes] = []

    def serve(replies: list[bytes]) -> None:
        connection, _ = server.accept()
        with connection, connection.makefile("rb") as lines, suppress(ConnectionError):  # who hung up
            connection.sendall(replies[0])
            for reply in replies[1:]:
                received.append(lines.readline())
                connection.sendall(reply)
            while line := lines.readline():
                received.append(line)
                if line == b".\r\n" and replies[-1].startswith(b"354"):
                    connection.sendall(b"250 2.0.0 Ok: queued as 4abCD\r\n")

    def start(replies: list[bytes]) -> tuple[Path, list[bytes]]:
        threading.Thread(target=serve, args=[replies], daemon=True).start()
        return tmp_path / "socket", received

    yield start
    server.close()


def copy_of(content: bytes | int, commands: Commands | None = None, *, header_only: bool = False) -> Copy:
    fields = [("X-Holdgate-Incident", "7K3M-Q9TX-2ABC")]
    return Copy(ENVELOPE, ["bob@partner.example"], commands or Commands(), fields, content, header_only=header_only)


def test_a_copy_has_the_client_and_the_parameters_of_its_message(listen: Listen) -> None:
    commands = Commands()
    commands.set_mail(["SIZE=77", "BODY=8BITMIME", "SMTPUTF8", "RET=FULL", "ENVID=e+2B1", "AUTH=<>"])
    commands.add_rcpt("<bob@partner.example>", "bob@partner.example", ["NOTIFY=NEVER", "ORCPT=rfc822;b", "X=1"])
    place, received = listen(REPLIES)
    assert submit_copy(copy_of(b"Subject: x\r\n\r\n.dot\r\n", commands), place) == "4abCD"
    assert received == [
        b"ehlo localhost\r\n",
        b"XCLIENT NAME=[UNAVAILABLE] ADDR=192.0.2.7 LOGIN=a+2Bb\r\n",
        b"ehlo localhost\r\n",
        b"MAIL FROM:<anna@corp.example> BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=e+2B1\r\n",
        b"RCPT TO:<bob@partner.example> NOTIFY=NEVER ORCPT=rfc822;b\r\n",
        b"DATA\r\n",
        b"X-Holdgate-Incident: 7K3M-Q9TX-2ABC\r\n",
        b"Subject: x\r\n",
        b"\r\n",
        b"..dot\r\n",
        b".\r\n",
    ]


def test_a_copy_whose_bounce_must_not_carry_content_has_ret_hdrs(listen: Listen) -> None:
    commands = Commands(mail=("RET=FULL",))
    place, received = listen(REPLIES)
    submit_copy(copy_of(b"\r\n", commands, header_only=True), place)
    assert received[3] == b"MAIL FROM:<anna@corp.example> RET=HDRS\r\n"


def test_commands_are_sent_together_if_the_listener_offers_pipelining(tmp_path: Path) -> None:
    """It reads all of them before it answers, and the concurrent work is done before it has the content."""
    group, done = b"", []
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket"))
    server.listen()

    def serve() -> None:
        nonlocal group
        connection, _ = server.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 mail\r\n")
            lines.readline()
            connection.sendall(b"250-mail\r\n250 PIPELINING\r\n")
            while not group.endswith(b"DATA\r\n"):
                group += lines.readline()
            connection.sendall(b"250 ok\r\n250 ok\r\n354 go\r\n")
            while lines.readline() != b".\r\n":
                done.append("content")
            connection.sendall(b"250 2.0.0 Ok: queued as 4abCD\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert submit_copy(copy_of(b"\r\nx\r\n"), tmp_path / "socket", lambda: done.append("meanwhile")) == "4abCD"
    thread.join(10)
    server.close()
    assert group == b"MAIL FROM:<anna@corp.example>\r\nRCPT TO:<bob@partner.example>\r\nDATA\r\n"
    assert done[0] == "meanwhile"
    assert done.count("meanwhile") == 1


def test_a_failure_during_the_submission_leaves_no_copy(listen: Listen) -> None:
    def fails() -> None:
        raise RuntimeError("store")

    place, received = listen(REPLIES)
    with pytest.raises(RuntimeError, match="store"):
        submit_copy(copy_of(b"\r\n"), place, fails)
    assert b".\r\n" not in received


@given(st.lists(st.integers(), max_size=9), st.integers(1, 4))
def test_pipelined_groups_have_all_steps_in_order(numbers: list[int], size: int) -> None:
    steps = [("RCPT", str(number), 250) for number in numbers]
    groups = list(submit._groups(steps, size))
    assert [step for group in groups for step in group] == steps
    assert all(1 <= len(group) <= size for group in groups)


@pytest.mark.parametrize("step", range(len(REPLIES)))
def test_a_refusal_at_any_step_is_an_error(listen: Listen, step: int) -> None:
    place, _ = listen([*REPLIES[:step], b"451 4.3.0 not now\r\n"])
    with pytest.raises(SubmitError, match="451"):
        submit_copy(copy_of(b"\r\n"), place)


@pytest.mark.parametrize("step", range(1, len(REPLIES)))
def test_a_silent_listener_causes_a_time_out(listen: Listen, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    monkeypatch.setattr(submit, "TIME_LIMIT", 0.3)
    place, _ = listen(REPLIES[:step])
    with pytest.raises(SubmitError, match=r"^\S.*: (timed out|not done within 0 s)$"):
        submit_copy(copy_of(b"\r\n"), place)


def test_a_missing_listener_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SubmitError, match=r"^connection to \S+/none: No such file or directory$"):
        submit_copy(copy_of(b""), tmp_path / "none")


@example([b"a\r\n.\r"])
@example([b"a\r\n", b".\r", b"\n"])
@example([b"a\r", b"\n.b\r\n"])
@given(st.lists(st.sampled_from([b".", b"\r\n", b"\r", b"\n", b"a", b".\r\n", b"..", b"\r\n.\r\n", b""]), max_size=9))
def test_content_is_unchanged_after_dot_stuffing_is_undone(pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    sent = b"".join(submit._stuffed(pieces))
    assert sent.endswith(b".\r\n")
    body = sent.removesuffix(b".\r\n")
    assert body == b"" or body.endswith(b"\n")
    lines = [line.removeprefix(b".") for line in body.split(b"\n")]
    assert b"\n".join(lines) in (content, content + b"\r\n")
    assert not any(line.startswith(b".") and not line.startswith(b"..") for line in body.split(b"\n"))


def test_a_spool_on_disk_is_read_from_its_beginning(tmp_path: Path) -> None:
    content = b"x" * 200_000
    (tmp_path / "spool").write_bytes(content)
    descriptor = os.open(tmp_path / "spool", os.O_RDONLY)
    os.lseek(descriptor, 0, os.SEEK_END)
    assert b"".join(submit._content(copy_of(descriptor))).endswith(content)
    os.close(descriptor)


@pytest.mark.parametrize(
    "path",
    ["<bob@partner.example>", "<bob%a.example@corp.example>", "<zoë@exämple.example>", '<"b ob"@partner.example>'],
)
def test_ordinary_paths_are_sent_to_postfix_unchanged(path: str) -> None:
    commands = Commands()
    commands.add_rcpt(path, path[1:-1], [])
    assert not commands.odd


@pytest.mark.parametrize(
    "path",
    [
        "bob@partner.example",
        "<bob>",
        '<"b\\"ob"@partner.example>',
        '<"b\\ ob"@partner.example>',
        '<"b@ob"@partner.example>',
        '<""@partner.example>',
        '<"b"ob@partner.example>',
        '<"bob@partner.example>',
        "<@relay.example:bob@partner.example>",
        "<bob@partner.example.>",
        "<bob@[192.0.2.1]>",
        "<bob@a@b.example>",
        "<bob(x)@partner.example>",
        "<bob@partner.\ufffd>",
        "<>",
        "",
    ],
)
def test_unusual_paths_are_marked_as_odd(path: str) -> None:
    commands = Commands()
    commands.add_rcpt(path, "bob", [])
    assert commands.odd == {"bob"}


def test_a_step_has_the_time_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []
    connection = SimpleNamespace(sock=SimpleNamespace(settimeout=given.append))
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    submit._limit_step(cast(smtplib.SMTP, connection), 100.5)
    assert given == [0.5]
    for deadline in (100.0, 99.0):
        with pytest.raises(TimeoutError, match="not done within 45 s"):
            submit._limit_step(cast(smtplib.SMTP, connection), deadline)


def test_a_listener_that_is_slow_at_each_step_has_one_limit(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of all steps together, not of each."""
    path, _ = listen(REPLIES)
    now = [0.0]

    def clock() -> float:
        now[0] += submit.TIME_LIMIT / 4
        return now[0]

    monkeypatch.setattr(submit, "time", SimpleNamespace(monotonic=clock))
    with pytest.raises(SubmitError, match=r"^(XCLIENT|MAIL|RCPT|DATA): not done within 45 s$"):
        submit_copy(copy_of(b"Subject: x\r\n\r\nText\r\n"), path)


def test_the_time_limit_includes_the_content(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = listen(REPLIES)
    steps: list[float] = []
    checked = submit._limit_step

    def late(connection: smtplib.SMTP, deadline: float) -> None:
        steps.append(deadline)
        checked(connection, 0.0 if len(steps) == 8 else deadline)  # after two checks of each command

    monkeypatch.setattr(submit, "_limit_step", late)
    with pytest.raises(SubmitError, match=r"^content: not done within 45 s$"):
        submit_copy(copy_of(b"Subject: x\r\n\r\nText\r\n"), path)
