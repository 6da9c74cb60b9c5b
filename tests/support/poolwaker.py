"""A milter of the real callbacks whose messages end only when `argv[2]` of them are inspected at the same time.

It writes a line for each recipient; the socket is `argv[1]`.
"""

import os
import sys
import threading
from typing import Any, cast

from holdgate.gate import callbacks
from holdgate.gate.reply import TEMPFAIL, Reply
from holdgate.gate.session import Session

_PATIENCE = 30.0


class _Waiting:
    """A session that ignores all mail."""

    def __init__(self, all_at_once: threading.Barrier) -> None:
        self._all_at_once = all_at_once

    def add_recipient(self, recipient: str, *_: object) -> None:
        os.write(1, f"{recipient}\n".encode())

    def end_of_message(self, _queue_id: str) -> Reply:
        try:
            self._all_at_once.wait(_PATIENCE)
        except threading.BrokenBarrierError:
            return TEMPFAIL
        return Reply()

    def __getattr__(self, _name: str) -> Any:
        return lambda *_: None


if __name__ == "__main__":
    # On one processor libmilter sees several steps before a thread that it woke runs.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    barrier = threading.Barrier(int(sys.argv[2]))
    callbacks.run(lambda: cast(Session, _Waiting(barrier)), f"unix:{sys.argv[1]}", 60)
