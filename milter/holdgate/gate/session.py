"""One SMTP connection as the milter sees it: collects each message and decides what Postfix must do with it.

This module knows mail, not the milter protocol: `callbacks` translates. It fails closed: the first error of a message
is remembered, and the message is deferred at its end.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from holdgate import headers, maillog, metrics, seal
from holdgate.envelope import Envelope
from holdgate.findings import Inspection
from holdgate.gate import edits, holding, inspecting, reading, replacing, replies, split, trust
from holdgate.gate.reply import TEMPFAIL, Reply
from holdgate.gate.service import ConfigSnapshot, Service
from holdgate.gate.spool import Spool
from holdgate.gate.submit import Commands, Copy, SubmitError
from holdgate.machines.traffic import MachineMail, UnansweredError
from holdgate.mask import mask_numbers, mask_unsearched_text
from holdgate.policy.action import Handling
from holdgate.policy.actions import Quarantine
from holdgate.policy.verdict import Verdict
from holdgate.quarantine.incident import Incident, NewNotice, Request
from holdgate.quarantine.recorded import new_incident
from holdgate.quarantine.replacements import Replacement
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Actor
from holdgate.seal import BodyHash, HeaderHash, Sealed

ACTOR = Actor("holdgate-milter", "milter")

_HELD = headers.HELD.lower()

# A message with more header fields that only Holdgate writes is refused. Postfix searches the complete header for each
# removal, so the time grows with the square of their number (seen on 3.7.11). A message that returns has seven.
_MOST_HOLDGATE_FIELDS = 20
_TOO_MANY = "Message refused: too many header fields named X-Holdgate-… or X-Netskope-…"


class Session:
    """State of one connection. `begin` starts a message, `end_of_message` or `abort` ends it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._client_name = ""
        self._client_address = ""
        self._reset()

    def _reset(self) -> None:
        self._snapshot: ConfigSnapshot = self._service.snapshot
        self._envelope = Envelope(client_name=self._client_name, client_address=self._client_address)
        self._spool: Spool | None = None
        self._counts: dict[str, int] = {}
        self._fields: dict[str, list[bytes]] = {}
        self._header_hash = HeaderHash()
        self._body_hash = BodyHash()
        self._error: Exception | None = None
        self._commands = Commands()
        self._machine: MachineMail | None = None
        self._replaces: Replacement | None = None

    def fail(self, error: Exception) -> None:
        """Remember an error of the caller: the message is deferred at its end."""
        if self._error is None:
            self._error = error

    # -- receiving a message --------------------------------------------------------------------------------------

    def open(self, client_name: str, client_address: str) -> None:
        """Set the SMTP client."""
        self._client_name, self._client_address = client_name, client_address

    def begin(self, sender: str, auth_user: str, parameters: Sequence[str] = ()) -> None:
        """Start a message, with the MAIL parameters. The state of an earlier message on this connection is cleared."""
        self.abort()
        self._envelope.sender = sender
        self._envelope.auth_user = auth_user
        self._commands.set_mail(parameters)

    def add_recipient(self, recipient: str, path: str = "", parameters: Sequence[str] = ()) -> None:
        """Add an envelope recipient that Postfix accepted, its path as the client wrote it, and the RCPT parameters."""
        self._envelope.recipients.append(recipient)
        self._commands.add_rcpt(path, recipient, parameters)

    def add_header(self, name: str, value: bytes) -> None:
        """Add a header field; `value` is what follows the colon, with LF before continuation lines."""
        key = name.strip().lower()
        if key in self._snapshot.kept:
            self._fields.setdefault(key, []).append(value)
        if edits.is_holdgate_field(key, self._snapshot.holdgate_fields):
            self._counts[key] = self._counts.get(key, 0) + 1
        else:
            spelled = name.encode("utf-8", "surrogateescape")
            self._header_hash.update(spelled, value)
            self._write(spelled + b":" + value.replace(b"\n", b"\r\n") + b"\r\n")

    def end_headers(self) -> None:
        """Add the empty line between header and body."""
        self._write(b"\r\n")

    def add_body(self, chunk: bytes) -> None:
        """Add the next bytes of the body, with CRLF line ends."""
        self._body_hash.update(chunk)
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
        milter = self._snapshot.settings.milter
        return Spool(milter.spool_directory, milter.spool_memory)

    # -- end of a message -----------------------------------------------------------------------------------------

    def end_of_message(self, queue_id: str) -> Reply:
        """Inspect the message and decide; record the incident before responding. Any failure becomes a deferral."""
        self._envelope.queue_id = queue_id
        try:
            if self._error is not None:
                raise self._error
            reply = self._evaluate(datetime.now(UTC))
        except SubmitError as error:
            metrics.ERRORS.labels("split").inc()
            maillog.tempfailed(queue_id, stage="split", error=str(error))
        except UnansweredError as error:
            metrics.ERRORS.labels("machines").inc()
            maillog.tempfailed(queue_id, stage="machines", error=str(error))
        except Exception as error:
            metrics.ERRORS.labels("gate").inc()
            maillog.tempfailed(queue_id, stage="gate", error=error)
        else:
            return reply
        finally:
            self.abort()
        metrics.MESSAGES.labels("tempfail", "failed").inc()
        return TEMPFAIL

    def abort(self) -> None:
        """Forget the current message: RSET, a lost connection, or the next MAIL command."""
        if self._machine is not None:
            self._machine.refund()
        if self._spool is not None:
            self._spool.close()
        self._reset()

    def _evaluate(self, now: datetime) -> Reply:
        envelope, snapshot = self._envelope, self._snapshot
        if sum(self._counts.values()) > _MOST_HOLDGATE_FIELDS:
            return self._refuse()
        reading.describe(envelope, self._fields, snapshot.condition_fields)
        sealed = Sealed(
            envelope.sender,
            tuple(envelope.recipients),
            {name: seal.raw(values) for name, values in self._fields.items()},
            self._body_hash.digest(),
            self._header_hash.digest(),
        )
        self._replaces = replacing.named(self._service.store, self._fields)
        if self._replaces is not None:
            inspection = self._inspect(now)
            replacing.require_same_account(self._service.store, self._replaces, self._machine)
            verdict = snapshot.policies.decide(envelope, inspection, now)
        elif _HELD in self._counts:
            # Postfix holds it because of this field (postfix/header_checks), whoever wrote it: a moderator must decide.
            inspection = self._inspect(now)
            verdict = snapshot.policies.decide(envelope, inspection, now)
            if verdict.action.handling is Handling.ACCEPT:
                verdict = replace(verdict, action=Quarantine(), policy=f"mark {headers.HELD}")
        elif (request := replies.answered(self._service.store, snapshot.settings, envelope)) is not None:
            return self._accept_reply(request)
        elif trust.is_sealed(self._service, snapshot, self._fields, sealed, envelope, now):
            return self._accept_known("seal")
        elif trust.was_inspected_before(snapshot, self._fields, envelope):
            mark = trust.trusted_scanner_header(snapshot, self._fields)
            if not mark:
                return self._accept_known("trusted scanner")
            # It was not searched here: what looks like a number is masked where the incident is shown.
            inspection = Inspection(
                subject=mask_unsearched_text(envelope.subject),
                header_from=mask_unsearched_text(envelope.header_from, addresses=False),
                message_id=mask_numbers(envelope.message_id),
            )
            verdict = Verdict(Quarantine(), policy=f"mark {mark}"[:64])
        else:
            inspection = self._inspect(now)
            verdict = snapshot.policies.decide(envelope, inspection, now)
            if verdict.parts and self._may_split(verdict):
                return self._split(inspection, verdict, sealed, now)
        return self._answer(inspection, verdict, sealed, now)

    def _answer(self, inspection: Inspection, verdict: Verdict, sealed: Sealed, now: datetime) -> Reply:
        """Record what a policy records, and return the milter's response."""
        snapshot = self._snapshot
        incident_id = self._record(inspection, verdict)
        self._log_result(inspection, verdict, incident_id)
        if verdict.action.handling is Handling.ACCEPT:
            snapshot.recipients.learn(self._envelope, inspection, now)
            if self._machine is not None:
                self._machine.learn(self._envelope.recipients)
        if verdict.action.handling is Handling.DEFER:
            return TEMPFAIL
        self._machine = None  # it counts messages, and a deferred one is sent again
        if verdict.action.handling is Handling.REFUSE:
            return Reply(block=f"Message refused by policy; incident {incident_id}")
        is_held = verdict.action.handling is Handling.HOLD
        seal_value = self._seal(sealed, inspection, verdict, now)
        add = edits.additions(inspection, verdict, snapshot.settings.policy, incident_id, seal_value)
        if self._replaces is not None:
            add.append((headers.REPLACES, self._replaces.mark))
        return Reply(
            remove=self._removals(),
            add=add,
            bare_bounce=self._bare_bounce(inspection),
            hold=f"Holdgate incident {incident_id}" if is_held and self._needs_milter_quarantine() else "",
        )

    def _may_split(self, verdict: Verdict) -> bool:
        settings = self._snapshot.settings
        why = split.obstacle(self._envelope, self._commands, verdict.parts, self._fields, settings.milter.split_relay)
        refuses = any(part.verdict.action.handling is Handling.REFUSE for part in verdict.parts)
        if not why and refuses and not settings.desk.is_own_sender(self._envelope.sender):
            why = "sender"  # nobody would be notified of the recipients who are refused
        if not why and not split.keeps_original_recipients(settings.queue.postfix_config):
            why = "enable_original_recipient"
        if why:
            metrics.SPLITS.labels("whole").inc()
            maillog.not_split(self._envelope.queue_id, why=why)
        return not why

    def _split(self, inspection: Inspection, verdict: Verdict, sealed: Sealed, now: datetime) -> Reply:
        """Have Postfix hold a copy for recipients who must wait, then respond for the others. Raises SubmitError."""
        settings, envelope = self._snapshot.settings, self._envelope
        first, *waiting = verdict.parts
        splitter = split.Splitter(self._service.store, split.digest_of(sealed), ACTOR)
        assert self._spool is not None
        for part in waiting:
            refused = part.verdict.action.handling is Handling.REFUSE
            incidents = {one.id: one for recipient in part.recipients if (one := splitter.known(recipient)) is not None}
            fresh = [recipient for recipient in part.recipients if splitter.known(recipient) is None]
            if fresh:
                new = self._incident(replace(envelope, recipients=fresh), inspection, part.verdict)
                new = replace(new, state=State.PENDING)  # refused recipients too: the copy is held until it is returned
                new = splitter.prepare(new, first.recipients)
                self._note(new, fresh, inspection)
                incidents[new.id] = new
            for incident in incidents.values():
                seal_value = self._seal(
                    replace(sealed, recipients=tuple(incident.recipients)), inspection, part.verdict, now
                )
                held = replace(part.verdict, action=Quarantine()) if refused else part.verdict
                fields = edits.additions(inspection, held, settings.policy, incident.id, seal_value)
                bare = bool(self._bare_bounce(inspection))
                copy = Copy(
                    envelope, incident.recipients, self._commands, fields, self._spool.message(), header_only=bare
                )
                splitter.submit(incident, copy, settings.milter.split_relay)
        dropped = [recipient for part in waiting for recipient in part.recipients]
        envelope.recipients = [one for one in envelope.recipients if one in first.recipients]
        main = replace(first.verdict, observed=verdict.observed)
        reply = self._answer(inspection, main, replace(sealed, recipients=tuple(envelope.recipients)), now)
        metrics.SPLITS.labels("split").inc()
        return replace(reply, drop=dropped)

    def _bare_bounce(self, inspection: Inspection) -> str:
        """Return the sender if a bounce of internal mail would carry matches or uninspected content to the outside."""
        envelope = self._envelope
        telling = inspection.findings or inspection.status != "complete"
        return envelope.sender if telling and self._snapshot.policies.bounces_outside(envelope) else ""

    def _seal(self, sealed: Sealed, inspection: Inspection, verdict: Verdict, now: datetime) -> str:
        """Return the seal of the accepted message, with the policies' fields, or "" if it gets none."""
        if inspection.status != "complete":
            return ""
        header = self._header_hash.copy()
        for name, value in verdict.headers:
            if not edits.is_holdgate_field(name.lower(), self._snapshot.holdgate_fields):
                header.update(name.encode(), value.encode())
        return self._snapshot.sealer.seal(replace(sealed, header=header.digest()), now)

    def _refuse(self) -> Reply:
        """Refuse a message because of its header, without inspection."""
        metrics.MESSAGES.labels("block", "unread").inc()
        metrics.OUTSIDE_HEADERS.inc()
        count, client = sum(self._counts.values()), self._envelope.client_address
        maillog.outside_headers_refused(self._envelope.queue_id, count=count, client=client)
        return Reply(block=_TOO_MANY)

    def _needs_milter_quarantine(self) -> bool:
        settings = self._snapshot.settings
        header = (settings.policy.action_header, settings.policy.action_value)
        return holding.needs_milter_quarantine(settings.queue.postfix_config, settings.milter.socket, header)

    def _inspect(self, now: datetime) -> Inspection:
        if self._spool is None:  # neither header nor body: DATA is followed by the final dot
            self._spool = self._new_spool()
        message = self._spool.message()
        envelope, snapshot = self._envelope, self._snapshot
        envelope.size = self._spool.size
        self._machine = None if snapshot.machines is None else snapshot.machines.of(envelope)
        return inspecting.inspect(
            snapshot,
            envelope,
            message,
            machine=self._machine,
            is_plain=reading.seems_plain(self._fields.get("content-type", ())),
            now=now,
        )

    def _record(self, inspection: Inspection, verdict: Verdict) -> str:
        """Record the incident if the verdict requires one, and return its id, else ""."""
        if not verdict.action.records and not verdict.observed:
            return ""
        incident = self._incident(self._envelope, inspection, verdict)
        if incident.state is State.PENDING:
            self._note(incident, self._envelope.recipients, inspection)
            if self._replaces is not None:
                incident = replacing.held(self._service.store, self._replaces, incident)
        note = f"observed: {', '.join(verdict.observed)}" if verdict.observed else ""
        outbox = [NewNotice("alert", address) for address in verdict.action.alerted()]
        self._service.store.record(incident, ACTOR, note=note, outbox=outbox)
        return incident.id

    def _note(self, incident: Incident, recipients: Sequence[str], inspection: Inspection) -> None:
        """Before the incident is recorded: store what is learned from a message when it is released."""
        self._snapshot.recipients.note(incident.id, self._envelope, inspection, incident.created_at)
        if self._machine is not None:
            self._machine.note(incident.id, self._envelope.message_id, recipients)

    def _incident(self, envelope: Envelope, inspection: Inspection, verdict: Verdict) -> Incident:
        return new_incident(
            envelope,
            inspection,
            state=State.PENDING if verdict.action.handling is Handling.HOLD else State.RECORDED,
            policy=verdict.policy or verdict.observed[0],
            action=verdict.action.name,
        )

    # -- logging and responding -----------------------------------------------------------------------------------

    def _log_result(self, inspection: Inspection, verdict: Verdict, incident_id: str) -> None:
        envelope = self._envelope
        metrics.MESSAGES.labels(verdict.action.name, inspection.status).inc()
        maillog.inspected(
            envelope.queue_id,
            sender=envelope.sender,
            recipients=len(envelope.recipients),
            size=envelope.size,
            status=inspection.status,
            reason=inspection.reason,
            action=verdict.action.name,
            policy=verdict.policy,
            observed=",".join(verdict.observed),
            incident=incident_id,
            findings=",".join(f"{f.identifier}/{f.confidence}:{f.count}" for f in inspection.findings),
            elapsed_ms=inspection.elapsed_ms,
            risks=",".join(envelope.risks.kinds()) if envelope.risks else "",
        )

    def _accept_known(self, by: str) -> Reply:
        """Accept mail that was inspected before, and mark it as inspected again with Holdgate's fields."""
        metrics.MESSAGES.labels("allow", "skipped").inc()
        maillog.skipped(self._envelope.queue_id, sender=self._envelope.sender, by=by)
        return Reply(remove=self._removals(), add=[(headers.INSPECTED, "true"), (headers.STATUS, "complete")])

    def _accept_reply(self, request: Request) -> Reply:
        """Accept a moderator's reply to the desk. It is not marked as inspected, because it was not."""
        field = replies.origin_field(self._service.store, request, self._envelope)
        metrics.MESSAGES.labels("allow", "skipped").inc()
        maillog.skipped(self._envelope.queue_id, sender=self._envelope.sender, by="reply")
        return Reply(remove=self._removals(), add=[field])

    def _removals(self) -> list[tuple[str, int]]:
        remove = edits.removals(self._counts, edits.spelled(self._counts, self._snapshot.settings.policy))
        if remove:
            metrics.OUTSIDE_HEADERS.inc()
            maillog.outside_headers_removed(
                self._envelope.queue_id, count=len(remove), client=self._envelope.client_address
            )
        return remove
