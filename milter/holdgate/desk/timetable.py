"""What the desk does by itself: asks about what came in, reminds, gives back what nobody decided on, erases, sends.

`now` is given by the caller, so that a test sets the clock. Each step leaves the store as it should be; what fails is
taken up again by the next pass.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from holdgate import maillog, metrics
from holdgate.desk import asking, moderation, post
from holdgate.desk.context import ACTOR, Desk
from holdgate.desk.moderators import TryLaterError
from holdgate.desk.notices import Composer
from holdgate.desk.preview import Previewer
from holdgate.quarantine.database import DatabaseError
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.store import ConflictError

# How many incidents one pass asks about, so that mail goes out and deadlines are kept while many come in.
_ASKS = 20
# When a step that failed is taken again.
_PAUSE = timedelta(seconds=30)
# How many incidents of a policy one pass of `erase_old` empties.
_ERASES = 500


class Timetable:
    """The passes over the store. It keeps between them only when a question is worth asking again."""

    def __init__(self, desk: Desk, composer: Composer, previewer: Previewer) -> None:
        self._desk = desk
        self._composer = composer
        self._previewer = previewer
        self._not_before: dict[str, datetime] = {}

    def run_once(self, now: datetime) -> None:
        """Do all that is due at `now`."""
        desk = self._desk
        self._not_before = {key: until for key, until in self._not_before.items() if until > now}
        for incident in self._due(desk.store.overdue(now)):
            self._step(incident, now, lambda incident: moderation.expire(desk, incident))
        for incident in self._due(desk.store.to_remind(now)):
            self._step(incident, now, lambda incident: asking.remind(desk, incident, now))
        for incident in self._due(desk.store.unasked())[:_ASKS]:
            self._step(incident, now, lambda incident: self._ask(incident, now))
        post.send_owed(desk, self._composer, now)

    def _due(self, incidents: list[Incident]) -> list[Incident]:
        return [incident for incident in incidents if incident.id not in self._not_before]

    def _step(self, incident: Incident, now: datetime, step: Callable[[Incident], object]) -> None:
        """Take one step; what is odd about one incident must not keep the others from theirs."""
        try:
            step(incident)
        except (ConflictError, moderation.RefusedError):
            pass  # somebody decided in this very moment, and that counts
        except TryLaterError:
            self._not_before[incident.id] = now + _PAUSE
        except DatabaseError:
            raise
        except Exception as error:
            metrics.ERRORS.labels("desk").inc()
            maillog.failed(stage="desk", error=f"{incident.id}: {maillog.describe(error)}")
            self._not_before[incident.id] = now + _PAUSE

    def _ask(self, incident: Incident, now: datetime) -> Incident:
        describe = partial(self._previewer.describe, incident) if incident.level == 0 else dict
        return asking.ask(self._desk, incident, now, describe)

    def erase_old(self, now: datetime) -> int:
        """Take the content out of incidents whose retention is over; return of how many. To be called now and then."""
        erased = 0
        for policy in self._desk.store.unerased_policies():
            retention = self._desk.moderation_for(policy).retention
            for incident in self._desk.store.finished_before(policy, now - retention, _ERASES):
                self._desk.store.erase(incident, ACTOR)
                erased += 1
        return erased
