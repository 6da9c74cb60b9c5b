"""Measures what a thousand policies cost a message, in processor time.

script/bench policy    exit code 1 when a site's usual thousand costs more than 0.2 ms a message
"""

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from holdgate.envelope import Envelope
from holdgate.findings import Attachment, Finding, Inspection
from holdgate.policy.model import PolicyFile
from holdgate.policy.verdict import PolicySet
from holdgate.tables import Tables

_POLICIES = 1000
_ROUNDS = 500
_FLOOR_MS = 0.2

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
    return 1 if max(usual) > _FLOOR_MS else 0


def _measure(title: str, kinds: list[Callable[[int], dict[str, Any]]]) -> list[float]:
    policies = _policies(kinds)
    # A recipient inside, one outside: no policy decides, so the whole list is gone through for both.
    envelope = Envelope(
        sender="anna@corp.example",
        recipients=["bob@partner.example", "carl@corp.example"],
        subject="Minutes of the meeting on Friday",
        size=74_000,
    )
    figures = [_milliseconds(policies, envelope, inspection) for inspection in _MESSAGES.values()]
    for message, figure in zip(_MESSAGES, figures, strict=True):
        print(f"{_POLICIES} policies, {title}; {message}: {figure:.3f} ms a message")
    return figures


def _policies(kinds: list[Callable[[int], dict[str, Any]]]) -> PolicySet:
    listed = [
        {"name": f"p{n}", "action": "quarantine", "direction": "outbound", **kinds[n % len(kinds)](n + 1)}
        for n in range(_POLICIES)
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
