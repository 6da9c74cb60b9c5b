"""The pool's attempts for a message: which workers, how many, and the final result. The workers are fakes."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from holdgate import maillog, metrics
from holdgate.findings import Inspection
from holdgate.scan import answer, wire
from holdgate.scan import pool as module
from holdgate.scan.content import SMALL
from holdgate.scan.pool import Pool, PoolSettings
from holdgate.scan.process import ScanError, WorkerEndedError, WorkerLostError
from holdgate.scan.shapes import NOT_FOR_THIS_WORKER, READER_ENDED

FOUND = answer.encode(Inspection())
LARGE = b"x" * (SMALL + 1)


class FakeWorker:
    """Returns a given answer to a job, and records the result."""

    def __init__(self, kind: str, does: object) -> None:
        self.kind, self.does = kind, does
        self.pid = 7
        self.jobs = 0
        self.asked: list[dict[str, Any]] = []
        self.content: list[bytes | int] = []
        self.is_slow = False
        self.ends = 0
        self.connection = SimpleNamespace(fileno=lambda: 99)

    def ask(
        self,
        job: bytes,
        content: bytes,
        descriptors: tuple[int, ...],
        *,
        seconds: float,
        limit: int = wire.ANSWER_LIMIT,
    ) -> bytes:
        self.begin(job, content, descriptors, seconds=seconds, gap=0.0)
        self.asked[-1]["limit"] = limit
        assert isinstance(self.does, bytes)
        return self.does

    def begin(self, job: bytes, content: bytes, descriptors: tuple[int, ...], *, seconds: float, gap: float) -> None:
        self.asked.append({**json.loads(job), "seconds": seconds, "descriptors": descriptors})
        self.content.append(content if not descriptors else descriptors[0])
        if isinstance(self.does, Exception):
            raise self.does
        self.jobs += 1

    def slow_down(self) -> None:
        self.is_slow = True

    def end(self) -> None:
        self.ends += 1


class Workers:
    """Provides workers that do the given steps one after the other, and then repeat the last one."""

    def __init__(self) -> None:
        self.all: list[FakeWorker] = []
        self.does: dict[str, list[object]] = {"rules": [FOUND], "reads": [b"read"]}
        self.trial: dict[str, object] = {"rules": FOUND, "reads": FOUND}
        self.wanted_new: list[bool] = []
        self.wait_limits: set[float] = set()
        self.stocks: list[tuple[str, int]] = []
        self.closed: list[str] = []

    def used(self, kind: str = "rules") -> list[FakeWorker]:
        return [one for one in self.all if one.kind == kind and one.asked and one.asked[0]["do"] != "trial"]


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Workers:
    known = Workers()

    class Starter:
        def __init__(self, _settings: PoolSettings, *, only_reads: bool = False, sibling: object = None) -> None:
            self.kind = "reads" if only_reads else "rules"

        def start(self) -> tuple[object, frozenset[str]]:
            if isinstance(error := known.trial[self.kind], OSError):
                raise ScanError(str(error))
            return SimpleNamespace(kind=self.kind), frozenset({"us-ssn"})

    class WorkerStock:
        pid = 1

        def __init__(self, start: Callable[[], Any], size: int) -> None:
            self.kind = start().kind
            self.is_proven = False
            known.stocks.append((self.kind, size))

        def take(self, *, wait_limit: float, new: bool = False) -> FakeWorker:
            known.wait_limits.add(wait_limit)
            if self.is_proven:
                known.wanted_new.append(new)
            script = known.does[self.kind]
            does = known.trial[self.kind] if not self.is_proven else script.pop(0) if len(script) > 1 else script[0]
            self.is_proven = True
            if type(does) is ScanError:
                raise does
            known.all.append(FakeWorker(self.kind, does))
            return known.all[-1]

        def close(self) -> None:
            known.closed.append(self.kind)

    monkeypatch.setattr(module, "Starter", Starter)
    monkeypatch.setattr(module, "WorkerStock", WorkerStock)
    return known


@pytest.fixture
def new_pool(workers: Workers) -> Iterator[Callable[..., Pool]]:
    pools: list[Pool] = []

    def make(**values: Any) -> Pool:
        pools.append(Pool(PoolSettings(rules=Path("/nowhere"), **values)))
        return pools[-1]

    yield make
    for one in pools:
        one.close()


NewPool = Callable[..., Pool]


def test_a_message_gets_a_new_process_that_ends_with_it(workers: Workers, new_pool: NewPool) -> None:
    assert new_pool(time_limit=10.0).inspect(b"words", name="a.txt", subject="s").status == "complete"
    (one,) = workers.used()
    assert one.asked[0]["do"] == "inspect"
    assert one.asked[0]["name"] == "a.txt"
    assert one.asked[0]["words"]["subject"] == "s"
    assert one.asked[0]["seconds"] == 15.0, "the worker notices its limit itself, and has time to say so"
    assert one.content == [b"words"]
    assert (one.ends, one.is_slow, workers.wanted_new) == (1, False, [False])


def test_a_large_message_is_inspected_with_low_priority(workers: Workers, new_pool: NewPool) -> None:
    new_pool().inspect(LARGE)
    assert workers.used()[0].is_slow
    new_pool().inspect(LARGE[1:])
    assert not workers.used()[1].is_slow
    new_pool(ocr_languages=("eng",)).inspect(LARGE)
    assert not workers.used()[2].is_slow


@pytest.mark.parametrize(
    "lost", [WorkerLostError("crash"), WorkerLostError("time limit"), b"{}{}"], ids=["crash", "late", "odd"]
)
def test_a_message_that_lost_a_worker_is_retried_once_in_its_own_process(
    workers: Workers, new_pool: NewPool, lost: object
) -> None:
    workers.does["rules"] = [lost, FOUND]
    assert new_pool().inspect(b"x").status == "complete"
    assert len(workers.used()) == 2
    assert workers.wanted_new == [False, True], "those in stock may be as the one that was lost"
    assert all(one.ends == 1 for one in workers.used())


def test_a_message_that_loses_two_workers_fails_and_its_header_values_are_masked(
    workers: Workers, new_pool: NewPool
) -> None:
    workers.does["rules"] = [WorkerLostError("time limit")]
    number = "4111111111111111"
    found = new_pool().inspect(b"x", subject=f"s {number}", header_from=f"a {number}", message_id=f"<{number}>")
    assert (found.status, found.reason) == ("failed", "time limit")
    assert all(number not in one for one in (found.subject, found.header_from, found.message_id))
    assert len(workers.used()) == 2


def test_workers_that_had_exited_before_cost_no_attempt_up_to_a_limit(workers: Workers, new_pool: NewPool) -> None:
    workers.does["rules"] = [WorkerEndedError(), WorkerEndedError(), WorkerEndedError(), FOUND]
    assert new_pool().inspect(b"x").status == "complete"
    workers.does["rules"] = [WorkerEndedError()]
    with pytest.raises(ScanError, match="workers end before they get the message"):
        new_pool().inspect(b"x")
    assert len(workers.used()) == 8


def test_a_message_without_a_worker_in_time_is_deferred(workers: Workers, new_pool: NewPool) -> None:
    workers.does["rules"] = [ScanError("no free worker")]
    with pytest.raises(ScanError, match="no free worker"):
        new_pool().inspect(b"x")


# -- plain text -------------------------------------------------------------------------------------------------------


def test_plain_text_is_read_by_a_reusable_worker(workers: Workers, new_pool: NewPool) -> None:
    pool = new_pool(retire_after=100)
    (reusable,) = pool._reusable.workers
    assert cast(Any, reusable).ends == 0
    for _ in range(2):
        pool.inspect(b"x", is_plain=True)
    assert [one["do"] for one in cast(Any, reusable).asked] == ["trial", "inspect plain", "inspect plain"]
    assert pool._reusable.workers == [reusable]


@pytest.mark.parametrize("retire_after", [2, 3])
def test_a_worker_that_may_read_two_messages_is_reusable(
    workers: Workers, new_pool: NewPool, retire_after: int
) -> None:
    pool = new_pool(retire_after=retire_after)
    (reusable,) = pool._reusable.workers
    pool.inspect(b"x", is_plain=True)
    assert [one["do"] for one in cast(Any, reusable).asked] == ["trial", "inspect plain"]


@pytest.mark.parametrize(
    ("message", "is_plain", "retire_after"),
    [(b"x", False, 100), (b"x", True, 1), (LARGE, True, 100)],
    ids=["other", "off", "large"],
)
def test_other_messages_get_their_own_process(
    workers: Workers, new_pool: NewPool, message: bytes, is_plain: bool, retire_after: int
) -> None:
    new_pool(retire_after=retire_after).inspect(message, is_plain=is_plain)
    assert [one.asked[0]["do"] for one in workers.used()] == ["inspect"]


def test_a_message_that_is_not_plain_text_is_read_again_by_its_own_process(workers: Workers, new_pool: NewPool) -> None:
    pool = new_pool(retire_after=100)
    (reusable,) = pool._reusable.workers
    cast(Any, reusable).does = NOT_FOR_THIS_WORKER
    assert pool.inspect(b"x", is_plain=True).status == "complete"
    assert len(workers.used()) == 1
    assert pool._reusable.workers == [reusable], "it has done nothing wrong"


@pytest.mark.parametrize(
    ("lost", "lives"),
    [(WorkerLostError("crash"), 1), (b"{}{}", 1), (WorkerEndedError(), 2)],
    ids=["lost", "odd", "gone"],
)
def test_a_reusable_worker_that_crashes_on_a_message_costs_one_attempt(
    workers: Workers, new_pool: NewPool, lost: object, lives: int
) -> None:
    pool = new_pool(retire_after=100)
    (reusable,) = pool._reusable.workers
    cast(Any, reusable).does = lost
    workers.does["rules"] = [WorkerLostError("crash")]
    assert pool.inspect(b"x", is_plain=True).status == "failed"
    assert len(workers.used()) == lives
    assert pool._reusable.workers == []
    assert cast(Any, reusable).ends == 1


# -- a process that only reads ----------------------------------------------------------------------------------------


def test_a_small_message_is_read_by_one_process_and_searched_by_another(workers: Workers, new_pool: NewPool) -> None:
    pool = new_pool(retire_after=100, reads_separately=True)
    (reusable,) = pool._reusable.workers
    assert pool.inspect(b"words").status == "complete"
    (reader,) = workers.used("reads")
    assert reader.content == [b"words"]
    assert reader.ends == 1
    assert cast(Any, reusable).asked[-1]["do"] == "search"
    assert cast(Any, reusable).asked[-1]["descriptors"] == (99,)
    assert workers.used() == []
    pool.inspect(LARGE)
    assert len(workers.used()) == 1


@pytest.mark.parametrize(("lost", "lives"), [(WorkerLostError("crash"), 1), (WorkerEndedError(), 2)])
def test_a_reader_that_crashes_costs_an_attempt_unless_it_had_exited_before(
    workers: Workers, new_pool: NewPool, lost: Exception, lives: int
) -> None:
    pool = new_pool(retire_after=100, reads_separately=True)
    workers.does = {"reads": [lost], "rules": [WorkerLostError("crash")]}
    assert pool.inspect(b"x").status == "failed"
    assert len(workers.used()) == lives
    assert workers.used("reads")[0].ends == 1


@pytest.mark.parametrize("received", [NOT_FOR_THIS_WORKER, READER_ENDED])
def test_an_invalid_reading_costs_the_reader_an_attempt(
    workers: Workers, new_pool: NewPool, received: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    pool = new_pool(retire_after=100, reads_separately=True)
    (reusable,) = pool._reusable.workers
    cast(Any, reusable).does = received
    workers.does["rules"] = [WorkerLostError("crash")]
    assert pool.inspect(b"x").status == "failed"
    assert len(workers.used()) == (2 if received == NOT_FOR_THIS_WORKER else 1)
    assert caplog.text.count("worker-lost: why=crash") == 2, "an operator sees each that died"
    assert pool._reusable.workers == [reusable], "the one that searches lives"
    assert workers.used("reads")[0].ends == 1


# -- other questions to a worker --------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_small", [True, False])
def test_a_large_message_is_passed_as_a_read_only_descriptor(
    workers: Workers, new_pool: NewPool, tmp_path: Path, is_small: bool
) -> None:
    path = tmp_path / "message"
    path.write_bytes(b"x" * (2**16 if is_small else 2**16 + 1))
    with path.open("r+b") as stream:
        new_pool().inspect(stream.fileno())
    (one,) = workers.used()
    if is_small:
        assert one.content == [path.read_bytes()]
        return
    (descriptor,) = one.asked[0]["descriptors"]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_request_for_text_has_a_larger_answer_limit(workers: Workers, new_pool: NewPool) -> None:
    pool = new_pool()
    workers.does["rules"] = [b'{"parts": [], "status": "complete", "reason": "", "signals": []}']
    assert pool.extract(b"x")["status"] == "complete"
    workers.does["rules"] = [b"[]"]
    assert pool.explain(b"x") == []
    assert [one.asked[0]["limit"] for one in workers.used()] == [wire.TEXT_LIMIT] * 2
    assert [one.asked[0]["do"] for one in workers.used()] == ["extract", "explain"]


def test_a_failed_request_of_a_person_has_its_reason(workers: Workers, new_pool: NewPool) -> None:
    pool = new_pool()
    workers.does["rules"] = [WorkerLostError("crash")]
    assert pool.extract(b"x") == {"parts": [], "status": "failed", "reason": "crash", "signals": []}
    for call in (pool.explain, pool.preview, lambda one: pool.change(one, without=[], note="")):
        with pytest.raises(ScanError, match=r"^crash$"):
            call(b"x")
    assert pool.letter(b"x")["plain"] == ""


def test_preview_and_change_jobs_have_the_requested_options(workers: Workers, new_pool: NewPool) -> None:
    pool = new_pool()
    workers.does["rules"] = [WorkerLostError("crash")]
    for call in (
        lambda: pool.preview(b"x", reveal=3),
        lambda: pool.change(b"x", without=["2"], note="n", redact=True),
        lambda: pool.change(b"x", without=[], note=""),
        lambda: pool.preview(b"x"),
    ):
        with pytest.raises(ScanError):
            call()
    shown, changed, plain, hidden = (one.asked[0] for one in workers.used()[::2])
    assert (plain["redact"], hidden["reveal"]) == (False, 0)
    assert shown["reveal"] == 3
    assert (changed["without"], changed["note"], changed["redact"]) == (["2"], "n", True)


def test_no_separate_readers_run_without_reusable_searchers(workers: Workers, new_pool: NewPool) -> None:
    assert new_pool(retire_after=1, reads_separately=True).zygotes == [1]
    assert new_pool(retire_after=2, reads_separately=False).zygotes == [1]
    assert new_pool(retire_after=2, reads_separately=True).zygotes == [1, 1]


def test_a_closed_pool_leaves_no_worker(workers: Workers, new_pool: NewPool) -> None:
    pool = new_pool(retire_after=100, reads_separately=True)
    (reusable,) = pool._reusable.workers
    with pool:
        assert pool.zygotes == [1, 1]
    assert sorted(workers.closed) == ["reads", "rules"]
    assert cast(Any, reusable).ends == 1


# -- its start --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (WorkerLostError("crash"), "ended before its first message"),
        (WorkerLostError("time limit"), r"^a worker was not ready after 15 s$"),
        (WorkerEndedError(), "ended before its first message"),
    ],
    ids=["crash", "late", "gone"],
)
@pytest.mark.parametrize("kind", ["rules", "reads"])
def test_a_pool_does_not_start_if_a_worker_fails_the_trial(
    workers: Workers, new_pool: NewPool, kind: str, result: object, reason: str
) -> None:
    workers.trial[kind] = result
    with pytest.raises(ScanError, match=reason):
        new_pool(time_limit=10.0, retire_after=100, reads_separately=True)
    assert sorted(workers.closed) == ["reads", "rules"]
    assert all(one.ends == 1 for one in workers.all)


def test_a_pool_does_not_start_if_a_worker_cannot_be_confined(workers: Workers, new_pool: NewPool) -> None:
    workers.trial["rules"] = ScanError("no landlock")
    with pytest.raises(ScanError, match=r"^no landlock$"):
        new_pool()
    assert workers.closed == ["rules"]


class UnconfinedError(ScanError):
    """A worker answers its first job with this."""


def test_a_worker_that_fails_the_trial_because_it_cannot_be_confined_is_ended(
    workers: Workers, new_pool: NewPool
) -> None:
    workers.trial["rules"] = UnconfinedError("no seccomp")
    with pytest.raises(ScanError, match=r"^no seccomp$"):
        new_pool()
    assert [one.ends for one in workers.all] == [1]


@pytest.mark.parametrize(("kind", "closed"), [("rules", ["reads"]), ("reads", ["rules"])])
def test_the_other_zygote_is_closed_if_one_cannot_start(
    workers: Workers, new_pool: NewPool, kind: str, closed: list[str]
) -> None:
    workers.trial[kind] = OSError("no memory")
    with pytest.raises(ScanError, match=r"^no memory$"):
        new_pool(retire_after=100, reads_separately=True)
    assert workers.closed == closed


def test_the_reason_is_reported_if_both_zygotes_cannot_start(workers: Workers, new_pool: NewPool) -> None:
    workers.trial = {"rules": OSError("no memory"), "reads": OSError("no memory")}
    with pytest.raises(ScanError, match=r"^no memory$"):
        new_pool(retire_after=100, reads_separately=True)
    assert workers.closed == []


@pytest.mark.parametrize(
    ("values", "stocks", "places"),
    [
        ({"workers": 1}, [("rules", 1)], (3, 2)),
        ({"workers": 2}, [("rules", 2)], (4, 2)),
        ({"workers": 5}, [("rules", 2)], (7, 2)),
        ({"workers": 5, "ocr_languages": ("eng",)}, [("rules", 1)], (5, 0)),
        ({"workers": 5, "retire_after": 2, "reads_separately": True}, [("reads", 2), ("rules", 2)], (7, 2)),
    ],
    ids=["one", "two", "five", "images", "separate"],
)
def test_the_settings_give_the_number_of_stocked_workers_and_slots(
    workers: Workers,
    new_pool: NewPool,
    values: dict[str, Any],
    stocks: list[tuple[str, int]],
    places: tuple[int, int],
) -> None:
    pool = new_pool(**values)
    assert sorted(workers.stocks) == stocks
    for turns in (pool._turns, pool._plain_turns):
        assert (turns._free, turns._kept) == places


def test_every_wait_for_a_worker_has_the_configured_limit(workers: Workers, new_pool: NewPool) -> None:
    pool = new_pool(wait_limit=3.5, retire_after=100, reads_separately=True)
    pool.inspect(b"x")
    pool.inspect(LARGE)
    pool._reusable.close()
    pool.inspect(b"x", is_plain=True)
    assert workers.wait_limits == {3.5}


def test_images_get_time_in_addition_to_that_of_the_message(workers: Workers, new_pool: NewPool) -> None:
    new_pool(time_limit=10.0, ocr_seconds=20.0, ocr_languages=("eng",)).inspect(b"x")
    assert workers.used()[0].asked[0]["seconds"] == 35.0


# -- turns ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [{}, {"is_plain": True}, {"message": LARGE}, {"reads_separately": True}],
    ids=["whole", "plain", "large", "separate"],
)
def test_each_message_takes_a_slot_for_its_owner_and_returns_it(
    workers: Workers, new_pool: NewPool, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any]
) -> None:
    pool = new_pool(retire_after=100, reads_separately=values.pop("reads_separately", False), wait_limit=3.5)
    message = values.pop("message", b"x")
    events: list[tuple[Any, ...]] = []
    for turns in (pool._turns, pool._plain_turns):
        take, give_back = turns.acquire, turns.release

        def taken(*who: str, take: Any = take, **options: Any) -> None:
            events.append(("take", who, options))
            take(*who, **options)

        def given(who: str, seconds: float, sender: str, give_back: Any = give_back) -> None:
            assert 0 <= seconds < 600
            events.append(("give back", (who, sender)))
            give_back(who, seconds, sender)

        monkeypatch.setattr(turns, "acquire", taken)
        monkeypatch.setattr(turns, "release", given)
    pool.inspect(message, who=("relay", "anna@corp.example"), **values)
    assert events
    who = ("relay", "anna@corp.example")
    is_small = message != LARGE
    assert set(map(repr, events)) == {
        repr(("take", who, {"is_small": is_small, "wait_limit": 3.5})),
        repr(("give back", who)),
    }
    assert all(turns._held == {} for turns in (pool._turns, pool._plain_turns))


@pytest.mark.parametrize("is_plain", [True, False])
@pytest.mark.parametrize("reads_separately", [True, False])
def test_no_worker_is_used_without_a_slot(
    workers: Workers, new_pool: NewPool, is_plain: bool, reads_separately: bool
) -> None:
    pool = new_pool(workers=1, wait_limit=0.0, retire_after=100, reads_separately=reads_separately)
    for turns in (pool._turns, pool._plain_turns):
        for who in ("a", "b", "c"):
            turns.acquire(who, is_small=True, wait_limit=0)
    with pytest.raises(ScanError, match=r"^no free worker$"):
        pool.inspect(b"x", is_plain=is_plain)
    assert workers.used() == workers.used("reads") == []


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({}, "small"),
        ({"message": LARGE}, "large"),
        ({"is_plain": True}, "plain"),
        ({"ocr_languages": ("eng",), "message": LARGE}, "ocr"),
    ],
    ids=["small", "large", "plain", "images"],
)
def test_the_time_of_workers_is_counted_by_kind_of_message(
    workers: Workers, new_pool: NewPool, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], kind: str
) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))

    def seconds() -> float:
        return float(metrics.WORKER_SECONDS.labels(kind)._value.get())

    message = values.pop("message", b"x")
    is_plain = values.pop("is_plain", False)
    pool = new_pool(retire_after=100, **values)
    before = seconds()
    pool.inspect(message, is_plain=is_plain)
    assert seconds() > before


# -- results after a lost worker --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lost", "why"),
    [(WorkerLostError("time limit"), "time limit"), (WorkerLostError("crash"), "crash"), (b"{}{}", "answer")],
    ids=["late", "crash", "odd"],
)
@pytest.mark.parametrize("way", ["whole", "plain", "separate"])
def test_each_lost_worker_is_logged_with_the_message_and_counted(
    workers: Workers, new_pool: NewPool, monkeypatch: pytest.MonkeyPatch, way: str, lost: object, why: str
) -> None:
    logged: list[dict[str, Any]] = []
    monkeypatch.setattr(maillog, "worker_lost", lambda queue_id, **of: logged.append({"id": queue_id, **of}))
    pool = new_pool(retire_after=100, reads_separately=way == "separate")
    counter = metrics.WORKER_RESTARTS.labels(why)._value
    before = counter.get()
    if way == "separate" and isinstance(lost, Exception):
        workers.does["reads"] = [lost]
    elif way == "whole":
        workers.does["rules"] = [lost, FOUND]
    else:
        cast(Any, pool._reusable.workers[0]).does = lost
    assert pool.inspect(b"x", queue_id="4bXQ", is_plain=way == "plain").status == "complete"
    assert [(one["id"], one["why"], one["pid"]) for one in logged] == [("4bXQ", why, 7)]
    assert bool(logged[0]["error"]) is (why == "answer")
    assert counter.get() == before + 1


@pytest.mark.parametrize("is_plain", [True, False])
@pytest.mark.parametrize("reads_separately", [True, False])
def test_a_worker_that_could_not_be_confined_is_ended_and_defers_the_message(
    workers: Workers, new_pool: NewPool, is_plain: bool, reads_separately: bool
) -> None:
    pool = new_pool(retire_after=100, reads_separately=reads_separately)

    class Unconfined(FakeWorker):
        def begin(self, *_arguments: Any, **_options: Any) -> None:
            self.asked.append({"do": "x"})
            raise ScanError("no seccomp")

        ask = begin  # type: ignore[assignment]

    made: list[Unconfined] = []

    def take(**_: Any) -> Unconfined:
        made.append(Unconfined("x", None))
        return made[-1]

    pool._reusable.close()
    for stock in pool._stocks():
        cast(Any, stock).take = take
    with pytest.raises(ScanError, match=r"^no seccomp$"):
        pool.inspect(b"x", is_plain=is_plain)
    assert [one.ends for one in made] == [1]
    assert pool._reusable.workers == []


def test_a_reusable_worker_takes_messages_until_it_retires(workers: Workers, new_pool: NewPool) -> None:
    pool = new_pool(retire_after=3)
    for _ in range(4):
        pool.inspect(b"x", is_plain=True)
    # The trial counts: two messages for the first, then a new one.
    reusable = [one for one in workers.all if one.asked[-1]["do"] == "inspect plain"]
    assert [len(one.asked) for one in reusable] == [3, 2]
    assert [one.ends for one in reusable] == [1, 0]


def test_a_descriptor_for_plain_text_is_read_from_its_first_byte(
    workers: Workers, new_pool: NewPool, tmp_path: Path
) -> None:
    pool = new_pool(retire_after=100)
    (reusable,) = pool._reusable.workers
    path = tmp_path / "message"
    path.write_bytes(b"y" * SMALL)
    with path.open("rb") as stream:
        stream.read()
        pool.inspect(stream.fileno(), is_plain=True)
    assert cast(Any, reusable).content[-1] == b"y" * SMALL


@pytest.mark.parametrize("more", [{}, {"links": True}, {"values": True}, {"links": True, "values": True}])
@pytest.mark.parametrize("way", ["whole", "plain", "separate"])
def test_a_job_has_the_header_values_and_options_of_the_milter(
    workers: Workers, new_pool: NewPool, way: str, more: dict[str, Any]
) -> None:
    pool = new_pool(retire_after=100, reads_separately=way == "separate")
    reusable = pool._reusable.workers[0]
    pool.inspect(b"x", subject="s", header_from="f", message_id="m", is_plain=way == "plain", **more)
    asked = workers.used()[0].asked[0] if way == "whole" else cast(Any, reusable).asked[-1]
    assert asked["words"] == {"subject": "s", "header_from": "f", "message_id": "m"} | more


def test_answers_are_checked_with_the_rules_and_profiles_of_the_pool(workers: Workers, new_pool: NewPool) -> None:
    pool = new_pool(profiles=("dlp-pii",))
    workers.does["rules"] = [answer.encode(Inspection(profiles={"dlp-pii": "high"}))]
    assert pool.inspect(b"x").profiles == {"dlp-pii": "high"}
    workers.does["rules"] = [answer.encode(Inspection(profiles={"dlp-pci": "high"}))]
    assert pool.inspect(b"x").reason == "answer"


def test_a_failed_inspection_has_its_duration(
    workers: Workers, new_pool: NewPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = new_pool()
    workers.does["rules"] = [WorkerLostError("crash")]
    clock = iter([10.0, 10.25])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    assert pool.inspect(b"x").elapsed_ms == 250.0


def test_a_changed_message_and_a_text_to_print_may_be_large(workers: Workers, new_pool: NewPool) -> None:
    pool = new_pool()
    workers.does["rules"] = [b'{"attachments":[],"removed":[],"signatures":[],"refused":null}\nchanged']
    report, content = pool.change(b"x", without=["1"], note="n")
    assert (report.refused, content) == (None, b"changed")
    workers.does["rules"] = [
        b'{"subject":"s","attachments":[],"findings":[],"status":"complete","reason":"","parts":[]}'
    ]
    assert pool.preview(b"x")["subject"] == "s"
    workers.does["rules"] = [b'{"report":"","plain":"yes","html":"","struck":"","incidents":[]}']
    assert pool.letter(b"x")["plain"] == "yes"
    limits = [one.asked[0]["limit"] for one in workers.used()]
    assert limits == [wire.TEXT_LIMIT, wire.ANSWER_LIMIT, wire.ANSWER_LIMIT]
    assert [one.asked[0]["do"] for one in workers.used()] == ["change", "preview", "letter"]


def test_a_lost_worker_gives_an_empty_mail(workers: Workers, new_pool: NewPool) -> None:
    pool = new_pool()
    workers.does["rules"] = [WorkerLostError("crash")]
    assert pool.letter(b"x") == {"report": "", "plain": "", "html": "", "struck": "", "incidents": []}
