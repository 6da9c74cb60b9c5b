"""Approves held messages with changes: what the policy allows, a view of the changed message, and its submission.

A worker makes the changed message from the held one, with the same result each time. The decision names it by its
SHA-256, and the desk submits it to a listener that puts it into the hold queue of its node: its own listener, or by
`queue.submitting` that of another node. `queue.exchange` then deletes the
original and releases the changed message. If it cannot be made as approved, it is not sent, and a new request is sent.
"""

import hashlib
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from holdgate import headers, maillog
from holdgate.desk import dsn, moderation, post
from holdgate.desk.channel import RefusedError
from holdgate.desk.context import Desk
from holdgate.desk.language.catalogue import Catalogue, mark
from holdgate.desk.preview import Previewer, UnreadableError
from holdgate.desk.remotenodes import RemoteNodeError
from holdgate.mask import mask_numbers
from holdgate.quarantine.incident import Change, Incident
from holdgate.queue.changed import (
    EXCLUDE,
    AmbiguousError,
    as_submitted,
    dsn_wishes,
    is_altered,
    kept,
    mail_options,
    marked,
)
from holdgate.queue.client import QueueError
from holdgate.queue.signing import Signers
from holdgate.queue.wishes import Addressee, Sent, read_envelope
from holdgate.scan.shapes import ChangeReport

WITHOUT, ENCRYPT, REDACT = "without-attachments", "encrypt", "redact"
ALL = "*"
"""Means all attachments."""

_NOTE = mark('The attachment "{name}" was removed before this message was sent.\n\nIncident: {id}\n')
# Addresses and names of sender and recipients stay in the header, because delivery needs them.
_WHO = ("email-address", "person-name", "organisation")
_HEADERS = ("headers", "technical headers")
# After this many attempts, a recipient that Postfix refuses permanently needs a new decision.
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class RequestedChanges:
    """The changes that a person requests. `without` are names or numbers of attachments, or `ALL`.

    `excluded` are recipients, as a person writes them or in the incident's form.
    """

    without: Sequence[str] = ()
    encrypted: bool = False
    redacted: bool = False
    excluded: Sequence[str] = ()

    @property
    def kinds(self) -> list[str]:
        """The values of `moderation.changes` that these require."""
        chosen = {REDACT: self.redacted, WITHOUT: bool(self.without), ENCRYPT: self.encrypted}
        chosen[EXCLUDE] = bool(self.excluded)
        return [kind for kind, is_chosen in chosen.items() if is_chosen]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A changed message, its record, and what was changed. `content` has LF line ends and no Holdgate field."""

    content: bytes = field(repr=False)
    change: Change
    report: ChangeReport


@dataclass(slots=True)
class ChangePlan:
    """What the page for changes shows."""

    report: ChangeReport = field(default_factory=ChangeReport)
    wanted: RequestedChanges = field(default_factory=RequestedChanges)
    preview: dict[str, Any] | None = None
    prepared: Prepared | None = None
    problem: str = ""
    part: str = ""
    unreadable: str = ""


class CannotChangeError(Exception):
    """A message cannot be changed this way; `why` is a text for people, `part` names the part that prevents it."""

    def __init__(self, why: str, part: str = "") -> None:
        super().__init__(f"{part}: {why}" if part else why)
        self.why = why
        self.part = part


_FORBIDDEN = mark("The policy does not allow this change.")
_NOTHING = mark("Nothing was chosen.")
_WHY = {
    "ambiguous": mark("This message can be read in more than one way, so it cannot be changed."),
    "no such attachment": mark("There is no such attachment."),
    "format": mark("Found data in this part cannot be masked. Remove the attachment, or reject the message."),
    "not read": mark("This part could not be read completely, so it cannot be masked reliably."),
    "not removed": mark("Masking this part was not complete. Remove the attachment, or reject the message."),
    "too long": mark("Masking took too long."),
}
_FAILED = mark("The message could not be changed.")
_NO_RECIPIENT = mark("This address is not a recipient of this message.")
_NOT_CERTAIN = mark("These recipients cannot be left out. Send it to all, or do not send it.")


def offered(desk: Desk, incident: Incident) -> list[str]:
    """Return the kinds of changes that a moderator can choose for a held message."""
    rules = desk.moderation(incident)
    if desk.settings.desk.change_relay is None or rules.approvals > 1 or len(rules.chain) > 1:
        return []
    is_possible = {ENCRYPT: bool(rules.encrypt_through), EXCLUDE: len(set(incident.recipients)) > 1}
    return [kind for kind in rules.changes if is_possible.get(kind, True)]


class Changer:
    """Makes and submits changed messages."""

    def __init__(self, desk: Desk, previewer: Previewer) -> None:
        self._desk = desk
        self._previewer = previewer
        self._signs = Signers(desk.settings)

    def attachments(self, incident: Incident) -> ChangeReport:
        """Return what can be removed from a message. Raises CannotChangeError and UnreadableError."""
        return self._make(incident, (), redact=False)[1]

    def prepare(self, incident: Incident, wanted: RequestedChanges) -> Prepared:
        """Return the message as it would be sent. Raises CannotChangeError and UnreadableError."""
        if not wanted.kinds:
            raise CannotChangeError(_NOTHING)
        if wanted.excluded and len(set(incident.recipients)) == 1:
            raise CannotChangeError(_NOT_CERTAIN)
        if not set(wanted.kinds) <= set(offered(self._desk, incident)):
            raise CannotChangeError(_FORBIDDEN)
        excluded = self._excluded(incident, wanted.excluded) if wanted.excluded else []
        if wanted.kinds == [EXCLUDE]:
            change, content = self._without(incident, excluded)
            return Prepared(dsn.without_holdgate_fields(content), change, ChangeReport())
        content, report, original = self._make(incident, wanted.without, redact=wanted.redacted)
        if wanted.redacted:
            self._require_masked(content)
        change = Change(
            wanted.kinds,
            original=_digest(original),
            sent=_digest(content),
            recipients=excluded,
            token=secrets.token_hex(16),
            parts=report.removed,
            names=[one.name for one in report.attachments if one.number in report.removed],
            transport=self._desk.moderation(incident).encrypt_through if wanted.encrypted else "",
            signatures=report.signatures,
        )
        return Prepared(content, change, report)

    def exclude(self, incident: Incident, excluded: Sequence[str]) -> Change:
        """Return the change by which a message is not sent to some recipients; its content does not change.

        Raises CannotChangeError, UnreadableError and QueueError.
        """
        if self._desk.settings.desk.change_relay is None:
            raise CannotChangeError(_FORBIDDEN)
        change, _ = self._without(incident, excluded)
        _left(incident, read_envelope(self._previewer.envelope(incident) or b""), excluded)
        return change

    def _without(self, incident: Incident, excluded: Sequence[str]) -> tuple[Change, bytes]:
        """Return the change that only leaves recipients out, and the held message. Raises UnreadableError."""
        content = self._previewer.held(incident)
        digest, token = _digest(content), secrets.token_hex(16)
        return Change([EXCLUDE], original=digest, sent=digest, token=token, recipients=list(excluded)), content

    def _excluded(self, incident: Incident, given: Sequence[str]) -> list[str]:
        """Return recipients in the incident's form. Raises CannotChangeError if they cannot be left out for certain.

        Raises UnreadableError if the envelope cannot be read.
        """
        wanted = {one.casefold(): one for one in map(mask_numbers, given)}
        named = [one for one in dict.fromkeys(incident.recipients) if one.casefold() in wanted]
        for unknown in wanted.keys() - {one.casefold() for one in named}:
            raise CannotChangeError(_NO_RECIPIENT, wanted[unknown])
        try:
            envelope = self._previewer.envelope(incident)
        except RemoteNodeError as error:
            raise UnreadableError(error.why, str(error)) from error
        except QueueError as error:
            raise UnreadableError("agent", "the queue agent does not answer") from error
        _left(incident, read_envelope(envelope or b""), named)
        return named

    def shown(self, prepared: Prepared) -> dict[str, Any]:
        """Return the changed message as `scan.preview` shows it, read by another worker. Raises UnreadableError."""
        return self._previewer.show(prepared.content, ocr=REDACT in prepared.change.kinds)

    def submit(self, incident: Incident, attempts: int, confirm: Callable[[], object]) -> bool:
        """Submit the changed message of an incident; return False if a new decision is needed instead.

        `confirm` is called directly before, and raises if another desk may submit it. Raises a channel's errors,
        QueueError and UnreadableError: retry later.
        """
        change = Change.of(incident)
        assert change is not None
        is_here = self._desk.store.is_here(incident)
        try:
            content = self._made_again(incident, change)
            if is_here:
                self._submit_here(incident, change, content, confirm)
            else:
                confirm()
                self._submit_there(incident, content)
        except (CannotChangeError, UnreadableError) as error:
            if not is_here:
                # That node's desk may be able to: it need not fetch the message, and can have other rules or a version.
                raise RemoteNodeError("node", f"{incident.id}: this desk cannot make the changed message") from error
            if isinstance(error, UnreadableError):
                raise
            moderation.decide_again(self._desk, incident, str(error))
            return False
        except RefusedError as error:
            if not error.permanent or attempts < _ATTEMPTS:
                raise
            moderation.decide_again(self._desk, incident, str(error))
            return False
        return True

    def _submit_here(self, incident: Incident, change: Change, content: bytes, confirm: Callable[[], object]) -> None:
        """Submit a changed message to this node's listener. Raises CannotChangeError and as `submit`."""
        relay = self._desk.settings.desk.change_relay
        envelope = read_envelope(self._previewer.envelope(incident) or b"")
        addressees = _left(incident, envelope, change.recipients)
        if relay is None or not envelope.recipients:
            raise CannotChangeError(_FAILED)
        with post.refusals():
            message = marked(content, incident, change, is_signed=self._signs())
            recipients = [(one.address, dsn_wishes(one)) for one in addressees]
            options = mail_options(envelope, change)
            confirm()
            post.submit(message, envelope.sender, recipients, relay, options, is_declared=not is_altered(change))

    def _submit_there(self, incident: Incident, content: bytes) -> None:
        """Have the message's node submit a changed message. Raises RefusedError, and RemoteNodeError: retry later."""
        try:
            code = self._previewer.submit_there(incident, content)
        except RemoteNodeError:
            raise
        except QueueError as error:  # the desk of that node may be able to submit it
            maillog.failed(stage="node", error=str(error))
            raise RemoteNodeError("node", str(error)) from error
        if code:
            raise RefusedError(f"refused with {code}", permanent=code >= 500, code=code)

    def _made_again(self, incident: Incident, change: Change) -> bytes:
        """Return the changed message, identical to the approved one. Raises CannotChangeError if it differs."""
        if not change.kinds:
            content = as_submitted(self._previewer.held(incident))
            # A desk of another version can read the copy in another way.
            if not self._desk.store.is_here(incident) and _digest(content) != change.sent:
                raise CannotChangeError(_FAILED)
            return content
        if not is_altered(change):
            content = original = self._previewer.held(incident)
        else:
            parts = [str(number) for number in change.parts]
            content, _, original = self._make(incident, parts, redact=REDACT in change.kinds)
        if (_digest(original), _digest(content)) != (change.original, change.sent):
            raise CannotChangeError(_FAILED)
        return content

    def _require_masked(self, content: bytes) -> None:
        """Have another worker inspect a redacted message. Raises CannotChangeError if it finds a match."""
        shown = self._previewer.show(content, ocr=True)
        if shown["status"] != "complete":
            raise CannotChangeError(_WHY["not read"], shown["reason"])
        for finding in shown["findings"]:
            for place in finding["parts"]:
                if not (finding["identifier"] in _WHO and place.partition(",")[0].rpartition(" › ")[2] in _HEADERS):
                    raise CannotChangeError(_WHY["not removed"], place)

    def _make(self, incident: Incident, without: Sequence[str], *, redact: bool) -> tuple[bytes, ChangeReport, bytes]:
        """Return the changed message, what was changed, and the original. Raises as `prepare` does."""
        held = self._previewer.held(incident)
        original = dsn.without_holdgate_fields(held)
        language = self._desk.moderation(incident).language
        note = Catalogue(language).text(_NOTE).replace("{id}", incident.id)
        report, content = self._previewer.change(original, without, note, redact=redact)
        if report.refused is not None:
            raise CannotChangeError(_WHY.get(report.refused.why, _FAILED), report.refused.part)
        if _foreign(headers.split(content)[0], headers.split(original)[0], by_name=redact):
            raise CannotChangeError(_FAILED)
        return content, report, original


def _left(incident: Incident, envelope: Sent, excluded: Collection[str]) -> list[Addressee]:
    """Return the recipients that are left. Raises CannotChangeError if they are not certain."""
    try:
        return kept(incident, envelope, excluded)
    except AmbiguousError as error:
        raise CannotChangeError(_NOT_CERTAIN) from error


def _foreign(new: list[tuple[str, bytes]], old: list[tuple[str, bytes]], *, by_name: bool) -> bool:
    """Return whether a changed message has a field that the original lacks, which a compromised worker may have added.

    In a redacted message, the values of fields that people write can differ, but no name can be new.
    """
    if by_name:
        return not {name.lower() for name, _ in new if not name.lower().startswith("content-")} <= {
            name.lower() for name, _ in old
        }
    return any(one not in old for one in new if not one[0].lower().startswith("content-"))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
