"""Processes one mail to the reply address: a moderator's reply, or a bounced request.

The token in the address identifies the request, and is checked before anything else in the mail. It proves no person,
because relays log addresses. A decision needs a mail from the moderator, a delegate or an alias, by envelope and From
header, and a proof that the site trusts (`proof`). If a mail decides nothing, its sender gets no answer, because the
address may be forged. The moderator gets one, at the address that was asked, at most three times.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from holdgate import headers, maillog, metrics
from holdgate.desk import asking, classes, moderation, moderators, proof, reply, senderchoice, smime, tokens
from holdgate.desk.changing import ALL, ENCRYPT, REDACT, WITHOUT, CannotChangeError, Changer, RequestedChanges
from holdgate.desk.context import ACTOR, Desk
from holdgate.desk.dsn import domain_of
from holdgate.desk.preview import UnreadableError
from holdgate.desk.proof import Arrival
from holdgate.desk.reply import Header, Kind, LetterReader, Reply
from holdgate.desk.senderchoice import Choice, Flaw, FlawedError
from holdgate.persons import Answerer, Persons, plain
from holdgate.quarantine.incident import Actor, Answer, Change, Incident, NewNotice, Request
from holdgate.quarantine.replies import ReplyOrigin
from holdgate.quarantine.states import State
from holdgate.queue.client import QueueError

# Maximum number of answers per request: two autoresponders must not write to each other for ever.
_ANSWERS = 3
_THREAD = re.compile(
    r"<([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})\.(?:request|reminder|answer)\.(\d{1,12})@([^<>@]+)>", re.I
)


@dataclass(frozen=True, slots=True)
class _Case:
    """The request of a mail, its incident, and the purpose of the token ("" without one)."""

    request: Request
    incident: Incident
    purpose: str


def process(
    desk: Desk,
    content: bytes,
    envelope_sender: str,
    recipients: list[str],
    now: datetime | None = None,
    *,
    client: str = "",
    letter: LetterReader = reply.read_here,
    changer: Changer | None = None,
) -> str:
    """Process one mail; return one word for the result: "approve", "absent", …, or the reason why nothing was done.

    `client` is the SMTP client's address, as far as Postfix or the connection shows it; `letter` reads the body.
    `changer` makes changed messages, if a moderator or a sender chooses that. Raises TableError, QueueError and the
    exceptions of the store and the reader: then the mail must be sent again.
    """
    sender = envelope_sender.strip().removeprefix("<").removesuffix(">").lower()
    case = _by_token(desk, recipients) or _by_thread(desk, content, recipients)
    if case is None:
        maillog.reply_ignored(why="no valid token", sender=sender)
        return "no valid token"
    if not case.purpose:
        return _answer_moderator(desk, case, "wrong address", sender, result="no valid token")
    body, signers = _verified(desk, content)
    named = list(dict.fromkeys(case.incident.recipients))
    mail = reply.read(body, sender, _marks(desk, case), letter, named, numbered=case.request.is_of_sender)
    if mail.kind is Kind.DELAYED:
        maillog.reply_ignored(why="no final report", sender=sender)
        return "no final report"
    if mail.kind in (Kind.BOUNCE, Kind.AUTOMATIC):
        return _reassign(desk, case, mail)
    if case.purpose != tokens.REPLY:
        return _answer_moderator(desk, case, "wrong address", sender)
    persons = Persons(desk.settings.replies, desk.tables)
    answerer = persons.answerer(case.request.moderator, sender, mail.senders)
    if answerer is None:
        return _answer_moderator(desk, case, "other address", sender, result="not from the moderator")
    header = Header.of(content)
    word, origin = _origin(desk, header, case.request, sender)
    # A signature of only "Approve" would be valid for any request, so it must cover the quoted request with its id.
    signed = signers if case.incident.id in mail.incidents else ()
    arrival = Arrival(header, client or (origin.client if origin else ""), origin.login if origin else "", signed)
    proven = proof.find(desk.settings.replies, arrival, answerer, persons)
    if not proven:
        return _answer_moderator(desk, case, "unproven", sender)
    if case.request.is_of_sender:
        result = _choose(desk, case, mail, answerer, proven, now, changer)
    else:
        result = _answer(desk, case, mail, answerer, proven, changer, now)
    if origin is not None:
        desk.store.replies.use(word)
    return result


# -- content of a mail -------------------------------------------------------------------------------------------


def _reassign(desk: Desk, case: _Case, mail: Reply) -> str:
    answer = Answer.BOUNCED if mail.kind is Kind.BOUNCE else Answer.OUT_OF_OFFICE
    if answer is Answer.BOUNCED:
        # Reminders are sent for the same request.
        metrics.NOTICES.labels("request", "bounced").inc()
    how = "returned" if answer is Answer.BOUNCED else "automatic reply"
    if asking.reassign(desk, case.request, answer, how):
        maillog.reply_processed(
            case.incident.queue_id, what=str(answer), incident=case.incident.id, who=case.request.moderator
        )
    return str(answer)


def _answer(
    desk: Desk,
    case: _Case,
    mail: Reply,
    answerer: Answerer,
    proven: str,
    changer: Changer | None,
    now: datetime | None,
) -> str:
    request, incident = case.request, case.incident
    if mail.choice is None or (mail.excluded and mail.change in classes.BY_REPLY):
        return _enqueue(desk, case, "unclear")
    if answerer.address != request.moderator and moderators.same_person(answerer.address) in moderators.involved(
        incident
    ):
        return _enqueue(desk, case, "involved")
    actor = Actor(answerer.address, "mail", proven)
    try:
        allowed = classes.BY_REPLY.get(mail.change)
        if allowed is not None:
            classes.check(desk, incident, allowed)
        change = _change(changer, incident, mail) if (mail.change and allowed is None) or mail.excluded else None
        done = moderation.answer(desk, request, mail.choice, actor, mail.comment, change=change, now=now)
    except (CannotChangeError, UnreadableError):
        return _enqueue(desk, case, "cannot change")
    except classes.NotOfferedError:
        return _enqueue(desk, case, "not offered")
    except moderation.RefusedError as error:
        return _enqueue(desk, case, str(error.why))
    if allowed is not None:
        classes.allow(desk, done, allowed, actor, now)
    maillog.reply_processed(
        incident.queue_id, what=str(mail.choice), incident=incident.id, who=answerer.address, proof=proven
    )
    if mail.comment_doubtful:
        _enqueue(desk, case, "no comment")
    if done.state is not State.HELD:
        return str(mail.choice)  # the notice of the decision is sent to them too
    return _enqueue(desk, case, "recorded")


def _choose(
    desk: Desk,
    case: _Case,
    mail: Reply,
    answerer: Answerer,
    proven: str,
    now: datetime | None,
    changer: Changer | None,
) -> str:
    """Record the choice of a sender who was asked about their message."""
    incident = case.incident
    if mail.choice is None or mail.change or (mail.excluded and changer is None):
        return _enqueue(desk, case, "unclear")
    recipients = {moderators.same_person(one) for one in incident.recipients}
    if answerer.address != case.request.moderator and moderators.same_person(answerer.address) in recipients:
        return _enqueue(desk, case, "involved")
    chosen = Choice(mail.choice is Answer.APPROVE, mail.excluded, mail.comment)
    who = Actor(answerer.address, "mail", proven)
    try:
        done = senderchoice.choose(desk, case.request, chosen, who, changer, now=now)
    except FlawedError as error:
        return _enqueue(desk, case, "no reason" if error.flaw is Flaw.NO_REASON else "not excluded")
    except CannotChangeError:
        return _enqueue(desk, case, "not excluded")
    except UnreadableError as error:
        if error.why == "agent":
            raise QueueError(str(error)) from error
        return _enqueue(desk, case, "not excluded")
    except moderation.RefusedError as error:
        return _enqueue(desk, case, str(error.why))
    what = str(mail.choice)
    maillog.reply_processed(incident.queue_id, what=what, incident=incident.id, who=answerer.address, proof=proven)
    return what if done.state is not State.HELD else _enqueue(desk, case, "passed on")


def _change(changer: Changer | None, incident: Incident, mail: Reply) -> Change:
    """Return the changes that a reply names. Raises CannotChangeError, also if the policy does not allow them."""
    kind = mail.change
    if changer is None or incident.state is not State.HELD:
        raise CannotChangeError("")
    without = (ALL,) if kind == WITHOUT else ()
    wanted = RequestedChanges(without, kind == ENCRYPT, kind == REDACT, excluded=mail.excluded)
    return changer.prepare(incident, wanted).change


def _answer_moderator(desk: Desk, case: _Case, note: str, sender: str, result: str = "") -> str:
    """Log that a mail decided nothing, and explain to the moderator what to do."""
    maillog.reply_ignored(why=result or note, sender=sender, incident=case.incident.id)
    _enqueue(desk, case, note)
    return result or note


def _enqueue(desk: Desk, case: _Case, note: str) -> str:
    if desk.store.outbox.count(case.request.number, "answer") < _ANSWERS:
        outbox = NewNotice("answer", case.request.moderator, note, case.request.number)
        desk.store.outbox.enqueue(case.incident.id, outbox, ACTOR)
    return note


# -- sender of a mail ------------------------------------------------------------------------------------------------


def _verified(desk: Desk, content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return the mail to read and who signed it; of a mail with a valid signature, only the signed content."""
    replies = desk.settings.replies
    if "smime" not in replies.proof or replies.authorities is None:
        return content, ()
    verified = smime.verify(content, replies.authorities)
    return (content, ()) if verified is None else (verified.content, verified.signers)


def _origin(desk: Desk, header: Header, request: Request, sender: str) -> tuple[str, ReplyOrigin | None]:
    """Return what the milter recorded about this mail, if it passed through the milter."""
    values = header.values(headers.REPLY)
    if len(values) != 1:
        return "", None
    origin = desk.store.replies.origin(values[0])
    if origin is None or origin.request != request.number or origin.sender != plain(sender):
        return "", None
    return values[0], origin


def _marks(desk: Desk, case: _Case) -> list[str]:
    """Return what only the request contains: if it appears in a reply, something is quoted."""
    return [case.incident.id, desk.settings.desk.reply_address.partition("@")[0] + "+r-"]


# -- request of a mail ------------------------------------------------------------------------------------------------


def _by_token(desk: Desk, addresses: list[str]) -> _Case | None:
    """Return the request that the token in a reply address proves."""
    local, _, domain = desk.settings.desk.reply_address.lower().partition("@")
    form = re.compile(rf"<?{re.escape(local)}\+([a-z0-9-]{{1,64}})@{re.escape(domain)}>?", re.IGNORECASE)
    for match in filter(None, map(form.fullmatch, addresses[:5])):
        claim = tokens.parse(match[1])
        if claim is None or claim.purpose not in (tokens.REPLY, tokens.BOUNCE):
            continue
        request = desk.store.requests.by_number(claim.number)
        if request is not None and tokens.is_for(desk.key, claim, request):
            incident = desk.store.incident(request.incident_id)
            return None if incident is None else _Case(request, incident, claim.purpose)
    return None


def _by_thread(desk: Desk, content: bytes, recipients: list[str]) -> _Case | None:
    """Return the request that a mail to the plain reply address answers by its thread, which is no secret."""
    reply_address = desk.settings.desk.reply_address.lower()
    if not reply_address or [one.strip("<>").lower() for one in recipients] != [reply_address]:
        return None
    header = Header.of(content)
    domain = domain_of(desk.settings.desk.notice_from).lower()
    for match in filter(None, map(_THREAD.fullmatch, header.references[:20])):
        request = desk.store.requests.by_number(int(match[2])) if match[3].lower() == domain else None
        if request is not None and request.incident_id == match[1].upper() and header.senders == [request.moderator]:
            incident = desk.store.incident(request.incident_id)
            return None if incident is None else _Case(request, incident, "")
    return None
