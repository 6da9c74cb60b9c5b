"""Accepts a moderator's reply to a request without inspection, because it may quote the match that caused the hold.

No data leaves this way. The only recipient is a reply address from a request, which only the desk's LMTP listener
receives. The sender is the moderator or the null sender, so that a bounce reaches no one else.
"""

import re

from holdgate import headers, maillog, metrics
from holdgate.config import Settings
from holdgate.envelope import Envelope
from holdgate.persons import Persons, plain
from holdgate.quarantine.incident import Request
from holdgate.quarantine.replies import ReplyOrigin
from holdgate.quarantine.store import Store
from holdgate.tables import TableError, Tables


def answered(store: Store, settings: Settings, envelope: Envelope) -> Request | None:
    """Return the request that a message replies to and for which it can be accepted, or None. Raises StoreError."""
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
            # It is inspected like any other message.
            metrics.ERRORS.labels("replies").inc()
            maillog.failed(stage="replies", error=str(error))
            return None
    return request


def origin_field(store: Store, request: Request, envelope: Envelope) -> tuple[str, str]:
    """Record who sent a reply, and return the header field by which the desk finds this record."""
    seen = ReplyOrigin(request.number, plain(envelope.sender), envelope.auth_user, envelope.client_address)
    return headers.REPLY, store.replies.record_origin(seen)


def _token(settings: Settings, recipients: list[str]) -> str:
    """Return the token of the reply address, or "" if it is not the only recipient."""
    desk = settings.desk
    if desk.lmtp_listen is None or not desk.reply_address or len(recipients) != 1:
        return ""
    local, _, domain = desk.reply_address.lower().partition("@")
    form = rf"{re.escape(local)}\+(r-[a-z0-9-]{{1,60}})@{re.escape(domain)}"
    match = re.fullmatch(form, recipients[0].lower())
    return match[1] if match else ""
