from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdgate.desk import asking, moderation
from holdgate.desk.moderators import TryLaterError, first_asked, involved, same_person
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Actor, Answer, Ask, Incident
from holdgate.quarantine.states import State
from tests.unit.desk.conftest import Hold, MakeDesk

pytestmark = pytest.mark.postfix

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def managers(tmp_path: Path) -> str:
    path = tmp_path / "managers"
    path.write_text(
        "anna@corp.example boss@corp.example\n"
        "carl@corp.example carl@corp.example\n"
        "dora@corp.example bob@partner.example\n"
        "emil@corp.example One <one@corp.example>, two@corp.example\n"
        "login boss2@corp.example\n"
    )
    return str(path)


def people(asks: list[Ask]) -> list[tuple[str, str]]:
    return [(ask.moderator, ask.role) for ask in asks]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, [("boss@corp.example", "manager")]),
        ({"sender": "Anna+list@Corp.Example"}, [("boss@corp.example", "manager")]),
        ({"sender": "emil@corp.example"}, [("one@corp.example", "manager"), ("two@corp.example", "manager")]),
        # The login of the sender counts before the envelope sender.
        ({"auth_user": "login"}, [("boss2@corp.example", "manager")]),
        # No manager, the manager is the sender, the manager is a recipient: the fallback moderators are asked.
        ({"sender": "nobody@corp.example"}, [("desk@corp.example", "fallback")]),
        ({"sender": "carl@corp.example"}, [("desk@corp.example", "fallback")]),
        ({"sender": "dora@corp.example"}, [("desk@corp.example", "fallback")]),
        ({"recipients": ["x@y", "BOSS+a@corp.example"]}, [("desk@corp.example", "fallback")]),
        # The From header is looked up only if the sender is empty, and the person named in it cannot decide.
        ({"sender": "", "header_from": "Anna <anna@corp.example>"}, [("boss@corp.example", "manager")]),
        ({"sender": "x@corp.example", "header_from": "anna@corp.example"}, [("desk@corp.example", "fallback")]),
        ({"header_from": "Boss <boss@corp.example>"}, [("desk@corp.example", "fallback")]),
        ({"sender": "-"}, [("desk@corp.example", "fallback")]),
        ({"sender": "x y@corp.example"}, [("desk@corp.example", "fallback")]),
    ],
)
def test_the_manager_is_asked_or_the_fallback(
    make_desk: MakeDesk, hold: Hold, managers: str, values: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    desk = make_desk(moderators=["manager"], managers=managers)
    incident = hold(desk, asked=False, **values)
    assert people(first_asked(desk, incident, [], NOW)) == expected


def test_a_failed_managers_table_is_retried_before_the_fallback_is_asked(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(moderators=["manager"], managers="/nonexistent/managers", managers_retry_for="15m")
    # texthash: of a file that is not there is a fatal error of postmap(1), as a directory that is down.
    incident = hold(desk, asked=False, now=NOW)
    with pytest.raises(TryLaterError):
        first_asked(desk, incident, [], NOW + timedelta(minutes=14))
    assert people(first_asked(desk, incident, [], NOW + timedelta(minutes=16))) == [("desk@corp.example", "fallback")]


def test_the_fallback_is_asked_too_if_there_are_too_few_moderators(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(approvals=2, fallback=["desk@corp.example", "boss@corp.example"])
    asks = first_asked(desk, hold(desk, asked=False), [], NOW)
    assert people(asks) == [("boss@corp.example", "moderator"), ("desk@corp.example", "fallback")]


def test_a_sender_does_not_decide_on_their_own_mail_even_as_the_fallback(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(moderators=["anna@corp.example"], fallback=["anna@corp.example"])
    incident = hold(desk, asked=False)
    assert first_asked(desk, incident, [], NOW) == []
    asked = asking.ask(desk, incident, NOW)
    # It stays held until its deadline, and that is on record.
    assert (asked.state, asked.deadline_at) == (State.HELD, NOW + timedelta(days=2))
    assert desk.store.history(incident.id)[-1].event == EventName.NO_MODERATOR


def test_a_deputy_replaces_an_absent_moderator_and_the_fallback_an_unreachable_one(
    make_desk: MakeDesk, hold: Hold
) -> None:
    desk = make_desk(deputies={"Boss@corp.example": "deputy@corp.example"})
    for answer, expected in ((Answer.OUT_OF_OFFICE, "deputy@corp.example"), (Answer.BOUNCED, "desk@corp.example")):
        incident = hold(desk)
        (request,) = desk.store.requests.of(incident.id)
        assert asking.reassign(desk, request, answer, "test")
        _, second = desk.store.requests.of(incident.id)
        assert (second.moderator, second.instead_of) == (expected, "boss@corp.example")
        # A message that is recorded twice asks each moderator once.
        assert not asking.reassign(desk, request, answer, "test")
        assert len(desk.store.requests.of(incident.id)) == 2


def test_an_absent_moderator_can_still_decide_but_not_one_whose_request_bounced(
    make_desk: MakeDesk, hold: Hold
) -> None:
    desk = make_desk()
    absent, bounced = hold(desk), hold(desk)
    for incident, answer in ((absent, Answer.OUT_OF_OFFICE), (bounced, Answer.BOUNCED)):
        asking.reassign(desk, desk.store.requests.of(incident.id)[0], answer, "test")
    boss = Actor("boss@corp.example", "mail")
    assert moderation.answer(desk, desk.store.requests.of(absent.id)[0], Answer.APPROVE, boss).state is State.APPROVED
    with pytest.raises(moderation.RefusedError) as caught:
        moderation.answer(desk, desk.store.requests.of(bounced.id)[0], Answer.APPROVE, boss)
    assert caught.value.why is moderation.Why.NOT_REQUESTED


def test_a_deputy_who_sent_the_message_is_skipped(make_desk: MakeDesk, hold: Hold) -> None:
    desk = make_desk(deputies={"boss@corp.example": "anna@corp.example"})
    incident = hold(desk)
    asking.reassign(desk, desk.store.requests.of(incident.id)[0], Answer.OUT_OF_OFFICE, "test")
    assert [one.moderator for one in desk.store.requests.of(incident.id)] == ["boss@corp.example", "desk@corp.example"]


def test_addresses_of_the_same_person_are_recognised() -> None:
    assert same_person("Anna+x+y@Corp.example") == same_person("anna@corp.example") == "anna@corp.example"
    assert same_person("anna") == "anna"
    incident = Incident(
        queue_id="4", sender="a@x", recipients=["B@y"], policy="p", header_from="C <c@z>", auth_user="d"
    )
    assert involved(incident) == {"a@x", "b@y", "c@z", "d"}
    assert involved(replace(incident, sender="", header_from="", auth_user="")) == {"b@y"}
