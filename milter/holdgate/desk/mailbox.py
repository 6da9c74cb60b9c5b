"""The reply address: takes mail by LMTP (aiosmtpd) and does what a moderator's reply, or a returned request, says.

A mail counts only when a token proves which request it is about: in the address it came to, or in the Message-ID of
the request that it answers. A decision must also come from the moderator, by envelope and by From header. Whatever
else comes is taken and dropped, with a line in the log: a refusal would make Postfix write to an address that may be
forged.
"""

import asyncio
import re
import socket
from datetime import datetime

from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from holdgate import maillog, metrics
from holdgate.desk import asking, moderation, reply, tokens
from holdgate.desk.context import ACTOR, Desk
from holdgate.desk.reply import Kind, Reply
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.incident import Actor, Answer, Incident, Owed, Request
from holdgate.quarantine.states import State

_SIZE_LIMIT = 16 * 2**20
# How many answers one request can draw from us: two autoresponders must not write to each other for ever.
_ANSWERS = 3


class _Protocol(LMTP):
    """LMTP as Postfix speaks it to us; a line too long is no reason to send a mail back."""

    line_length_limit = 2**20


class Mailbox(Controller):
    """Listens for LMTP in a thread of its own while it is entered as a context."""

    def __init__(self, desk: Desk, address: tuple[str, int]) -> None:
        super().__init__(self, *address, ready_timeout=30)
        self._desk = desk

    def __enter__(self) -> "Mailbox":
        # For a port that is taken aiosmtpd would wait out its whole time to be ready. Raises OSError.
        family = socket.AF_INET6 if ":" in self.hostname else socket.AF_INET
        socket.create_server((self.hostname, self.port), family=family).close()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(no_assert=True)

    def factory(self) -> SMTP:
        """Make the protocol of one connection (aiosmtpd calls this)."""
        return _Protocol(self, data_size_limit=_SIZE_LIMIT, enable_SMTPUTF8=True, ident="Holdgate", loop=self.loop)

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take one recipient a mail (aiosmtpd calls this): it answers DATA once, and LMTP wants an answer for each."""
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Take a mail (aiosmtpd calls this). Only a store that fails makes Postfix try again."""
        content = envelope.content
        assert isinstance(content, bytes)
        work = asyncio.to_thread(take, self._desk, content, envelope.mail_from or "", list(envelope.rcpt_tos))
        try:
            await work
        except DatabaseError as error:
            metrics.ERRORS.labels("store").inc()
            maillog.failed(stage="store", error=maillog.describe(error))
            return "451 4.3.0 Not now, please try again later"
        except Exception as error:  # a mail that we cannot read is dropped, and everybody is told by the log
            metrics.ERRORS.labels("reply").inc()
            maillog.failed(stage="reply", error=maillog.describe(error))
        return "250 2.0.0 Taken"


def take(desk: Desk, content: bytes, envelope_sender: str, recipients: list[str], now: datetime | None = None) -> str:
    """Act on one mail; return in a word what was done: "approve", "absent", …, or why nothing was."""
    sender = envelope_sender.removeprefix("<").removesuffix(">").lower()
    mail = reply.read(content, sender)
    found = _request(desk, [*_in_addresses(desk, recipients), *_in_references(desk, mail.references)])
    if found is None:
        return _ignore("no valid token", sender)
    request, incident = found
    if mail.kind is Kind.DELAYED:
        return _ignore("no final report", sender)
    if mail.kind in (Kind.BOUNCE, Kind.AUTOMATIC):
        return _pass_on(desk, incident, request, mail)
    if sender != request.moderator or mail.senders != [request.moderator]:
        return _ignore("not from the moderator", sender)
    return _answer(desk, incident, request, mail, now)


def _pass_on(desk: Desk, incident: Incident, request: Request, mail: Reply) -> str:
    answer = Answer.BOUNCED if mail.kind is Kind.BOUNCE else Answer.ABSENT
    if answer is Answer.BOUNCED:
        # A reminder goes out under the same request.
        metrics.NOTICES.labels("request", "bounced").inc()
    if asking.pass_on(desk, request, answer, "returned" if answer is Answer.BOUNCED else "automatic reply"):
        maillog.mail_taken(incident.queue_id, what=str(answer), incident=incident.id, who=request.moderator)
    return str(answer)


def _answer(desk: Desk, incident: Incident, request: Request, mail: Reply, now: datetime | None) -> str:
    note = "unclear"
    if mail.choice is not None:
        actor = Actor(request.moderator, "mail")
        try:
            done = moderation.answer(desk, request, mail.choice, actor, mail.comment, now=now)
        except moderation.RefusedError as error:
            note = str(error.why)
        else:
            maillog.mail_taken(incident.queue_id, what=str(mail.choice), incident=incident.id, who=request.moderator)
            if done.state is not State.HELD:
                return str(mail.choice)  # the notice of the decision goes to him too
            note = "recorded"
    if desk.store.notices_owed(request.number, "answer") < _ANSWERS:
        desk.store.owe(incident.id, Owed("answer", request.moderator, note, request.number), ACTOR)
    return note


def _ignore(why: str, sender: str) -> str:
    maillog.mail_ignored(why=why, sender=sender)
    return why


# -- tokens -------------------------------------------------------------------------------------------------------


def _in_addresses(desk: Desk, addresses: list[str]) -> list[str]:
    """Return what may be tokens in addresses of ours."""
    local, _, domain = desk.settings.desk.reply_address.lower().partition("@")
    form = re.compile(rf"<?{re.escape(local)}\+([a-z0-9-]+)@{re.escape(domain)}>?", re.IGNORECASE)
    return [match[1] for match in map(form.fullmatch, addresses) if match]


def _in_references(desk: Desk, references: list[str]) -> list[str]:
    """Return what may be tokens in the Message-IDs that a mail answers, the newest first."""
    return _in_addresses(desk, references[::-1])


def _request(desk: Desk, candidates: list[str]) -> tuple[Request, Incident] | None:
    """Return the request that one of the tokens proves."""
    for candidate in candidates[:20]:
        claim = tokens.parse(candidate)
        if claim is None or claim.purpose not in (tokens.REPLY, tokens.BOUNCE):
            continue
        request = desk.store.requests.by_number(claim.number)
        if request is not None and tokens.is_for(desk.key, claim, request):
            incident = desk.store.incident(request.incident_id)
            return None if incident is None else (request, incident)
    return None
