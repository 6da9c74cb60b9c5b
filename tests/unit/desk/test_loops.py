"""The desk's loops: none waits for another, and each continues after any error in a pass."""

import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy.exc import OperationalError

from holdgate.desk.loops import Loop, Loops
from testbed.ports import wait_for


def test_a_pass_that_does_not_end_blocks_only_its_own_loop() -> None:
    stuck, passes = threading.Event(), []

    def wait(_: datetime) -> bool:
        return stuck.wait()

    loops = Loops(
        [Loop("mail", wait, 0.001, unhealthy_after=-1), Loop("deadlines", lambda now: bool(passes.append(now)), 0.001)]
    )
    loops.start()
    wait_for(lambda: len(passes) > 5, "the other loop")
    assert loops.unhealthy() == ["mail"]
    stuck.set()
    loops.close()


@pytest.mark.parametrize("error", [ZeroDivisionError, lambda: OperationalError("x", {}, Exception())])
def test_a_failed_pass_is_repeated_and_counts_as_unhealthy(
    error: Callable[[], Exception], caplog: pytest.LogCaptureFixture
) -> None:
    left = [error(), error()]

    def fail(_: datetime) -> bool:
        if left:
            raise left.pop()
        return True

    loop = Loop("mail", fail, 0.001, unhealthy_after=3600)
    loop.succeeded_at -= 7200
    for _ in range(2):
        loop.once()
        assert not loop.is_healthy()
    loop.once()
    assert loop.is_healthy()
    assert len([record for record in caplog.records if "error=mail: " in record.getMessage()]) == 2


def test_a_pass_that_could_not_do_its_work_counts_as_unhealthy() -> None:
    loop = Loop("deadlines", lambda _: False, 1)
    loop.succeeded_at -= 7200
    loop.once()
    assert not loop.is_healthy()


def test_loops_that_never_started_can_be_closed() -> None:
    Loops([Loop("mail", lambda _: True, 1)]).close()
