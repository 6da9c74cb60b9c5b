"""Sends what the store says we owe: composes each notice and hands it to Postfix, again and again until it is taken.

The notice goes to a listener of its own that has no milter, with an empty envelope sender, so that a notice can
neither be held itself nor bounce back to anybody.
"""

import smtplib
from datetime import UTC, datetime, timedelta

from holdgate import maillog, metrics
from holdgate.config import DeskSettings
from holdgate.desk import dsn
from holdgate.quarantine.incident import Incident, Notice
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Actor, Store
from holdgate.queue.client import QueueClient, QueueError

ACTOR = Actor("holdgate-desk", "desk")

_SMTP_TIMEOUT = 60
_FIRST_RETRY = timedelta(seconds=5)
_LONGEST_RETRY = timedelta(minutes=10)


def send_owed(store: Store, queue: QueueClient, settings: DeskSettings, now: datetime) -> int:
    """Send every notice whose time has come; return how many Postfix took."""
    sent = 0
    for notice in store.notices_due(now):
        incident = store.incident(notice.incident_id)
        if incident is None:
            continue
        try:
            content = _compose(incident, notice, queue, settings, now)
            _hand_over(content, notice.recipient, settings.notice_relay)
        except (OSError, smtplib.SMTPException, QueueError) as error:
            pause = min(_FIRST_RETRY * 2**notice.attempts, _LONGEST_RETRY)
            store.notice_failed(notice, datetime.now(UTC) + pause)
            metrics.NOTICES.labels(notice.kind, "failed").inc()
            said = str(error) if isinstance(error, QueueError) else maillog.describe(error)
            maillog.notice_failed(incident.queue_id, kind=notice.kind, error=said, attempts=notice.attempts + 1)
            continue
        store.notice_sent(notice, ACTOR)
        metrics.NOTICES.labels(notice.kind, "sent").inc()
        maillog.notice_sent(incident.queue_id, kind=notice.kind, recipient=notice.recipient, incident=incident.id)
        sent += 1
    return sent


def _compose(incident: Incident, notice: Notice, queue: QueueClient, settings: DeskSettings, now: datetime) -> bytes:
    original = None
    if incident.arrival_time is not None:
        original = queue.show(incident.queue_id, incident.arrival_time)
    return dsn.compose(
        incident,
        State(notice.kind),
        original,
        notice_from=settings.notice_from,
        return_size=settings.return_size,
        now=now,
    )


def _hand_over(content: bytes, recipient: str, relay: tuple[str, int]) -> None:
    """Give a message to Postfix with a null envelope sender. Raises smtplib's errors and OSError."""
    header, _, _ = content.partition(b"\r\n\r\n")
    with smtplib.SMTP(*relay, timeout=_SMTP_TIMEOUT) as connection:
        connection.ehlo_or_helo_if_needed()
        options = ["BODY=8BITMIME"] if connection.has_extn("8bitmime") else []
        if connection.has_extn("smtputf8") and not (header.isascii() and recipient.isascii()):
            options.append("SMTPUTF8")
        connection.sendmail("", [recipient], content, options)
