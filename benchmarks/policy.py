"""Measures the cost of a thousand policies per message: the decision alone, and a session from MAIL to its reply.

script/bench policy    exit code 1 if a site's usual thousand policies take more than 0.2 ms per message, or a session
                       with a thousand policies takes more than 1.3 times as long as a session with ten
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from holdgate.config import Settings
from holdgate.envelope import Envelope
from holdgate.findings import Attachment, Finding, Inspection
from holdgate.gate.service import ConfigSnapshot, Service
from holdgate.gate.session import Session
from holdgate.policy.model import PolicyFile
from holdgate.policy.verdict import PolicySet
from holdgate.scan.pool import Pool, PoolSettings
from holdgate.seal import Key, Sealer
from holdgate.tables import Tables

_POLICIES = 1000
_ROUNDS = 500
_LIMIT_MS = 0.2

# A session's time with a thousand policies, divided by that with ten; and how many messages of each are timed by turns.
_SESSION_RATIO = 1.3
_SESSION_FEW = 10
_SESSION_ROUNDS = 400

_USUAL: list[Callable[[int], dict[str, Any]]] = [
    lambda n: {"sender": f"*@dept{n}.corp.example", "profile": {"dlp-pii": "low"}},
    lambda n: {"recipient": [f"partner{n}.example", f"bob{n}@partner.example"]},
    lambda n: {"subject": f"*project {n}*"},
    lambda n: {"sender": f"user{n}@corp.example", "attachment": {"name": "*.xlsx"}},
    lambda n: {"found": [{"id": "us-ssn", "count": n}], "not_sender": f"hr{n}@corp.example"},
]
# Nothing here can be looked up: each of them has to be tried.
_WORST: list[Callable[[int], dict[str, Any]]] = [
    lambda n: {"not_sender": "corp.example", "subject": f"*project {n}*"},
    lambda n: {"sender": f"*{n}@*.corp.example"},
]

_MESSAGES = {
    "nothing found": Inspection(),
    "one number found": Inspection(
        profiles={"dlp-pii": "medium"},
        findings=[Finding("us-ssn", "high", 1, 1, ["message body"], ["***-**-*399"])],
        attachments=[Attachment("plan.xlsx", "ooxml", 20_000)],
    ),
}


def main(words: list[str]) -> int:
    """Run the measurement and print its figures."""
    argparse.ArgumentParser(prog="script/bench policy", description=__doc__).parse_args(words)
    usual = _measure("usual conditions", _USUAL)
    _measure("conditions that must all be tried", _WORST)
    ratio = _sessions()
    return 1 if max(usual) > _LIMIT_MS or ratio > _SESSION_RATIO else 0


def _sessions() -> float:
    """Time sessions with few and with many policies, in turns; return the ratio of their medians."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        settings = Settings.model_validate({"milter": {"spool_directory": directory}})
        sealer = Sealer([Key("k0000001", datetime.now(UTC), bytes(32))], timedelta(days=1))
        with Pool(PoolSettings.of(settings, ("dlp-pii",))) as pool:
            times: dict[int, list[float]] = {_SESSION_FEW: [], _POLICIES: []}
            sessions = {}
            for count in times:
                snapshot = ConfigSnapshot(settings, _policies(_USUAL, count), sealer, pool, None)
                # Nothing is held, so that no store is asked but for the seals of mail that has some.
                sessions[count] = Session(cast(Service, SimpleNamespace(snapshot=snapshot, store=None)))
            for _ in range(_SESSION_ROUNDS):
                for count, session in sessions.items():
                    begun = time.perf_counter()
                    _send(session)
                    times[count].append((time.perf_counter() - begun) * 1000)
    few, many = (statistics.median(times[count][_SESSION_ROUNDS // 10 :]) for count in (_SESSION_FEW, _POLICIES))
    print(f"a session: {few:.2f} ms with {_SESSION_FEW} policies, {many:.2f} ms with {_POLICIES}", end="; ")
    print(f"ratio {many / few:.2f} (limit {_SESSION_RATIO})")
    return many / few


def _send(session: Session) -> None:
    """Send a message of 5 kB of plain text, which a worker reads."""
    session.open("client.corp.example", "192.0.2.7")
    session.begin("anna@corp.example", "")
    session.add_recipient("bob@partner.example")
    session.add_recipient("carl@corp.example")
    for name, value in _FIELDS:
        session.add_header(name, value)
    session.end_headers()
    session.add_body(b"The meeting began at nine and ended at ten.\r\n" * 110)
    reply = session.end_of_message("4bench")
    if reply.tempfail or reply.hold:
        raise RuntimeError("the message was to be accepted")


_FIELDS = (
    ("From", b" <anna@corp.example>"),
    ("To", b" <bob@partner.example>"),
    ("Date", b" Fri, 02 Oct 2026 10:00:00 +0000"),
    ("Message-ID", b" <1@corp.example>"),
    ("Subject", b" Minutes of the meeting on Friday"),
    ("Content-Type", b" text/plain"),
)


def decision(count: int) -> float:
    """Return the time for a message without findings, with this number of usual policies, in milliseconds."""
    return _milliseconds(_policies(_USUAL, count), _envelope(), Inspection())


def _measure(title: str, kinds: list[Callable[[int], dict[str, Any]]]) -> list[float]:
    policies, envelope = _policies(kinds), _envelope()
    figures = [_milliseconds(policies, envelope, inspection) for inspection in _MESSAGES.values()]
    for message, figure in zip(_MESSAGES, figures, strict=True):
        print(f"{_POLICIES} policies, {title}; {message}: {figure:.3f} ms a message")
    return figures


def _envelope() -> Envelope:
    # An internal and an external recipient: no policy decides, so all policies are evaluated for both.
    return Envelope(
        sender="anna@corp.example",
        recipients=["bob@partner.example", "carl@corp.example"],
        subject="Minutes of the meeting on Friday",
        size=74_000,
    )


def _policies(kinds: list[Callable[[int], dict[str, Any]]], count: int = _POLICIES) -> PolicySet:
    listed = [
        {"name": f"p{n}", "action": "quarantine", "direction": "outbound", **kinds[n % len(kinds)](n + 1)}
        for n in range(count)
    ]
    file = PolicyFile.model_validate({"internal_domains": ["corp.example"], "policy": listed})
    return PolicySet(file, Tables(Path("/etc/postfix")))


def _milliseconds(policies: PolicySet, envelope: Envelope, inspection: Inspection) -> float:
    now = datetime.now(UTC)
    policies.decide(envelope, inspection, now)
    begun = time.thread_time()
    for _ in range(_ROUNDS):
        policies.decide(envelope, inspection, now)
    return (time.thread_time() - begun) / _ROUNDS * 1000
