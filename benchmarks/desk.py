"""The desk with many waiting incidents: time of the list page, of a pass, of a decision; memory over many pages."""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from starlette.testclient import TestClient

from holdgate.config import Settings
from holdgate.desk import asking, moderation, post
from holdgate.desk.context import Desk
from holdgate.desk.notices import Composer
from holdgate.desk.preview import Previewer
from holdgate.desk.scheduler import Scheduler
from holdgate.desk.templates import Templates
from holdgate.desk.web.server import build
from holdgate.quarantine.incident import Actor, Answer, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import migrate, open_store

BOSS = "boss@corp.example"
PAGE_SECONDS = 0.1
MEMORY_GROWTH = 10 * 2**20
# getrusage(2) counts memory in KiB.
_KIB = 1024


class NoMessages(Previewer):
    """Shows no held message."""

    def __init__(self) -> None:
        pass

    def describe(self, incident: Incident) -> dict[str, Any]:
        """Describe nothing."""
        return {}

    def original(self, incident: Incident) -> bytes | None:
        """Return the same for each."""
        return b"Subject: x\n\nx\n"


def main(arguments: list[str]) -> int:
    """Measure; return 0 when every figure is within its threshold."""
    parser = argparse.ArgumentParser(prog="script/bench desk")
    parser.add_argument("--incidents", type=int, default=10_000)
    parser.add_argument("--pages", type=int, default=300)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        desk = made(Path(directory))
        begun = time.perf_counter()
        fill(desk, given.incidents)
        print(f"{given.incidents} incidents held and asked about in {time.perf_counter() - begun:.1f} s")
        good = _pages(desk, given.pages) & _passes(desk)
        desk.store.close()
    return 0 if good else 1


def made(directory: Path, url: str = "") -> Desk:
    """Return a desk with files in `directory`, and a new store there or at a URL."""
    url = url or f"sqlite:///{directory}/holdgate.db"
    migrate(url)
    tables = {
        "policy": {"file": str(Path(__file__).parents[1] / "etc/policies.toml")},
        "moderation": {"moderators": [BOSS], "reminders": []},
        "desk": {
            "web_listen": "127.0.0.1:1",
            "public_url": "https://approve.corp.example",
            "notice_from": "h@corp.example",
            "templates": str(directory / "templates"),
        },
    }
    return Desk(open_store(url), Settings.model_validate(tables))


def fill(desk: Desk, count: int, first: int = 0) -> None:
    """Record incidents, set them to held and send the requests, numbered from `first`."""
    finding = {"identifier": "iban", "confidence": "high", "count": 2, "unique": 2, "parts": ["a.pdf"], "masked": ["*"]}
    milter = Actor("holdgate-milter", "milter")
    now = datetime.now(UTC)
    for number in range(first, first + count):
        incident = Incident(
            queue_id=f"4{number:06}",
            sender=f"user{number % 500}@corp.example",
            recipients=[f"client{number}@partner.example"],
            policy="dlp-pii",
            subject=f"Report number {number} of the year",
            findings=[finding],
            arrival_time=number,
        )
        desk.store.record(incident, milter)
        held = desk.store.change(incident, State.HELD, milter, held_at=now)
        asking.ask(desk, held, now)


def _pages(desk: Desk, count: int) -> bool:
    templates = Templates(desk.settings.desk.templates, desk.zone)
    app = build(desk, templates, NoMessages(), Composer(desk, templates, NoMessages()))
    client = TestClient(app, base_url="https://approve.corp.example")
    client.cookies.set(
        "holdgate", desk.key.seal("holdgate", {"who": BOSS, "session": "bench", "until": time.time() + 3600})
    )
    good = True
    for name, query in {"list": "", "search": "?words=client77", "page 100": "?page=100"}.items():
        seconds = _times(partial(_get, client, f"/incidents{query}"), 30)
        good &= _threshold(f"{name}: median of 30", seconds, PAGE_SECONDS)
    before = _peak_memory()
    for _ in range(count):
        _get(client, "/incidents")
    grown = _peak_memory() - before
    small = grown < MEMORY_GROWTH
    print(
        f"memory after {count} more pages: {grown / 2**20:+.1f} MB (limit {MEMORY_GROWTH / 2**20:.0f} MB)"
        f"{'' if small else '  TOO MUCH'}"
    )
    return good and small


def _get(client: TestClient, url: str) -> None:
    """Fetch a page; end the measurement if the response is another page, such as the faster sign-in page."""
    answer = client.get(url)
    if answer.status_code != 200 or answer.url.raw_path.decode() != url:
        raise SystemExit(f"script/bench desk: {url} led to {answer.url.raw_path.decode()}, status {answer.status_code}")


def _peak_memory() -> int:
    """Return the peak memory of this process, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB


@mock.patch.object(post, "submit_one", new=mock.Mock(return_value=None))
def _passes(desk: Desk) -> bool:
    templates = Templates(desk.settings.desk.templates, desk.zone)
    table = Scheduler(desk, Composer(desk, templates, NoMessages()), NoMessages())
    now = datetime.now(UTC)
    begun = time.perf_counter()
    table.run_once(now)
    print(f"requests sent to a relay that takes all: {time.perf_counter() - begun:.1f} s")
    good = _threshold("a pass with nothing due: median of 10", _times(lambda: table.run_once(now), 10), PAGE_SECONDS)
    (first,) = desk.store.incidents([State.HELD], limit=1)
    actor = Actor("root", "command")
    seconds = _times(lambda: moderation.override(desk, first, Answer.APPROVE, actor), 1)
    good &= _threshold("a decision", seconds, PAGE_SECONDS)
    waiting = len(desk.store.incidents([State.HELD]))
    begun = time.perf_counter()
    table.run_once(now + timedelta(days=2, seconds=1))
    left = len(desk.store.incidents([State.HELD]))
    print(f"{waiting - left} deadlines at one moment: {time.perf_counter() - begun:.1f} s, {left} missed")
    return good and left == 0


def _times(work: Callable[[], object], count: int) -> float:
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def _threshold(name: str, seconds: float, bound: float) -> bool:
    good = seconds < bound
    print(f"{name}: {seconds * 1000:.1f} ms (limit {bound * 1000:.0f} ms){'' if good else '  TOO SLOW'}")
    return good
