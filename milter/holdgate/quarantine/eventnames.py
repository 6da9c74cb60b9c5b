"""The events of an incident's history: the name that the store has, and the code that programs and people see.

A stored name is part of the hash chain (links.py), so no migration can change it, and heads that are kept elsewhere
stay valid. A name that daemons of an earlier version compare or show stays for new events too, because they can run
next to this version. Other names can change: then the earlier one is added to `EARLIER`, and is read as the new one.

A change of an incident's state is an event too. Its name and its code are the state (states.py).
"""

from enum import StrEnum
from typing import Self


class EventName(StrEnum):
    """The name of an event in the store; `code` is the name for JSON, commands and docs, `meaning` is for the docs."""

    meaning: str

    def __new__(cls, stored: str, meaning: str) -> Self:
        """Return the event with this stored name."""
        one = str.__new__(cls, stored)
        one._value_ = stored
        one.meaning = meaning
        return one

    # The message
    RECORDED = ("recorded", "The milter recorded the incident.")
    ADOPTED = ("adopted", "The queue agent created the incident for a held message that had none.")
    COPY_QUEUED = ("copy queued", "Postfix accepted the copy for the recipients who must wait.")
    NODE_CHANGED = ("node_changed", "The message is now in the hold queue of another node; the note names both.")
    RELEASE_STARTED = ("release begun", "The queue agent begins to release the message.")
    SIGNING_REQUESTED = ("signing_requested", "A desk will submit the copy again, so that it gets a current signature.")
    CHANGED_MESSAGE_HELD = ("changed message held", "The changed message is in the hold queue.")
    CHANGED_MESSAGE_LOST = (
        "changed_message_lost",
        "The changed message did not appear in the hold queue; it is submitted again.",
    )
    REPLACEMENT_SUBMITTED = ("replacement submitted", "A program submitted an amended message for this one.")
    ERASED = ("erased", "Retention erased the content of the incident and the notes of its history.")
    # Requests and decisions
    REQUESTED = ("asked", "Requests were sent; the note lists who got one.")
    NO_MODERATOR = ("no_moderator", "No moderator can decide; the message is returned at the deadline.")
    REMINDED = ("reminded", "Reminders were sent; the note lists who got one.")
    REMINDER_REQUESTED = ("deferred", "A moderator requested a reminder at a later time.")
    FORWARDED = ("forwarded", "A moderator forwarded the request to another person.")
    OUT_OF_OFFICE = ("absent", "A moderator's automatic reply was received; others were asked.")
    BOUNCED = ("bounced", "The request could not be delivered; others were asked.")
    OPENED = ("opened", "A moderator opened the page of the incident for the first time.")
    REVEALED = ("revealed", "A person had one match shown unmasked; the note has its number and the reason.")
    WRONG_NUMBER = ("wrong_number", "A person typed a wrong number on the page behind a link.")
    SENDER_ASKED = ("sender asked", "A moderator asked the sender a question.")
    SENDER_ANSWERED = ("sender answered", "The sender wrote a reason, or answered a question.")
    APPROVAL = ("approval", "One of several moderators or levels approved.")
    CHANGES_CHOSEN = ("changes chosen", "A person approved with changes; the note lists them.")
    CHANGE_FAILED = ("change failed", "The message could not be changed; a new decision is needed.")
    ALLOWANCE_GRANTED = ("class allowed", "Later mail of the same program was allowed for a time.")
    ALLOWANCE_REVOKED = ("class revoked", "The allowance was revoked.")
    # Notices
    NOTICE_SENT = (
        "notice sent",
        "Postfix, or another channel, accepted a notice; the note has its kind and recipient.",
    )
    NOTICE_DROPPED = (
        "notice dropped",
        "A notice was not sent, because it was out of date or its recipient cannot get it.",
    )
    NOTICE_DEFERRED = ("notice_deferred", "A notice was not accepted; it is retried.")
    ANSWER_QUEUED = ("answer queued", "An answer to a mail was queued.")
    SENDER_NOT_NOTIFIED = (
        "sender_not_notified",
        "The sender is not notified: their domain is external, or the sender is null.",
    )

    @property
    def code(self) -> str:
        """The name for JSON, commands and docs: lower case, with underscores."""
        return self.name.lower()


EARLIER = {
    "moved": EventName.NODE_CHANGED,
    "to be signed": EventName.SIGNING_REQUESTED,
    "changed message lost": EventName.CHANGED_MESSAGE_LOST,
    "nobody to ask": EventName.NO_MODERATOR,
    "out_of_office": EventName.OUT_OF_OFFICE,
    "notice put off": EventName.NOTICE_DEFERRED,
    "sender not told": EventName.SENDER_NOT_NOTIFIED,
}
"""Names that versions up to 1.2 stored."""

_BY_STORED = {str(one): one for one in EventName} | EARLIER


def current(stored: str) -> str:
    """Return the name of a stored event in this version; a state or the event of a newer version as it is."""
    return _BY_STORED.get(stored, stored)


def code_of(event: str) -> str:
    """Return the code of an event."""
    one = _BY_STORED.get(event)
    return event if one is None else one.code
