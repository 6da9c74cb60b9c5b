"""Notices to moderators are correct for any state of an incident at the time of writing, in each language."""

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path

import pytest

from holdgate.desk.context import ACTOR, Desk
from holdgate.desk.moderation import Why
from holdgate.desk.notices import Composer
from holdgate.desk.preview import Previewer
from holdgate.desk.templates import Templates
from holdgate.desk.web.pages import _STILL_HELD, _TITLES
from holdgate.quarantine.incident import Answer, Change, Incident, NewNotice, Notice
from holdgate.quarantine.states import State
from tests.support.desks import templates_of
from tests.unit.desk.conftest import Hold, MakeDesk

BOSS = "boss@corp.example"
LANGUAGES = ["en", "de"]

# State and method of the decision, and the resulting outcome of the message.
ENDS = [
    (State.RECORDED, None, "recorded"),
    (State.PENDING, None, "pending"),
    (State.HELD, None, "held"),
    (State.APPROVED, "page", "approved"),
    (State.RELEASED, "page", "released"),
    (State.APPROVED, "self-release", "self_released"),
    (State.RELEASED, "self-release", "self_released"),
    (State.APPROVED, "sender", "self_released"),
    (State.APPROVED, "sender-corrected", "sent_to_some"),
    (State.RELEASED, "sender-corrected", "sent_to_some"),
    (State.APPROVED, "changes", "changed"),
    (State.RELEASED, "changes", "changed"),
    (State.APPROVED, "not to all", "approved_for_some"),
    (State.RELEASED, "not to all", "approved_for_some"),
    (State.REJECTED, "mail", "rejected"),
    (State.RETURNED, "page", "rejected"),
    (State.RETURNED, "command", "rejected"),
    (State.RETURNED, "api", "rejected"),
    (State.REJECTED, "withdrawal", "withdrawn"),
    (State.RETURNED, "withdrawal", "withdrawn"),
    (State.RETURNED, "replacement", "withdrawn"),
    (State.REJECTED, "policy", "refused"),
    (State.RETURNED, "policy", "refused"),
    (State.EXPIRED, "desk", "expired"),
    (State.RETURNED, "desk", "expired"),
    (State.VANISHED, None, "vanished"),
    (State.VANISHED, "page", "approved_vanished"),
    (State.VANISHED, "retired", "out_of_reach"),
]
RESPONSES = {
    "en": {
        "recorded": "The message was not held; there is nothing to decide.",
        "pending": "The message has not arrived in the queue yet. Try again in a moment.",
        "held": "The message waits for a decision.",
        "approved": "peer@corp.example approved the message. It is sent to its recipients.",
        "released": "peer@corp.example approved the message. It was sent on to its recipients.",
        "self_released": "Its sender, anna@corp.example, released the message. It is sent to its recipients.",
        "sent_to_some": "Its sender, anna@corp.example, sent the message, but not to all of its recipients.",
        "changed": "peer@corp.example approved the message with changes. It is sent to its recipients.",
        "approved_for_some": "peer@corp.example approved the message, but not for all of its recipients.",
        "rejected": "peer@corp.example rejected the message. It ",
        "withdrawn": "The sender withdrew the message. It is not delivered.",
        "refused": "The policy peer@corp.example does not allow the message to these recipients.",
        "expired": "The message was not decided before the deadline. It ",
        "vanished": "An administrator removed the message from the queue.",
        "out_of_reach": "The mail server that had the message was removed. It is not known whether ",
        "approved_vanished": "peer@corp.example approved the message, but an administrator removed it",
    },
    "de": {
        "recorded": "Die Nachricht wurde nicht angehalten; es ist nichts zu entscheiden.",
        "pending": "Die Nachricht ist noch nicht in der Warteschlange angekommen. Versuchen Sie es gleich noch einmal.",
        "held": "Die Nachricht wartet auf eine Entscheidung.",
        "approved": "peer@corp.example hat die Nachricht freigegeben. Sie geht an ihre Empfänger.",
        "released": "peer@corp.example hat die Nachricht freigegeben. Sie wurde an ihre Empfänger gesandt.",
        "self_released": "Der Absender anna@corp.example hat die Nachricht freigegeben. Sie geht an ihre Empfänger.",
        "sent_to_some": "anna@corp.example hat die eigene Nachricht gesendet, aber nicht an alle Empfänger.",
        "changed": "peer@corp.example hat die Nachricht mit Änderungen freigegeben. Sie geht an ihre Empfänger.",
        "approved_for_some": "peer@corp.example hat die Nachricht freigegeben, aber nicht für alle Empfänger.",
        "rejected": "peer@corp.example hat die Nachricht abgelehnt. Sie wird nicht zugestellt",
        "withdrawn": "Der Absender hat die Nachricht zurückgezogen. Sie wird nicht zugestellt.",
        "refused": "Die Richtlinie peer@corp.example lässt die Nachricht nicht an diese Empfänger.",
        "expired": "Niemand hat rechtzeitig über die Nachricht entschieden. Sie wird nicht zugestellt",
        "vanished": "Die Nachricht wurde von Hand aus der Warteschlange genommen.",
        "out_of_reach": "Den Mailserver, auf dem die Nachricht lag, gibt es nicht mehr. Ob sie zugestellt wurde,",
        "approved_vanished": "peer@corp.example hat die Nachricht freigegeben, doch bevor sie weitergehen konnte",
    },
}
TO_SENDER = {
    "en": ("returned to its sender", "its sender is not notified."),
    "de": ("an den Absender zurück", "der Absender erfährt es nicht."),
}
# The effect of an answer, and the sentence about the next step, which is shown only while the message is held.
NOTES = {
    "en": {
        "unclear": ("Your answer could not be understood. No decision was recorded.", "Please reply again"),
        "recorded": ("Your approval is recorded.", "when the other moderators have approved it too."),
        "already_approved": (
            "changed nothing: you had already approved the message.",
            "when the other moderators have approved it too.",
        ),
        "deadline_passed": ("changed nothing: your time to decide ended at Wed 25 Nov", ""),
        "not_requested": ("changed nothing: the request is no longer yours.", ""),
        "decided": ("Your answer changed nothing.", ""),
        "pending": ("Your answer changed nothing.", ""),
    },
    "de": {
        "unclear": (
            "Ihre Antwort wurde nicht verstanden und hat nichts entschieden.",
            "Bitte antworten Sie noch einmal",
        ),
        "recorded": ("Ihre Zustimmung ist vermerkt.", "Die Nachricht geht weiter, sobald auch die anderen zugestimmt"),
        "already_approved": (
            "nichts geändert: Sie hatten schon zugestimmt.",
            "Die Nachricht geht weiter, sobald auch die anderen",
        ),
        "deadline_passed": ("nichts geändert: Ihre Frist endete am Mi., 25. Nov.", ""),
        "not_requested": ("nichts geändert: Sie waren nicht mehr gefragt.", ""),
        "decided": ("Ihre Antwort hat nichts geändert.", ""),
        "pending": ("Ihre Antwort hat nichts geändert.", ""),
    },
}
ASKED_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


class NoPreviewer(Previewer):
    """Is never asked: no notice to a moderator but a request needs the message."""

    def __init__(self) -> None:
        pass


def in_state(incident: Incident, state: State, how: str | None) -> Incident:
    by = {None: None, "desk": "holdgate-desk", "withdrawal": incident.sender}
    by |= dict.fromkeys(("self-release", "sender", "sender-corrected"), "anna@corp.example")
    who = by.get(how, "peer@corp.example")
    kinds = {"changes": "encrypt"} | dict.fromkeys(("sender-corrected", "not to all"), "without-recipients")
    excluded = [] if how == "changes" else ["c@partner.example"]
    change = asdict(Change([kinds[how]], "0", "1", "", recipients=excluded)) if how in kinds else None
    decided_at = ASKED_AT if who else None
    return replace(incident, state=state, decided_by=who, decided_how=how, decided_at=decided_at, change=change)


def composer_of(desk: Desk) -> Composer:
    return Composer(desk, templates_of(desk), NoPreviewer())


def text(composer: Composer, incident: Incident, kind: str, note: str = "", now: datetime = ASKED_AT) -> str:
    letter = composer.compose(incident, Notice(1, incident.id, kind, BOSS, 0, note, 1), now)
    body = next(part for part in message_from_bytes(letter.content).walk() if part.get_content_type() == "text/plain")
    content = body.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode().replace("\r\n", "\n")


def ends_in(output: str, language: str) -> list[str]:
    """Return the outcomes that a text states."""
    return [end for end, sentence in RESPONSES[language].items() if sentence in output]


def assert_sender(output: str, language: str, end: str, is_notified: bool) -> None:
    """The notice to the sender is mentioned only if a moderator's decision or the deadline prevents the delivery."""
    notified, not_notified = TO_SENDER[language]
    wanted = end in ("rejected", "refused", "expired")
    assert (notified in output, not_notified in output) == (wanted and is_notified, wanted and not is_notified)


@pytest.mark.parametrize(
    ("language", "sender"),
    [
        ("en", "anna@corp.example"),
        ("de", "guest@partner.example"),
        pytest.param("de", "anna@corp.example", marks=pytest.mark.slow),
        pytest.param("en", "guest@partner.example", marks=pytest.mark.slow),
        pytest.param("en", "", marks=pytest.mark.slow),
        pytest.param("de", "", marks=pytest.mark.slow),
    ],
)
def test_the_notice_of_a_decision_states_the_outcome_of_the_message(
    make_desk: MakeDesk, hold: Hold, language: str, sender: str
) -> None:
    desk = make_desk(language=language)
    incident = hold(desk, now=ASKED_AT, sender=sender)
    composer = composer_of(desk)
    for state, how, end in ENDS:
        output = text(composer, in_state(incident, state, how), "decided")
        assert ends_in(output, language) == [end]
        assert_sender(output, language, end, desk.can_notify(sender))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["rejected", "expired"])
def test_the_notice_does_not_claim_that_a_sender_without_report_was_notified(
    make_desk: MakeDesk, hold: Hold, language: str, kind: str
) -> None:
    desk = make_desk(language=language)
    incident = hold(desk, now=ASKED_AT)
    desk.store.outbox.enqueue(incident.id, NewNotice(kind, incident.sender), ACTOR)
    returned = in_state(incident, State.RETURNED, "page" if kind == "rejected" else "desk")
    assert TO_SENDER[language][0] in text(composer_of(desk), returned, "decided")
    notice = next(one for one in desk.store.outbox.due(datetime.now(UTC)) if one.kind == kind)
    desk.store.outbox.drop(notice, ACTOR)
    output = text(composer_of(desk), returned, "decided")
    assert TO_SENDER[language][0] not in output
    assert TO_SENDER[language][1] in output


# One note after which the request stays open, and one that ends it; the others differ only in their text.
FIRST = ("unclear", "not_requested")
OTHERS = [note for note in NOTES["en"] if note not in FIRST]


@pytest.mark.parametrize("language", ["en", pytest.param("de", marks=pytest.mark.slow)])
@pytest.mark.parametrize("note", [*FIRST, *(pytest.param(note, marks=pytest.mark.slow) for note in OTHERS)])
def test_an_answer_states_its_effect_and_the_outcome_since(
    make_desk: MakeDesk, hold: Hold, language: str, note: str
) -> None:
    desk = make_desk(language=language)
    incident = hold(desk, now=ASKED_AT)
    did, goes_on = NOTES[language][note]
    composer = composer_of(desk)
    for state, how, end in ENDS:
        output = text(composer, in_state(incident, state, how), "answer", note)
        assert did in output
        still = bool(goes_on) and state is State.HELD
        assert (bool(goes_on) and goes_on in output) == still
        assert ends_in(output, language) == ([] if still else [end])
        assert_sender(output, language, end, is_notified=True)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("answer", "hours", "again"),
    [(None, 1, True), (Answer.OUT_OF_OFFICE, 1, True), (None, 49, False), (Answer.BOUNCED, 1, False)],
)
def test_only_a_moderator_who_can_still_answer_is_asked_to_answer_again(
    make_desk: MakeDesk, hold: Hold, language: str, answer: Answer | None, hours: int, again: bool
) -> None:
    desk = make_desk(language=language)
    incident = hold(desk, now=ASKED_AT)
    if answer is not None:
        desk.store.amend(incident, "test", ACTOR, answers={1: answer})
    output = text(composer_of(desk), incident, "answer", "unclear", ASKED_AT + timedelta(hours=hours))
    assert (NOTES[language]["unclear"][1] in output) == again
    assert ends_in(output, language) == ([] if again else ["held"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_outcome_has_a_sentence_and_a_title(language: str) -> None:
    words = Templates(Path("/nonexistent"), UTC).words(language)
    ends = {end for _, _, end in ENDS}
    assert set(words["became"]) == ends == set(_TITLES) == set(RESPONSES[language])
    assert {state for state, _, _ in ENDS} == set(State)
    assert {*_TITLES.values(), *(name for pair in _STILL_HELD.values() for name in pair)} <= set(words)
    assert set(NOTES[language]) - {"unclear", "recorded"} == set(Why)
