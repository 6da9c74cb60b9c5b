"""A program sends 500 messages in ten days, 30 of them planted mistakes: none of these leaves, and few others wait.

The session, the policies, the store and the counting are real; the inspection is given, and the clock set.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from holdgate.config import Settings
from holdgate.findings import Attachment, Inspection
from holdgate.gate import service as services
from holdgate.machines.traffic import Traffic
from holdgate.policy.model import PolicyFile
from holdgate.policy.verdict import PolicySet
from holdgate.quarantine.incident import Actor
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store, open_store
from tests.data.agent import DAY, MISTAKES, script
from tests.unit.gate.conftest import FakeService, NewService
from tests.unit.machines.conftest import FakeTables

ACTOR = Actor("test", "test")
LIMITS = {
    "policy": [
        {
            "name": "agents",
            "action": "quarantine",
            "machine": {"first": True, "messages": 20, "links": "new", "attachments": "new"},
        }
    ]
}


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "store.db").write_bytes(empty_store.read_bytes())
    opened = open_store(f"sqlite:///{tmp_path}/store.db")
    yield opened
    opened.close()


@pytest.mark.slow(seconds=1.5)
@pytest.mark.parametrize("seed", [1, 2])
def test_no_mistake_is_sent_and_few_correct_messages_are_held(
    new_service: NewService, store: Store, tmp_path: Path, seed: int
) -> None:
    service: FakeService = new_service()
    given = {"mode": "on", "accounts": "texthash:/machines", "time_limit": "60s"}
    settings = Settings.model_validate({"relations": {"key": tmp_path / "relations.key"}, "machines": given})
    policies = PolicyFile.model_validate(LIMITS)
    traffic = cast(Traffic, services.machine_traffic(settings, policies, FakeTables(), store))
    service.snapshot = replace(service.snapshot, policies=PolicySet(policies, FakeTables()), machines=traffic)
    service.store = cast(Any, store)

    left: list[str] = []
    waited = after_first_day = 0
    for number, one in enumerate(script(seed)):
        traffic.now = lambda at=one.at: 1_700_000_000 + at  # type: ignore[misc]
        service.pool.inspection = Inspection(
            hosts=one.hosts, attachments=[Attachment(one.file, one.file.rpartition(".")[2], 1)]
        )
        session = service.session()
        session.open("client", "198.51.100.1")
        session.begin("agent@corp.example", "billing")
        session.add_recipient(one.to)
        session.add_header("Message-ID", f" <{number}@corp.example>".encode())
        session.end_headers()
        is_held = bool(session.end_of_message(f"4{number}").hold)
        if one.mistake and not is_held:
            left.append(one.mistake)
        if not one.mistake and one.at >= DAY:
            after_first_day += 1
            waited += is_held
        if is_held:
            decide(store, "reject" if one.mistake else "approve")
    traffic.close()
    assert left == []
    assert after_first_day > 400
    assert 0 < waited <= after_first_day * 0.05


def test_the_script_has_500_messages_and_30_mistakes() -> None:
    sent = script(1)
    mistakes = [one.mistake for one in sent if one.mistake]
    assert {kind: mistakes.count(kind) for kind in MISTAKES} == dict.fromkeys(MISTAKES, 5)
    assert 495 <= len(sent) <= 520


def decide(store: Store, way: str) -> None:
    """Bring the message that was held to its end, as a moderator and the queue agent do."""
    (incident,) = store.incidents([State.PENDING])
    ways = {"approve": (State.APPROVED, State.RELEASED), "reject": (State.REJECTED, State.RETURNED)}
    for state in (State.HELD, *ways[way]):
        incident = store.change(incident, state, ACTOR, closed_at=datetime.now(UTC))
