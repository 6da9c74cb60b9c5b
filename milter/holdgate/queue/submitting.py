"""Submits changed messages here for desks of other nodes, while this node's desk does not.

The other desk sends only what the store already has approved: a message counts if its SHA-256 is the one of the
decision, and if the outbox still has it. Sender and recipients are those of the held message, which the local agent
shows. So a node's certificate chooses neither a text nor an address; it can only have a decision carried out that
somebody has made. Postfix holds the submitted message until `queue.exchange` recognises it.
"""

import hashlib
import math
import smtplib
import threading
import time
from collections.abc import Callable
from pathlib import Path

from holdgate import maillog
from holdgate.quarantine.incident import Change, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store
from holdgate.queue.agent import RefusedError
from holdgate.queue.changed import AmbiguousError, dsn_wishes, is_altered, kept, mail_options, marked
from holdgate.queue.client import QueueClient, QueueError
from holdgate.queue.wishes import read_envelope
from holdgate.submission import submit

# How long a message that was submitted is not submitted again, in seconds: its desk has recorded it by then.
_PAUSE = 60.0
# The highest code of a temporary refusal (RFC 5321, 4.2.1).
_TEMPORARY = 499


class Submitter:
    """Submits to `relay`, the listener for changed messages, with what `queue` shows. Thread-safe.

    `signs` returns whether milters sign what is submitted there (signing.py).
    """

    def __init__(
        self,
        store: Store,
        queue: QueueClient,
        relay: tuple[str, int] | Path | None,
        signs: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store, self._queue, self._relay, self._signs = store, queue, relay, signs
        self._lock = threading.Lock()
        self._submitted: dict[str, float] = {}

    def awaited(self, incident_id: str) -> tuple[Incident, Change]:
        """Return the incident whose changed message is awaited, and its change. Raises RefusedError if none is."""
        incident = self._store.incident(incident_id)
        change = None if incident is None else Change.of(incident)
        if (
            incident is None
            or change is None
            or incident.state is not State.APPROVED
            or change.queue_id
            or not self._store.is_here(incident)
            or not self._store.outbox.awaits_change(incident.id)
        ):
            raise RefusedError("no changed message is awaited")
        if self._relay is None:
            raise RefusedError("desk.change_relay is not set on this node")
        with self._lock:
            self._require_unsubmitted(incident.id)
        return incident, change

    def submit(self, incident_id: str, content: bytes, node: str) -> int:
        """Submit the changed message of an incident; return 0, or the SMTP code of a refusal.

        Raises RefusedError and QueueError.
        """
        incident, change = self.awaited(incident_id)
        if hashlib.sha256(content).hexdigest() != change.sent:
            raise RefusedError("this is not the message that was approved")
        envelope = read_envelope(self._queue.envelope(incident.queue_id, incident.arrival_time or 0) or b"")
        try:
            addressees = kept(incident, envelope, change.recipients)
        except AmbiguousError as error:
            raise RefusedError("its recipients are not certain") from error
        if not addressees:
            raise RefusedError("the message is not in the hold queue any more")
        assert self._relay is not None
        recipients = [(one.address, dsn_wishes(one)) for one in addressees]
        message = marked(content, incident, change, is_signed=self._signs())
        options = mail_options(envelope, change)
        with self._lock:  # check and entry are one step: requests of two desks can arrive at once
            self._require_unsubmitted(incident.id)
            self._submitted[incident.id] = math.inf
        try:
            submit(message, envelope.sender, recipients, self._relay, options, is_declared=not is_altered(change))
        except smtplib.SMTPRecipientsRefused as error:
            code, _ = next(iter(error.recipients.values()))
        except smtplib.SMTPResponseException as error:
            code = min(error.smtp_code, _TEMPORARY)  # only a refused recipient needs a new decision
        except (smtplib.SMTPException, OSError) as error:
            raise QueueError("the listener for changed messages does not answer") from error
        else:
            code = 0
        finally:
            with self._lock:
                self._submitted[incident.id] = time.monotonic()  # if the answer was lost, Postfix may have it
        if code:
            with self._lock:
                del self._submitted[incident.id]  # another attempt may follow at once
        else:
            maillog.submitted_for_node(incident.queue_id, incident=incident.id, node=node)
        return code

    def _require_unsubmitted(self, incident_id: str) -> None:
        """Raise RefusedError if a message is being submitted, or was a short time ago. The lock is held."""
        now = time.monotonic()
        self._submitted = {one: at for one, at in self._submitted.items() if now - at < _PAUSE}
        if incident_id in self._submitted:
            raise RefusedError("it was just submitted")
