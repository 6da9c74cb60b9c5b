"""A moderator's list, with its filters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from holdgate.quarantine.incident import Actor, Answer, Ask, Incident, NewNotice
from holdgate.quarantine.requests import IncidentFilter
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store

ACTOR = Actor("holdgate-desk", "desk")
BOSS, OTHER = "boss@corp.example", "other@corp.example"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def asked(store: Store) -> Store:
    """Three incidents with a request to the boss, one of them decided, and one without."""
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


LISTED = [
    (IncidentFilter(), ["42", "41", "40"]),  # the newest first
    (IncidentFilter(waiting=True), ["41", "40"]),  # by deadline
    (IncidentFilter(states=frozenset({State.REJECTED, State.EXPIRED})), ["42"]),
    (IncidentFilter(policy="pii"), ["41", "40"]),
    (IncidentFilter(policy="secrets"), []),
    (IncidentFilter(words="SURE"), ["41", "40"]),
    (IncidentFilter(words="100 %"), ["40"]),  # no wildcard
    (IncidentFilter(words="bank anna@corp"), ["42"]),
    (IncidentFilter(words="anna " * 7 + "absent"), []),  # all of eight words have to occur
    (IncidentFilter(words="anna " * 8 + "absent"), ["42", "41", "40"]),
    (IncidentFilter(words="jörg@partner"), ["40"]),  # letters beyond ASCII are escapes in the column of the recipients
    (IncidentFilter(words="JÖRG"), ["40"]),
    (IncidentFilter(words="jürg"), []),
    (IncidentFilter(words='"bob@bank.example"'), []),  # what JSON adds is not searched
    (IncidentFilter(since=NOW + timedelta(hours=1)), ["42", "41"]),
]


@pytest.mark.parametrize("counted", [1_000, 0], ids=["few", "many"])
def test_the_list_of_a_moderator_is_filtered_and_paged(
    asked: Store, monkeypatch: pytest.MonkeyPatch, counted: int
) -> None:
    monkeypatch.setattr("holdgate.quarantine.requests.COUNTED", counted)
    for wanted, found in LISTED:
        assert [one.queue_id for one in asked.requests.page(BOSS, wanted, limit=10)] == found, wanted
        assert [one.queue_id for one in asked.requests.page(BOSS, wanted, limit=1, offset=1)] == found[1:2], wanted
        assert asked.requests.count(BOSS, wanted) == min(len(found), counted + 1), wanted


@pytest.mark.parametrize(
    ("words", "is_found"),
    [
        *((word, True) for word in ("ÜBERSICHT", "übersicht", "Übersicht", "bersi", "ДОГОВОР", "договор", "Договор")),
        *((word, True) for word in ("übersicht договор", "مرحبا", "εύα@corp", "ΕΎΑ")),
        *((word, False) for word in ("Ubersicht", "договоры", "übersicht нет", "u00fc")),
    ],
)
def test_a_word_in_another_alphabet_is_found_in_any_letter_case(store: Store, words: str, is_found: bool) -> None:
    subject = "Übersicht: Договор مرحبا"
    held = Incident("40", "Εύα@corp.example", ["b@partner.example"], "p", subject=subject, state=State.HELD)
    store.record(held, ACTOR)
    store.amend(held, "asked", ACTOR, deadline_at=NOW, asks=[Ask(BOSS, "moderator")])
    assert bool(store.requests.page(BOSS, IncidentFilter(words=words), limit=1)) is is_found


@pytest.mark.parametrize("counted", [1_000, 0], ids=["few", "many"])
@pytest.mark.parametrize("waiting", [True, False])
def test_pages_contain_each_incident_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, waiting: bool, counted: int
) -> None:
    """Also if many have the same deadline and time of arrival, and others are decided between the pages."""
    monkeypatch.setattr("holdgate.quarantine.requests.COUNTED", counted)
    for number in range(12):
        moment = NOW + timedelta(hours=number // 5)
        held = Incident(f"4{number}", "a@corp.example", ["b@x.example"], "p", state=State.HELD, created_at=moment)
        store.record(held, ACTOR)
        who = BOSS if number % 4 else OTHER
        store.amend(held, "asked", ACTOR, deadline_at=moment, asks=[Ask(who, "moderator")])
    wanted = IncidentFilter(waiting=waiting)
    everything = [one.id for one in store.requests.page(BOSS, wanted, limit=100)]
    assert len(everything) == 9
    seen: list[str] = []
    page = store.requests.page(BOSS, wanted, limit=2)
    while page:
        seen += [one.id for one in page]
        last = page[-1]
        place = last.deadline_at if waiting else last.created_at
        assert place is not None
        store.change(last, State.VANISHED, ACTOR)
        page = store.requests.page(BOSS, wanted, limit=2, place=(place, last.id))
    assert seen == everything


def test_the_policies_and_opened_requests_of_a_moderator_are_returned(asked: Store) -> None:
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


def test_the_last_event_of_given_kinds_is_returned_for_each_incident(asked: Store) -> None:
    first, second, third, _ = asked.incidents()
    for one, event in ((first, "question"), (first, "answer"), (first, "opened"), (second, "question")):
        asked.amend(asked.incident(one.id) or one, event, ACTOR)
    ids = [first.id, second.id, third.id]
    assert asked.requests.last_event(ids, ["question", "answer"]) == {first.id: "answer", second.id: "question"}
    assert asked.requests.last_event([second.id], ["opened"]) == {}
    assert asked.requests.last_event([first.id], ["opened"]) == {first.id: "opened"}


def test_a_postponed_reminder_is_known_until_it_is_sent(asked: Store) -> None:
    first, second, *_ = asked.incidents()
    later = NOW + timedelta(days=1)
    for one, kind, person in [
        (first, "reminder", BOSS),
        (second, "reminder", OTHER),
        (second, "request", BOSS),
    ]:
        current = asked.incident(one.id) or one
        asked.amend(current, "put off", ACTOR, outbox=[NewNotice(kind, person, at=later)])
    ids = [first.id, second.id]
    assert asked.requests.deferred(BOSS, ids) == {first.id: later}
    assert asked.requests.deferred(OTHER, ids) == {second.id: later}
    assert asked.requests.deferred(BOSS, [second.id]) == {}
    (notice,) = [one for one in asked.outbox.due(later) if one.kind == "reminder" and one.recipient == BOSS]
    asked.outbox.failed(notice, ACTOR, later)
    assert asked.requests.deferred(BOSS, ids) == {}, "nobody put it off: it could not be sent"
    asked.outbox.sent(notice, ACTOR)
    assert asked.requests.deferred(BOSS, ids) == {}


def test_the_incidents_that_a_moderator_can_still_answer_are_returned(asked: Store) -> None:
    first, second, decided, others = asked.incidents()
    ids = [one.id for one in (first, second, decided, others)]
    assert asked.requests.open_to(BOSS, ids) == {first.id, second.id}
    assert asked.requests.open_to(OTHER, ids) == {first.id, others.id}
    assert asked.requests.open_to(BOSS, ids[1:]) == {second.id}


def test_incidents_closed_since_a_time_are_listed_for_sender_and_moderator(asked: Store) -> None:
    for one, hours in zip(asked.incidents()[:2], (1, 2), strict=True):
        current = asked.incident(one.id) or one
        asked.change(current, State.APPROVED, ACTOR, decided_at=NOW + timedelta(hours=hours), decided_by=BOSS)
    found = [one.queue_id for one in asked.requests.decided_since(BOSS, NOW, limit=5)]
    assert found == ["41", "40"], "the newest first"
    assert [one.queue_id for one in asked.requests.decided_since(OTHER, NOW, limit=5)] == ["40"]
    assert len(asked.requests.decided_since("Anna@corp.example", NOW, limit=5)) == 2
    assert len(asked.requests.decided_since(BOSS, NOW, limit=1)) == 1
    assert [one.queue_id for one in asked.requests.decided_since(BOSS, NOW + timedelta(hours=1), limit=5)] == ["41"]
