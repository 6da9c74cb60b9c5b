"""A store with the relations learned from some weeks of mail, and their evaluator."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from holdgate.quarantine.store import Store, open_store
from holdgate.relations.evaluator import Evaluator
from holdgate.relations.keys import Hasher
from holdgate.relations.memory import Memory
from holdgate.relations.sent import Sent
from holdgate.relations.teaching import Teacher
from holdgate.risks import Risk

TODAY = 20_000
HALF_LIFE = 180.0
ANNA = "anna@corp.example"
NO_VALUES: Mapping[int, str] = {}


@dataclass
class Site:
    """What one site has learned."""

    store: Store
    hasher: Hasher
    teacher: Teacher
    evaluator: Evaluator

    def learn(
        self,
        *to: str,
        times: int = 10,
        sender: str = ANNA,
        inside: tuple[str, ...] = (),
        tokens: tuple[str, ...] = (),
        values: Mapping[int, str] = NO_VALUES,
    ) -> None:
        """Learn a message to these, on each of so many days before today."""
        days = range(TODAY - times, TODAY)
        self.teacher.write(self.teacher.gather(Sent(sender, to, inside, tokens, day, values=values) for day in days))

    def risks(
        self,
        *to: str,
        sender: str = ANNA,
        inside: tuple[str, ...] = (),
        tokens: tuple[str, ...] = (),
        values: Mapping[int, str] = NO_VALUES,
    ) -> list[Risk]:
        """Return the risks of a message to these recipients."""
        memory = Memory(self.store.relations, HALF_LIFE)
        try:
            message = Sent(sender, to, inside, tokens, TODAY, values=values)
            return list(self.evaluator.risks(message, memory.view(TODAY, 60)))
        finally:
            memory.close()

    def kinds(self, *to: str, sender: str = ANNA, tokens: tuple[str, ...] = ()) -> set[str]:
        """Return the kinds of the risks."""
        return {risk.kind for risk in self.risks(*to, sender=sender, tokens=tokens)}


@pytest.fixture
def site(store_url: str) -> Iterator[Site]:
    store = open_store(store_url)
    hasher = Hasher(b"k" * 32)
    own = ["corp.example"]
    yield Site(store, hasher, Teacher(hasher, store.relations, HALF_LIFE, own), Evaluator(hasher, own))
    store.close()
