"""Sends the outbox: composes each notice and passes it to its channel, until the channel accepts it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from holdgate import maillog, metrics
from holdgate.desk import asking
from holdgate.desk.changing import Changer
from holdgate.desk.channel import MAIL, AwayError, Channel, RefusedError
from holdgate.desk.context import ACTOR, Desk
from holdgate.desk.notices import TO_MODERATOR, Composer, GoneError, UnwantedError
from holdgate.desk.preview import UnreadableError
from holdgate.desk.remotenodes import RemoteNodeError
from holdgate.quarantine.claims import LostClaimError
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.incident import Answer, Change, Incident, Notice
from holdgate.quarantine.outbox import CHANGED, LONGEST_PAUSE, LOST, TO_SENDER, WITH_MESSAGE
from holdgate.quarantine.states import State
from holdgate.quarantine.store import ConflictError
from holdgate.queue.client import QueueError, UnreachableError
from holdgate.work import Runner

# Maximum duration of one pass, in seconds.
_BUDGET = 20.0

# How long other desks wait for the desk of the message's own node, which need not fetch the message.
_HEAD_START = timedelta(seconds=5)


class _SharedError(Exception):
    """The channel or the queue agent does not answer. No notice is the cause, and it is already logged."""


class Sender:
    """Sends the notices of one channel: those that contain the held message (`reports`), or all others.

    `changer` submits the messages that were approved with changes. With `reads_elsewhere`, reports of other nodes are
    sent too, if the desk of their node has not sent them after a while.
    """

    def __init__(
        self,
        desk: Desk,
        composer: Composer,
        *,
        changer: Changer | None = None,
        reports: bool = False,
        reads_elsewhere: bool = False,
        channel: str = MAIL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._composer = composer
        self._changer = changer
        self._channel: Channel = desk.channels[channel]
        self._reports = reports
        self._reads_elsewhere = reads_elsewhere
        self._runner: Runner[Notice] = Runner(
            stage="send",
            key=lambda notice: str(notice.number),
            shared=(_SharedError, DatabaseError),
            expected=(_SharedError, ConflictError, RemoteNodeError, LostClaimError),
            clock=clock,
        )

    def send_due(self, now: datetime) -> None:
        """Send every notice that is due."""
        due = [one for one in self._desk.store.outbox.due(now) if self._belongs_here(one, now)]
        self._runner.run(due, lambda notice: self._send(notice, now), budget=_BUDGET)

    def _belongs_here(self, notice: Notice, now: datetime) -> bool:
        """Return whether a notice is for this sender; mail also has those of channels that the site removed."""
        name = notice.channel if notice.channel in self._desk.channels else MAIL
        if name != self._channel.name or (notice.kind in WITH_MESSAGE) != self._reports:
            return False
        if notice.is_here or not self._reports:
            return True
        waited = notice.due_at is None or now - notice.due_at >= _HEAD_START
        return self._reads_elsewhere and waited

    def _send(self, notice: Notice, now: datetime) -> None:
        """Send one notice, unless another desk does."""
        store = self._desk.store
        with store.claims.claimed(_work(notice)) as is_claimed:
            if is_claimed and store.outbox.is_still_due(notice):
                self._send_claimed(notice, now)

    def _send_claimed(self, notice: Notice, now: datetime) -> None:
        """Send one notice, or record when it is retried."""
        desk, channel = self._desk, self._channel
        # To compose a notice can take longer than a claim lasts if this process stands still meanwhile.
        confirm = partial(desk.store.claims.confirm, _work(notice))
        incident = desk.store.incident(notice.incident_id)
        if incident is None or _too_early(notice, incident):
            return
        if notice.channel != channel.name or _obsolete(desk, notice, incident):
            desk.store.outbox.drop(notice, ACTOR)
            return
        try:
            if notice.kind == CHANGED and self._changer is not None:
                if not self._changer.submit(incident, notice.attempts, confirm):
                    return  # a new decision is needed
            else:
                composed = self._composer.compose(incident, notice, now)
                confirm()
                channel.deliver(notice.recipient, composed)
        except (RemoteNodeError, LostClaimError):
            raise  # it is not postponed, because another desk can send it at any time
        except UnreadableError as error:
            self._failed(notice, incident, str(error))
        except UnwantedError:
            desk.store.outbox.drop(notice, ACTOR)
        except GoneError:  # the queue agent closes the incident, and drops the notice
            self._failed(notice, incident, "the message is not in the hold queue any more")
        except RefusedError as error:
            if not (error.permanent and notice.kind in TO_MODERATOR and self._settle_refusal(notice)):
                self._failed(notice, incident, str(error))
        except (AwayError, UnreachableError) as error:
            self._failed(notice, incident, _described(error))
            raise _SharedError from error
        except Exception as error:  # any exception: the store keeps the time of the notice's own retry
            self._failed(notice, incident, _described(error))
        else:
            desk.store.outbox.sent(notice, ACTOR)
            metrics.NOTICES.labels(notice.kind, "sent").inc()
            maillog.notice_sent(
                incident.queue_id,
                kind=notice.kind,
                recipient=notice.recipient,
                incident=incident.id,
                channel="" if channel.name == MAIL else channel.name,
            )

    def _settle_refusal(self, notice: Notice) -> bool:
        """Record that a channel permanently refuses a notice to a moderator; return whether that settles the notice."""
        if self._channel.name == MAIL:
            return _treat_as_bounced(self._desk, notice)
        self._desk.store.outbox.drop(notice, ACTOR)
        metrics.NOTICES.labels(notice.kind, "refused").inc()
        return True

    def _failed(self, notice: Notice, incident: Incident, reason: str) -> None:
        channel = self._channel
        pause = min(channel.first_retry * 2 ** min(notice.attempts, 10), channel.longest_retry, LONGEST_PAUSE)
        self._desk.store.outbox.failed(notice, ACTOR, datetime.now(UTC) + pause)
        metrics.NOTICES.labels(notice.kind, "failed").inc()
        maillog.notice_failed(
            incident.queue_id,
            kind=notice.kind,
            error=reason,
            attempts=notice.attempts + 1,
            channel="" if channel.name == MAIL else channel.name,
        )


def _work(notice: Notice) -> str:
    """Return the name of the work that one desk claims."""
    return f"notice {notice.number}"


def _described(error: Exception) -> str:
    """Return a description of an error, without text from the other side."""
    if isinstance(error, QueueError):
        return str(error)
    return maillog.describe(error.__cause__ if isinstance(error, AwayError) and error.__cause__ else error)


def _too_early(notice: Notice, incident: Incident) -> bool:
    """Return whether an approval cannot be reported yet: until the release, an operator may remove the message."""
    return notice.kind == "approved" and incident.state is State.APPROVED


def _obsolete(desk: Desk, notice: Notice, incident: Incident) -> bool:
    """Return whether a notice is no longer true."""
    if notice.kind in TO_MODERATOR:
        request = desk.store.requests.by_number(notice.request or 0)
        return incident.state is not State.HELD or request is None or not request.is_open
    if notice.kind == CHANGED:
        change = Change.of(incident)
        return incident.state is not State.APPROVED or change is None or bool(change.queue_id)
    if notice.kind in ("held", "question", "said"):
        return incident.state is not State.HELD
    if notice.kind in TO_SENDER:  # an operator removed it, or it is held again
        return incident.state in (State.VANISHED, State.HELD)
    if notice.kind == LOST:  # its hold queue was found again
        return incident.state is not State.VANISHED
    if notice.kind == "decided":  # it may be held again, and new requests are sent
        return incident.state is State.HELD
    return notice.kind == "approved" and incident.state is not State.RELEASED


def _treat_as_bounced(desk: Desk, notice: Notice) -> bool:
    """Ask another person, as if the mail had bounced: Postfix refuses all mail for this moderator."""
    request = desk.store.requests.by_number(notice.request or 0)
    if request is None:
        return False
    asking.reassign(desk, request, Answer.BOUNCED, "refused by Postfix")
    desk.store.outbox.drop(notice, ACTOR)
    metrics.NOTICES.labels(notice.kind, "refused").inc()
    return True
