"""Nothing can be read from a stolen database without the key: a million guessed addresses are tried against it."""

import itertools

import pytest

from holdgate.relations.keys import Hasher
from tests.unit.relations.conftest import ANNA, Site

FIRST = [f"{a}{b}" for a in ("bob", "eve", "fay", "dan", "zoe", "max", "kim", "lea", "ida", "tom") for b in ("", "by")]
LAST = [f"{a}{b}" for a, b in itertools.product(("smi", "jon", "bro", "tay", "wil"), ("th", "es", "wn", "lor", "son"))]
DOMAINS = [f"{word}{number}.example" for word in ("partner", "client") for number in ("", *range(999))]


@pytest.mark.slow
def test_a_million_guessed_addresses_match_no_stored_value(site: Site) -> None:
    site.learn("bob.smith@partner.example")
    stored = set(_numbers(site))
    assert len(stored) > 10
    guesses = list(itertools.islice((f"{a}.{b}@{c}" for a in FIRST for b in LAST for c in DOMAINS), 1_000_000))
    assert guesses[0] == "bob.smith@partner.example"
    attacker = Hasher(b"guess" * 7)
    owners = {attacker.owner("sender address", ANNA)}
    assert not any(owner == _half(key) for owner in owners for key in stored)
    half = attacker.target
    targets = {key & 0xFFFFFFFF for key in stored}
    # 32 bits: a guessed address equals one of these targets by chance, as often as any other text does.
    matches = sum(half(guess) in targets for guess in guesses)
    assert matches <= 3
    assert attacker.edge("sender address", ANNA, guesses[0]) not in stored
    assert site.hasher.edge("sender address", ANNA, guesses[0]) in stored


def test_a_key_may_be_longer_than_the_key_size_of_the_hash() -> None:
    assert Hasher(b"k" * 100).target("a") != Hasher(b"k" * 101).target("a")


def _half(key: int) -> int:
    return (key + 2**63) >> 32


def _numbers(site: Site) -> list[int]:
    from sqlalchemy import select

    from holdgate.quarantine.schema import relations

    with site.store.relations._reader.connect() as connection:
        return list(connection.execute(select(relations.c.key)).scalars())
