"""The child that keeps store and queue in step goes on when store or queue are away."""

import logging
import os
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import OperationalError

from holdgate.quarantine.store import StoreError
from holdgate.queue.client import QueueError
from holdgate.queue.main import keep_in_step
from holdgate.queue.reconcile import Reconciler

INTERVAL = 0.001


class Script(Reconciler):
    """Does as it is told, one word after the other, and stops at the end: has work or none, or fails."""

    def __init__(self, passes: list[Exception | bool], questions: list[Exception | bool]) -> None:
        self.passes, self.questions = iter(passes), iter(questions)
        self.stop = threading.Event()
        self.count = 0

    def run_once(self) -> bool:
        self.count += 1
        return self._next(self.passes)

    def has_work(self) -> bool:
        return self._next(self.questions)

    def _next(self, script: Iterator[Exception | bool]) -> bool:
        word = next(script, None)
        if isinstance(word, Exception):
            raise word
        if word is None:
            self.stop.set()
        return bool(word)


AWAY = [
    OperationalError("SELECT", {}, Exception("server closed the connection")),
    StoreError("the store is away"),
    QueueError("the agent does not answer"),
]


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_a_pass_that_fails_is_made_again(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "holdgate"):
        assert_goes_on(Script([error, error], []), passes=3)
    assert len([record for record in caplog.records if "reconcile" in record.getMessage()]) == 2


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_the_question_between_two_passes_may_fail(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "holdgate"):
        assert_goes_on(Script([True, True, True], [error, True, error]), passes=4)
    assert len([record for record in caplog.records if "reconcile" in record.getMessage()]) == 2


def test_another_mistake_ends_it() -> None:
    with pytest.raises(ZeroDivisionError):
        assert_goes_on(Script([ZeroDivisionError()], []), passes=1)


def assert_goes_on(script: Script, passes: int) -> None:
    keep_in_step(script, script.stop, INTERVAL, os.getppid())
    assert script.count == passes


def test_it_ends_with_its_parent() -> None:
    script = Script([True], [])
    keep_in_step(script, script.stop, INTERVAL, parent=os.getpid())
    assert script.count == 0
