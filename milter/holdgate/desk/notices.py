"""Writes the mail about incidents: requests and reminders to moderators, and the outcome to the sender.

All mail about one incident refers to one Message-ID, so it is one thread. Requests carry a link and a reply address
with tokens for this moderator. Their envelope sender has another token, which only identifies a bounced request and
cannot decide, because relays log it. Relays log Message-IDs too, so these have no token.
"""

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import quote

from holdgate.desk import asksender, classes, dsn, exclusion, numbers, selfrelease, senderchoice, tokens
from holdgate.desk.changing import ENCRYPT, REDACT, WITHOUT, offered
from holdgate.desk.channel import MAIL, Channel, Letter, Shows
from holdgate.desk.context import Desk
from holdgate.desk.folding import SMTP
from holdgate.desk.language import unusual
from holdgate.desk.language.catalogue import mark
from holdgate.desk.moderation import is_late
from holdgate.desk.outcome import sentence
from holdgate.desk.preview import Previewer
from holdgate.desk.templates import Templates
from holdgate.quarantine.incident import Change, Incident, Notice, Request
from holdgate.quarantine.outbox import TO_SENDER
from holdgate.quarantine.recorded import shown
from holdgate.quarantine.states import State
from holdgate.queue.changed import EXCLUDE

TO_MODERATOR = ("request", "reminder")
REPORTS = ("rejected", "expired")
_EMPTY_LINE = "\r\n\r\n"
_RECIPIENTS_LISTED = 100


class UnwantedError(Exception):
    """The sender requested no notification of failures (RFC 3461, NOTIFY=NEVER)."""


class GoneError(Exception):
    """An operator removed the message from the hold queue: it may have been delivered, and was not returned."""


class Composer:
    """Composes the mail for a notice."""

    def __init__(self, desk: Desk, templates: Templates, previewer: Previewer) -> None:
        self._desk = desk
        self._settings = desk.settings.desk
        self._templates = templates
        self._previewer = previewer

    def compose(self, incident: Incident, notice: Notice, now: datetime) -> Letter:
        """Return the letter for the channel of a notice.

        Raises QueueError if it needs the held message and cannot get it, GoneError if the message is no longer held.
        """
        if notice.channel != MAIL:
            return self._short(incident, notice, self._desk.channels[notice.channel])
        original = self._previewer.original(incident) if notice.kind in TO_SENDER else None
        if notice.kind in TO_SENDER and original is None and incident.arrival_time is not None:
            raise GoneError
        if notice.kind in REPORTS:
            return Letter(self._report(incident, notice, original, now))
        request = self._desk.store.requests.by_number(notice.request) if notice.request else None
        if notice.kind in TO_MODERATOR and request is not None:
            return self._request(incident, notice, request, now)
        held = incident.state is State.HELD
        may_answer = held and request is not None and request.is_open and not is_late(request, now)
        values = {
            "note": notice.note,
            "request": request,
            "may_answer": may_answer,
            "may_reply": bool(self._desk.settings.replies.proof),
            "link": self._sender_link(incident, tokens.WITHDRAW),
            "answer_link": self._sender_link(incident, tokens.ANSWER),
            "release_link": "",
        }
        if notice.kind == "held" and held and selfrelease.obstacle(self._desk, incident, now) is None:
            values["release_link"] = self._sender_link(incident, tokens.RELEASE)
        if notice.kind in ("answer", "said") and request is not None:
            values["link"] = self._request_link(request) if may_answer else ""
        subject, text, html = self._words(notice.kind, incident, notice.recipient, **values)
        top = self._top(subject, notice, incident, now)
        if notice.kind == "answer" and request is not None and may_answer:
            self._set_reply_to(top, request)
        to_sender = notice.recipient == incident.sender and request is None
        thread = dsn.safe_id(incident.message_id) if to_sender else self._thread(incident)
        _refer(top, [thread] if thread else [])
        return Letter(_alternative(top, _boundary(notice), text, html))

    def code(self, address: str, code: str, minutes: int, language: str, now: datetime) -> bytes:
        """Return the mail with a code for signing in."""
        language = self._desk.language(address, asked=[language])
        subject, text, html = self._templates.mail("code", language, code=code, minutes=minutes)
        return _alternative(self._to(address, subject, now), "=_code", text, html)

    def digest(
        self, person: str, waiting: list[Incident], decided: list[Incident], *, is_moderator: bool, now: datetime
    ) -> bytes:
        """Return a daily summary."""
        language = self._desk.language(person)
        words = self._templates.words(language)
        ends = [
            (shown(one), sentence(words, one, is_notified=self._desk.can_notify(one.sender)))
            for one in decided
            if one.state is not State.HELD
        ]
        subject, text, html = self._templates.mail(
            "digest",
            language,
            waiting=waiting,
            decided=ends,
            moderator=is_moderator,
            link=f"{self._settings.public_url.rstrip('/')}/incidents"
            if self._settings.public_url and is_moderator
            else "",
        )
        return _alternative(self._to(person, subject, now), "=_digest", text, html)

    def _to(
        self, recipient: str, subject: str, now: datetime, *, message_id: str = "", submitted: str = "auto-generated"
    ) -> EmailMessage:
        """Return a mail without content; without `message_id`, Postfix adds one. `submitted`: RFC 3834, section 5."""
        message = EmailMessage(policy=SMTP.clone(utf8=not recipient.isascii()))
        message["From"] = self._settings.notice_from
        message["To"] = f"<{recipient}>"
        message["Date"] = format_datetime(now)
        message["Subject"] = subject
        if message_id:
            message["Message-ID"] = message_id
        message["Auto-Submitted"] = submitted
        return message

    def _words(self, name: str, incident: Incident, reader: str, **values: object) -> tuple[str, str, str]:
        rules = self._desk.moderation(incident)
        notifies = self._desk.notifies_outcome(incident)
        language = self._desk.language(reader, incident.policy)
        values.setdefault("number", numbers.number_of(self._desk, incident, reader))
        return self._templates.mail(
            name,
            language,
            incident=incident,
            change=Change.chosen(incident),
            subject=" ".join(incident.subject.split())[:200],
            outcome=sentence(self._templates.words(language), incident, is_notified=notifies),
            tells=notifies,
            rule=self._desk.rule(incident, language),
            reasons=self._desk.conversation.reasons(incident),
            question=self._desk.conversation.question(incident),
            asked=self._asked(incident, language),
            levels=len(rules.chain),
            approvals=rules.approvals,
            **values,
        )

    def _short(self, incident: Incident, notice: Notice, channel: Channel) -> Letter:
        """Return a short request. A channel that may reveal nothing gets an incident without contents."""
        request = self._desk.store.requests.by_number(notice.request or 0)
        assert request is not None
        link = ""
        if self._settings.public_url and channel.may_decide:
            link = self.link(request, tokens.LINK)
        elif self._settings.public_url:
            link = f"{self._settings.public_url.rstrip('/')}/incidents/{incident.id}"
        about = incident if channel.shows >= Shows.MASKED else _without_content(incident)
        subject, text, _ = self._words(
            "short",
            about,
            notice.recipient,
            request=request,
            reminder=notice.kind == "reminder",
            link=link,
            number=numbers.number_of(self._desk, incident, request.moderator),
            tells_content=about is incident,
        )
        return Letter(subject=subject, text=text, link=link)

    def _request(self, incident: Incident, notice: Notice, request: Request, now: datetime) -> Letter:
        link = self._request_link(request)
        # Without a method of proof, replies only get a link as an answer, so they are not offered. They are still
        # accepted.
        reply = self._address(request, tokens.REPLY) if self._desk.settings.replies.proof else ""
        language = self._desk.language(notice.recipient, incident.policy)
        values = {"request": request, "reminder": notice.kind == "reminder", "link": link, "reply": reply}
        if request.is_of_sender:
            values |= self._question(incident, reply, language, now)
        else:
            values["mailto"] = self._mailto(reply, incident, language)
            values["change_words"] = self._change_words(incident, language)
            values["may_exclude"] = EXCLUDE in offered(self._desk, incident)
            values["except_word"] = self._templates.catalogue(language).text(exclusion.WORD)
            values["class_words"] = classes.reply_words(self._desk, incident, self._templates.catalogue(language))
            values["forward_note"] = self._desk.conversation.forward_note(incident, request)
        name = "ask" if request.is_of_sender else "request"
        subject, text, html = self._words(name, incident, notice.recipient, **values)
        top = self._top(subject, notice, incident, now)
        self._set_reply_to(top, request)
        # It is not secret: relays log it, and every mail of the thread repeats it.
        first = f"<{incident.id}.request.{request.number}@{self._domain}>"
        if notice.kind == "request":
            top.replace_header("Message-ID", first)
            _refer(top, [self._thread(incident)])
        else:
            _refer(top, [self._thread(incident), first])
        attached = None
        if self._desk.moderation(incident).attach_original and not request.is_of_sender:
            original = self._previewer.original(incident)
            attached = None if original is None else dsn.returned(original, whole=True)
        return Letter(_alternative(top, _boundary(notice), text, html, attached), self._address(request, tokens.BOUNCE))

    def _report(self, incident: Incident, notice: Notice, original: bytes | None, now: datetime) -> bytes:
        subject, text, html = self._words(notice.kind, incident, notice.recipient)
        wishes = self._previewer.wishes(incident)
        if wishes.unwanted and wishes.unwanted.issuperset(incident.recipients):
            raise UnwantedError
        whole = self._desk.moderation(incident).return_original and not wishes.header_only
        back = (
            None
            if original is None
            else dsn.returned(original, whole=whole and len(original) <= self._settings.return_size)
        )
        return dsn.compose(
            incident,
            State(notice.kind),
            (subject, text, html),
            back,
            notice_from=self._settings.notice_from,
            now=now,
            wishes=wishes,
        )

    def _top(self, subject: str, notice: Notice, incident: Incident, now: datetime) -> EmailMessage:
        # The same each time for one notice, so that a mail that was sent twice is recognised as one.
        message_id = f"<{incident.id}.{notice.kind}.{notice.number}@{self._domain}>"
        # Requests are generated automatically, the others answer a person's mail.
        submitted = "auto-generated" if notice.kind in TO_MODERATOR else "auto-replied"
        return self._to(notice.recipient, subject, now, message_id=message_id, submitted=submitted)

    # -- tokens ---------------------------------------------------------------------------------------------------

    def link(self, request: Request, purpose: str) -> str:
        """Return a link for a moderator."""
        return self._url(
            self._desk.key.token(purpose, request.incident_id, request.number, request.moderator, request.deadline_at)
        )

    def _request_link(self, request: Request) -> str:
        """Return the link of a request to a moderator or a sender, "" without a page."""
        purpose = tokens.ASK if request.is_of_sender else tokens.LINK
        return self.link(request, purpose) if self._settings.public_url else ""

    def _sender_link(self, incident: Incident, purpose: str) -> str:
        """Return a link for the sender of a message, "" without a page."""
        if not self._settings.public_url:
            return ""
        return self._url(self._desk.key.token(purpose, incident.id, 0, incident.sender, incident.created_at))

    def _list_link(self) -> str:
        return f"{self._settings.public_url.rstrip('/')}/incidents" if self._settings.public_url else ""

    def _question(self, incident: Incident, reply: str, language: str, now: datetime) -> dict[str, object]:
        """Return the additional content of a request to a sender: numbered recipients, and how to answer by mail."""
        catalogue = self._templates.catalogue(language)
        reasons = unusual.by_recipient(catalogue, incident.recipient_risks or (), own=True)
        named = list(dict.fromkeys(incident.recipients))
        lines = [f"{number}. {reasons.get(one.lower(), one)}" for number, one in enumerate(named, 1)]
        may_exclude = senderchoice.may_exclude(self._desk, incident, now)
        word = catalogue.text(exclusion.WORD)
        mailto: dict[str, str] = {}
        if reply:
            text, doubtful = catalogue.text, asksender.doubtful(incident)
            numbers = [str(number) for number, one in enumerate(named, 1) if one in doubtful]
            first = {"all": text(mark("APPROVE")), "none": text(mark("REJECT"))}
            if may_exclude and 0 < len(numbers) < len(named):
                first["some"] = f"{word} {', '.join(numbers)}"
            subject = text(mark("Please check before it is sent: {subject}")).format(subject=incident.id)
            mailto = {choice: _opening(reply, subject, line) for choice, line in first.items()}
        return {
            "recipients": [*lines[:_RECIPIENTS_LISTED], *(["…"] if len(lines) > _RECIPIENTS_LISTED else [])],
            "moderated": senderchoice.needs_moderators(self._desk, incident, now),
            "may_exclude": may_exclude,
            "except_word": word,
            "mailto": mailto,
        }

    def _mailto(self, reply: str, incident: Incident, language: str) -> dict[str, str]:
        """Return addresses that open a reply with its first word, by decision (RFC 6068); none without replies."""
        if not reply:
            return {}
        text = self._templates.catalogue(language).text
        subject = text(mark("Approval needed: {subject}")).format(subject=incident.id)
        words = {"approve": text(mark("APPROVE")), "reject": text(mark("REJECT"))}
        return {choice: _opening(reply, subject, word) for choice, word in words.items()}

    def _change_words(self, incident: Incident, language: str) -> str:
        """Return the words with which a reply approves with changes, as far as the policy allows these."""
        text = self._templates.catalogue(language).text
        words = {
            REDACT: text(mark("APPROVE REDACTED")),
            WITHOUT: text(mark("APPROVE WITHOUT ATTACHMENTS")),
            ENCRYPT: text(mark("APPROVE ENCRYPTED")),
        }
        return ", ".join(words[kind] for kind in offered(self._desk, incident) if kind in words)

    def _asked(self, incident: Incident, language: str) -> str:
        """Return, for the sender, the names of those who were asked; a manager is named without address."""
        text = self._templates.catalogue(language).text
        known = self._desk.store.requests.of(incident.id)
        people = [one for one in known if one.is_open and not one.is_of_sender]
        return ", ".join(
            dict.fromkeys(text(mark("Your manager")) if one.role == "manager" else one.moderator for one in people)
        )

    def _url(self, token: str) -> str:
        return f"{self._settings.public_url.rstrip('/')}/t/{token}"

    def _set_reply_to(self, top: EmailMessage, request: Request) -> None:
        """Set a Reply-To address with a token, and register it for the milter."""
        address = self._address(request, tokens.REPLY)
        if address:
            top["Reply-To"] = address
            token = address.partition("+")[2].partition("@")[0]
            self._desk.store.replies.announce(token, request.number)

    def _address(self, request: Request, purpose: str) -> str:
        """Return a reply address with a token, "" if no mail is received."""
        local, _, domain = self._settings.reply_address.partition("@")
        if self._settings.lmtp_listen is None:
            return ""
        token = self._desk.key.token(
            purpose, request.incident_id, request.number, request.moderator, request.deadline_at
        )
        return f"{local}+{token}@{domain}"

    @property
    def _domain(self) -> str:
        return dsn.domain_of(self._settings.notice_from)

    def _thread(self, incident: Incident) -> str:
        return f"<{incident.id}@{self._domain}>"


def _without_content(incident: Incident) -> Incident:
    """Return an incident without any contents except its times of arrival and deadline."""
    return Incident(
        *(incident.queue_id, "", [], incident.policy),
        id=incident.id,
        state=incident.state,
        created_at=incident.created_at,
        deadline_at=incident.deadline_at,
        level=incident.level,
    )


def _opening(reply: str, subject: str, first: str) -> str:
    """Return an address that opens a reply with its first line."""
    return f"mailto:{quote(reply, safe='@+')}?subject={quote('Re: ' + subject)}&body={quote(first + _EMPTY_LINE)}"


def _refer(message: EmailMessage, message_ids: list[str]) -> None:
    if message_ids:
        message["In-Reply-To"] = message_ids[-1]
        message["References"] = " ".join(message_ids)


def _boundary(notice: Notice) -> str:
    return f"=_{notice.number}_{notice.kind}"


def _alternative(top: EmailMessage, boundary: str, text: str, html: str, attached: bytes | None = None) -> bytes:
    """Combine text, HTML and an attachment."""
    parts = [dsn.text_part(text)] + ([dsn.text_part(html, "html")] if html else [])
    if attached is None:
        return dsn.multipart(top, "alternative", boundary, parts)
    inner = dsn.multipart(EmailMessage(policy=SMTP), "alternative", f"{boundary}_text", parts)
    return dsn.multipart(top, "mixed", boundary, [inner.removeprefix(b"MIME-Version: 1.0\r\n"), attached])
