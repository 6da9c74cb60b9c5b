"""Lets a moderator's reply to a request pass uninspected: it may quote the very number that the message is held for.

No data leaves by it. The one recipient is a reply address that the desk has mailed, which only the desk's LMTP listener
takes; and it comes from the moderator or with the null sender, so that a bounce goes to nobody else.
"""

import re

from holdgate import headers, maillog, metrics
from holdgate.config import Settings
from holdgate.envelope import Envelope
from holdgate.persons import Persons, plain
from holdgate.quarantine.incident import Request
from holdgate.quarantine.replies import Witness
from holdgate.quarantine.store import Store
from holdgate.tables import TableError, Tables


def answered(store: Store, settings: Settings, envelope: Envelope) -> Request | None:
    """Return the request that a message is a reply to and may pass for, or None. Raises the store's errors."""
    token = _token(settings, envelope.recipients)
    if not token:
        return None
    request = store.replies.request(token)
    if request is None:
        return None
    if envelope.sender:
        persons = Persons(settings.replies, Tables(settings.queue.postfix_config))
        try:
            if not persons.may_write(request.moderator, envelope.sender):
                return None
        except TableError as error:
            # It is inspected as any other message.
            metrics.ERRORS.labels("replies").inc()
            maillog.failed(stage="replies", error=str(error))
            return None
    return request


def witness_field(store: Store, request: Request, envelope: Envelope) -> tuple[str, str]:
    """Write down who sent a reply, and return the header field that leads the desk to it."""
    seen = Witness(request.number, plain(envelope.sender), envelope.auth_user, envelope.client_address)
    return headers.REPLY, store.replies.testify(seen)


def _token(settings: Settings, recipients: list[str]) -> str:
    """Return the token of the reply address that is the only recipient, "" where there are others."""
    desk = settings.desk
    if desk.lmtp_listen is None or not desk.reply_address or len(recipients) != 1:
        return ""
    local, _, domain = desk.reply_address.lower().partition("@")
    form = rf"{re.escape(local)}\+(r-[a-z0-9-]{{1,60}})@{re.escape(domain)}"
    match = re.fullmatch(form, recipients[0].lower())
    return match[1] if match else ""
