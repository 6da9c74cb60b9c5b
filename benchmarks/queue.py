"""A long hold queue with a real Postfix: adoption of all messages, decisions during it, and passes without changes."""

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

from holdgate.desk import moderation
from holdgate.desk.context import Desk
from holdgate.quarantine.incident import Actor, Answer
from holdgate.quarantine.states import State
from holdgate.queue.client import QueueClient
from holdgate.queue.reconcile import Reconciler
from testbed.site import Site

DECISION_SECONDS = 5.0
PASS_RATIO = 1.2
_PASSES = 200
# Between two decisions while messages are adopted, in seconds.
_PAUSE = 10.0


def main(arguments: list[str]) -> int:
    """Measure; return 0 when every figure is within its threshold."""
    parser = argparse.ArgumentParser(prog="script/bench queue")
    parser.add_argument("--messages", type=int, default=10_000)
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        site, other = (_site(stack) for _ in range(2))
        other.start_daemon("queue")
        _fill(site, given.messages)
        slowest = _adopt(site, given.messages)
        empty, full = _idle(other, site)
    good = slowest < DECISION_SECONDS
    print(f"slowest decision meanwhile: {slowest:.1f} s (limit {DECISION_SECONDS:.0f} s){'' if good else '  TOO SLOW'}")
    ratio = full / empty
    cheap = ratio <= PASS_RATIO
    print(
        f"a pass in which nothing changed: {empty * 1000:.2f} ms with an empty queue, {full * 1000:.2f} ms with "
        f"{given.messages} held; ratio {ratio:.2f} (limit {PASS_RATIO}){'' if cheap else '  TOO SLOW'}"
    )
    return 0 if good and cheap else 1


def _site(stack: ExitStack) -> Site:
    """Start a site without a milter: Postfix holds all mail uninspected, and it is adopted, as after a lost store."""
    directory = Path(tempfile.mkdtemp(prefix="holdgate-bench-"))
    stack.callback(shutil.rmtree, directory)
    site = Site(directory, changes={"milter_default_action": "quarantine"}, queue_extra="adopt_uninspected = true\n")
    stack.callback(site.stop)
    site.prepare()
    site.next_hop.start()
    site.postfix.write(site._services, **site._changes)
    site.postfix.start()
    return site


def _fill(site: Site, count: int) -> None:
    begun = time.perf_counter()
    command = [
        "smtp-source",
        "-c",
        "-s",
        "10",
        "-m",
        str(count),
        "-f",
        "anna@corp.example",
        "-t",
        "bob@partner.example",
    ]
    subprocess.run([*command, f"127.0.0.1:{site.postfix.smtp_port}"], check=True, capture_output=True)
    print(f"{count} messages held in {time.perf_counter() - begun:.0f} s")


def _adopt(site: Site, count: int) -> float:
    """Have all messages adopted; return how long the slowest simultaneous decision took, in seconds."""
    desk = Desk(site.store, site.settings)
    begun = time.monotonic()
    site.start_daemon("queue")
    taken = [0.0]
    while sum(site.store.count().values()) < count:
        waiting = site.store.incidents({State.HELD}, limit=1)
        if waiting:
            decided = time.monotonic()
            one = moderation.override(desk, waiting[0], Answer.APPROVE, Actor("root", "command"))
            site.wait_for(partial(_is_released, site, one.id), "the release")
            taken.append(time.monotonic() - decided)
        time.sleep(_PAUSE if waiting else 0.1)
    print(f"{count} adopted in {time.monotonic() - begun:.0f} s, with {len(taken) - 1} decisions meanwhile")
    return max(taken)


def _is_released(site: Site, name: str) -> bool:
    incident = site.store.incident(name)
    return incident is not None and incident.state is State.RELEASED


def _idle(*sites: Site) -> list[float]:
    """Return the time of a pass in which nothing changed at each of some sites, in seconds.

    It is the first decile of many passes, made in turns, because the machine has other load.
    """
    reconcilers = [_reconciler(site) for site in sites]
    # Until the queue's directory has settled, each pass lists it again.
    settled = time.monotonic() + 8
    while time.monotonic() < settled:
        for one in reconcilers:
            one.run_once()
        time.sleep(0.5)
    times: list[list[float]] = [[] for _ in sites]
    for _ in range(_PASSES):
        for place, one in enumerate(reconcilers):
            begun = time.perf_counter()
            one.run_once()
            times[place].append(time.perf_counter() - begun)
    return [statistics.quantiles(found, n=10)[0] for found in times]


def _reconciler(site: Site) -> Reconciler:
    return Reconciler(
        site.store,
        QueueClient(site.settings.queue.socket),
        action=(site.settings.policy.action_header, site.settings.policy.action_value),
        missing_after=timedelta(hours=1),
        interval=timedelta(hours=1),
        adopt_uninspected=True,
        poll_after=lambda: 0.0,
        has_name=lambda: True,
        signs=lambda: False,
    )
