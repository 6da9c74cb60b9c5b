"""Nothing about a program's mail can be read from a stolen database without the key, guessed addresses included."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from holdgate.machines.contents import RECIPIENT
from holdgate.quarantine.incident import Actor
from holdgate.quarantine.schema import allowances, machine_counts, machine_messages, machine_seen
from holdgate.relations.keys import Hasher
from tests.unit.machines.conftest import BOB, CARL, Agent

TABLES = (machine_seen, machine_counts, machine_messages, allowances)
NAMES = [f"{name}{number}" for name in ("bob", "carl", "eve", "anna", "info") for number in ("", *range(199))]
DOMAINS = [f"{word}{number}.example" for word in ("partner", "client") for number in ("", *range(499))]
LOW = 0xFFFFFFFF


@pytest.fixture
def stolen(agent: Agent) -> Agent:
    """Return an account of which each table has something: sent, held, approved with a class."""
    agent.send(BOB, hosts=("portal.corp.example",), files=("invoice-1.pdf",))
    incident = agent.hold(CARL, end="approve")
    moment = datetime.now(UTC)
    granted = agent.store.allowances.grant(
        incident.id, Actor("boss@corp.example", "page"), moment, moment + timedelta(days=1), "", is_thread=True
    )
    assert granted
    return agent


def values(agent: Agent) -> Iterator[object]:
    with agent.store.machines._reader.connect() as connection:
        for table in TABLES:
            rows = connection.execute(select(table)).all()
            assert rows, table.name
            for row in rows:
                for value in row:
                    yield from value if isinstance(value, list) else [value]


@pytest.mark.slow
def test_a_million_guessed_values_match_no_stored_value(stolen: Agent) -> None:
    numbers = {one for one in values(stolen) if isinstance(one, int) and abs(one) > LOW}
    assert len(numbers) > 5
    mine = Hasher(b"k" * 32)
    assert mine.edge(f"machine {RECIPIENT}", "billing", BOB) in numbers, "with the key it is found"
    attacker, targets = Hasher(b"guess" * 7), {one & LOW for one in numbers}
    guesses = (f"{name}@{domain}" for name in NAMES for domain in DOMAINS)
    count = matches = 0
    for guess in guesses:
        count += 1
        # 32 bits: a guessed address equals one of these targets by chance, as often as any other text does.
        matches += attacker.target(guess) in targets
    assert (count, f"{NAMES[0]}@{DOMAINS[0]}") == (1_000_000, BOB)
    assert matches <= 3
    for address in (BOB, CARL):
        assert attacker.edge(f"machine {RECIPIENT}", "billing", address) not in numbers
        assert attacker.mark("machine", "billing") not in numbers
        for algorithm in ("md5", "sha1", "sha256", "blake2b"):
            digest = hashlib.new(algorithm, address.encode()).digest()
            assert not {int.from_bytes(digest[:4], order) for order in ("big", "little")} & targets


def test_no_table_contains_an_address_a_host_or_a_file_name(stolen: Agent) -> None:
    known = " ".join(str(one) for one in values(stolen))
    for secret in ("partner.example", "client.example", "portal", "invoice", "billing", "agent@corp.example"):
        assert secret not in known
