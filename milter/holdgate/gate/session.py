"""One SMTP connection as the milter sees it: collects each of its messages and says what Postfix is to do with it.

This module knows mail, not the milter protocol: `callbacks` translates. Nothing here may let a message pass because
something failed, so the first error of a message is remembered and answered with a deferral at its end.
"""

from dataclasses import asdict

from holdgate import headers, maillog, metrics
from holdgate.config import Settings
from holdgate.envelope import Envelope
from holdgate.findings import Inspection
from holdgate.gate import edits
from holdgate.gate.reply import TEMPFAIL, Reply
from holdgate.gate.spool import Spool
from holdgate.policy.verdict import Action, Verdict, decide
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.store import Actor, Store
from holdgate.scan.pool import Pool

ACTOR = Actor("holdgate-milter", "milter")

# Fields that the incident tells people of; kept raw, for decoding them is work that most messages do not need.
_KEPT = ("from", "subject", "message-id")


class Session:
    """State of one connection. `begin` starts a message, `end_of_message` or `abort` ends it."""

    def __init__(self, settings: Settings, pool: Pool, store: Store) -> None:
        self._settings = settings
        self._pool = pool
        self._store = store
        self._ours = {name.lower() for name in headers.ALL} | {settings.policy.action_header.lower()}
        self._client_name = ""
        self._client_address = ""
        self._reset()

    def _reset(self) -> None:
        self._envelope = Envelope(client_name=self._client_name, client_address=self._client_address)
        self._spool: Spool | None = None
        self._counts: dict[str, int] = {}
        self._kept: dict[str, bytes] = {}
        self._error: Exception | None = None

    # -- the message comes in -------------------------------------------------------------------------------------

    def open(self, client_name: str, client_address: str) -> None:
        """Take note of the SMTP client."""
        self._client_name, self._client_address = client_name, client_address

    def begin(self, sender: str, auth_user: str) -> None:
        """Start a message. Whatever an earlier one on this connection left is gone."""
        self.abort()
        self._envelope.sender = sender
        self._envelope.auth_user = auth_user

    def add_recipient(self, recipient: str) -> None:
        """Take one envelope recipient that Postfix accepted."""
        self._envelope.recipients.append(recipient)

    def add_header(self, name: str, value: bytes) -> None:
        """Take one header field; `value` is what follows the colon, with its folds as LF."""
        key = name.lower()
        if key in self._ours:
            self._counts[key] = self._counts.get(key, 0) + 1
            return
        if key in _KEPT:
            self._kept.setdefault(key, value)
        self._write(name.encode("utf-8", "surrogateescape") + b":" + value.replace(b"\n", b"\r\n") + b"\r\n")

    def end_headers(self) -> None:
        """Take the empty line between header and body."""
        self._write(b"\r\n")

    def add_body(self, chunk: bytes) -> None:
        """Take the next bytes of the body, with CRLF line ends."""
        self._write(chunk)

    def _write(self, data: bytes) -> None:
        if self._error is not None:
            return
        try:
            if self._spool is None:
                self._spool = self._new_spool()
            self._spool.write(data)
        except OSError as error:
            self._error = error

    def _new_spool(self) -> Spool:
        return Spool(self._settings.milter.spool_directory, self._settings.milter.spool_memory)

    # -- the message ends -----------------------------------------------------------------------------------------

    def end_of_message(self, queue_id: str) -> Reply:
        """Inspect the message and decide; record the incident before answering. Any failure becomes a deferral."""
        self._envelope.queue_id = queue_id
        try:
            if self._error is not None:
                raise self._error
            return self._judge()
        except Exception as error:
            metrics.ERRORS.labels("gate").inc()
            maillog.tempfailed(queue_id, stage="gate", error=error)
            metrics.MESSAGES.labels("tempfail", "failed").inc()
            return TEMPFAIL
        finally:
            self.abort()

    def abort(self) -> None:
        """Forget the message under way: RSET, a lost connection, or the next MAIL command."""
        if self._spool is not None:
            self._spool.close()
        self._reset()

    def _judge(self) -> Reply:
        envelope = self._envelope
        inspection = self._inspect()
        verdict = decide(inspection, self._settings.policy)
        incident_id = self._record(inspection, verdict) if verdict.action is Action.QUARANTINE else ""
        metrics.MESSAGES.labels(verdict.action, inspection.status).inc()
        maillog.inspected(
            envelope.queue_id,
            sender=envelope.sender,
            recipients=len(envelope.recipients),
            size=envelope.size,
            status=inspection.status,
            reason=inspection.reason,
            action=verdict.action,
            incident=incident_id,
            findings=",".join(f"{f.identifier}/{f.confidence}:{f.count}" for f in inspection.findings),
            elapsed_ms=inspection.elapsed_ms,
        )
        if verdict.action is Action.TEMPFAIL:
            metrics.ERRORS.labels("scan").inc()
            return TEMPFAIL
        return self._accept(inspection, verdict, incident_id)

    def _inspect(self) -> Inspection:
        if self._spool is None:  # neither header nor body: DATA and at once the final dot
            self._spool = self._new_spool()
        self._spool.finish()
        self._envelope.size = self._spool.size
        with metrics.SCAN_SECONDS.time():
            inspection = self._pool.inspect(self._spool.descriptor, queue_id=self._envelope.queue_id)
        for finding in inspection.findings:
            if finding.confidence != "low":
                metrics.FINDINGS.labels(finding.identifier).inc(finding.count)
        return inspection

    def _record(self, inspection: Inspection, verdict: Verdict) -> str:
        envelope = self._envelope
        incident = Incident(
            queue_id=envelope.queue_id,
            sender=envelope.sender,
            recipients=envelope.recipients,
            policy=verdict.policy,
            auth_user=envelope.auth_user,
            client_address=envelope.client_address,
            header_from=headers.decode(self._kept.get("from", b"")),
            subject=headers.decode(self._kept.get("subject", b"")),
            message_id=headers.decode(self._kept.get("message-id", b"")),
            size=envelope.size,
            status=inspection.status,
            reason=inspection.reason,
            profiles=inspection.profiles,
            findings=[asdict(finding) for finding in inspection.findings],
        )
        self._store.record(incident, ACTOR)
        return incident.id

    def _accept(self, inspection: Inspection, verdict: Verdict, incident_id: str) -> Reply:
        policy = self._settings.policy
        names = dict.fromkeys((*headers.ALL, policy.action_header))
        remove = edits.removals(self._counts, names)
        if remove:
            metrics.OUTSIDE_HEADERS.inc()
            maillog.outside_headers_removed(
                self._envelope.queue_id, count=len(remove), client=self._envelope.client_address
            )
        held = verdict.action is Action.QUARANTINE
        action = [(policy.action_header, policy.action_value)] if held else []
        return Reply(
            remove=remove,
            add=edits.additions(inspection, action, incident_id),
            hold=f"Holdgate incident {incident_id}" if held else "",
        )
