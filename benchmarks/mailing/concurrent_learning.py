"""Learning who writes to whom at a fixed rate, while a milter behind a real Postfix gets as much mail as it takes."""

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

from holdgate import metrics
from holdgate.config import RelationsSettings
from holdgate.envelope import Envelope
from holdgate.findings import Finding, Inspection
from holdgate.quarantine.store import open_store
from holdgate.relations.correspondence import Correspondence
from testbed import sample_mail
from testbed.ports import LOOPBACK
from testbed.postgres import PostgresServer
from testbed.site import Site

RATE = 200
"""Messages to learn per second."""

_SECONDS = 60
_SESSIONS = 4
# How long the messages queued at the end may take, in seconds: the time to gather and to write them.
_DRAINED = 3.0
_POLICIES = """
internal_domains = ["corp.example"]

[[policy]]
name = "wrong-recipient"
action = "quarantine"
recipient_risk = { lookalike = true, twin = true, outlier = true, content = "unusual" }
"""
_FOUND = Inspection(findings=[Finding("iban", "high", 1, 1, [], [])], values=["iban 0123456789abcdef"])


def measure(mail: Iterable[Envelope], *, postgresql: bool) -> bool:
    """Print the result of learning with SQLite or PostgreSQL; return whether it kept up."""
    directory = Path(tempfile.mkdtemp(prefix="holdgate-bench-"))
    directory.chmod(0o711)
    server = PostgresServer(directory / "server") if postgresql else None
    site = None
    try:
        if server is not None:
            server.start()
        key = directory / "relations.key"
        extra = f'[relations]\nmode = "on"\nkey = "{key}"\ntime_limit = "60s"\n'
        place = directory / "site"
        place.mkdir()
        site = Site(place, extra=extra, policies=_POLICIES, store_url=server.new_database() if server else "")
        site.start()
        return _learn(site, key, mail, "PostgreSQL" if postgresql else "SQLite")
    finally:
        if site is not None:
            site.stop()
        if server is not None:
            server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _learn(site: Site, key: Path, mail: Iterable[Envelope], name: str) -> bool:
    message = site.directory / "message"
    content = sample_mail.letter("Minutes", "The meeting began at nine.\n" * 80).as_bytes()
    message.write_bytes(content.replace(b"\r\n", b"\n"))
    target = f"{LOOPBACK}:{site.postfix.smtp_port}"
    command = ["smtp-source", "-s", str(_SESSIONS), "-m", "1000000", "-F", str(message), "-f", sample_mail.SENDER]
    settings = RelationsSettings.model_validate({"mode": "on", "key": key})
    store = open_store(site.settings.store.url)
    learner = Correspondence(settings, store, ["corp.example"], lambda one: one.endswith("@corp.example"))
    source = subprocess.Popen([*command, "-t", sample_mail.RECIPIENT, target])
    try:
        before, begun = _counted(site), time.perf_counter()
        for number, envelope in zip(range(RATE * _SECONDS), cycle(mail), strict=False):
            time.sleep(max(begun + number / RATE - time.perf_counter(), 0))
            learner.learn(envelope, _FOUND, datetime.now(UTC))
        took = time.perf_counter() - begun
        taken = {what: count - before[what] for what, count in _counted(site).items()}
    finally:
        source.kill()
        source.wait()
    ended = time.perf_counter()
    while metrics.RELATIONS_LEARNED._value.get() < RATE * _SECONDS and time.perf_counter() < ended + 60:
        time.sleep(0.05)
    behind = time.perf_counter() - ended
    learner.close(60)
    learned = int(metrics.RELATIONS_LEARNED._value.get())
    metrics.RELATIONS_LEARNED.reset()
    store.close()
    dropped = taken["holdgate_relations_dropped_total"]
    inspected, also = taken["holdgate_messages_total"] / took, taken["holdgate_relations_learned_total"] / took
    print(
        f"{name}: {learned} of {RATE * _SECONDS} messages learned at {RATE * _SECONDS / took:.0f} a second, "
        f"the last one {behind:.1f} s after it came; meanwhile the milter inspected {inspected:.0f} a second, "
        f"learned {also:.0f} a second, and dropped {dropped:.0f}"
    )
    return learned == RATE * _SECONDS and behind <= _DRAINED and not dropped


def _counted(site: Site) -> dict[str, float]:
    found: dict[str, float] = dict.fromkeys(
        ("holdgate_relations_learned_total", "holdgate_relations_dropped_total", "holdgate_messages_total"), 0.0
    )
    for name, value in re.findall(r"^(holdgate_\w+)(?:\{[^}]*\})? (\S+)$", site.metrics("milter"), re.MULTILINE):
        if name in found:
            found[name] += float(value)
    return found
