"""Renders the pages in the visitor's language, and reports the outcome if there is nothing left to do."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from starlette.background import BackgroundTask
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, RedirectResponse, Response

from holdgate import maillog, metrics
from holdgate.desk import moderation, numbers
from holdgate.desk.context import Desk
from holdgate.desk.language.catalogue import Catalogue, mark
from holdgate.desk.moderation import COMMENT_LENGTH, RefusedError, Why
from holdgate.desk.outcome import outcome_key, sentence
from holdgate.desk.templates import Templates
from holdgate.desk.web.session import Sessions, Visitor, field
from holdgate.quarantine.incident import DECIDED_BY_SENDER, Actor, Answer, Change, Incident, Request
from holdgate.quarantine.requests import COUNTED, IncidentFilter
from holdgate.quarantine.states import DECIDED, State

# The title above the outcome for a message.
_TITLES = {
    "recorded": "title_error",
    "pending": "title_error",
    "held": "title_incident",
    "approved": "title_done",
    "released": "title_done",
    "self_released": "title_done",
    "changed": "title_done",
    "approved_for_some": "title_done",
    "sent_to_some": "title_done",
    "rejected": "title_done",
    "withdrawn": "title_gone",
    "refused": "title_gone",
    "expired": "title_late",
    "vanished": "title_gone",
    "approved_vanished": "title_gone",
    "out_of_reach": "title_gone",
}
# The colour of an outcome.
_MOODS = dict.fromkeys(
    ("approved", "released", "self_released", "changed", "approved_for_some", "sent_to_some"), "go"
) | {"rejected": "stop"}
# Title and sentence if the message is held and this visitor cannot decide.
_STILL_HELD: dict[Why | None, tuple[str, str]] = {
    Why.ALREADY_APPROVED: ("title_answered", "held_answered"),
    Why.DEADLINE_PASSED: ("title_late", "held_late"),
    Why.NOT_REQUESTED: ("title_not_asked", "held_not_asked"),
}
# The statuses of a page with the form that was submitted.
_FORM_AGAIN = (422, 503)
# Forms that decide nothing and send no mail to others.
_NO_NUMBER = ("later", "show")
# Values that a page with one statement does not have.
_NOTHING_ELSE: Mapping[str, Any] = {"incident": None, "mood": "", "others": None, "others_shown": "", "following": None}
_AWAY = mark("The mail server {node} cannot be reached now. Decisions are recorded, and carried out when it is back.")


class Pages:
    """Creates responses from templates."""

    def __init__(self, desk: Desk, templates: Templates, sessions: Sessions) -> None:
        self._desk = desk
        self._templates = templates
        self._sessions = sessions

    def show(
        self, http: HttpRequest, name: str, *, visitor: Visitor | None = None, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """Return the page called `name`. If it is a form again, its fields have what the visitor typed."""
        signed_in = visitor is not None and visitor.how != "link"
        waiting = values.pop("waiting", None)
        if waiting is None and visitor and signed_in:
            waiting = self.waiting(visitor)
        page = self._templates.page(
            name,
            self.language(http, visitor, values.get("incident")),
            base=self._sessions.base,
            visitor=visitor,
            stamp=lambda purpose: self._sessions.stamp(visitor.address if visitor else "", purpose),
            waiting=waiting,
            waiting_shown="" if waiting is None else up_to(waiting),
            typed=_typed(http) if status in _FORM_AGAIN else lambda _: "",
            asks_number=self._desk.settings.desk.ask_number and not signed_in,
            **values,
        )
        return HTMLResponse(page, status)

    def show_message(
        self,
        http: HttpRequest,
        title: str,
        message: str,
        *,
        visitor: Visitor | None = None,
        status: int = 200,
        sign_in: bool = False,
    ) -> HTMLResponse:
        """Return a page with one statement; `title` and `message` are names of words."""
        words = self._templates.words(self.language(http, visitor))
        content = {"title": words[title], "message": words[message], "sign_in": sign_in, **_NOTHING_ELSE}
        return self.show(http, "message", visitor=visitor, status=status, **content)

    def without_number(self, http: HttpRequest, visitor: Visitor, problem: str) -> HTMLResponse:
        """Return a page that a form did nothing, because its number is missing or wrong."""
        text = self.catalogue(http, visitor).text
        return self.show(
            http,
            "message",
            visitor=visitor,
            status=422,
            title=text(mark("Nothing was decided")),
            message=text(problem),
            sign_in=problem == numbers.TOO_MANY,
            **_NOTHING_ELSE,
        )

    def outcome(self, http: HttpRequest, incident: Incident, visitor: Visitor | None, why: Why | None) -> HTMLResponse:
        """Return a page with the outcome for an incident, or why this visitor cannot decide on it."""
        return self._outcome(http, incident, visitor, why, ())

    def refused(self, http: HttpRequest, error: RefusedError, visitor: Visitor | None) -> HTMLResponse:
        """Return a page that a decision was refused, and who decided."""
        return self._outcome(http, error.incident, visitor, error.why, ("not_taken",))

    def _outcome(
        self, http: HttpRequest, incident: Incident, visitor: Visitor | None, why: Why | None, before: tuple[str, ...]
    ) -> HTMLResponse:
        language = self.language(http, visitor, incident)
        words = self._templates.words(language)
        title, content = _TITLES[outcome_key(incident)], [words[name] for name in before]
        if incident.state is State.HELD and why in _STILL_HELD:
            title, reason = _STILL_HELD[why]
            content.append(words[reason])
        else:
            content.append(sentence(words, incident, is_notified=self._desk.notifies_outcome(incident)))
            if incident.state in DECIDED and (node := self._desk.store.nodes.away(incident)):
                content.append(self._templates.catalogue(language).text(_AWAY).format(node=node))
        values: dict[str, Any] = {"title": words[title], "message": " ".join(content), "incident": incident}
        values |= {
            "sign_in": False,
            "mood": _MOODS.get(outcome_key(incident), ""),
            "others": None,
            "others_shown": "",
            "following": None,
        }
        if visitor is not None and incident.decided_by == visitor.address and not before:
            text = self._templates.catalogue(language).text
            if outcome_key(incident) in ("approved", "released", "changed", "approved_for_some"):
                values["title"] = text(mark("You approved this."))
            elif outcome_key(incident) == "rejected":
                values["title"] = text(mark("You rejected this."))
        if visitor is not None and incident.sender != visitor.address:
            values |= self._others(visitor, incident)
        return self.show(http, "message", visitor=visitor, **values)

    def catalogue(self, http: HttpRequest, visitor: Visitor) -> Catalogue:
        """Return the texts in a visitor's language."""
        return self._templates.catalogue(self.language(http, visitor))

    def waiting(self, visitor: Visitor) -> int:
        """Return how many messages wait for a visitor, `COUNTED` + 1 for more than `COUNTED`."""
        return self._desk.store.requests.count(visitor.address, IncidentFilter(waiting=True))

    def _others(self, visitor: Visitor, incident: Incident) -> dict[str, Any]:
        """Return how many more messages wait for a visitor, and the first of them if the visitor has signed in.

        A link proves that a mail about one message was read, so it gives access to no other message.
        """
        waiting = self._desk.store.requests.page(visitor.address, IncidentFilter(waiting=True), limit=2)
        others = [one for one in waiting if one.id != incident.id]
        count = self.waiting(visitor) - (len(waiting) - len(others))
        following = others[0] if others and visitor.how != "link" else None
        return {"others": count, "others_shown": up_to(count), "following": following}

    def language(self, http: HttpRequest, visitor: Visitor | None = None, incident: Incident | None = None) -> str:
        """Return the visitor's language: of the table, of the browser, of the policy, of the site.

        Of the browser's languages, the first available one counts (RFC 9110, 12.5.4; weights are not compared).
        """
        asked = [
            item.partition(";")[0].strip().lower()[:2]
            for item in http.headers.get("accept-language", "").split(",")[:10]
        ]
        person = visitor.address if visitor else ""
        return self._desk.language(person, incident.policy if incident else "", asked)


def afterwards(work: Callable[..., object], *arguments: Any) -> BackgroundTask:
    """Return what is done after a response. If it fails, it is logged: the connection is open for further requests."""

    def logged() -> None:
        try:
            work(*arguments)
        except Exception as error:  # as for a page, any exception
            report(error)

    return BackgroundTask(logged)


def report(error: Exception) -> None:
    """Count and log an error of a page."""
    metrics.ERRORS.labels("page").inc()
    maillog.failed(stage="page", error=maillog.describe(error))


def up_to(count: int) -> str:
    """Return a number of messages as pages show it, such as "200+": they are counted no further."""
    return str(count) if count <= COUNTED else f"{COUNTED}+"


def _typed(http: HttpRequest) -> Callable[[str], str]:
    """Return a function that returns what was typed into a field of the submitted form, "" if nothing."""
    entered: dict[str, list[str]] = http.state.form if http.method == "POST" else {}
    return lambda name: entered.get(name, [""])[0][: COMMENT_LENGTH * 2]


class Handlers:
    """What the handlers of several pages share; each handler is called in a separate thread."""

    def __init__(self, desk: Desk, sessions: Sessions, pages: Pages) -> None:
        self._desk = desk
        self._sessions = sessions
        self._pages = pages


def holds_already(incident: Incident, sender: str, *, sends: bool, excluded: Sequence[str] = ()) -> bool:
    """Return whether this choice of a sender was recorded: their form was sent twice, as by a double click."""
    states = (State.APPROVED, State.RELEASED) if sends else (State.REJECTED, State.RETURNED)
    how = incident.decided_how in DECIDED_BY_SENDER or incident.decided_how == moderation.WITHDRAWAL
    change = Change.chosen(incident)
    is_same = set(change.recipients if change else ()) == set(excluded if sends else ())
    return incident.decided_by == sender and how and incident.state in states and is_same


class ModeratorHandlers(Handlers):
    """Handlers of pages about one incident, for the people who were asked."""

    def found(self, http: HttpRequest) -> tuple[Visitor, Incident, Request] | Response:
        """Return visitor, incident and their newest request about it; or a page that explains why there are none."""
        incident_id = http.path_params["incident"].upper()
        visitor = self._sessions.visitor_of(http, incident_id)
        if visitor is None:
            return RedirectResponse(f"{self._sessions.base}/sign-in", 303)
        incident = self._desk.store.incident(incident_id)
        request = moderation.request_of(self._desk, incident, visitor.address) if incident else None
        if incident is None or request is None:
            return self._pages.show_message(http, "title_error", "error_forbidden", status=403, visitor=visitor)
        return visitor, incident, request

    def sent_form(self, http: HttpRequest, purpose: str) -> tuple[Visitor, Incident, Request] | Response:
        """Return the same for a form, if it has a valid stamp for this purpose; else the page that refuses."""
        found = self.found(http)
        if isinstance(found, Response):
            return found
        visitor, incident, request = found
        if not self._sessions.stamped(http, visitor.address, f"{purpose} {incident.id}"):
            return self._pages.show_message(http, "title_error", "error_form", status=403, visitor=visitor)
        if purpose not in _NO_NUMBER and visitor.how == "link" and self._may_decide(incident, request):
            actor = self._sessions.actor(http, visitor)
            if problem := numbers.refusal(self._desk, incident, actor, field(http, "number")):
                return self.without_number(http, purpose, visitor, incident, request, problem)
        return found

    def without_number(
        self, http: HttpRequest, purpose: str, visitor: Visitor, incident: Incident, request: Request, problem: str
    ) -> Response:
        """Return the page that explains that a form for this purpose did nothing: its number is missing or wrong."""
        return self._pages.without_number(http, visitor, problem)

    def _may_decide(self, incident: Incident, request: Request) -> bool:
        return request.is_open and incident.state is State.HELD and not moderation.is_late(request)

    def closed(self, http: HttpRequest, visitor: Visitor, incident: Incident, request: Request) -> Response | None:
        """Return the page that explains why a person can no longer answer; None if they can."""
        if not request.is_open:
            why = Why.ALREADY_APPROVED if request.answer is Answer.APPROVE else Why.NOT_REQUESTED
            return self._pages.outcome(http, incident, visitor, why)
        if incident.state is not State.HELD or moderation.is_late(request):
            return self._pages.outcome(http, incident, visitor, Why.DEADLINE_PASSED)
        return None


class SenderHandlers(Handlers):
    """Handlers of one of the SENDER_PAGES: opened by the link in a notice, for one incident."""

    page: ClassVar[str]

    def found(self, http: HttpRequest) -> Incident | Response:
        """Return the incident of the address, for its sender; else the page that refuses."""
        incident_id = http.path_params["incident"].upper()
        is_sender = self._sessions.is_sender(http, self.page, incident_id)
        incident = self._desk.store.incident(incident_id) if is_sender else None
        if incident is None:
            return self._pages.show_message(http, "title_link", "link_wrong", status=403)
        return incident

    def sent_form(self, http: HttpRequest) -> Incident | Response:
        """Return the incident of a form, if the form has a valid stamp; else the page that refuses."""
        incident = self.found(http)
        if isinstance(incident, Incident) and not self._sessions.stamped(
            http, incident.sender, f"{self.page} {incident.id}"
        ):
            return self._pages.show_message(http, "title_error", "error_form", status=403)
        if isinstance(incident, Incident) and incident.state is State.HELD:
            actor = Actor(incident.sender, "page", http.state.origin)
            if problem := numbers.refusal(self._desk, incident, actor, field(http, "number")):
                return self._show(http, incident, problem)
        return incident

    def _show(self, http: HttpRequest, incident: Incident, problem: str = "") -> Response:
        """Return the page with its form, and why the submitted form did nothing."""
        raise NotImplementedError
