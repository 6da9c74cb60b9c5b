"""The canary: a marked message of Holdgate that passes all steps, so that an alarm is raised if other mail would not.

It contains published test numbers and must be held for them. Postfix must accept a mail that requests its approval
(from the canary's own address, so that no person is disturbed). The canary approves it, and it must leave the hold
queue. The canary fails if a policy or fault lets it pass, or keeps it.
"""

import smtplib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from pathlib import Path

from holdgate.config import CanarySettings
from holdgate.desk import moderation
from holdgate.desk.context import Desk
from holdgate.notation import format_address
from holdgate.phrases import reason_of
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Answer, Incident
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Actor, Store
from holdgate.submission import connect

ACTOR = Actor("holdgate-canary", "canary")
HEADER = "X-Holdgate-Canary"

_SMTP_TIMEOUT = 60
_PAUSE = 0.2
# Test numbers that belong to no person: a payment card from providers' documentation, and python-stdnum's sample.
_TEXT = """\
This is a test message of Holdgate. It is held, approved and discarded automatically.
You do not need to do anything. Credit card: 4111 1111 1111 1111. Social security number: 536-90-4399.
"""


class CanaryError(Exception):
    """The canary failed; the argument states which step it reached."""


def run(desk: Desk, *, observing: bool = False) -> Incident:
    """Send one message, check that it is held and requested, approve it, check its release, store the time.

    `observing` is for a site whose policies observe: the message must be recorded, and no time is stored, because a
    policy that observes by mistake must raise the alarm. Raises CanaryError.
    """
    store, settings = desk.store, desk.settings.canary
    message_id = make_msgid("canary", domain="holdgate.invalid")
    step_timeout = settings.step_timeout.total_seconds()
    try:
        _submit(settings, message_id)
    except OSError as error:  # also each error of smtplib
        host, port = settings.submit
        raise CanaryError(f"[canary] submit: {_refusal(error, format_address((host, port)))}") from error
    if observing:
        recorded = _wait(lambda: _found(store, State.RECORDED, message_id), step_timeout)
        if recorded is None:
            raise CanaryError(
                "Postfix accepted the message, but no incident was recorded; see: journalctl -u holdgate-milter"
            )
        return recorded
    incident = _wait(lambda: _found(store, State.HELD, message_id), step_timeout)
    if incident is None:
        raise CanaryError(
            "Postfix accepted the message, but it was not held within canary.step_timeout. Either personal "
            "data is delivered "
            "now, or all mail waits; see: holdgate status"
        )
    asked = _wait(lambda: _asked(store, incident), step_timeout)
    if asked is None:
        missing = "its request was not sent" if store.requests.of(incident.id) else "no moderator was asked"
        raise CanaryError(f"incident {incident.id}: held, but {missing}; see: journalctl -u holdgate-desk")
    try:
        moderation.override(desk, asked, Answer.APPROVE, ACTOR)
    except moderation.RefusedError as error:
        raise CanaryError(f"incident {incident.id}: another person decided on it; run the command again") from error
    released = _wait(lambda: _in_state(store, incident, State.RELEASED), step_timeout)
    if released is None:
        raise CanaryError(f"incident {incident.id}: approved, but not released; see: journalctl -u holdgate-queue")
    settings.state.write_text(f"{datetime.now(UTC).timestamp():.0f}\n", encoding="ascii")
    return released


def _refusal(error: OSError, place: str) -> str:
    """Return why Postfix did not accept the message. smtplib's own texts have bytes in Python's notation."""
    text: bytes | str
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, text = error.smtp_code, error.smtp_error
    else:
        return f"Postfix does not answer at {place}: {reason_of(error)}; start Postfix, or correct the setting"
    answer = text.decode(errors="replace") if isinstance(text, bytes) else text
    return f"Postfix at {place} refused the message: {code} {' '.join(answer.split())[:200]}"


def last_success(path: Path) -> float:
    """Return the time of the canary's last success, in seconds since the epoch; 0 if there is none."""
    try:
        return float(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0.0


def _submit(settings: CanarySettings, message_id: str) -> None:
    message = EmailMessage(policy=SMTP)
    message["From"] = f"Holdgate canary <{settings.sender or settings.recipient}>"
    message["To"] = f"<{settings.recipient}>"
    message["Subject"] = "Holdgate canary"
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message[HEADER] = "yes"
    message.set_content(_TEXT)
    with connect(settings.submit, _SMTP_TIMEOUT) as connection:
        connection.sendmail(settings.sender, [settings.recipient], message.as_bytes())


def _found(store: Store, state: State, message_id: str) -> Incident | None:
    return next((one for one in store.incidents({state}) if one.message_id.strip() == message_id), None)


def _asked(store: Store, incident: Incident) -> Incident | None:
    """Return the incident once Postfix has accepted a request about it that did not bounce.

    The history shows what Postfix accepted; the outbox also counts dropped notices as done.
    """
    taken = {event.note for event in store.history(incident.id) if event.event == EventName.NOTICE_SENT}
    sent = any(one.is_open and f"request to {one.moderator}" in taken for one in store.requests.of(incident.id))
    return store.incident(incident.id) if sent else None


def _in_state(store: Store, incident: Incident, state: State) -> Incident | None:
    now = store.incident(incident.id)
    return now if now is not None and now.state is state else None


def _wait(look: Callable[[], Incident | None], step_timeout: float) -> Incident | None:
    deadline = time.monotonic() + step_timeout
    while (found := look()) is None and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    return found
