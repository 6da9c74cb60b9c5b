"""Renders the pages in the visitor's language, and says what happened where there is nothing left to do."""

from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse

from holdgate.desk.context import Desk
from holdgate.desk.moderation import RefusedError, Why
from holdgate.desk.templates import Templates
from holdgate.desk.web.session import Sessions, Visitor
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State


class Pages:
    """Makes responses of templates."""

    def __init__(self, desk: Desk, templates: Templates, sessions: Sessions) -> None:
        self._desk = desk
        self._templates = templates
        self._sessions = sessions

    def show(
        self, http: HttpRequest, name: str, *, visitor: Visitor | None = None, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """Return the page called `name`."""
        page = self._templates.page(
            name,
            self.language(http),
            base=self._sessions.base,
            visitor=visitor,
            stamp=lambda purpose: self._sessions.stamp(visitor.address if visitor else "", purpose),
            **values,
        )
        return HTMLResponse(page, status)

    def say(
        self,
        http: HttpRequest,
        title: str,
        message: str,
        *,
        visitor: Visitor | None = None,
        status: int = 200,
        incident: Incident | None = None,
        sign_in: bool = False,
    ) -> HTMLResponse:
        """Return a page that says one thing; `title` and `message` are names of words."""
        words = self._templates.words(self.language(http))
        said = words[message].format(who=incident.decided_by if incident else "")
        return self.show(
            http,
            "message",
            visitor=visitor,
            status=status,
            title=words[title],
            message=said,
            incident=incident,
            sign_in=sign_in,
        )

    def outcome(self, http: HttpRequest, incident: Incident, visitor: Visitor | None, why: Why | None) -> HTMLResponse:
        """Say what became of an incident, or why it is not this visitor's to decide."""
        title, message = outcome_words(incident, why)
        return self.say(http, title, message, visitor=visitor, incident=incident)

    def refused(self, http: HttpRequest, error: RefusedError, visitor: Visitor | None) -> HTMLResponse:
        """Say why a decision was not taken, and who decided."""
        return self.outcome(http, error.incident, visitor, error.why)

    def language(self, http: HttpRequest) -> str:
        """Return the first of the browser's languages that we have (RFC 9110, 12.5.4; weights are not compared)."""
        for item in http.headers.get("accept-language", "").split(",")[:10]:
            language = item.partition(";")[0].strip().lower()[:2]
            if language in self._templates.languages:
                return language
        language = self._desk.settings.moderation.language
        return language if language in self._templates.languages else "en"


def outcome_words(incident: Incident, why: Why | None) -> tuple[str, str]:
    """Return the names of title and sentence for how an incident stands."""
    state = incident.state
    if state in (State.APPROVED, State.RELEASED):
        return "title_done", "done_approved"
    if state is State.VANISHED:
        return "title_gone", "done_vanished"
    if state is State.PENDING:
        return "title_error", "done_pending"
    if incident.decided_how == "withdrawal":
        return "title_gone", "done_withdrawn"
    if state is State.EXPIRED or incident.decided_how == "desk":
        return "title_late", "done_expired"
    if state in (State.REJECTED, State.RETURNED):
        return "title_done", "done_rejected"
    words = {Why.ANSWERED: ("title_thanks", "done_answered"), Why.LATE: ("title_late", "done_late")}
    return words.get(why or Why.DECIDED, ("title_done", "done_not_asked"))


class Handlers:
    """What the handlers of some pages share; each handler is called in a thread of its own."""

    def __init__(self, desk: Desk, sessions: Sessions, pages: Pages) -> None:
        self._desk = desk
        self._sessions = sessions
        self._pages = pages
