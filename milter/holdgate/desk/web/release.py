"""The page on which a sender releases their own held message, if the policy allows it."""

from datetime import UTC, datetime

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from holdgate.desk import consult, selfrelease
from holdgate.desk.changing import CannotChangeError, Changer, RequestedChanges, offered
from holdgate.desk.context import Desk
from holdgate.desk.language.catalogue import mark
from holdgate.desk.moderation import COMMENT_LENGTH, SELF_RELEASE, RefusedError
from holdgate.desk.preview import Previewer, UnreadableError
from holdgate.desk.web.pages import Pages, SenderHandlers, holds_already
from holdgate.desk.web.reading import reads_message
from holdgate.desk.web.session import Sessions, Visitor, field, ticked
from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.states import State
from holdgate.queue.changed import EXCLUDE

_INCOMPLETE = mark("Nothing was done. Give a reason and tick the box first.")


class ReleasePages(SenderHandlers):
    """The addresses that a sender's link opens."""

    page = "release"

    def __init__(self, desk: Desk, sessions: Sessions, pages: Pages, previewer: Previewer) -> None:
        super().__init__(desk, sessions, pages)
        self._changer = Changer(desk, previewer)

    def routes(self) -> list[Route]:
        """Return the routes of this module."""
        return [
            Route("/release/{incident}", self.show, methods=["GET"]),
            Route("/release/{incident}", self.release, methods=["POST"]),
        ]

    def show(self, http: HttpRequest) -> Response:
        """Show what was found, and ask for the reason."""
        incident = self.found(http)
        return incident if isinstance(incident, Response) else self._show(http, incident)

    @reads_message
    def release(self, http: HttpRequest) -> Response:
        """Release the message, if a reason is given and the box is ticked."""
        incident = self.sent_form(http)
        if isinstance(incident, Response):
            return incident
        written = field(http, "reason")
        reason = consult.reason_of(self._desk.moderation(incident), field(http, "choice"), written)
        if field(http, "confirm") != "yes" or not reason or len(written) > COMMENT_LENGTH * 2:
            return self._show(http, incident, _INCOMPLETE)
        excluded = _ticked(http, incident)
        actor = Actor(incident.sender, SELF_RELEASE, http.state.origin)
        try:
            wanted = RequestedChanges(excluded=excluded)
            change = self._changer.prepare(incident, wanted).change if excluded else None
            done = selfrelease.release(self._desk, incident, reason, actor, change=change)
        except selfrelease.NotAllowedError as error:
            return self._show(http, incident, error.obstacle)
        except CannotChangeError as error:
            return self._show(http, incident, error.why)
        except UnreadableError as error:
            return self._show(http, incident, unreadable=error.why)
        except RefusedError as error:
            if holds_already(error.incident, incident.sender, sends=True, excluded=excluded):
                return self._pages.outcome(http, error.incident, None, None)
            return self._pages.refused(http, error, None)
        return self._pages.outcome(http, done, None, None)

    def _show(
        self,
        http: HttpRequest,
        incident: Incident,
        problem: str = "",
        *,
        unreadable: str = "",
    ) -> Response:
        if incident.state is not State.HELD:
            return self._pages.outcome(http, incident, None, None)
        obstacle = selfrelease.obstacle(self._desk, incident, datetime.now(UTC))
        visitor = Visitor(incident.sender, "link", incident.id)
        language = self._pages.language(http, visitor, incident)
        return self._pages.show(
            http,
            "release",
            status=503 if unreadable else 422 if problem else 200,
            visitor=visitor,
            incident=incident,
            rule=self._desk.rule(incident, language),
            problem=str(obstacle or problem),
            unreadable=unreadable,
            allowed=obstacle is None,
            may_exclude=EXCLUDE in offered(self._desk, incident),
            excluded=_ticked(http, incident),
            choices=self._desk.reasons(incident, language),
            comment_length=COMMENT_LENGTH,
        )


def _ticked(http: HttpRequest, incident: Incident) -> list[str]:
    """Return the recipients that a form leaves out."""
    return ticked(incident, http.state.form.get("not", [])) if http.method == "POST" else []
