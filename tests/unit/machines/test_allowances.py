"""Allowed classes of mail: their recipients, their messages, and their end."""

from datetime import UTC, datetime, timedelta

import pytest

from holdgate.envelope import Envelope
from holdgate.findings import Inspection
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Incident
from holdgate.risks import MACHINE_MESSAGES
from tests.unit.machines.conftest import ACTOR, BOB, CARL, Agent

THREAD = "<1@corp.example>"  # that of the message that `hold` holds
DAY = timedelta(days=1)


def now(agent: Agent) -> datetime:
    return datetime.fromtimestamp(agent.seconds, UTC)


def grant(agent: Agent, incident: Incident, *, lasts: timedelta = DAY, is_thread: bool) -> bool:
    moment = now(agent)
    return agent.store.allowances.grant(incident.id, ACTOR, moment, moment + lasts, "for a day", is_thread=is_thread)


def new(agent: Agent, *to: str, answers: str = "", host: str = "", user: str = "billing") -> set[tuple[str, str]]:
    """Return the new contents of a message that is only tested, and their recipients."""
    headers = {"references": [f"<0@corp.example> {answers}"], "in-reply-to": ["<reply@partner.example>"]}
    envelope = Envelope(recipients=list(to), auth_user=user, headers=headers)
    found = agent.mail(user).evaluate(envelope, Inspection(hosts=[host] if host else []), counts=False)
    return {(one.kind, one.recipient) for one in found if one.kind != MACHINE_MESSAGES}


def first(recipient: str) -> set[tuple[str, str]]:
    return {("machine-first", recipient), ("machine-recipient", recipient)}


def test_replies_in_an_allowed_thread_pass_only_to_its_recipients(agent: Agent) -> None:
    grant(agent, agent.hold(BOB), is_thread=True)
    assert new(agent, BOB, answers=THREAD) == set()
    assert new(agent, BOB) == first(BOB)
    assert new(agent, BOB, answers="<2@corp.example>") == first(BOB)
    assert new(agent, CARL, answers=THREAD) == first(CARL)


def test_all_mail_to_an_allowed_recipient_passes(agent: Agent) -> None:
    grant(agent, agent.hold(BOB), is_thread=False)
    assert new(agent, "Bob@partner.example") == set()
    assert new(agent, BOB, CARL) == first(CARL)


def test_a_new_link_passes_only_to_allowed_recipients(agent: Agent) -> None:
    grant(agent, agent.hold(BOB), is_thread=False)
    assert new(agent, BOB, host="new.example") == set()
    assert new(agent, BOB, CARL, host="new.example") == first(CARL) | {("machine-link", CARL)}


def test_the_limit_on_the_number_of_messages_still_applies(agent: Agent) -> None:
    grant(agent, agent.hold(BOB), is_thread=False)
    found = agent.mail().evaluate(Envelope(recipients=[BOB], auth_user="billing"), Inspection(), counts=False)
    assert [(one.kind, one.count) for one in found] == [(MACHINE_MESSAGES, 2)]


def test_an_allowance_applies_only_to_its_account(agent: Agent) -> None:
    grant(agent, agent.hold(BOB), is_thread=False)
    agent.tables.lookup = lambda table, key: "x" if key == "other" else None  # type: ignore[method-assign]
    assert new(agent, BOB, user="other") == first(BOB)


def test_an_allowance_expires(agent: Agent) -> None:
    grant(agent, agent.hold(BOB), is_thread=False)
    agent.seconds += 86_399
    assert new(agent, BOB) == set()
    agent.seconds += 1
    assert new(agent, BOB) == first(BOB)
    assert agent.store.allowances.active(now(agent)) == []


def test_an_allowance_can_be_revoked_and_the_history_records_both(agent: Agent) -> None:
    incident = agent.hold(BOB)
    grant(agent, incident, is_thread=False)
    (one,) = agent.store.allowances.active(now(agent))
    assert (one.incident_id, one.is_thread, one.who) == (incident.id, False, ACTOR.who)
    assert agent.store.allowances.revoke(one.number, ACTOR, now(agent))
    assert not agent.store.allowances.revoke(one.number, ACTOR, now(agent))
    assert new(agent, BOB) == first(BOB)
    assert [event.event for event in agent.store.history(incident.id)][-2:] == [
        EventName.ALLOWANCE_GRANTED,
        EventName.ALLOWANCE_REVOKED,
    ]
    assert agent.store.audit.verify().problem == ""


def test_a_second_click_adds_no_allowance(agent: Agent) -> None:
    incident = agent.hold(BOB)
    assert grant(agent, incident, is_thread=True)
    assert not grant(agent, incident, is_thread=True)
    assert grant(agent, incident, is_thread=False)
    assert len(agent.store.allowances.active(now(agent))) == 2


def test_a_message_without_a_message_id_has_no_thread_to_allow(agent: Agent) -> None:
    mail, _ = agent.evaluate(BOB)
    incident = Incident("4a", "agent@corp.example", [BOB], "first-mail")
    mail.note(incident.id, "", [BOB])
    agent.store.record(incident, ACTOR)
    assert agent.store.allowances.may_be_of(incident.id) == (True, False)
    with pytest.raises(ValueError, match="Message-ID"):
        grant(agent, incident, is_thread=True)


def test_a_message_of_a_person_has_no_class_to_allow(agent: Agent) -> None:
    assert agent.store.allowances.may_be_of("7K3M-Q9TX-2ABC") == (False, False)
