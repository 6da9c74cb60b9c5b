"""The reconciler need not poll each second: the agent reports changes of the hold queue."""

import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from holdgate.quarantine.signals import Waker
from holdgate.queue import agent, holdwatch
from holdgate.queue.client import QueueClient, QueueError, UnreachableError
from holdgate.queue.holdwatch import HoldWatch
from holdgate.queue.postfix import HeldMessage
from holdgate.queue.reconcile import Reconciler
from holdgate.queue.reconciling import run_passes
from testbed.ports import PATIENCE, wait_for
from tests.support.held import FOREIGN, OURS, HeldMail

NEW = replace(OURS, queue_id="4oursnew")


@pytest.fixture
def queue(tmp_path: Path) -> HeldMail:
    mail = HeldMail(tmp_path)
    # The directory has a stamp at once, and each change another time: two changes within a tick of the kernel's clock
    # can leave the same time, which is why the agent gives no stamp to a directory that changed just now.
    before = time.time_ns() - 60 * 10**9
    os.utime(tmp_path, ns=(before, before))
    return mail


@pytest.fixture
def client(queue: HeldMail) -> Iterator[QueueClient]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "queue.sock"
        listener = agent.listen(path, group_id=os.getgid())
        agent.Agent(queue, user_ids=[os.getuid()], action_header="X-Netskope-Action").serve(listener)
        yield QueueClient(path, timeout=PATIENCE)
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def stamp_of(client: QueueClient) -> str:
    def stamp() -> str:
        listing = client.held_unless(None)
        return listing.stamp if listing else ""

    return wait_for(stamp, "a stamp of the hold queue")


@pytest.mark.parametrize("messages", [[OURS], [OURS, FOREIGN, NEW]], ids=["leaves", "arrives"])
def test_a_wait_ends_when_a_message_arrives_or_leaves(
    client: QueueClient, queue: HeldMail, messages: list[HeldMessage]
) -> None:
    stamp, found = stamp_of(client), list[bool]()
    waiting = threading.Thread(target=lambda: found.append(client.wait(stamp, 30)))
    waiting.start()
    assert found == []
    queue.messages = messages
    waiting.join(PATIENCE)
    assert found == [True]


def test_a_wait_without_a_change_ends_at_its_time_limit(client: QueueClient) -> None:
    assert not client.wait(stamp_of(client), 0.05)


def test_a_wait_ends_at_once_if_the_queue_has_already_changed(client: QueueClient) -> None:
    assert client.wait("of another time", 30)


@pytest.mark.parametrize("seconds", [31, -1, "1", None])
def test_a_wait_has_a_longest_time(client: QueueClient, seconds: float) -> None:
    with pytest.raises(QueueError, match="seconds: 0 to 30"):
        client.wait("", seconds)


def test_waiting_clients_do_not_block_other_clients(client: QueueClient, queue: HeldMail) -> None:
    stamp, answers = stamp_of(client), list[str]()

    def ask() -> None:
        try:
            answers.append(str(client.wait(stamp, 30)))
        except QueueError as error:
            answers.append(str(error))

    waiting = [threading.Thread(target=ask) for _ in range(3)]
    for one in waiting:
        one.start()
    wait_for(lambda: answers, "one to be refused")
    assert client.held() == [OURS, FOREIGN]
    queue.messages = [OURS]
    for one in waiting:
        one.join(PATIENCE)
    assert sorted(answers) == ["True", "True", "seconds: 0 to 30, and 2 requests at a time"]


def test_a_directory_that_cannot_be_watched_is_reported(client: QueueClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(agent, "Watch", refuse)
    with pytest.raises(QueueError, match="the hold queue cannot be watched"):
        client.wait("", 1)


class Answers(QueueClient):
    """Returns the given answers, then waits for ever."""

    def __init__(self, *answers: bool | QueueError) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.end = threading.Event()

    def wait(self, stamp: str, seconds: float) -> bool:
        self.asked.append(stamp)
        answer = self.answers.pop(0) if self.answers else self.end.wait(PATIENCE) and False
        if isinstance(answer, QueueError):
            raise answer
        return answer


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holdwatch, "_RETRY", 0.01)


def test_a_pause_is_long_while_the_queue_is_watched(quick: None) -> None:
    queue, waker = Answers(False, True), Waker()
    watch = HoldWatch(queue, waker)
    assert watch.pause("1", 1.0, 10.0) == 1.0  # nothing is known of the agent yet
    watch.start()
    assert watch._thread.daemon, "an agent that is asked does not keep the process from ending"
    assert waker.wait(PATIENCE)
    assert queue.asked == ["1", "1"]
    assert watch.pause("", 1.0, 10.0) == 1.0  # the queue is changing
    assert watch.pause("2", 1.0, 10.0) == 10.0
    wait_for(lambda: queue.asked == ["1", "1", "2"], "the agent to be asked about the new stamp")
    queue.end.set()
    watch.close()


def test_the_pause_stays_short_if_the_agent_does_not_watch(quick: None, caplog: pytest.LogCaptureFixture) -> None:
    queue, waker = Answers(False, UnreachableError("no answer"), UnreachableError("no answer"), False), Waker()
    watch = HoldWatch(queue, waker)
    watch.pause("1", 1.0, 10.0)
    watch.start()
    assert waker.wait(PATIENCE)
    wait_for(lambda: len(queue.asked) == 5, "the agent to be asked again")
    assert watch.pause("1", 1.0, 10.0) == 10.0
    assert caplog.text.count("stage=listen") == 1
    queue.end.set()
    watch.close()


def test_the_reconciler_pauses_longer_while_the_watch_would_wake_it() -> None:
    stop, waker, pauses = threading.Event(), Waker(), []

    class Passes(Reconciler):
        stamp, seconds_to_full_pass = "1", 4.0

        def __init__(self) -> None:
            pass

        def run_once(self) -> bool:
            return True

    class Watches(HoldWatch):
        def __init__(self) -> None:
            pass

        def pause(self, stamp: str, short: float, long: float) -> float:
            pauses.append((stamp, short, long))
            stop.set()
            return 0

    run_passes(Passes(), stop, 1.0, os.getppid(), waker, Watches())
    assert pauses == [("1", 1.0, 4.0)]
