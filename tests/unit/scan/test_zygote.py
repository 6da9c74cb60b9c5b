"""The zygote: what it forks can be waited for, however soon it ends."""

import os
import select
import socket
from pathlib import Path
from typing import Any

import pytest

from holdgate.scan import wire, zygote
from testbed.ports import wait_for


def test_worker_that_ends_at_once_is_handed_over_and_buried(monkeypatch: pytest.MonkeyPatch) -> None:
    open_descriptor = os.pidfd_open

    def late(pid: int, *flags: Any) -> int:
        """Open it when the child has ended."""
        wait_for(lambda: Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z", "the child to end")
        return open_descriptor(pid, *flags)

    monkeypatch.setattr(zygote, "serve", lambda *_arguments: None)
    monkeypatch.setattr(os, "pidfd_open", late)
    control, theirs = socket.socketpair()
    with control, theirs:
        zygote._fork_worker(theirs, None, None)  # type: ignore[arg-type]
        answer, (connection, descriptor) = wire.receive(control, descriptors=2, timeout=30)
    assert answer["pid"] > 0
    ended, _, _ = select.select([descriptor], [], [], 30)
    assert ended == [descriptor]
    os.close(connection)
    os.close(descriptor)
    zygote._bury()
    assert not Path(f"/proc/{answer['pid']}").exists()
    zygote._bury()
