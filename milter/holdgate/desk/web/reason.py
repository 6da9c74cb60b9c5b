"""The page on which a sender answers a question about their held message, or gives a reason without being asked."""

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from holdgate.desk import consult
from holdgate.desk.moderation import COMMENT_LENGTH
from holdgate.desk.web.pages import SenderHandlers
from holdgate.desk.web.session import Visitor, field
from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.states import State


class ReasonPages(SenderHandlers):
    """The addresses that a sender's link opens."""

    page = "reason"

    def routes(self) -> list[Route]:
        """Return the routes of this module."""
        return [
            Route("/reason/{incident}", self.show, methods=["GET"]),
            Route("/reason/{incident}", self.send, methods=["POST"]),
        ]

    def show(self, http: HttpRequest) -> Response:
        """Ask for the answer."""
        incident = self.found(http)
        return incident if isinstance(incident, Response) else self._show(http, incident)

    def send(self, http: HttpRequest) -> Response:
        """Record the answer, if there is one and the box is ticked."""
        incident = self.sent_form(http)
        if isinstance(incident, Response):
            return incident
        rules, written = self._desk.moderation(incident), field(http, "reason")
        if field(http, "confirm") != "yes" or len(written) > COMMENT_LENGTH * 2:
            return self._show(http, incident, consult.Refusal.EMPTY)
        text = consult.reason_of(rules, field(http, "choice"), written)
        try:
            actor = Actor(incident.sender, "page", http.state.origin)
            consult.answer_as_sender(self._desk, incident, text, actor)
        except consult.RefusedToConsultError as error:
            return self._show(http, incident, error.why)
        return self._show(http, incident, done=True)

    def _show(self, http: HttpRequest, incident: Incident, problem: str = "", *, done: bool = False) -> Response:
        if incident.state is not State.HELD:
            return self._pages.outcome(http, incident, None, None)
        visitor = Visitor(incident.sender, "link", incident.id)
        language = self._pages.language(http, visitor, incident)
        return self._pages.show(
            http,
            "reason",
            status=422 if problem else 200,
            visitor=visitor,
            incident=incident,
            question=self._desk.conversation.question(incident),
            problem=str(problem),
            done=done,
            choices=self._desk.reasons(incident, language),
            comment_length=COMMENT_LENGTH,
        )
