"""Sends a program's amended message in place of a held one, which is withdrawn when Postfix has the new one.

1. The request is stored with a token (quarantine/replacements.py).
2. The message is submitted with the token to a listener that holds all mail and has the milter inspect it, for the
   sender and recipients of the held message, as mail of the same client (XCLIENT).
3. When Postfix has it, the held message is withdrawn. The queue agent deletes that, then releases the amended one, or
   leaves it held if a policy holds it (queue/replacing.py).

If the desk is killed between 2 and 3, the queue agent records that Postfix has the message, and `finish` does step 3.
If a moderator decides first, that decision counts: the amended message is deleted, and the program is notified.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

from holdgate import headers
from holdgate.desk import moderation, post
from holdgate.desk.channel import AwayError, RefusedError
from holdgate.desk.context import Desk
from holdgate.desk.preview import Previewer, UnreadableError
from holdgate.mask import mask_numbers
from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.replacements import REPLACEMENT, BusyError, OtherContentError, Replacement
from holdgate.quarantine.states import State
from holdgate.queue.changed import dsn_options, dsn_wishes
from holdgate.queue.client import QueueError
from holdgate.queue.wishes import Addressee, Sent, read_envelope
from holdgate.submission import Client

_HOLDGATE_FIELDS = ("x-holdgate-", "x-netskope-")


class Flaw(StrEnum):
    """Why an amended message was not sent; the held one still waits."""

    NOT_OFFERED = "desk.replacement_relay is not set"
    EMPTY = "the body is not a message: it has no header"
    RECIPIENTS = "recipients must be among those of the held message, as the API shows them"
    UNCERTAIN = (
        "Postfix does not report which recipients the held message has (enable_original_recipient, or masked alike)"
    )
    BUSY = "another amended message is being submitted"
    OTHER_CONTENT = "the Idempotency-Key was used before with another request"
    REFUSED = "Postfix refused the message"
    AWAY = "Postfix cannot accept the message now"
    UNREADABLE = "the held message cannot be read now"


class FlawedError(Exception):
    """An amended message was not sent; `detail` has more about the reason, without content."""

    def __init__(self, flaw: Flaw, detail: str = "") -> None:
        super().__init__(f"{flaw}: {detail}" if detail else str(flaw))
        self.flaw = flaw


class Replacer:
    """Submits amended messages."""

    def __init__(self, desk: Desk, previewer: Previewer) -> None:
        self._desk = desk
        self._previewer = previewer

    def replace(
        self, incident: Incident, content: bytes, recipients: Sequence[str], key: str, actor: Actor
    ) -> tuple[Incident, Replacement]:
        """Submit a message in place of a held one, and withdraw that one; a repeated call has the same result.

        `recipients` are some of the incident's, in its form; empty: all. Raises FlawedError, and
        moderation.RefusedError if another person decided.
        """
        relay, store = self._desk.settings.desk.replacement_relay, self._desk.store
        if relay is None:
            raise FlawedError(Flaw.NOT_OFFERED)
        content = _without_holdgate_fields(content.replace(b"\r\n", b"\n"))
        chosen = list(dict.fromkeys(recipients)) or list(dict.fromkeys(incident.recipients))
        if not set(chosen) <= set(incident.recipients):
            raise FlawedError(Flaw.RECIPIENTS)
        hashes = hashlib.sha256("\0".join(sorted(chosen)).encode() + b"\0" + content).hexdigest()
        known = store.replacements.of([incident.id]).get(incident.id)
        hashed = hashlib.sha256(key.encode()).hexdigest()
        is_same = known is not None and (known.key, known.digest) == (hashed, hashes)
        if known is not None and is_same and incident.decided_how == REPLACEMENT:
            return incident, known
        if incident.state is not State.HELD:
            why = moderation.Why.PENDING if incident.state is State.PENDING else moderation.Why.DECIDED
            raise moderation.RefusedError(why, incident)
        envelope = self._envelope(incident)
        addressees = _addressees(envelope, chosen)
        try:
            replacement = store.replacements.begin(incident.id, hashed, hashes, actor, datetime.now(UTC))
        except BusyError as error:
            raise FlawedError(Flaw.BUSY) from error
        except OtherContentError as error:
            raise FlawedError(Flaw.OTHER_CONTENT) from error
        if not replacement.queue_id:
            self._submit(incident, replacement, content, envelope, addressees)
        return self._withdraw(incident, replacement, actor), replacement

    def finish(self, replacement: Replacement) -> None:
        """Withdraw a held message if Postfix has its amended one. Raises moderation.RefusedError."""
        incident = self._desk.store.incident(replacement.incident_id)
        if incident is not None:
            self._withdraw(incident, replacement, Actor(replacement.who, REPLACEMENT))

    def _withdraw(self, incident: Incident, replacement: Replacement, actor: Actor) -> Incident:
        """Withdraw a message, unless another submission has replaced this one meanwhile."""
        current = self._desk.store.replacements.of([incident.id]).get(incident.id)
        if current is None or current.copy != replacement.copy:
            raise FlawedError(Flaw.BUSY)
        try:
            return moderation.withdraw(self._desk, incident, Actor(actor.who, REPLACEMENT, actor.origin))
        except moderation.RefusedError as error:
            if error.incident.decided_how == REPLACEMENT:
                return error.incident
            raise

    def _envelope(self, incident: Incident) -> Sent:
        try:
            found = self._previewer.envelope(incident)
        except (QueueError, UnreadableError) as error:
            raise FlawedError(Flaw.UNREADABLE) from error
        if found is None:
            raise FlawedError(Flaw.UNREADABLE)
        return read_envelope(found)

    def _submit(
        self,
        incident: Incident,
        replacement: Replacement,
        content: bytes,
        envelope: Sent,
        addressees: Sequence[Addressee],
    ) -> None:
        """Submit a message to Postfix. Raises FlawedError."""
        relay, store = self._desk.settings.desk.replacement_relay, self._desk.store
        assert relay is not None
        message = f"{headers.REPLACES}: {replacement.mark}\n".encode() + content
        client = Client("", incident.client_address, incident.auth_user)
        try:
            with post.refusals():
                queue_id = post.submit(
                    message.replace(b"\n", b"\r\n"),
                    envelope.sender,
                    [(one.called, dsn_wishes(one)) for one in addressees],
                    relay,
                    dsn_options(envelope),
                    client=client,
                )
        except RefusedError as error:
            store.replacements.cancel(replacement)
            raise FlawedError(Flaw.REFUSED if error.code >= 500 else Flaw.AWAY, str(error)) from error
        except (AwayError, OSError) as error:  # Postfix may have it: a repeated call with the same key shows it
            raise FlawedError(Flaw.AWAY) from error
        store.replacements.accepted(replacement, queue_id or "unknown")


def _without_holdgate_fields(content: bytes) -> bytes:
    """Return a message without the fields that only Holdgate writes. Raises FlawedError if it has no other field."""
    fields, body = headers.split(content)
    kept = [f"{name}:".encode() + value for name, value in fields if not name.lower().startswith(_HOLDGATE_FIELDS)]
    if not kept:
        raise FlawedError(Flaw.EMPTY)
    return b"\n".join(kept) + b"\n\n" + body


def _addressees(envelope: Sent, chosen: Sequence[str]) -> list[Addressee]:
    """Return the recipients of a queue file as the client named them, with its wishes about reports for each.

    `chosen` are recipients in the incident's form; spellings in another case are one, as for Postfix. Raises
    FlawedError if a name is ambiguous.
    """
    found: dict[str, Addressee] = {}
    for name in chosen:
        named = {
            one.called.casefold(): one
            for one in reversed(envelope.recipients)
            if one.called and mask_numbers(one.called).casefold() == name.casefold()
        }
        if len(named) != 1:
            raise FlawedError(Flaw.UNCERTAIN)
        found |= named
    return list(found.values())
