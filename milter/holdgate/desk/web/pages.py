"""Renders the pages in the visitor's language, and says what happened where there is nothing left to do."""

from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse

from holdgate.desk.context import Desk
from holdgate.desk.moderation import RefusedError, Why
from holdgate.desk.outcome import became, sentence
from holdgate.desk.templates import Templates
from holdgate.desk.web.session import Sessions, Visitor
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State

# The title over what became of a message.
_TITLES = {
    "recorded": "title_error",
    "pending": "title_error",
    "held": "title_incident",
    "approved": "title_done",
    "released": "title_done",
    "rejected": "title_done",
    "withdrawn": "title_gone",
    "expired": "title_late",
    "vanished": "title_gone",
    "approved_vanished": "title_gone",
}
# Title and sentence where it waits and this visitor may not decide.
_STILL_HELD: dict[Why | None, tuple[str, str]] = {
    Why.ALREADY_APPROVED: ("title_answered", "held_answered"),
    Why.DEADLINE_PASSED: ("title_late", "held_late"),
    Why.NOT_REQUESTED: ("title_not_asked", "held_not_asked"),
}


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
        sign_in: bool = False,
    ) -> HTMLResponse:
        """Return a page that says one thing; `title` and `message` are names of words."""
        words = self._templates.words(self.language(http))
        content = {"title": words[title], "message": words[message], "incident": None, "sign_in": sign_in}
        return self.show(http, "message", visitor=visitor, status=status, **content)

    def outcome(self, http: HttpRequest, incident: Incident, visitor: Visitor | None, why: Why | None) -> HTMLResponse:
        """Say what became of an incident, or why it is not this visitor's to decide."""
        return self._outcome(http, incident, visitor, why, ())

    def refused(self, http: HttpRequest, error: RefusedError, visitor: Visitor | None) -> HTMLResponse:
        """Say that a decision was not taken, and who decided."""
        return self._outcome(http, error.incident, visitor, error.why, ("not_taken",))

    def _outcome(
        self, http: HttpRequest, incident: Incident, visitor: Visitor | None, why: Why | None, before: tuple[str, ...]
    ) -> HTMLResponse:
        words = self._templates.words(self.language(http))
        title, content = _TITLES[became(incident)], [words[name] for name in before]
        if incident.state is State.HELD and why in _STILL_HELD:
            title, reason = _STILL_HELD[why]
            content.append(words[reason])
        else:
            content.append(sentence(words, incident, tells=self._desk.tells_end(incident)))
        values = {"title": words[title], "message": " ".join(content), "incident": incident, "sign_in": False}
        return self.show(http, "message", visitor=visitor, **values)

    def language(self, http: HttpRequest) -> str:
        """Return the first of the browser's languages that we have (RFC 9110, 12.5.4; weights are not compared)."""
        for item in http.headers.get("accept-language", "").split(",")[:10]:
            language = item.partition(";")[0].strip().lower()[:2]
            if language in self._templates.languages:
                return language
        language = self._desk.settings.moderation.language
        return language if language in self._templates.languages else "en"


class Handlers:
    """What the handlers of some pages share; each handler is called in a thread of its own."""

    def __init__(self, desk: Desk, sessions: Sessions, pages: Pages) -> None:
        self._desk = desk
        self._sessions = sessions
        self._pages = pages
