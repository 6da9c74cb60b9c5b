"""Splits a message whose recipients have different verdicts: recipients who must wait get a copy that Postfix holds.

1. A copy is submitted with the id of its incident in the header (`submit`). Before it is complete, the incident is
   recorded, with a digest of the message and without a queue id. Postfix puts the copy directly into the hold queue.
2. When Postfix has accepted it, and the incident is durable (both are synced at the same time), the session has the
   recipients of the copy removed from the message (SMFIR_DELRCPT). The message continues for the others.
3. While Postfix stores the message, the incident gets the queue id of its copy.

If a step fails, or the milter is killed, the message is deferred and its client retries. The retry finds the incidents
by the digest. It records no new ones, and submits a copy again only while its queue id is unknown. If Postfix had
accepted the first copy, `queue/reconcile.py` finds two held files with one incident and deletes the second. The id of
an incident follows from message and recipients: if a crash of the machine undid its record, but not the copy, the retry
has the same id, and so has the incident that the queue agent makes of the copy (queue/adopt.py).

Recipients whom a policy refuses get such a copy too. When it is held, the desk returns it to its sender, as a message
that a moderator rejected (desk/moderation.py).
"""

import functools
import hashlib
import itertools
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from holdgate import maillog, metrics
from holdgate.envelope import Envelope
from holdgate.gate.submit import Commands, Copy, submit_copy
from holdgate.mask import mask_numbers
from holdgate.policy.verdict import Part
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import POLICY, Incident, derived_incident_id
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Actor, ConflictError, Store
from holdgate.seal import Sealed
from holdgate.tables import postconf, state_of

# How long a client may retry: as long as Postfix itself does (maximal_queue_lifetime).
_RETRIES = timedelta(days=5)
# How long a report of refused recipients counts for the same message, which its client may still be retrying.
_REPORTED = timedelta(hours=1)
# Stores the queue ids of copies while Postfix receives the reply. Ends with the process, after it has stored them.
_LATER = ThreadPoolExecutor(1, thread_name_prefix="copies")
_SYNCS = ThreadPoolExecutor(4, thread_name_prefix="syncs")
# Fields by which a message differs from the next one of the same program: the digest is of the complete header.
_TELLING = ("message-id", "date")
# How long a retry waits for the queue id of the first attempt, in seconds.
_PATIENCE = 15.0


def obstacle(
    envelope: Envelope, commands: Commands, parts: Sequence[Part], fields: Mapping[str, Sequence[bytes]], relay: Path
) -> str:
    """Return why a message cannot be split, "" if it can. `fields` are its header's values by lower-case name."""
    if not any(value.strip() for name in _TELLING for value in fields.get(name, ())):
        return "no Message-ID"  # a retry could not be distinguished from another message
    waiting = [recipient for part in parts[1:] for recipient in part.recipients]
    if any(recipient in commands.odd or mask_numbers(recipient) != recipient for recipient in waiting):
        return "address"
    if not relay.is_socket():
        return "no listener"
    return ""


def keeps_original_recipients(config: Path) -> bool:
    """Return whether Postfix can find a recipient that it rewrote. `config` is its configuration directory."""
    try:
        return _keeps(config, state_of(config))
    except (OSError, subprocess.SubprocessError):
        return False


@functools.lru_cache(maxsize=4)
def _keeps(config: Path, _state: tuple[int, ...]) -> bool:
    own = [line.rpartition("=")[2].strip() for line in postconf(config, "-P", "*/*/enable_original_recipient")]
    return {*postconf(config, "-xh", "enable_original_recipient"), *own} == {"yes"}


def digest_of(sealed: Sealed) -> str:
    """Return a digest that is the same when a client sends a message again to the same recipients or some of them."""
    parts = (sealed.sender.encode(), sealed.header, sealed.body)
    return hashlib.sha256(b"".join(len(part).to_bytes(8) + part for part in parts)).hexdigest()


class Splitter:
    """Records and submits the copies of one message. Its methods raise the store's errors."""

    def __init__(self, store: Store, digest: str, actor: Actor) -> None:
        self._store = store
        self._actor = actor
        self._digest = digest
        now = datetime.now(UTC)
        self._new: dict[str, str] = {}
        found = store.of_digest(digest, now - _RETRIES)
        if any(not one.queue_id for one in found):
            _LATER.submit(lambda: None).result(_PATIENCE)
            found = store.of_digest(digest, now - _RETRIES)
        self._known = [one for one in found if not _is_over(one, now)]

    def known(self, recipient: str) -> Incident | None:
        """Return the incident of an earlier attempt under which a recipient waits or was already served."""
        return next((one for one in self._known if recipient in one.recipients), None)

    def prepare(self, incident: Incident, already_sent: Sequence[str]) -> Incident:
        """Return the incident of a new copy, which `submit` records; its queue id is not known yet.

        Its id follows from the message and the recipients. If a crash of the machine undid the record of an earlier
        attempt, but not the copy, that has the same id. If it was already adopted, its incident is returned.
        """
        parts = (self._digest, self._store.node, *sorted(incident.recipients))
        for attempt in itertools.count():
            name = derived_incident_id([str(attempt), *parts])
            earlier = self._store.incident(name)
            if earlier is None:
                break
            if not _is_over(earlier, datetime.now(UTC)):
                return earlier
        sent = [mask_numbers(recipient) for recipient in already_sent]
        fresh = replace(incident, id=name, queue_id="", message_digest=self._digest, already_sent=sent)
        self._new[name] = f"copy of {incident.queue_id}"
        return fresh

    def submit(self, incident: Incident, copy: Copy, relay: Path) -> None:
        """Record an incident if it is new, and submit its copy unless Postfix has it. Raises SubmitError."""
        original = copy.envelope.queue_id
        if incident.queue_id:
            maillog.split(original, incident=incident.id, copy=incident.queue_id, recipients=0)
            return
        recorded: list[Future[None]] = []
        queue_id = submit_copy(copy, relay, lambda: recorded.append(self._record(incident)))
        for one in recorded:
            one.result()
        maillog.split(original, incident=incident.id, copy=queue_id, recipients=len(copy.recipients))
        if queue_id:
            _LATER.submit(self._note, incident, queue_id)

    def _record(self, incident: Incident) -> Future[None]:
        """Record an incident if it is new; return what makes it durable, while Postfix syncs the copy."""
        note = self._new.pop(incident.id, None)
        if note is not None:
            self._store.record(incident, self._actor, note=note, is_synced=False)
        return _SYNCS.submit(self._store.sync)

    def _note(self, incident: Incident, queue_id: str) -> None:
        """Store the queue id of a copy. If that fails or is lost, the queue agent finds the incident by the header."""
        try:
            self._store.amend(incident, EventName.COPY_QUEUED, self._actor, is_synced=False, queue_id=queue_id)
        except ConflictError as error:
            if not error.incident.queue_id:
                maillog.failed(stage="split", error=maillog.describe(error))
        except Exception as error:
            metrics.ERRORS.labels("split").inc()
            maillog.failed(stage="split", error=maillog.describe(error))


def _is_over(incident: Incident, now: datetime) -> bool:
    """Return whether a repeated message needs a new request: its sender was notified, or an operator removed it."""
    seen = bool(incident.queue_id)
    if incident.state is State.RETURNED and incident.decided_how == POLICY and incident.closed_at is not None:
        return now - incident.closed_at > _REPORTED  # a client's retry gets no second report
    return incident.state is State.RETURNED or (seen and incident.state is State.VANISHED)
