"""The daily summary: when it is due, its content, and one person's error does not affect others."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from holdgate.desk import moderation, post
from holdgate.desk.context import Desk, next_time
from holdgate.desk.digest import Summaries
from holdgate.desk.notices import Composer
from holdgate.desk.preview import Previewer
from holdgate.quarantine.claims import LostClaimError
from holdgate.quarantine.incident import Actor, Answer, Incident
from holdgate.quarantine.store import ConflictError
from tests.support.desks import templates_of
from tests.support.store_calls import calls_about
from tests.unit.desk.conftest import Hold, MakeDesk

BOSS, ANNA = "boss@corp.example", "anna@corp.example"


class NoPreviewer(Previewer):
    """Is never asked."""

    def __init__(self) -> None:
        pass


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    taken: list[tuple[str, str]] = []

    def take(content: bytes, recipient: str, *_: Any) -> None:
        if recipient.startswith("broken"):
            raise ConnectionRefusedError
        message: Any = message_from_bytes(content, policy=policy.default)
        taken.append((recipient, f"{message['Subject']}\n{message.get_body(('plain',)).get_content()}"))

    monkeypatch.setattr(post, "submit_one", take)
    return taken


def summaries(desk: Desk) -> Summaries:
    return Summaries(desk, Composer(desk, templates_of(desk), NoPreviewer()))


def test_the_summary_is_due_at_the_same_time_each_day(make_desk: MakeDesk) -> None:
    desk = make_desk(desk={"digest_time": "08:00"})
    # Berlin is an hour ahead.
    assert next_time(desk, datetime(2026, 11, 23, 6, 59, tzinfo=UTC)) == datetime(2026, 11, 23, 7, tzinfo=UTC)
    assert next_time(desk, datetime(2026, 11, 23, 7, 0, tzinfo=UTC)) == datetime(2026, 11, 24, 7, tzinfo=UTC)


def test_the_summary_lists_open_requests_for_a_moderator_and_decisions_for_a_sender(
    make_desk: MakeDesk, hold: Hold, sent: list[tuple[str, str]]
) -> None:
    desk = make_desk()
    now = datetime.now(UTC)
    hold(desk, subject="Still here")
    done = hold(desk, subject="Was decided")
    for person in (BOSS, ANNA):
        desk.store.digests.subscribe(person, now - timedelta(minutes=1), now)
    request = moderation.request_of(desk, done, BOSS)
    assert request is not None
    moderation.answer(desk, request, Answer.APPROVE, Actor(BOSS, "page"))
    assert summaries(desk).send(now + timedelta(seconds=1))
    digests = dict(sent)
    assert digests[BOSS].startswith("1 message waits for you\n")
    assert "Still here" in digests[BOSS]
    assert "Was decided" in digests[BOSS]
    assert "Still here" not in digests[ANNA]
    assert "boss@corp.example approved the message." in digests[ANNA]
    # It is sent once.
    assert summaries(desk).send(now + timedelta(seconds=2))
    assert len(sent) == 2


def test_an_empty_summary_is_not_sent_and_an_error_affects_one_person_only(
    make_desk: MakeDesk, hold: Hold, sent: list[tuple[str, str]]
) -> None:
    desk = make_desk(moderators=["broken@corp.example", BOSS])
    now = datetime.now(UTC)
    hold(desk)
    for person in ("broken@corp.example", "idle@corp.example", BOSS):
        desk.store.digests.subscribe(person, now, now)
    assert summaries(desk).send(now + timedelta(seconds=1))
    assert [person for person, _ in sent] == [BOSS]
    assert [one.person for one in desk.store.digests.due(now + timedelta(seconds=1))] == ["broken@corp.example"]


def test_a_person_who_unsubscribed_gets_no_summary(
    make_desk: MakeDesk, hold: Hold, sent: list[tuple[str, str]]
) -> None:
    desk = make_desk()
    now = datetime.now(UTC)
    hold(desk)
    desk.store.digests.subscribe(BOSS, now, now)
    desk.store.digests.subscribe(BOSS, now, now + timedelta(days=9))  # twice is once
    assert desk.store.digests.has(BOSS)
    desk.store.digests.end(BOSS)
    assert not desk.store.digests.has(BOSS)
    assert summaries(desk).send(now + timedelta(seconds=1))
    assert sent == []


# -- one item of ten that fails -------------------------------------------------------------------------------------

PEOPLE = [f"boss{number}@corp.example" for number in range(11)]


def eleven(make_desk: MakeDesk, hold: Hold) -> Any:
    """A desk with a message that waits for eleven people, each of whom wants a summary."""
    desk = make_desk(moderators=PEOPLE)
    hold(desk)
    for person in PEOPLE:
        desk.store.digests.subscribe(person, NOW, NOW)
    return desk


NOW = datetime.now(UTC)


@pytest.mark.parametrize("error", [RuntimeError("odd"), ConflictError(Incident("4", "", [], "p"))])
def test_a_summary_that_cannot_be_written_does_not_delay_others(
    make_desk: MakeDesk,
    hold: Hold,
    sent: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    error: ConflictError | RuntimeError,
) -> None:
    desk = eleven(make_desk, hold)
    real = Composer.digest

    def fails(self: Composer, person: str, *rest: Any, **more: Any) -> Any:
        if person == PEOPLE[3]:
            raise error
        return real(self, person, *rest, **more)

    pass_ = summaries(desk)
    with monkeypatch.context() as patch:
        patch.setattr(Composer, "digest", fails)
        for _ in range(3):
            pass_.send(NOW + timedelta(seconds=1))
    assert sorted(person for person, _ in sent) == sorted(set(PEOPLE) - {PEOPLE[3]})
    assert [one.person for one in desk.store.digests.due(NOW + timedelta(seconds=1))] == [PEOPLE[3]]


@pytest.mark.slow  # each call has a separate desk
def test_a_conflict_of_any_store_call_does_not_delay_others(
    make_desk: MakeDesk, hold: Hold, sent: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def attempt(failing: str) -> set[str]:
        for left in tmp_path.glob("holdgate.db*"):
            left.unlink()
        sent.clear()
        desk = eleven(make_desk, hold)
        seen: set[str] = set()

        def reach(name: str) -> None:
            seen.add(name)
            if name == failing:
                raise ConflictError(Incident("4", "", [], "p"))

        with monkeypatch.context() as patch:
            calls_about(patch, [PEOPLE[3]], reach)
            summaries(desk).send(NOW + timedelta(seconds=1))
        assert set(PEOPLE) - {PEOPLE[3]} <= {person for person, _ in sent}, failing
        return seen

    calls = attempt("")
    assert calls
    for call in sorted(calls):
        attempt(call)


def test_a_desk_whose_claim_has_ended_sends_no_summary(
    make_desk: MakeDesk, hold: Hold, sent: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk()
    now = datetime.now(UTC)
    hold(desk)
    desk.store.digests.subscribe(BOSS, now, now)

    def late(work: str) -> None:
        assert work == f"digest {BOSS}"
        raise LostClaimError(work)

    monkeypatch.setattr(desk.store.claims, "confirm", late)
    assert summaries(desk).send(now + timedelta(seconds=1))
    assert not sent
    assert desk.store.digests.due(now + timedelta(seconds=1)), "it is due for the other desk"
