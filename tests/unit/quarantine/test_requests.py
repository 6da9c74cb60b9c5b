"""A moderator's list, with its filters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from holdgate.quarantine.incident import Actor, Answer, Ask, Incident
from holdgate.quarantine.requests import IncidentFilter
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store

ACTOR = Actor("holdgate-desk", "desk")
BOSS, OTHER = "boss@corp.example", "other@corp.example"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def asked(store: Store) -> Store:
    """Three incidents that the boss was asked about, one of them decided, and one that he was not."""
    for number, (subject, recipient, policy, moderators) in enumerate(
        [
            ("100 % sure", "jörg@partner.example", "pii", [BOSS, OTHER]),
            ("1000 sure", "bob@partner.example", "pii", [BOSS]),
            ("Figures", "bob@bank.example", "cards", [BOSS]),
            ("Figures", "bob@bank.example", "secrets", [OTHER]),
        ]
    ):
        held = Incident(
            queue_id=f"4{number}",
            sender="Anna@corp.example",
            recipients=[recipient],
            policy=policy,
            subject=subject,
            state=State.HELD,
            created_at=NOW + timedelta(hours=number),
        )
        store.record(held, ACTOR)
        deadline = NOW + timedelta(days=2, hours=-number)
        store.amend(held, "asked", ACTOR, deadline_at=deadline, asks=[Ask(one, "moderator") for one in moderators])
    (decided,) = [one for one in store.incidents() if one.policy == "cards"]
    (request,) = store.requests.of(decided.id)
    store.change(decided, State.REJECTED, ACTOR, answers={request.number: Answer.REJECT})
    return store


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (IncidentFilter(), ["42", "41", "40"]),  # the newest first
        (IncidentFilter(waiting=True), ["41", "40"]),  # by deadline
        (IncidentFilter(states=frozenset({State.REJECTED, State.EXPIRED})), ["42"]),
        (IncidentFilter(policy="pii"), ["41", "40"]),
        (IncidentFilter(policy="secrets"), []),
        (IncidentFilter(words="SURE"), ["41", "40"]),
        (IncidentFilter(words="100 %"), ["40"]),  # no wildcard
        (IncidentFilter(words="bank anna@corp"), ["42"]),
        (IncidentFilter(since=NOW + timedelta(hours=1)), ["42", "41"]),
    ],
)
def test_a_moderators_list(asked: Store, wanted: IncidentFilter, found: list[str]) -> None:
    assert [one.queue_id for one in asked.requests.page(BOSS, wanted, limit=10)] == found
    assert [one.queue_id for one in asked.requests.page(BOSS, wanted, limit=1, offset=1)] == found[1:2]
    assert asked.requests.count(BOSS, wanted) == len(found)


def test_what_is_known_of_a_moderator(asked: Store) -> None:
    assert asked.requests.policies(BOSS) == ["cards", "pii"]
    assert asked.requests.knows(OTHER)
    assert not asked.requests.knows("nobody@corp.example")
    (first, second) = asked.requests.of(asked.find("40")[0].id)
    assert (first.moderator, second.moderator, first.answer) == (BOSS, OTHER, None)
    assert asked.requests.by_number(second.number) == second
    assert asked.requests.opened(first, ACTOR)
    assert not asked.requests.opened(first, ACTOR)
    opened = asked.requests.by_number(first.number)
    assert opened is not None
    assert opened == replace(first, opened_at=opened.opened_at)


@pytest.mark.parametrize(
    ("answer", "is_open", "is_void"),
    [
        (None, True, False),
        (Answer.OUT_OF_OFFICE, True, False),
        (Answer.APPROVE, False, False),
        (Answer.REJECT, False, False),
        (Answer.BOUNCED, False, True),
        (Answer.SUPERSEDED, False, True),
    ],
)
def test_a_request_is_open_answered_or_void(asked: Store, answer: Answer | None, is_open: bool, is_void: bool) -> None:
    request = replace(asked.requests.of(asked.find("41")[0].id)[0], answer=answer)
    assert (request.is_open, request.is_void) == (is_open, is_void)
