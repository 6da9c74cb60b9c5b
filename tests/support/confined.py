"""Runs a function in a forked child under the worker's sandbox and returns how that ended."""

import faulthandler
import mmap
import os
import pickle
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from select import select
from typing import Any

from holdgate.detect.preload import preload as detect_preload
from holdgate.scan.sandbox import WorkerLimits, confine, preload


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a child ended: its function's result, or the exception it raised, or the signal that killed it."""

    result: Any = None
    raised: str = ""
    killed_by: signal.Signals | None = None
    timed_out: bool = False


# VmSize of a worker with all rules loaded.
_MAPPED_BY_A_WORKER = 256 << 20


def limits_of_a_worker() -> WorkerLimits:
    """Return limits that leave as much as a worker has.

    This process's mappings and open files count too, and grow in a long run.
    """
    with Path("/proc/self/statm").open() as file:
        mapped, lowest = int(file.read().split()[0]) * mmap.PAGESIZE, file.fileno()
    worker = WorkerLimits()
    return WorkerLimits(
        address_space=mapped + worker.address_space - _MAPPED_BY_A_WORKER,
        open_files=max(worker.open_files, lowest + 8),
    )


def run_confined(
    function: Callable[[], Any], limits: WorkerLimits | None = None, seconds: float = 90.0, confined: bool = True
) -> Outcome:
    """Run `function` in a child that has called `confine`, by default; kill it after `seconds`."""
    _load_all()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(function, limits or limits_of_a_worker() if confined else None, writing)
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        answer, timed_out = _received(pipe.fileno(), time.monotonic() + seconds)
    if timed_out:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if timed_out:
        return Outcome(timed_out=True)
    if os.WIFSIGNALED(status):
        return Outcome(killed_by=signal.Signals(os.WTERMSIG(status)))
    result, raised = pickle.loads(answer)
    return Outcome(result=result, raised=raised)


@cache
def _load_all() -> None:
    """Load everything that a worker has loaded before it is confined."""
    preload()
    detect_preload()


def _received(pipe: int, deadline: float) -> tuple[bytes, bool]:
    answer = b""
    while True:
        ready, _, _ = select([pipe], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return answer, True
        piece = os.read(pipe, 1 << 16)
        if not piece:
            return answer, False
        answer += piece


def _answer(function: Callable[[], Any], limits: WorkerLimits | None, pipe: int) -> None:
    # A crash is what some tests want; its traceback on the terminal is not.
    faulthandler.disable()
    try:
        if limits is not None:
            confine(limits)
        answer = pickle.dumps((function(), ""))
    except BaseException as error:
        answer = pickle.dumps((None, repr(error)))
    while answer:
        answer = answer[os.write(pipe, answer) :]
    os._exit(0)
