"""The cache of learned data: data that can cross a threshold with the next message is read each time."""

from collections.abc import Callable, Iterator, Mapping

import pytest

from holdgate.quarantine.relations import Weight, number
from holdgate.relations import evaluator
from holdgate.relations.memory import GROWN, Memory
from holdgate.relations.sent import Sent, subject_tokens
from holdgate.risks import CONTENT, OUTLIER
from tests.unit.relations.conftest import ANNA, HALF_LIFE, NO_VALUES, TODAY, Site

BOB, EVE = "bob@partner.example", "eve@client.example"
IBAN = {5: "iban"}

Judged = Callable[..., set[str]]


@pytest.fixture
def memory(site: Site) -> Iterator[Memory]:
    """A cache in which no time passes."""
    one = Memory(site.store.relations, HALF_LIFE, clock=lambda: 0.0)
    yield one
    one.close()


@pytest.fixture
def risk_kinds(site: Site, memory: Memory) -> Judged:
    def kinds(
        *to: str, values: Mapping[int, str] = NO_VALUES, tokens: tuple[str, ...] = (), answers: bool = False
    ) -> set[str]:
        message = Sent(ANNA, to, (), tokens, TODAY, answers=answers, values=values)
        return {risk.kind for risk in site.evaluator.risks(message, memory.view(TODAY, 60))}

    return kinds


def test_a_value_is_compared_from_the_message_that_makes_it_settled(site: Site, risk_kinds: Judged) -> None:
    site.learn(EVE)
    for _ in range(2):
        site.learn(BOB, times=1, values=IBAN)
        assert risk_kinds(EVE, values=IBAN) == set()
    site.learn(BOB, times=1, values=IBAN)
    assert risk_kinds(EVE, values=IBAN) == {CONTENT}


def test_a_value_sent_to_a_second_domain_stops_being_unusual_at_once(site: Site, risk_kinds: Judged) -> None:
    site.learn(EVE)
    site.learn(BOB, values=IBAN)
    assert risk_kinds(EVE, values=IBAN) == {CONTENT}
    site.learn(EVE, times=1, values=IBAN)
    assert risk_kinds(EVE, values=IBAN) == set()


def test_a_domain_can_be_an_outlier_from_the_message_that_makes_it_well_known(site: Site, risk_kinds: Judged) -> None:
    site.learn(BOB)
    site.learn(EVE, times=2)
    assert risk_kinds(BOB, EVE) == set()
    site.learn(EVE, times=2)
    assert risk_kinds(BOB, EVE) == {OUTLIER}


def test_two_domains_just_addressed_together_explain_a_value(site: Site, risk_kinds: Judged) -> None:
    site.learn(BOB, values=IBAN)
    site.learn(BOB, EVE, times=2)
    assert risk_kinds(BOB, EVE, values=IBAN) == {CONTENT}
    site.learn(BOB, EVE, times=2)
    assert risk_kinds(BOB, EVE, values=IBAN) == set()


def test_the_current_frequency_of_a_domain_is_used(site: Site, risk_kinds: Judged) -> None:
    thread = tuple(subject_tokens("Re: Plans for autumn", ANNA))[:1]
    site.learn(EVE, times=1, tokens=thread)
    site.learn(EVE, times=8)
    site.learn(BOB, times=8)
    assert risk_kinds(BOB, tokens=thread, answers=True) == {CONTENT}
    site.learn(BOB, times=8)
    assert risk_kinds(BOB, tokens=thread, answers=True) == set()


def test_no_threshold_is_more_than_half_of_what_is_cached() -> None:
    assert 2 * max(evaluator._SETTLED, evaluator._USUAL, evaluator._SETTLED_THREAD) <= GROWN


def unreachable(*_: object) -> None:
    raise AssertionError("read again")


def test_a_high_weight_and_an_owner_of_many_relations_are_cached(
    site: Site, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = {number(9, target): Weight(1.0, TODAY) for target in range(2)}
    site.store.relations.add({7: Weight(2 * GROWN, TODAY), **owner}, HALF_LIFE)
    found = memory.view(TODAY, 60).look([7], [9], 2)
    assert found == ({7: 2 * GROWN}, {9: {0: 1.0, 1: 1.0}})
    monkeypatch.setattr(type(site.store.relations), "look", unreachable)
    assert memory.view(TODAY, 60).look([7], [9], 2) == found
    assert memory.view(TODAY, 60).of([7]) == {7: 2 * GROWN}


def test_cached_data_is_kept_for_five_minutes_and_weighted_again(site: Site) -> None:
    now = 0.0
    memory = Memory(site.store.relations, HALF_LIFE, clock=lambda: now)
    site.store.relations.add({7: Weight(2 * GROWN, TODAY)}, HALF_LIFE)
    assert memory.view(TODAY, 60).of([7]) == {7: 2 * GROWN}
    site.store.relations.add({7: Weight(1.0, TODAY)}, HALF_LIFE)
    now = 299.0
    assert memory.view(TODAY + 180, 60).of([7]) == {7: GROWN}
    now = 301.0
    assert memory.view(TODAY, 60).of([7]) == {7: 2 * GROWN + 1}
    memory.close()


@pytest.mark.parametrize(("weight", "day"), [(GROWN - 0.1, TODAY), (2 * GROWN - 0.1, TODAY - 180)])
def test_a_low_weight_is_not_cached(site: Site, memory: Memory, weight: float, day: int) -> None:
    site.store.relations.add({7: Weight(weight, day)}, HALF_LIFE)
    before = memory.view(TODAY, 60).of([7])[7]
    site.store.relations.add({7: Weight(1.0, TODAY)}, HALF_LIFE)
    assert memory.view(TODAY, 60).of([7])[7] == pytest.approx(before + 1)


def test_an_owner_of_few_relations_is_not_cached(site: Site, memory: Memory) -> None:
    site.store.relations.add({number(9, 1): Weight(2 * GROWN, TODAY)}, HALF_LIFE)
    assert memory.view(TODAY, 60).look((), [9], 2)[1] == {9: {1: 2 * GROWN}}
    site.store.relations.add({number(9, 2): Weight(1.0, TODAY)}, HALF_LIFE)
    assert memory.view(TODAY, 60).look((), [9], 2)[1] == {9: {1: 2 * GROWN, 2: 1.0}}
