"""The page on which the sender of a held message, or an application's owner, decides who gets it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from holdgate.desk import asksender, consult, numbers, senderchoice
from holdgate.desk.changing import CannotChangeError, Changer
from holdgate.desk.context import Desk
from holdgate.desk.language.catalogue import mark
from holdgate.desk.moderation import COMMENT_LENGTH, RefusedError, Why, is_late
from holdgate.desk.preview import Previewer, UnreadableError
from holdgate.desk.senderchoice import Choice, FlawedError
from holdgate.desk.web.pages import Handlers, Pages, holds_already
from holdgate.desk.web.reading import reads_message
from holdgate.desk.web.session import Sessions, Visitor, field, ticked
from holdgate.quarantine.incident import Actor, Answer, Incident, Request
from holdgate.quarantine.states import State
from holdgate.queue.client import QueueError

ALL, SOME, NONE = "all", "some", "none"
_INCOMPLETE = mark("Nothing was done. Choose an answer and tick the box first.")
_CONTRADICTION = mark("Nothing was done. You ticked recipients, but chose to send it to all of them.")


class AskPages(Handlers):
    """The addresses that the link in a request to a sender opens."""

    def __init__(self, desk: Desk, sessions: Sessions, pages: Pages, previewer: Previewer) -> None:
        super().__init__(desk, sessions, pages)
        self._changer = Changer(desk, previewer)

    def routes(self) -> list[Route]:
        """Return the routes of this module."""
        return [
            Route("/ask/{incident}", self.show, methods=["GET"]),
            Route("/ask/{incident}", self.decide, methods=["POST"]),
        ]

    def show(self, http: HttpRequest) -> Response:
        """Show the recipients, with what is unusual about each, and the choices."""
        found = self._found(http)
        return found if isinstance(found, Response) else self._show(http, *found)

    @reads_message
    def decide(self, http: HttpRequest) -> Response:
        """Record the choice, if the box is ticked."""
        found = self._found(http)
        if isinstance(found, Response):
            return found
        incident, request = found
        if not self._sessions.stamped(http, request.moderator, f"ask {incident.id}"):
            return self._pages.show_message(http, "title_error", "error_form", status=403)
        who = Actor(request.moderator, "page", http.state.origin)
        answer, written = field(http, "answer"), field(http, "reason")
        named = ticked(incident, http.state.form.get("not", []))
        excluded = named if answer == SOME else []
        may_decide = incident.state is State.HELD and request.is_open and not is_late(request)
        if may_decide and (problem := numbers.refusal(self._desk, incident, who, field(http, "number"))):
            return self._show(http, incident, request, problem, excluded=excluded)
        if field(http, "confirm") != "yes" or answer not in (ALL, SOME, NONE) or len(written) > COMMENT_LENGTH * 2:
            return self._show(http, incident, request, _INCOMPLETE, excluded=excluded)
        if answer == ALL and named:
            return self._show(http, incident, request, _CONTRADICTION, excluded=named)
        if answer == SOME and not excluded:
            return self._show(http, incident, request, senderchoice.Flaw.RECIPIENTS)
        reason = consult.reason_of(self._desk.moderation(incident), field(http, "choice"), written)
        choice = Choice(answer != NONE, excluded, reason)
        try:
            done = senderchoice.choose(self._desk, request, choice, who, self._changer)
        except FlawedError as error:
            return self._show(http, incident, request, error.flaw, excluded=excluded)
        except CannotChangeError as error:
            return self._show(http, incident, request, error.why, excluded=excluded)
        except UnreadableError as error:
            return self._show(http, incident, request, unreadable=error.why, excluded=excluded)
        except QueueError:
            return self._show(http, incident, request, unreadable="agent", excluded=excluded)
        except RefusedError as error:
            if holds_already(error.incident, request.moderator, sends=choice.send, excluded=excluded):
                return self._pages.outcome(http, error.incident, _visitor(request), None)
            return self._pages.refused(http, error, _visitor(request))
        if done.state is State.HELD:
            return self._show(http, done, request, done=True)
        return self._pages.outcome(http, done, _visitor(request), None)

    def _found(self, http: HttpRequest) -> tuple[Incident, Request] | Response:
        """Return the incident of the address and the request whose link was opened; else the page that refuses."""
        incident_id = http.path_params["incident"].upper()
        number = self._sessions.asked_sender(http, incident_id)
        request = None if number is None else self._desk.store.requests.by_number(number)
        incident = self._desk.store.incident(incident_id) if request is not None else None
        if incident is None or request is None or request.incident_id != incident_id or not request.is_of_sender:
            return self._pages.show_message(http, "title_link", "link_wrong", status=403)
        return incident, request

    def _show(
        self,
        http: HttpRequest,
        incident: Incident,
        request: Request,
        problem: str = "",
        *,
        unreadable: str = "",
        excluded: Sequence[str] = (),
        done: bool = False,
    ) -> Response:
        visitor = _visitor(request)
        now = datetime.now(UTC)
        is_passed_on = done or request.answer is Answer.APPROVE
        if incident.state is not State.HELD or (not is_passed_on and (not request.is_open or is_late(request, now))):
            why = Why.DEADLINE_PASSED if request.is_open else Why.NOT_REQUESTED
            return self._pages.outcome(http, incident, visitor, why)
        rules = asksender.rules_of(self._desk, incident)
        language = self._pages.language(http, visitor, incident)
        return self._pages.show(
            http,
            "ask",
            status=503 if unreadable else 422 if problem else 200,
            visitor=visitor,
            incident=incident,
            request=request,
            rule=self._desk.rule(incident, language),
            problem=str(problem),
            unreadable=unreadable,
            done=is_passed_on,
            moderated=senderchoice.needs_moderators(self._desk, incident, now),
            may_exclude=senderchoice.may_exclude(self._desk, incident, now),
            excluded=list(excluded),
            reason_wanted=rules.ask_reason if rules is not None else "never",
            choices=self._desk.reasons(incident, language),
            comment_length=COMMENT_LENGTH,
        )


def _visitor(request: Request) -> Visitor:
    return Visitor(request.moderator, "link", request.incident_id)
