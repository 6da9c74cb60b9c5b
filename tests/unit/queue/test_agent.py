"""The queue agent over a real socket: it serves few users, and allows few operations."""

import contextlib
import json
import os
import pwd
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from holdgate.queue import agent
from holdgate.queue.client import QueueClient, QueueError, UnreachableError
from holdgate.queue.postfix import HeldMessage, Postfix, PostfixError
from testbed.ports import PATIENCE
from tests.support.held import FOREIGN, OURS, HeldMail


@pytest.fixture
def queue(tmp_path: Path) -> HeldMail:
    return HeldMail(tmp_path)


@pytest.fixture
def path(queue: HeldMail) -> Iterator[Path]:
    # Not pytest's directory: another user has to reach the socket.
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        path = Path(directory) / "queue.sock"
        listener = agent.listen(path, group_id=os.getgid())
        serving = agent.Agent(queue, user_ids=[os.getuid()], action_header="X-Netskope-Action")
        serving.serve(listener)
        yield path
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def ask(path: Path, line: bytes) -> dict[str, object]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(str(path))
        connection.sendall(line)
        connection.shutdown(socket.SHUT_WR)
        answer = json.loads(connection.makefile("rb").readline())
    assert isinstance(answer, dict)
    return answer


def test_the_agent_lists_shows_releases_and_deletes(path: Path, queue: HeldMail) -> None:
    client = QueueClient(path)
    assert client.held() == [OURS, FOREIGN]
    assert client.show("4ours", 100, header_only=True) == b"x-holdgate-incident: A\n"
    assert client.show("4ours", 100) == b"x-holdgate-incident: A\n\nbody\n"
    assert client.envelope("4ours", 100) == b"sender: a@corp.example\n"
    assert client.envelope("4ours", 99) is None
    assert client.release("4ours", 100)
    assert queue.messages == [FOREIGN]
    assert not client.release("4ours", 100)
    assert not client.delete("4ours", 100)
    assert client.show("4ours", 100) is None


def test_a_release_reads_only_the_header_of_the_message(
    path: Path, queue: HeldMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message can be large, and postcat(1) would print all of it."""
    read, show = list[tuple[str, bool]](), HeldMail.show

    def noting(self: HeldMail, queue_id: str, *, header_only: bool) -> bytes:
        read.append((queue_id, header_only))
        return show(self, queue_id, header_only=header_only)

    monkeypatch.setattr(HeldMail, "show", noting)
    assert QueueClient(path).release("4ours", 100)
    assert read == [("4ours", True)]


def test_a_waiting_client_does_not_keep_the_agent_from_exiting(queue: HeldMail, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    listener = agent.listen(tmp_path / "queue.sock", group_id=os.getgid())
    agent.Agent(queue, user_ids=[os.getuid()], action_header="X-Netskope-Action").serve(listener)
    begun = set(threading.enumerate()) - before
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    assert {thread.daemon for thread in begun} == {True}
    assert len(begun) == 8 + 2  # eight requests at once, and two that wait for a change


@contextlib.contextmanager
def served_to(queue: HeldMail, **allowed: Any) -> Iterator[Path]:
    """Serve root, and in a process of another user try what these user ids may do."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        path = Path(directory) / "queue.sock"
        listener = agent.listen(path, group_id=NOBODY.pw_gid)
        agent.Agent(queue, action_header="X-Netskope-Action", **{"user_ids": [], **allowed}).serve(listener)
        yield path
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


NOBODY = pwd.getpwnam("nobody")
REQUESTS: list[Mapping[str, object]] = [
    {"do": "list"},
    {"do": "show", "queue_id": "4ours", "arrival_time": 100},
    *({"do": do, "messages": [["4ours", 100]]} for do in ("headers", "release", "delete", "no such")),
]


# A separate process, not a fork of this one: a fork may wait for ever for a lock that one of our threads had, and one
# that fails would continue with the tests.
ASK = """
import json, os, socket, sys
path, user, group, *requests = sys.argv[1:]
os.setgroups([])
os.setresgid(*[int(group)] * 3)
os.setresuid(*[int(user)] * 3)
for request in requests:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(path)
        connection.sendall(request.encode() + b"\\n")
        print(connection.makefile().readline(), end="")
"""


def refused_as_nobody(path: Path) -> list[str]:
    """Ask everything as another user; return the requests that the agent refused."""
    who = map(str, (path, NOBODY.pw_uid, NOBODY.pw_gid))
    command = [sys.executable, "-I", "-c", ASK, *who, *map(json.dumps, REQUESTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE)
    asked = zip(REQUESTS, map(json.loads, done.stdout.splitlines()), strict=True)
    return [str(request["do"]) for request, answer in asked if answer.get("error") == "not allowed"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ({}, ["list", "show", "headers", "release", "delete", "no such"]),
        ({"reader_ids": [NOBODY.pw_uid]}, ["headers", "release", "delete", "no such"]),
        ({"user_ids": [NOBODY.pw_uid]}, []),
    ],
    ids=["a stranger", "the desk", "the reconciler"],
)
def test_each_user_may_send_only_the_requests_it_needs(
    queue: HeldMail, allowed: dict[str, list[int]], refused: list[str]
) -> None:
    with served_to(queue, **allowed) as path:
        assert refused_as_nobody(path) == refused
    assert bool(queue.acts) == ("release" not in refused)


def test_mail_without_the_holdgate_mark_is_not_shown_released_or_deleted(path: Path, queue: HeldMail) -> None:
    client = QueueClient(path)
    for act in (client.show, client.release, client.delete):
        with pytest.raises(QueueError, match="does not carry our mark"):
            act("4foreign", 100)
    assert queue.messages == [OURS, FOREIGN]
    for part in ({"header_only": True}, {"envelope": True}):
        request = {"do": "show", "queue_id": "4foreign", "arrival_time": 100, **part}
        assert ask(path, json.dumps(request).encode() + b"\n") == {"error": "the message does not carry our mark"}
    # Only its header goes to the reconciler, which identifies its incident.
    assert client.headers([("4foreign", 100)]) == [b"Subject: X-Holdgate-Incident: A\n"]


@pytest.mark.parametrize(
    ("header", "adopted", "ours"),
    [
        (b"Subject: x\n", True, True),
        (b"Subject: x\n", False, False),
        (b"Subject: x\nx-holdgate-status: complete\n", True, False),
        (b"Subject: x\n X-Holdgate-Status: complete\n", True, True),
        (b"X-Holdgate-Status: complete\nX-Holdgate-Incident: A\n", True, True),
        (b"X-Holdgate-Status: complete\nX-Holdgate-Replaces: A b-c\n", False, True),
    ],
)
@pytest.mark.parametrize("act", ["show", "release", "delete"])
def test_uninspected_mail_is_managed_only_if_it_is_adopted(
    queue: HeldMail, tmp_path: Path, header: bytes, adopted: bool, ours: bool, act: str
) -> None:
    queue.header = header
    listener = agent.listen(tmp_path / "queue.sock", group_id=os.getgid())
    agent.Agent(queue, user_ids=[os.getuid()], action_header="X-Netskope-Action", adopt_uninspected=adopted).serve(
        listener
    )
    expected = contextlib.nullcontext() if ours else pytest.raises(QueueError, match="does not carry our mark")
    with expected:
        getattr(QueueClient(tmp_path / "queue.sock"), act)("4foreign", 100)
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_a_batch_needs_one_listing_and_each_message_has_its_own_outcome(path: Path, queue: HeldMail) -> None:
    ours = [replace(OURS, queue_id=f"4ours{number}") for number in range(5)]
    queue.messages = [*ours, FOREIGN]
    queue.damaged = {"4ours1"}
    keys = [(message.queue_id, 100) for message in (*ours, FOREIGN)]
    client = QueueClient(path)
    headers = client.headers([*keys, ("4gone", 100)])
    mark = b"x-holdgate-incident: A\n"
    assert headers[0] == headers[2] == mark
    assert str(headers[1]) == "postcat: damaged"
    assert headers[5:] == [b"Subject: X-Holdgate-Incident: A\n", None]
    assert queue.listings == 1
    output = client.release_all([*keys, ("4gone", 100), ("4ours4", 99)])
    assert [str(outcome) for outcome in output] == [
        "True",
        "postcat: damaged",
        "True",
        "True",
        "True",
        "the message does not carry our mark",
        "False",
        "False",
    ]
    assert queue.acts == [("4ours0", "4ours2", "4ours3", "4ours4")]
    assert queue.flushed == list(queue.acts[0])  # and what cannot be flushed is released all the same
    assert queue.listings == 1  # a missing message is noticed by its file
    assert [message.queue_id for message in queue.messages] == ["4ours1", "4foreign"]


@pytest.mark.parametrize("do", ["release", "delete"])
def test_a_release_or_deletion_is_synced_before_it_is_reported(
    path: Path, queue: HeldMail, monkeypatch: pytest.MonkeyPatch, do: str
) -> None:
    synced: list[tuple[int, bool]] = []

    def fsync(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, OURS in queue.messages))

    monkeypatch.setattr(os, "fsync", fsync)
    client = QueueClient(path)
    assert (client.release if do == "release" else client.delete)(OURS.queue_id, OURS.arrival_time)
    assert synced == [(queue.hold.stat().st_ino, False)]


def test_a_release_that_cannot_be_synced_is_reported_as_an_error(
    path: Path, queue: HeldMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    for _ in range(2):  # also when it is found missing
        with pytest.raises(QueueError, match="the hold queue cannot be written to disk"):
            QueueClient(path).release(OURS.queue_id, OURS.arrival_time)
    assert queue.acts == [(OURS.queue_id,)]


def test_a_message_that_arrived_after_the_last_listing_is_released(path: Path, queue: HeldMail) -> None:
    client = QueueClient(path)
    first = client.held_unless("")
    assert first is not None
    assert (first.messages, first.gone, first.stamp) == ([OURS, FOREIGN], None, "")
    later = replace(OURS, queue_id="4ours2")
    queue.messages = [*queue.messages, later]
    assert client.release_all([("4ours2", 100)]) == [True]
    assert queue.listings == 2
    second = client.held_unless("", first.version)
    assert second is not None
    assert (second.messages, second.gone, second.stamp) == ([], ["4ours2"], "")  # it arrived and left again
    assert queue.listings == 2
    queue.messages = [FOREIGN, later]
    third = client.held_unless("", second.version)
    assert third is not None
    assert (third.messages, third.gone) == ([later], ["4ours"])
    assert queue.listings == 3
    assert client.held_unless("", third.version) == replace(third, messages=[], gone=[])
    fourth = client.held_unless(None, "another:1")
    assert fourth is not None
    assert (fourth.messages, fourth.gone) == ([FOREIGN, later], None)
    assert queue.listings == 4


def test_a_message_that_is_released_while_it_is_read_counts_as_not_held(
    path: Path, queue: HeldMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = HeldMail.show

    def show(self: HeldMail, queue_id: str, *, header_only: bool) -> bytes:
        content = before(self, queue_id, header_only=header_only)
        if not header_only:
            self.messages = [FOREIGN]  # postcat(1) finds it in the active queue as well
        return content

    monkeypatch.setattr(HeldMail, "show", show)
    assert QueueClient(path).show("4ours", 100) is None


def test_an_empty_batch_does_nothing(path: Path, queue: HeldMail) -> None:
    client = QueueClient(path)
    assert client.release_all([]) == client.delete_all([]) == client.headers([]) == []
    assert queue.acts == []


def test_a_failed_listing_is_an_error_of_postfix_and_not_of_a_message(
    path: Path, queue: HeldMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(_: HeldMail) -> list[HeldMessage]:
        raise PostfixError("postqueue: the mail system is down")

    monkeypatch.setattr(HeldMail, "held", down)
    with pytest.raises(UnreachableError, match="the mail system is down"):
        QueueClient(path).release_all([("4ours", 100)])


@pytest.mark.parametrize(
    "messages",
    [None, "4ours", [["4ours"]], [["4ours", 100, 1]], [[4, 100]], [["4ours", "100"]], [["4ours", 100]] * 101],
)
@pytest.mark.parametrize("do", ["headers", "release", "delete"])
def test_a_batch_needs_valid_pairs_and_has_a_limit(path: Path, do: str, messages: object) -> None:
    line = json.dumps({"do": do, "messages": messages}).encode() + b"\n"
    assert str(ask(path, line)["error"]).startswith("messages: ")


def test_a_reused_queue_id_with_another_arrival_time_is_another_message(path: Path, queue: HeldMail) -> None:
    assert not QueueClient(path).delete("4ours", 99)
    assert queue.messages == [OURS, FOREIGN]


def test_an_action_that_had_no_effect_is_an_error(path: Path, queue: HeldMail) -> None:
    queue.ignores_release = True
    with pytest.raises(QueueError, match="still in the hold queue after release"):
        QueueClient(path).release("4ours", 100)


@contextlib.contextmanager
def silent_peers(path: Path, count: int) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(count)]
        for peer in peers:
            peer.settimeout(PATIENCE)
            peer.connect(str(path))
        yield peers


def send_slowly(peer: socket.socket, count: int) -> None:
    """Write a byte again and again, and wait in between for the answer that does not come."""
    for _ in range(count):
        peer.sendall(b" ")
        with contextlib.suppress(TimeoutError):
            peer.recv(1)


def test_silent_clients_do_not_delay_other_clients(path: Path) -> None:
    with silent_peers(path, agent.PLACES - 1) as peers:
        peers[0].sendall(b'{"do": ')
        assert QueueClient(path).held() == [OURS, FOREIGN]
        peers[0].sendall(b'"list"}\n')
        assert json.loads(peers[0].makefile("rb").readline())["ok"]


def test_a_client_that_writes_slowly_is_closed_at_the_time_limit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent, "_REQUEST_TIMEOUT", 0.2)
    with silent_peers(path, agent.PLACES) as (peer, *_):
        peer.settimeout(0.05)
        with pytest.raises(BrokenPipeError):
            send_slowly(peer, 100)
    with silent_peers(path, agent.PLACES):
        assert QueueClient(path).held() == [OURS, FOREIGN]


def test_only_one_of_two_simultaneous_releases_succeeds(path: Path, queue: HeldMail) -> None:
    queue.meeting = threading.Barrier(2)  # where they would meet, were they let
    with ThreadPoolExecutor(2) as both:
        done = list(both.map(lambda _: QueueClient(path).release("4ours", 100), range(2)))
    assert sorted(done) == [False, True]
    assert queue.acts == [("4ours",)]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"", "one line of JSON"),
        (b"{}", "one line of JSON"),
        (b"nonsense\n", "one line of JSON"),
        (b"[]\n", "one JSON object"),
        (b"{}\n", "no such request"),
        (b'{"do": "requeue", "queue_id": "4ours", "arrival_time": 100}\n', "no such request"),
        (b'{"do": "list", "padding": "' + b"x" * 20000 + b'"}\n', "one line of JSON"),
    ],
)
def test_bad_requests_are_refused_and_the_next_is_served(path: Path, line: bytes, error: str) -> None:
    assert error in str(ask(path, line)["error"])
    assert QueueClient(path).held() == [OURS, FOREIGN]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else to ask")
def test_another_user_is_refused_even_if_the_socket_mode_permits_access(path: Path) -> None:
    path.chmod(0o666)
    assert refused_as_nobody(path) == [request["do"] for request in REQUESTS]


def test_only_one_agent_can_lock_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "queue.sock"
    first = agent.claim(path)
    with pytest.raises(BlockingIOError, match=r"queue\.sock\.lock: another holdgate-queue runs"):
        agent.claim(path)
    os.close(first)  # as the kernel does for one that was killed
    os.close(agent.claim(path))


def test_a_symbolic_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "queue.sock.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        agent.claim(tmp_path / "queue.sock")
    assert not (tmp_path / "elsewhere").exists()


def test_the_socket_mode_permits_root_and_one_group(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o660


@pytest.mark.parametrize("queue_id", ["", "ALL", "-", "../x", "4a b", "4a\n", "a" * 40])
def test_an_invalid_queue_id_is_never_passed_to_a_command(queue_id: str, tmp_path: Path) -> None:
    for act in (Postfix(tmp_path).release, Postfix(tmp_path).delete):
        with pytest.raises(PostfixError, match="not a queue id"):
            act(queue_id)


def test_a_missing_agent_is_reported(tmp_path: Path) -> None:
    with pytest.raises(QueueError, match="the queue agent does not answer"):
        QueueClient(tmp_path / "none.sock").held()


def test_a_client_stops_waiting_for_a_silent_agent_at_its_time_limit(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "queue.sock"))
        silent.listen()
        with pytest.raises(UnreachableError, match="the queue agent does not answer: timed out"):
            QueueClient(tmp_path / "queue.sock", timeout=0.02).held()


# -- how the client reads an answer -------------------------------------------------------------------------------


@contextlib.contextmanager
def answering(path: Path, content: bytes) -> Iterator[QueueClient]:
    """An agent that gives one answer to each request, and what asks it."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.makefile("rb").readline()
                        connection.sendall(content)

        thread = threading.Thread(target=serve)
        thread.start()
        yield QueueClient(path, timeout=PATIENCE)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "the queue agent does not answer"),
        (b"no json\n", "the queue agent does not answer"),
        (b'{"ok": true, "size": 9}\nshort', "the answer was cut short"),
        (b'{"ok": true, "outcomes": []}\n', "the answer names other messages"),
        (b'{"ok": true, "outcomes": [{}, {}]}\n', "the answer names other messages"),
        (b'{"error": "Postfix is away"}\n', "Postfix is away"),
        (b"{}\n", "no answer"),
    ],
)
def test_an_invalid_answer_counts_as_an_unreachable_agent(tmp_path: Path, content: bytes, error: str) -> None:
    with answering(tmp_path / "s", content) as client, pytest.raises(UnreachableError, match=error):
        client.release_all([("4ours", 100)])


def test_each_message_of_a_batch_has_its_own_outcome(tmp_path: Path) -> None:
    content = b'{"ok": true, "outcomes": [{}, {"gone": true}, {"error": "damaged"}]}\n'
    keys = [("4a", 1), ("4b", 2), ("4c", 3)]
    with answering(tmp_path / "s", content) as client:
        for act in (client.release_all, client.delete_all):
            done, gone, failed = act(keys)
            assert (done, gone) == (True, False)
            assert isinstance(failed, QueueError)
            assert str(failed) == "damaged"


def test_the_headers_of_a_batch_are_split_at_their_sizes(tmp_path: Path) -> None:
    outcomes = b'[{"size": 3}, {"gone": true}, {"error": "damaged"}, {"size": 2}]'
    with answering(tmp_path / "s", b'{"ok": true, "size": 5, "outcomes": %s}\nabcde' % outcomes) as client:
        first, gone, failed, last = client.headers([("4a", 1), ("4b", 2), ("4c", 3), ("4d", 4)])
        assert (first, gone, last) == (b"abc", None, b"de")
        assert isinstance(failed, QueueError)


@pytest.mark.parametrize(("outcome", "is_done"), [("{}", True), ('{"gone": true}', False)])
def test_a_single_release_or_deletion_reports_whether_it_was_done(tmp_path: Path, outcome: str, is_done: bool) -> None:
    with answering(tmp_path / "s", f'{{"ok": true, "outcomes": [{outcome}]}}\n'.encode()) as client:
        assert client.release("4a", 1) is client.delete("4a", 1) is is_done


def test_a_failed_release_is_an_error_of_that_message_only(tmp_path: Path) -> None:
    with (
        answering(tmp_path / "s", b'{"ok": true, "outcomes": [{"error": "damaged"}]}\n') as client,
        pytest.raises(QueueError, match="damaged") as failed,
    ):
        client.release("4a", 1)
    assert not isinstance(failed.value, UnreachableError)


# -- cached results -----------------------------------------------------------------------------------------------


def settle(queue: HeldMail) -> None:
    """Have the hold queue's directory have changed a minute ago."""
    before = time.time() - 60
    os.utime(queue.hold, (before, before))


def test_an_unchanged_queue_is_not_listed_again(path: Path, queue: HeldMail) -> None:
    client = QueueClient(path)
    settle(queue)
    first = client.held_unless(None)
    assert first is not None
    assert first.stamp
    assert client.held_unless(first.stamp) is None
    assert not client.wait(first.stamp, 0.0)
    assert client.held_unless("") is not None, "who knows no stamp knows no queue"
    queue.messages = [OURS]
    changed = client.held_unless(first.stamp, first.version)
    assert changed is not None
    assert (changed.messages, changed.gone) == ([], [FOREIGN.queue_id])
    assert client.wait(first.stamp, agent.LONGEST_WAIT)


def test_an_exception_in_one_request_does_not_stop_the_agent_or_block_a_slot(
    path: Path, queue: HeldMail, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(HeldMail, "held", lambda _: 1 / 0)
        for _ in range(agent.PLACES + 5):
            with pytest.raises(UnreachableError):
                QueueClient(path).held()
    assert caplog.text.count("stage=request error=ZeroDivisionError") == agent.PLACES + 5
    assert QueueClient(path).held() == [OURS, FOREIGN]


def test_a_release_succeeds_even_if_the_immediate_delivery_attempt_fails(
    path: Path, queue: HeldMail, caplog: pytest.LogCaptureFixture
) -> None:
    """It is sent with the next queue run."""
    assert QueueClient(path).release("4ours", 100)
    assert queue.flushed == ["4ours"]
    assert "stage=postfix error=the mail system is down" in caplog.text


def test_a_deletion_requests_no_delivery(path: Path, queue: HeldMail) -> None:
    assert QueueClient(path).delete("4ours", 100)
    assert (queue.flushed, queue.acts) == ([], [("4ours",)])


def test_the_postfix_error_of_a_failed_removal_is_reported(
    path: Path, queue: HeldMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: str) -> None:
        raise PostfixError("postsuper: fatal: open lock file: Permission denied")

    for do in ("release", "delete"):
        monkeypatch.setattr(queue, do, refuse)
        with pytest.raises(QueueError, match=f"4ours is still in the hold queue after {do}: postsuper: fatal"):
            getattr(QueueClient(path), do)("4ours", 100)


@pytest.mark.parametrize(("size", "is_read"), [(16_384, True), (16_385, False)])
def test_a_request_has_at_most_16_kib(size: int, is_read: bool) -> None:
    request = b'{"do": "list"' + b" " * (size - 15) + b"}\n"
    assert len(request) == size
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(request)
        if is_read:
            assert agent.read_request(theirs, PATIENCE) == {"do": "list"}
        else:
            with pytest.raises(agent.RefusedError, match="one line of JSON"):
                agent.read_request(theirs, PATIENCE)
