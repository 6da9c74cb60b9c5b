"""Compares a store of a million closed and 100,000 waiting incidents with one of a hundred: the time of each step.

All incidents have the same moderator, which is the worst case for their list. Both stores run the same steps in turns.
The first decile of a step's times counts, because the machine has other load.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from starlette.testclient import TestClient

from benchmarks.desk import BOSS, NoMessages, made
from benchmarks.filling import fill
from holdgate.desk import moderation
from holdgate.desk.notices import Composer
from holdgate.desk.scheduler import Scheduler
from holdgate.desk.templates import Templates
from holdgate.desk.web.server import build
from holdgate.quarantine.incident import Actor, Answer, Incident
from holdgate.quarantine.requests import IncidentFilter
from holdgate.quarantine.store import open_store
from holdgate.queue.client import Key, Listing, QueueClient, QueueError
from holdgate.queue.postfix import HeldMessage
from holdgate.queue.reconcile import Reconciler

MOST = 1.5
"""Each step takes at most this many times what it takes in the small store."""
SMALL = 100
"""So many incidents wait in the small store: two pages of the list."""

_IDLE_PASSES = 20
_PERSON = Actor(BOSS, "page")


def measure(urls: dict[str, Callable[[], str]], directory: Path, *, closed: int, waiting: int, rounds: int) -> bool:
    """Measure on each database, print a table, and return whether every step is within its limit."""
    good = True
    print("| database | step | 100 waiting | ratio to that with the full store |\n|---|---|--:|--:|")
    for name, new_url in urls.items():
        small, full = (_Site(directory, name, new_url(), *counts) for counts in ((0, SMALL), (closed, waiting)))
        for _ in range(rounds):
            for site in (small, full):
                site.round()
        for step, taken in small.times.items():
            few, many = (statistics.quantiles(one, n=10)[0] for one in (taken, full.times[step]))
            is_good = many <= MOST * few
            good &= is_good
            print(
                f"| {name} | {step} | {few * 1000:.1f} ms | {many / few:.2f} ({many * 1000:.1f} ms)"
                f"{'' if is_good else ' TOO SLOW'} |",
                flush=True,
            )
        for site in (small, full):
            site.desk.store.close()
    return good


class _HoldQueue(QueueClient):
    """A hold queue in memory, which reports changes as the queue agent does."""

    def __init__(self, first: int, last: int) -> None:
        numbers = range(first, last + 1)
        self._messages = {
            f"4{number}": HeldMessage(f"4{number}", number, 1, "a@corp.example", []) for number in numbers
        }
        self._gone: list[str] = []

    def held_unless(self, stamp: str | None, version: str = "") -> Listing | None:
        """Return what was removed since the last call; on the first call, everything."""
        if not version:
            return Listing(list(self._messages.values()), None, "0", "0")
        if stamp == str(len(self._gone)):
            return None
        new = str(len(self._gone))
        return Listing([], self._gone[int(version) :], new, new)

    def release_all(self, keys: list[Key]) -> list[bool | QueueError]:
        """Release."""
        self._gone += [key[0] for key in keys]
        return [self._messages.pop(key[0], None) is not None for key in keys]


@dataclass
class _Site:
    """A desk and a queue agent with a store of a given number of closed and waiting incidents."""

    directory: Path
    name: str
    url: str
    closed: int
    waiting: int
    times: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        folder = self.directory / f"{self.name}-{self.waiting}"
        folder.mkdir()
        self.desk = made(folder, self.url)
        fill(self.url, self.closed, self.waiting, BOSS)
        templates = Templates(self.desk.settings.desk.templates, self.desk.zone)
        composer = Composer(self.desk, templates, NoMessages())
        app = build(self.desk, templates, NoMessages(), composer)
        self._client = TestClient(app, base_url="https://approve.corp.example")
        session = {"who": BOSS, "session": "bench", "until": time.time() + 36_000}
        self._client.cookies.set("holdgate", self.desk.key.seal("holdgate", session))
        self._scheduler = Scheduler(self.desk, composer, NoMessages())
        queue = _HoldQueue(self.closed + 1, self.closed + self.waiting)
        missing = timedelta(hours=1)
        store = open_store(self.url, "mx1", role="queue")
        self._agent = Reconciler(
            store,
            queue,
            action=("X", "Y"),
            missing_after=missing,
            interval=missing,
            adopt_uninspected=False,
            poll_after=lambda: 0.0,
            has_name=lambda: True,
            signs=lambda: False,
        )
        for _ in range(3):
            self._agent.run_once()

    def round(self) -> None:
        """Run each step once."""
        self._time("list page", lambda: self._get("/incidents"))
        self._time("history page", lambda: self._get("/incidents?show=all"))
        first, second = self.desk.store.requests.page(BOSS, IncidentFilter(waiting=True), limit=2)
        self._time("decision", lambda: self._approve(second))
        assert first.deadline_at is not None
        due = first.deadline_at
        self._time("deadline pass", lambda: self._scheduler.check_deadlines(due))
        self._time("agent pass", self._agent.run_once)
        # Many: on an idle site, a pass follows others that found nothing new, and takes a fraction of a millisecond.
        for _ in range(_IDLE_PASSES):
            self._time("agent pass with nothing new", self._agent.run_once)

    def _approve(self, incident: Incident) -> None:
        request = moderation.request_of(self.desk, incident, BOSS)
        assert request is not None
        moderation.answer(self.desk, request, Answer.APPROVE, _PERSON)

    def _get(self, address: str) -> None:
        answer = self._client.get(address)
        if answer.status_code != 200 or answer.url.raw_path.decode() != address:
            raise SystemExit(f"script/bench store: {address} led to {answer.url}, status {answer.status_code}")

    def _time(self, step: str, work: Callable[[], object]) -> None:
        begun = time.perf_counter()
        work()
        self.times.setdefault(step, []).append(time.perf_counter() - begun)
