"""The log: one function for each event. The queue id comes first, as tools for Postfix's log expect.

A line holds addresses, ids, identifiers' names and counts; never a subject, a match or any other content.
"""

import errno
import logging
import logging.handlers
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from holdgate.journal import SOCKET, JournalHandler
from holdgate.mask import mask_numbers

_log = logging.getLogger("holdgate")

# Values that Holdgate generates: they can have many digits, but identify no person.
# Exceptions that are followed to the one that the system or the database raised.
_CAUSES = 4
_UNMASKED = ("incident", "store", "hash", "client")


def configure(program: str, *, daemon: bool, verbose: bool = False) -> None:
    """Send a daemon's log to the journal (if systemd started it), to syslog's mail facility, or to stderr.

    A command logs to the journal or syslog only, because its terminal is for its user.
    """
    handler: logging.Handler
    syslog = Path("/dev/log").exists()
    if SOCKET.exists() and (os.environ.get("JOURNAL_STREAM") or not daemon):
        handler = JournalHandler(program)
    elif daemon and (sys.stderr.isatty() or not syslog):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter(f"{program}[%(process)d]: %(message)s"))
    elif syslog:
        handler = logging.handlers.SysLogHandler("/dev/log", facility="mail")
        handler.setFormatter(logging.Formatter(f"{program}[%(process)d]: %(levelname)s: %(message)s"))
    else:
        handler = logging.NullHandler()
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    _log.setLevel(logging.DEBUG if verbose else logging.INFO)


def is_verbose() -> bool:
    """Return whether the log was opened with `verbose`."""
    return _log.level == logging.DEBUG


def quote(value: str) -> str:
    """Make an external value safe for one log line: no control, bidi or line-breaking character, at most 200."""
    value = value[:200]
    return value if value.isprintable() else "".join(one if one.isprintable() else "?" for one in value)


def _event(level: int, queue_id: str, event: str, **values: Any) -> None:
    shown = {key.rstrip("_"): quote(_fit(key, value)) for key, value in values.items() if value != ""}
    words = " ".join(f"{key}={value}" for key, value in shown.items())
    subject = f"{quote(queue_id)}: {event}" if queue_id else event
    fields = {"event": event, **({"queue_id": quote(queue_id)} if queue_id else {}), **shown}
    _log.log(level, "%s%s", subject, f": {words}" if words else "", extra={"fields": fields})


def _fit(key: str, value: Any) -> str:
    """Return a value with long numbers masked, also in addresses. Holdgate's ids are not masked."""
    return mask_numbers(value) if isinstance(value, str) and key not in _UNMASKED else str(value)


# -- gate ---------------------------------------------------------------------------------------------------------


def inspected(
    queue_id: str,
    *,
    sender: str,
    recipients: int,
    size: int,
    status: str,
    reason: str,
    action: str,
    policy: str,
    observed: str,
    incident: str,
    findings: str,
    elapsed_ms: float,
    risks: str = "",
) -> None:
    """A message was inspected and answered; `findings` are identifiers and counts, `risks` kinds of recipient risks."""
    _event(
        logging.INFO,
        queue_id,
        "inspected",
        from_=f"<{sender}>",
        nrcpt=recipients,
        size=size,
        status=status,
        reason=reason,
        action=action,
        policy=policy,
        observed=observed,
        incident=incident,
        findings=findings,
        risks=risks,
        ms=round(elapsed_ms, 1),
    )


def skipped(queue_id: str, *, sender: str, by: str) -> None:
    """Inspection was skipped because of a valid seal, a trusted scanner, or a moderator's reply to the desk (`by`)."""
    _event(logging.INFO, queue_id, "skipped", from_=f"<{sender}>", by=by)


def split(queue_id: str, *, incident: str, copy: str, recipients: int) -> None:
    """A copy for `recipients` who wait was submitted and is held as `copy`; 0 if it was from an earlier attempt."""
    _event(logging.INFO, queue_id, "split", incident=incident, copy=copy, nrcpt=recipients)


def not_split(queue_id: str, *, why: str) -> None:
    """All recipients of a message wait, although only some have to, because of `why`."""
    _event(logging.INFO, queue_id, "not-split", why=why)


def seal_ignored(queue_id: str, *, why: str, client: str) -> None:
    """A message arrived with an invalid seal; it is inspected as if it had none."""
    _event(logging.WARNING, queue_id, "seal-ignored", why=why, client=client)


def outside_headers_removed(queue_id: str, *, count: int, client: str) -> None:
    """A message arrived with header fields that only Holdgate writes; they were removed."""
    _event(logging.WARNING, queue_id, "outside-headers-removed", count=count, client=client)


def outside_headers_refused(queue_id: str, *, count: int, client: str) -> None:
    """A message with too many header fields that only Holdgate writes was refused (5xx) without inspection."""
    _event(logging.WARNING, queue_id, "outside-headers-refused", count=count, client=client)


def tempfailed(queue_id: str, *, stage: str, error: BaseException | str) -> None:
    """An internal step failed, so the message was deferred (4xx)."""
    name = error if isinstance(error, str) else describe(error)
    _event(logging.ERROR, queue_id, "tempfail", stage=stage, error=name)


def describe(error: BaseException) -> str:
    """Return an exception's type and place, and the system's or the database's code, such as ENOSPC.

    Its text is left out because it may quote content.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    code = _code(error)
    return f"{type(error).__name__}{f' {code}' if code else ''}{place}"


def _code(error: BaseException) -> str:
    """Return the name of the error that the system or the database reported, "" for none."""
    cause: BaseException | None = error
    for _ in range(_CAUSES):
        if isinstance(cause, OSError) and cause.errno is not None:
            return errno.errorcode.get(cause.errno, "")
        if found := getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None):
            return str(found)
        cause = cause.__cause__ if cause is not None else None
    return ""


# -- scan ---------------------------------------------------------------------------------------------------------


def worker_lost(queue_id: str, *, why: str, pid: int, error: str = "") -> None:
    """A scan worker crashed, was killed or gave an invalid answer (`error`); another one replaces it."""
    _event(logging.WARNING, queue_id, "worker-lost", why=why, pid=pid, error=error)


# -- quarantine, desk and queue ----------------------------------------------------------------------------------


def incident_changed(queue_id: str, *, incident: str, old: str, new: str, who: str, method: str) -> None:
    """An incident changed its state."""
    _event(logging.INFO, queue_id, new, incident=incident, was=old, by=who, method=method)


def second_copy_deleted(queue_id: str, *, incident: str, first: str) -> None:
    """A copy for recipients who wait was held twice, because its client sent the message again; `first` stays."""
    _event(logging.INFO, queue_id, "second-copy-deleted", incident=incident, first=first)


def adopted(queue_id: str, *, incident: str) -> None:
    """A held message of Holdgate had no incident, and got one."""
    _event(logging.WARNING, queue_id, "adopted", incident=incident)


def duplicate_deleted(queue_id: str, *, incident: str) -> None:
    """A changed message was submitted twice, because the desk crashed; the second was deleted from the hold queue."""
    _event(logging.WARNING, queue_id, "duplicate-deleted", incident=incident)


def replacement_deleted(queue_id: str, *, incident: str, why: str) -> None:
    """A program's amended message is not sent, because the held one was decided first, or another one counts."""
    _event(logging.INFO, queue_id, "replacement-deleted", incident=incident, why=why)


def gone_undecided(queue_id: str, *, incident: str, recipients: Sequence[str]) -> None:
    """A held message left the hold queue without a decision: deleted, released or requeued by an operator."""
    to = ",".join(f"<{recipient}>" for recipient in recipients)
    _event(logging.ERROR, queue_id, "gone-undecided", incident=incident, to=to)


def never_held(queue_id: str, *, incident: str) -> None:
    """A message never appeared in the hold queue: another milter rejected it, or it was delivered."""
    _event(logging.ERROR, queue_id, "never-held", incident=incident)


def work_failed(queue_id: str, *, stage: str, item: str, error: str, attempts: int) -> None:
    """A step of background work failed for one item. It is retried; other items are not affected."""
    _event(logging.ERROR, queue_id, "work-failed", stage=stage, item=item, error=error, attempts=attempts)


def notice_sent(queue_id: str, *, kind: str, recipient: str, incident: str, channel: str = "") -> None:
    """A notice was submitted to Postfix, or sent over another `channel`."""
    _event(logging.INFO, queue_id, "notice-sent", kind=kind, to=f"<{recipient}>", incident=incident, channel=channel)


def notice_failed(queue_id: str, *, kind: str, error: str, attempts: int, channel: str = "") -> None:
    """A notice could not be written, or Postfix or another `channel` did not accept it (`error`); it is retried."""
    _event(logging.WARNING, queue_id, "notice-failed", kind=kind, error=error, attempts=attempts, channel=channel)


def no_moderator(queue_id: str, *, incident: str) -> None:
    """No moderator can decide on a held message; it is returned to its sender at the deadline."""
    _event(logging.ERROR, queue_id, "no-moderator", incident=incident)


def too_few_approvers(queue_id: str, *, incident: str, able: int, needed: int) -> None:
    """Fewer people can approve a held message than must. Unless one rejects it, it is returned at the deadline."""
    _event(logging.ERROR, queue_id, "too-few-approvers", incident=incident, able=able, needed=needed)


def reply_ignored(*, why: str, sender: str, incident: str = "") -> None:
    """A mail to the reply address was ignored; if it names an incident, its moderator is notified."""
    _event(logging.WARNING, "", "reply-ignored", why=why, from_=f"<{sender}>", incident=incident)


def reply_processed(queue_id: str, *, what: str, incident: str, who: str, proof: str = "") -> None:
    """A mail to the reply address was processed: a decision and its proof, an automatic reply, a returned request."""
    _event(logging.INFO, queue_id, "reply-processed", what=what, incident=incident, by=who, proof=proof)


def shown_to_node(queue_id: str, *, node: str, what: str) -> None:
    """A desk of another node read a held message, its envelope or its header (`what`)."""
    _event(logging.INFO, queue_id, "shown-to-node", node=node, what=what)


def submitted_for_node(queue_id: str, *, incident: str, node: str) -> None:
    """A message that was approved with changes was submitted here, because the desk of another node asked for it."""
    _event(logging.INFO, queue_id, "submitted-for-node", incident=incident, node=node)


def signed_in(*, who: str, method: str, origin: str) -> None:
    """A person signed in to the page."""
    _event(logging.INFO, "", "signed-in", who=who, method=method, from_=origin)


def machine_token_refused(*, origin: str) -> None:
    """A program asked about its messages without a valid token."""
    _event(logging.WARNING, "", "machine-token-refused", from_=origin)


def audit_head(*, store: str, count: int, head: str, chain: str) -> None:
    """The newest hash of a chain: kept in a log it proves that nothing before it was changed (see anchor.py)."""
    _event(logging.INFO, "", "audit-head", store=store, count=count, hash=head, **_of_chain(chain))


def audit_broken(*, store: str, count: int, head: str, chain: str) -> None:
    """An event that was the newest one of a chain is no longer in the store: events were rewritten or removed."""
    _event(logging.ERROR, "", "audit-broken", store=store, count=count, hash=head, **_of_chain(chain))


def _of_chain(chain: str) -> dict[str, str]:
    """Return the field that names a chain: the first one has none."""
    return {"chain": chain} if chain else {}


# -- daemons ------------------------------------------------------------------------------------------------------


def started(**values: Any) -> None:
    """A daemon is ready."""
    _event(logging.INFO, "", "started", **values)


def reloaded(**values: Any) -> None:
    """A daemon has loaded changed settings, and they are active."""
    _event(logging.INFO, "", "reloaded", **values)


def policies_gone(names: Sequence[str]) -> None:
    """After a reload, policies that were active are missing: this was intended, or the file is incomplete."""
    _event(logging.WARNING, "", "policies-gone", count=len(names), names=",".join(names))


def stopped() -> None:
    """A daemon ends normally."""
    _event(logging.INFO, "", "stopped")


def failed(*, stage: str, error: str) -> None:
    """An internal step of a daemon failed, not for one message only."""
    _event(logging.ERROR, "", "failed", stage=stage, error=error)
