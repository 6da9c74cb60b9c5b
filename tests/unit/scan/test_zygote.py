"""The zygote: what it forks can be waited for, however soon it ends."""

import os
import select
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdgate.scan import wire, zygote
from testbed.ports import wait_for


@pytest.fixture
def nobody_waits() -> Iterator[None]:
    """Children vanish when they end, as those of the zygote do."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGCHLD, before)


@pytest.mark.usefixtures("nobody_waits")
def test_worker_that_ends_at_once_is_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    open_descriptor = os.pidfd_open

    def late(pid: int, *flags: Any) -> int:
        """Open it when the child has ended, or waits for us."""
        status = Path(f"/proc/{pid}/stat")
        wait_for(lambda: not status.exists() or status.read_text().split()[2] == "S", "the child to end or to wait")
        return open_descriptor(pid, *flags)

    monkeypatch.setattr(zygote, "serve", lambda _connection, _inspector: None)
    monkeypatch.setattr(os, "pidfd_open", late)
    control, theirs = socket.socketpair()
    with control, theirs:
        zygote._fork_worker(theirs, None)  # type: ignore[arg-type]
        answer, (connection, descriptor) = wire.receive(control, descriptors=2, timeout=30)
    assert answer["pid"] > 0
    ended, _, _ = select.select([descriptor], [], [], 30)
    assert ended == [descriptor]
    os.close(connection)
    os.close(descriptor)
