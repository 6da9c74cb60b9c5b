"""How the cost of a message grows with size, concurrent sessions, rules, policies, recipients and waiting incidents.

Each row is one of these quantities. It shows the processor time of a message at each step (gate, zygotes and workers
together), and the exponent of the growth from the first step to the last: 1 is linear, 0 is no growth. Exponents can be
compared between machines, milliseconds cannot.
"""

import argparse
import math
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from benchmarks import desk, policy
from benchmarks.mailing import account
from benchmarks.mailing.letters import Writer
from benchmarks.steps import as_steps, send
from holdgate.config import Settings
from holdgate.detect import Detector
from holdgate.gate.service import ConfigSnapshot, Service
from holdgate.gate.session import Session
from holdgate.policy.model import load_policies
from holdgate.policy.verdict import PolicySet
from holdgate.quarantine.incident import Actor, Incident
from holdgate.scan.pool import Pool, PoolSettings
from holdgate.seal import Key, Sealer
from holdgate.tables import Tables

_ROOT = Path(__file__).parents[1]
_RULES = _ROOT / "rules"
# Each part has ten seconds: no single one is longer than this.
_PART = 500_000
_LINEAR = 1.15
"""The largest exponent that counts as linear: fixed costs make small steps look dear or cheap."""


def main(words: list[str]) -> int:
    """Print the rows; exit status 1 if one grows faster than linearly."""
    rows: dict[str, Callable[[argparse.Namespace], dict[int, float]]] = {
        "size": _sizes,
        "sessions": _sessions,
        "rules": _rules,
        "policies": _policies,
        "recipients": _recipients,
        "incidents": _incidents,
    }
    parser = argparse.ArgumentParser(prog="script/bench growth", description=__doc__)
    parser.add_argument("what", nargs="*", help=f"of: {', '.join(rows)}")
    parser.add_argument("--largest", type=int, default=50_000, help="largest message, in KB")
    parser.add_argument("--incidents", type=int, default=100_000, help="most incidents that wait")
    arguments = parser.parse_args(words)
    if set(arguments.what) - set(rows):
        parser.error(f"there is only {', '.join(rows)}")
    good = True
    print("| | milliseconds of processor time | exponent |\n|---|---|--:|")
    for name in arguments.what or rows:
        figures = rows[name](arguments)
        first, *_, last = figures
        exponent = math.log(figures[last] / figures[first]) / math.log(last / max(first, 1))
        good &= exponent <= _LINEAR
        listed = ", ".join(f"{step:,}: {cost:.3g}" for step, cost in figures.items())
        print(f"| {name} | {listed} | {exponent:.2f} |", flush=True)
    return 0 if good else 1


def _steps(largest: int, first: int = 1) -> list[int]:
    """Return 1, 10, 100, … and the largest."""
    return [*(first * 10**power for power in range(9) if first * 10**power < largest), largest]


@contextmanager
def _site(workers: int = 2) -> Iterator[tuple[Callable[[], Session], Callable[[], float]]]:
    """Yield a function that makes a session, and one that returns the processor time of gate, zygotes and workers."""
    policies = load_policies(_ROOT / "etc/policies.toml")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("main.cf", "master.cf"):
            (Path(folder) / name).touch()
        settings = Settings.model_validate({"milter": {"spool_directory": folder}, "queue": {"postfix_config": folder}})
        wanted = PoolSettings(
            rules=_RULES,
            profiles=policies.profiles(),
            workers=workers,
            retire_after=settings.scan.retire_after,
            reads_separately=True,
            time_limit=600,
            wait_limit=600,
        )
        sealer = Sealer([Key("k0000001", datetime.now(UTC), bytes(32))], timedelta(days=1))
        with Pool(wanted) as pool:
            snapshot = ConfigSnapshot(settings, PolicySet(policies, Tables(Path(folder))), sealer, pool, None)
            service = cast(Service, SimpleNamespace(snapshot=snapshot, store=SimpleNamespace(record=_record)))
            yield (
                lambda: Session(service),
                lambda: time.process_time() + account.processor_seconds(*pool.zygotes),
            )


def _record(*_: object, **__: object) -> None:
    """Keep nothing."""


def _message(characters: int) -> bytes:
    """Return a message with this amount of text, in parts below the size limit."""
    writer = Writer("1")
    text = writer.text(min(characters, _PART))[:characters]
    message = EmailMessage()
    message["Subject"] = "Minutes"
    message.set_content(text)
    for number in range(characters // _PART - 1):
        message.add_attachment(text, filename=f"notes {number}.txt")
    return message.as_bytes()


def _sizes(arguments: argparse.Namespace) -> dict[int, float]:
    """Measure messages of plain text, and of attached plain texts, by size in KB."""
    with _site() as (session, used):
        figures = {}
        for kilobytes in _steps(arguments.largest):
            fields, chunks = as_steps(_message(kilobytes * 1000))
            count = max(1, min(200, 2000 // kilobytes))
            send(session(), fields, chunks)
            begun = used()
            for _ in range(count):
                send(session(), fields, chunks)
            figures[kilobytes] = (used() - begun) / count * 1000
        return figures


def _sessions(_: argparse.Namespace) -> dict[int, float]:
    """Measure concurrent sessions that send small messages."""
    fields, chunks = as_steps(_message(3_000))
    with _site() as (session, used):
        figures = {}
        for count in (1, 10, 50, 200):
            each = max(2, 400 // count)

            def run(each: int = each) -> None:
                for _ in range(each):
                    send(session(), fields, chunks)

            threads = [threading.Thread(target=run) for _ in range(count)]
            begun = used()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            figures[count] = (used() - begun) / (each * count) * 1000
        return figures


def _rules(_: argparse.Namespace) -> dict[int, float]:
    """Measure the search of 100 KB of text with the shipped identifiers, and with copies of them under other names."""
    text = Writer("2").text(100_000)
    figures = {}
    for times in (1, 3, 10):
        with tempfile.TemporaryDirectory() as folder:
            for path in (_RULES / "identifiers").glob("*.toml"):
                content = path.read_text("utf-8")
                for number in range(1, times):
                    name = f"{path.stem}-{number}"
                    copy = Path(folder, "identifiers", f"{name}.toml")
                    copy.parent.mkdir(exist_ok=True)
                    copy.write_text(re.sub(r'^id = ".*"', f'id = "{name}"', content, count=1, flags=re.M), "utf-8")
            detector = Detector.from_rules(_RULES, local_dir=Path(folder))
            detector.scan(text, [])
            figures[times] = _least(lambda: detector.scan(text, []))  # noqa: B023
    return figures


def _policies(_: argparse.Namespace) -> dict[int, float]:
    """Measure the decision on a message by policies with the usual conditions, none of which matches."""
    return {count: policy.decision(count) for count in (10, 100, 1000)}


def _recipients(_arguments: argparse.Namespace) -> dict[int, float]:
    """Measure the recipients of one small message."""
    fields, chunks = as_steps(_message(3_000))
    with _site() as (session, used):
        figures = {}
        for count in (1, 10, 100, 1000):
            recipients = [f"user{number}@partner.example" for number in range(count)]
            send(session(), fields, chunks, recipients)
            begun = used()
            for _ in range(100):
                send(session(), fields, chunks, recipients)
            figures[count] = (used() - begun) / 100 * 1000
        return figures


def _incidents(arguments: argparse.Namespace) -> dict[int, float]:
    """Measure recording one more incident while many wait for a decision, on SQLite."""
    figures: dict[int, float] = {}
    milter = Actor("holdgate-milter", "milter")
    with tempfile.TemporaryDirectory() as directory:
        made = desk.made(Path(directory))
        filled = 0
        for count in [0, *_steps(arguments.incidents, first=1000)]:
            desk.fill(made, count - filled, filled)
            filled = count

            def record() -> None:
                one = Incident(queue_id="4BENCH", sender="a@corp.example", recipients=["b@x.example"], policy="dlp-pii")
                made.store.record(one, milter)

            figures[count] = _least(record, rounds=50)
        made.store.close()
    return figures


def _least(work: Callable[[], object], rounds: int = 5) -> float:
    """Return the least processor time of some rounds, in milliseconds."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.thread_time()
        work()
        best = min(best, time.thread_time() - begun)
    return best * 1000
