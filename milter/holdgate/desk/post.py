"""Sends what the store says we owe: has each notice composed and hands it to Postfix, until it is taken.

Notices go to a listener of its own that has no milter, so that none can be held itself. Most have an empty envelope
sender and come back to nobody; a request has an address of ours, so that one that comes back is passed on.
"""

import smtplib
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from holdgate import maillog, metrics
from holdgate.desk import asking
from holdgate.desk.context import ACTOR, Desk
from holdgate.desk.notices import REPORTS, TO_MODERATOR, Composer, UnwantedError
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.incident import Answer, Incident, Notice
from holdgate.quarantine.states import State
from holdgate.quarantine.store import ConflictError
from holdgate.queue.client import QueueError, UnreachableError
from holdgate.work import Runner

_SMTP_TIMEOUT = 60
_FIRST_RETRY = timedelta(seconds=5)
_LONGEST_RETRY = timedelta(minutes=10)
# How long one pass may send, in seconds.
_BUDGET = 20.0
# Errors that the next notice would meet with too.
_AWAY = (
    ConnectionError,
    TimeoutError,
    smtplib.SMTPServerDisconnected,
    smtplib.SMTPConnectError,
    UnreachableError,
)


class _AwayError(Exception):
    """Postfix, or the queue agent, does not answer: it is no notice's fault, and it is logged already."""


class Sender:
    """Sends the notices that bring a message back (`reports`), or all others."""

    def __init__(
        self, desk: Desk, composer: Composer, *, reports: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._desk = desk
        self._composer = composer
        self._wanted = reports
        self._runner: Runner[Notice] = Runner(
            stage="send",
            key=lambda notice: str(notice.number),
            shared=(_AwayError, DatabaseError),
            quiet=(_AwayError, ConflictError),
            clock=clock,
        )

    def send_due(self, now: datetime) -> None:
        """Send every notice whose time has come."""
        due = [one for one in self._desk.store.outbox.due(now) if (one.kind in REPORTS) == self._wanted]
        self._runner.run(due, lambda notice: self._send(notice, now), budget=_BUDGET)

    def _send(self, notice: Notice, now: datetime) -> None:
        """Send one notice, or note when it is tried again."""
        desk = self._desk
        incident = desk.store.incident(notice.incident_id)
        if incident is None or _too_early(notice, incident):
            return
        if _obsolete(desk, notice, incident):
            desk.store.outbox.drop(notice, ACTOR)
            return
        try:
            letter = self._composer.compose(incident, notice, now)
            hand_over(letter.content, notice.recipient, desk.settings.desk.notice_relay, letter.sender)
        except UnwantedError:
            desk.store.outbox.drop(notice, ACTOR)
        except smtplib.SMTPRecipientsRefused as error:
            code, _ = next(iter(error.recipients.values()))
            if code >= 500 and notice.kind in TO_MODERATOR and _came_back(desk, notice):
                return
            _failed(desk, notice, incident, f"recipient refused with {code}")
        except Exception as error:  # whatever it is, the notice has its own time to be tried again, kept in the store
            _failed(desk, notice, incident, _said(error))
            if isinstance(error, _AWAY):
                raise _AwayError from error
        else:
            desk.store.outbox.sent(notice, ACTOR)
            metrics.NOTICES.labels(notice.kind, "sent").inc()
            maillog.notice_sent(incident.queue_id, kind=notice.kind, recipient=notice.recipient, incident=incident.id)


class _LocalSMTP(smtplib.SMTP):
    """SMTP over a unix socket, which smtplib knows for LMTP alone."""

    def __init__(self, path: Path, timeout: float) -> None:
        self._path = path
        super().__init__("localhost", timeout=timeout)

    def _get_socket(self, _host: str, _port: int, timeout: float) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout)
            connection.connect(str(self._path))
        except OSError:
            connection.close()
            raise
        return connection


def _connect(relay: tuple[str, int] | Path) -> smtplib.SMTP:
    if isinstance(relay, Path):
        return _LocalSMTP(relay, _SMTP_TIMEOUT)
    return smtplib.SMTP(*relay, timeout=_SMTP_TIMEOUT)


def hand_over(content: bytes, recipient: str, relay: tuple[str, int] | Path, sender: str = "") -> None:
    """Give a message to Postfix. Raises smtplib's errors and OSError."""
    header, _, _ = content.partition(b"\r\n\r\n")
    with _connect(relay) as connection:
        connection.ehlo_or_helo_if_needed()
        options = ["BODY=8BITMIME"] if connection.has_extn("8bitmime") else []
        if connection.has_extn("smtputf8") and not (header.isascii() and recipient.isascii()):
            options.append("SMTPUTF8")
        connection.sendmail(sender, [recipient], content, options)


def _too_early(notice: Notice, incident: Incident) -> bool:
    """An approval is told when the message is on its way: until then an operator may still take it away."""
    return notice.kind == "approved" and incident.state is State.APPROVED


def _obsolete(desk: Desk, notice: Notice, incident: Incident) -> bool:
    """Say whether a notice would tell what is not so any more."""
    if notice.kind in TO_MODERATOR:
        request = desk.store.requests.by_number(notice.request or 0)
        return incident.state is not State.HELD or request is None or not request.is_open
    if notice.kind == "held":
        return incident.state is not State.HELD
    if notice.kind == "decided":  # it may be held anew, and everybody is asked anew
        return incident.state is State.HELD
    return notice.kind == "approved" and incident.state is not State.RELEASED


def _came_back(desk: Desk, notice: Notice) -> bool:
    """Postfix does not take mail for this moderator at all: as if it had come back."""
    request = desk.store.requests.by_number(notice.request or 0)
    if request is None:
        return False
    asking.reassign(desk, request, Answer.BOUNCED, "refused by Postfix")
    desk.store.outbox.drop(notice, ACTOR)
    metrics.NOTICES.labels(notice.kind, "refused").inc()
    return True


def _said(error: Exception) -> str:
    """Say what went wrong, without the words of Postfix's answer."""
    match error:
        case smtplib.SMTPSenderRefused():
            return f"sender refused with {error.smtp_code}"
        case smtplib.SMTPResponseException():
            return f"refused with {error.smtp_code}"
        case QueueError():
            return str(error)
    return maillog.describe(error)


def _failed(desk: Desk, notice: Notice, incident: Incident, reason: str) -> None:
    pause = min(_FIRST_RETRY * 2 ** min(notice.attempts, 10), _LONGEST_RETRY)
    desk.store.outbox.failed(notice, ACTOR, datetime.now(UTC) + pause)
    metrics.NOTICES.labels(notice.kind, "failed").inc()
    maillog.notice_failed(incident.queue_id, kind=notice.kind, error=reason, attempts=notice.attempts + 1)
