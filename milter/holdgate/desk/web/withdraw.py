"""The page on which a sender withdraws their message while it waits."""

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from holdgate.desk import moderation
from holdgate.desk.moderation import RefusedError
from holdgate.desk.web.pages import SenderHandlers, holds_already
from holdgate.desk.web.session import Visitor, field
from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.states import State


class WithdrawPages(SenderHandlers):
    """The addresses that a sender's link opens."""

    page = "withdraw"

    def routes(self) -> list[Route]:
        """Return the routes of this module."""
        return [
            Route("/withdraw/{incident}", self.show, methods=["GET"]),
            Route("/withdraw/{incident}", self.withdraw, methods=["POST"]),
        ]

    def show(self, http: HttpRequest) -> Response:
        """Ask whether to withdraw the message."""
        incident = self.found(http)
        return incident if isinstance(incident, Response) else self._show(http, incident)

    def _show(self, http: HttpRequest, incident: Incident, problem: str = "") -> Response:
        if incident.state is not State.HELD:
            return self._pages.outcome(http, incident, None, None)
        sender = Visitor(incident.sender, "link", incident.id)
        status = 422 if problem else 200
        return self._pages.show(http, "withdraw", status=status, visitor=sender, incident=incident, problem=problem)

    def withdraw(self, http: HttpRequest) -> Response:
        """Withdraw the message, if the box is ticked."""
        incident = self.sent_form(http)
        if isinstance(incident, Response):
            return incident
        if field(http, "confirm") != "yes":
            return self._show(http, incident, "withdraw_unticked")
        try:
            done = moderation.withdraw(self._desk, incident, Actor(incident.sender, "withdrawal", http.state.origin))
        except RefusedError as error:
            if holds_already(error.incident, incident.sender, sends=False):
                return self._pages.outcome(http, error.incident, None, None)
            return self._pages.refused(http, error, None)
        return self._pages.outcome(http, done, None, None)
