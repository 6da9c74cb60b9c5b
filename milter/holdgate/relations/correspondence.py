"""Who writes to whom, for the milter: evaluates mail before policies are evaluated, and learns accepted mail."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from holdgate import metrics
from holdgate.config import RelationsSettings
from holdgate.configfile import ConfigError
from holdgate.envelope import Envelope
from holdgate.findings import MOST_VALUES, Inspection
from holdgate.mask import MASK
from holdgate.phrases import reason_of
from holdgate.quarantine.incident import DECIDED_BY_SENDER, Change, Incident
from holdgate.quarantine.recorded import envelope_of, inspection_of
from holdgate.quarantine.states import State
from holdgate.quarantine.store import Store
from holdgate.relations.evaluator import Evaluator
from holdgate.relations.keys import Hasher
from holdgate.relations.learner import Learner
from holdgate.relations.memory import Memory, UnknownError
from holdgate.relations.own import BY_MODERATOR, BY_SENDER
from holdgate.relations.sent import Sent, is_automatic, sent, values_of
from holdgate.relations.teaching import Held, Teacher, held_owner, released_as
from holdgate.risks import Risk, Risks

_DAY = timedelta(days=1)
# Mail that a moderator released up to this long before this process started is learned, if it was not.
_BEFORE = timedelta(hours=1)


def hasher_of(settings: RelationsSettings) -> Hasher:
    """Return a site's hasher; creates its key if there is none. Raises ConfigError."""
    try:
        return Hasher.load(settings.key)
    except OSError as error:
        raise ConfigError(
            [f"[relations] key: {settings.key}: {reason_of(error)}; correct the path, or run the command as root"]
        ) from error
    except ValueError as error:
        raise ConfigError([f"[relations] key: {error}"]) from error


def teacher_of(settings: RelationsSettings, hasher: Hasher, store: Store, own: Iterable[str]) -> Teacher:
    """Return the object that writes lessons into a store. `own` are the site's domains listed in clear text."""
    return Teacher(hasher, store.relations, settings.half_life / _DAY, own)


class Except:
    """Determines who is excluded from learning and comparison."""

    def __init__(self, listed: Iterable[str]) -> None:
        self._listed = frozenset(one.lower().removeprefix("*@") for one in listed)

    def __bool__(self) -> bool:
        return bool(self._listed)

    def names(self, address: str) -> bool:
        """Return whether an address, in lower case, or its domain is listed."""
        return address in self._listed or address.rpartition("@")[2] in self._listed

    def without(self, addresses: Collection[str]) -> tuple[str, ...]:
        """Return the addresses that are not listed."""
        return tuple(one for one in addresses if not self.names(one))


class Correspondence:
    """Compares and learns. Its constructor raises ConfigError."""

    def __init__(
        self, settings: RelationsSettings, store: Store, own: Sequence[str], is_inside: Callable[[str], bool]
    ) -> None:
        """`own` are the site's domains listed in clear text; `is_inside` knows all, and can raise TableError."""
        self._hasher = hasher = hasher_of(settings)
        self._compares = settings.mode == "on"
        self._limit = settings.time_limit.total_seconds()
        self._is_inside = is_inside
        self._except = Except(settings.except_for)
        self._store = store
        self._evaluator = Evaluator(hasher, own, hides_names=settings.names_for_sender == "own")
        self._memory = Memory(store.relations, settings.half_life / _DAY)
        self._released_until = datetime.now(UTC) - _BEFORE
        self._learner = Learner(
            teacher_of(settings, hasher, store, own),
            store.relations,
            room=settings.queue_size,
            retention=settings.retention // _DAY,
            now=lambda: datetime.now(UTC),
            more=self._released,
        )
        self._learner.start()

    def close(self, seconds: float) -> None:
        """Stop; what is queued for learning has `seconds` to finish."""
        self._memory.close()
        self._learner.close(seconds)

    def risks(self, envelope: Envelope, inspection: Inspection, now: datetime) -> Risks:
        """Return what is unusual about the recipients of an internal sender's message. Raises TableError."""
        if not self._compares or not envelope.sender or not self._is_inside(envelope.sender):
            return Risks()
        begun = time.perf_counter()
        message = self._described(envelope, inspection, now)
        if message is None:
            return Risks()
        found: list[Risk] = []
        try:
            found.extend(self._evaluator.risks(message, self._memory.view(message.day, self._limit)))
        except UnknownError:
            metrics.RELATIONS_COMPARED.labels("unknown").inc()
            return Risks(tuple(found), unknown=True)
        metrics.RELATIONS_SECONDS.observe(time.perf_counter() - begun)
        metrics.RELATIONS_COMPARED.labels("unusual" if found else "usual").inc()
        for kind in {one.kind for one in found}:
            metrics.RELATIONS_RISKS.labels(kind).inc()
        return Risks(tuple(found))

    def learn(self, envelope: Envelope, inspection: Inspection, now: datetime) -> None:
        """Queue an accepted message for learning, unless a program answered with it; never waits."""
        if not is_automatic(envelope):
            self._learner.put(lambda: self._lesson(envelope, inspection, now))

    def note(self, incident_id: str, envelope: Envelope, inspection: Inspection, now: datetime) -> None:
        """Queue the single values of a held message, which are learned if it is released; never waits."""
        if inspection.values:
            self._learner.put(lambda: self._held(incident_id, envelope, inspection, now))

    def _held(self, incident_id: str, envelope: Envelope, inspection: Inspection, now: datetime) -> Held | None:
        lesson = self._lesson(envelope, inspection, now)
        return None if lesson is None else Held(incident_id, lesson.values, lesson.day)

    def _lesson(self, envelope: Envelope, inspection: Inspection, now: datetime) -> Sent | None:
        if not envelope.sender or not self._is_inside(envelope.sender):
            return None
        return self._described(envelope, inspection, now)

    def _described(self, envelope: Envelope, inspection: Inspection, now: datetime) -> Sent | None:
        """Return a message without excluded recipients, or None if its sender is excluded."""
        message = sent(envelope, inspection, self._is_inside, now)
        if inspection.values:
            message = replace(message, values=values_of(self._hasher, inspection))
        if not self._except:
            return message
        if self._except.names(message.sender):
            return None
        outside, inside = self._except.without(message.outside), self._except.without(message.inside)
        return replace(message, outside=outside, inside=inside)

    def _released(self) -> list[Callable[[], Sent | None]]:
        """Return the messages that moderators have released since the last call: they have not been learned yet."""
        since, now = self._released_until, datetime.now(UTC)
        marks = {
            self._hasher.mark(*released_as(one.id)): one for one in self._store.closed_since(State.RELEASED, since)
        }
        learned = self._store.relations.of(marks)
        found = {held_owner(self._hasher, one.id): one for mark, one in marks.items() if mark not in learned}
        _, values = self._store.relations.look((), found, 2 * MOST_VALUES)
        self._released_until = now
        return [
            partial(self._released_lesson, one, values[owner], one.closed_at or since) for owner, one in found.items()
        ]

    def _released_lesson(self, incident: Incident, values: Iterable[int], moment: datetime) -> Sent | None:
        lesson = self._lesson(_sent_envelope(incident), inspection_of(incident), moment)
        if lesson is None:
            return None
        released = BY_SENDER if incident.decided_how in DECIDED_BY_SENDER else BY_MODERATOR
        return replace(
            lesson,
            values=dict.fromkeys(values, ""),
            released=released if incident.decided_how else "",
            incident_id=incident.id,
        )


def _sent_envelope(incident: Incident) -> Envelope:
    """Return the envelope of a released message: without the recipients who were left out, and without masked ones."""
    change = Change.of(incident)
    excluded = set() if change is None else set(change.recipients)
    envelope = envelope_of(incident)
    envelope.recipients = [one for one in envelope.recipients if one not in excluded and MASK not in one]
    return envelope
