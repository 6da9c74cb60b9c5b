"""Replies of senders who were asked: each choice, whose reply counts, and the answer to unclear replies."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from holdgate.desk import incoming, tokens
from holdgate.desk.changing import CannotChangeError, Changer
from holdgate.desk.context import Desk
from holdgate.desk.preview import UnreadableError
from holdgate.quarantine.incident import Change, Incident
from holdgate.quarantine.states import State
from holdgate.queue.client import QueueError
from tests.unit.desk.conftest import Hold, MakeDesk

ANNA, BOB, TWIN = "anna@corp.example", "bob@partner.example", "bob@partner-group.example"


class FixedChanger(Changer):
    """Excludes the recipients that the sender names, or raises an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def exclude(self, incident: Incident, excluded: Sequence[str]) -> Change:
        if self.error is not None:
            raise self.error
        return Change(["without-recipients"], "00", "00", "5f" * 16, recipients=list(excluded))


def held(make_desk: MakeDesk, hold: Hold, rules: str = "", **values: Any) -> tuple[Desk, Incident]:
    replies = values.pop("replies", None)
    policies = f'[[policy]]\nname = "ask"\naction = "ask-sender"\n{rules}\n'
    desk = make_desk(policies=policies, desk={"change_relay": "127.0.0.1:3"}, replies=replies)
    return desk, hold(desk, **({"policy": "ask", "action": "ask-sender", "recipients": [BOB, TWIN]} | values))


def take(
    desk: Desk, incident: Incident, text: str, sender: str = ANNA, error: Exception | None = None, **how: Any
) -> str:
    (request, *_) = desk.store.requests.of(incident.id)
    token = desk.key.token(tokens.REPLY, incident.id, request.number, request.moderator, request.deadline_at)
    message = EmailMessage()
    message["From"] = sender
    message.set_content(text)
    to = f"holdgate+{token}@reply.corp.example"
    given: dict[str, Any] = {"client": "127.0.0.1", "changer": FixedChanger(error)} | how
    return incoming.process(desk, message.as_bytes(), sender, [to], **given)


def state_of(desk: Desk, incident: Incident) -> State:
    found = desk.store.incident(incident.id)
    assert found is not None
    return found.state


def answers(desk: Desk) -> list[str]:
    due = desk.store.outbox.due(datetime.now(UTC) + timedelta(days=1))
    return [notice.note for notice in due if notice.kind == "answer"]


@pytest.mark.parametrize(
    ("text", "state", "left_out", "comment"),
    [
        ("APPROVE\nThey asked for it", State.APPROVED, None, "They asked for it"),
        ("NOT TO 2", State.APPROVED, [TWIN], ""),
        (f"nicht an {TWIN}", State.APPROVED, [TWIN], ""),
        ("REJECT: wrong Bob", State.REJECTED, None, "wrong Bob"),
    ],
)
def test_each_choice_of_a_sender_reply_has_its_effect(
    make_desk: MakeDesk, hold: Hold, text: str, state: State, left_out: list[str] | None, comment: str
) -> None:
    desk, incident = held(make_desk, hold)
    take(desk, incident, text)
    found = desk.store.incident(incident.id)
    assert found is not None
    assert (found.state, found.decided_by, found.comment) == (state, ANNA, comment)
    assert (found.change or {}).get("recipients") == left_out
    # The outcome is in a separate mail, once.
    due = [one.kind for one in desk.store.outbox.due(datetime.now(UTC)) if one.recipient == ANNA]
    assert due == ["request", "decided" if state is State.APPROVED else "withdrawn"]


@pytest.mark.parametrize(
    ("text", "rules", "note"),
    [
        ("Why?", "", "unclear"),
        ("NOT TO 3", "", "unclear"),
        ("NOT TO 1, 2", "", "not excluded"),
        ("APPROVE", 'ask_reason = "send"', "no reason"),
        ("REJECT", 'ask_reason = "always"', "no reason"),
    ],
)
def test_a_reply_that_decides_nothing_is_answered(
    make_desk: MakeDesk, hold: Hold, text: str, rules: str, note: str
) -> None:
    desk, incident = held(make_desk, hold, rules)
    assert take(desk, incident, text) == note
    assert answers(desk) == [note]
    assert state_of(desk, incident) is State.HELD


def test_only_a_proven_reply_of_the_sender_counts(make_desk: MakeDesk, hold: Hold) -> None:
    desk, incident = held(make_desk, hold)
    assert take(desk, incident, "APPROVE", client="192.0.2.7") == "unproven"
    assert take(desk, incident, "APPROVE", "boss@corp.example") == "not from the moderator"
    assert state_of(desk, incident) is State.HELD
    assert answers(desk) == ["unproven", "other address"]


def test_a_delegate_who_is_a_recipient_cannot_answer(make_desk: MakeDesk, hold: Hold) -> None:
    other = "carol@corp.example"
    replies = {"proof": ["client"], "clients": ["127.0.0.1"], "delegates": f"inline:{{{ANNA}={other}}}"}
    desk, incident = held(make_desk, hold, replies=replies, recipients=[BOB, other])
    assert take(desk, incident, "APPROVE", other) == "involved"
    desk, incident = held(make_desk, hold, replies=replies)
    assert take(desk, incident, "APPROVE", other) == "approve"


def test_over_a_limit_the_reply_is_passed_to_moderators(make_desk: MakeDesk, hold: Hold) -> None:
    desk, incident = held(make_desk, hold, 'ask_beyond = "both"', profiles={"a": "critical"})
    assert take(desk, incident, "APPROVE\nThey asked for it") == "passed on"
    assert desk.conversation.reasons(incident)[-1].note == "They asked for it"
    desk, incident = held(make_desk, hold, 'ask_beyond = "both"', profiles={"a": "critical"})
    assert take(desk, incident, "NOT TO 2") == "not excluded"
    assert state_of(desk, incident) is State.HELD


@pytest.mark.parametrize("error", [CannotChangeError("why"), UnreadableError("gone", "it is gone")])
def test_recipients_that_cannot_be_excluded_are_reported(make_desk: MakeDesk, hold: Hold, error: Exception) -> None:
    desk, incident = held(make_desk, hold)
    assert take(desk, incident, "NOT TO 2", error=error) == "not excluded"
    assert state_of(desk, incident) is State.HELD


def test_a_reply_is_deferred_if_the_queue_agent_does_not_answer(make_desk: MakeDesk, hold: Hold) -> None:
    desk, incident = held(make_desk, hold)
    with pytest.raises(QueueError):
        take(desk, incident, "NOT TO 2", error=UnreadableError("agent", "it does not answer"))
    assert answers(desk) == []
    assert take(desk, incident, "NOT TO 2", changer=None) == "unclear"


@pytest.mark.parametrize("text", ["Approve redacted", "FREIGEBEN VERSCHLÜSSELT", "Approve without attachments"])
def test_a_sender_cannot_choose_the_changes_of_a_moderator(make_desk: MakeDesk, hold: Hold, text: str) -> None:
    desk, incident = held(make_desk, hold)
    assert take(desk, incident, text) == "unclear"
    assert state_of(desk, incident) is State.HELD
