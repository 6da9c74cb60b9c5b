"""The page on which a moderator approves a message with changes: it shows what will be sent before they decide."""

from dataclasses import replace

from starlette.requests import Request as HttpRequest
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from holdgate.desk import moderation
from holdgate.desk.changing import (
    ENCRYPT,
    REDACT,
    WITHOUT,
    CannotChangeError,
    ChangePlan,
    Changer,
    RequestedChanges,
    offered,
)
from holdgate.desk.context import Desk
from holdgate.desk.language.catalogue import mark
from holdgate.desk.moderation import COMMENT_LENGTH, RefusedError, Why
from holdgate.desk.preview import Previewer, UnreadableError
from holdgate.desk.web.pages import ModeratorHandlers, Pages
from holdgate.desk.web.reading import reads_message
from holdgate.desk.web.session import Sessions, Visitor, field, ticked
from holdgate.quarantine.incident import Answer, Incident, Request
from holdgate.quarantine.states import State
from holdgate.queue.changed import EXCLUDE

_OTHER = mark("The changed message would be different now. Check it again, then approve.")
_NOTHING = mark("Nothing was chosen. Choose what to change first.")
_UNTICKED = mark("Nothing was done. Check what will be sent, and tick the box first.")


class ChangePages(ModeratorHandlers):
    """The addresses of this page."""

    def __init__(self, desk: Desk, sessions: Sessions, pages: Pages, previewer: Previewer) -> None:
        super().__init__(desk, sessions, pages)
        self._changer = Changer(desk, previewer)

    def routes(self) -> list[Route]:
        """Return the routes of this module."""
        return [
            Route("/incidents/{incident}/change", self.show, methods=["GET"]),
            Route("/incidents/{incident}/change", self.decide, methods=["POST"]),
        ]

    @reads_message
    def show(self, http: HttpRequest) -> Response:
        """Show the possible changes, and what would be sent with those that the address names."""
        found = self.found(http)
        if isinstance(found, Response):
            return found
        query = http.query_params
        wanted = _requested(query.getlist("without"), query.get("encrypted", ""), query.get("redacted", ""))
        excluded = ticked(found[1], query.getlist("not"))
        wanted = replace(wanted, excluded=excluded)
        return self._show(http, *found, wanted, _NOTHING if query.get("show") and not wanted.kinds else "")

    @reads_message
    def decide(self, http: HttpRequest) -> Response:
        """Approve with changes, if the box is ticked and the message is the one that was shown.

        With `show`, show only what would be sent: the page then keeps a comment that was typed before.
        """
        found = self.sent_form(http, "show" if field(http, "show") else "change")
        if isinstance(found, Response):
            return found
        visitor, incident, request = found
        wanted = _requested(http.state.form.get("without", []), field(http, "encrypted"), field(http, "redacted"))
        wanted = replace(wanted, excluded=ticked(incident, http.state.form.get("not", [])))
        if field(http, "show"):
            return self._show(http, visitor, incident, request, wanted, "" if wanted.kinds else _NOTHING)
        comment = field(http, "comment")
        if field(http, "confirm") != "yes" or len(comment) > COMMENT_LENGTH * 2:
            return self._show(http, visitor, incident, request, wanted, _UNTICKED)
        if incident.state is not State.HELD:
            return self._pages.outcome(http, incident, visitor, Why.DECIDED)
        try:
            prepared = self._changer.prepare(incident, wanted)
        except CannotChangeError:
            return self._show(http, visitor, incident, request, wanted, _OTHER)
        except UnreadableError:  # the page says why
            return self._show(http, visitor, incident, request, wanted)
        if prepared.change.sent != field(http, "sent"):
            return self._show(http, visitor, incident, request, wanted, _OTHER)
        try:
            actor = self._sessions.actor(http, visitor)
            moderation.answer(self._desk, request, Answer.APPROVE, actor, comment, change=prepared.change)
        except RefusedError as error:
            return self._pages.refused(http, error, visitor)
        return RedirectResponse(f"{self._sessions.base}/incidents/{incident.id}", 303)

    def _show(
        self,
        http: HttpRequest,
        visitor: Visitor,
        incident: Incident,
        request: Request,
        wanted: RequestedChanges,
        problem: str = "",
    ) -> Response:
        if closed := self.closed(http, visitor, incident, request):
            return closed
        kinds = offered(self._desk, incident)
        if not kinds:
            return self._pages.show_message(http, "title_error", "error_forbidden", status=403, visitor=visitor)
        shown = self._shown(incident, wanted, problem, reads=kinds != [EXCLUDE])
        return self._pages.show(
            http,
            "change",
            visitor=visitor,
            status=503 if shown.unreadable else 422 if shown.problem else 200,
            incident=incident,
            request=request,
            may_remove=WITHOUT in kinds,
            may_encrypt=ENCRYPT in kinds,
            may_redact=REDACT in kinds,
            may_exclude=EXCLUDE in kinds,
            plan=shown,
            comment=field(http, "comment")[:COMMENT_LENGTH] if http.method == "POST" else "",
            comment_length=COMMENT_LENGTH,
        )

    def _shown(self, incident: Incident, wanted: RequestedChanges, problem: str, *, reads: bool) -> ChangePlan:
        """Return what the page shows; `reads`: also the attachments."""
        shown = ChangePlan(wanted=wanted, problem=problem)
        try:
            if reads:
                shown.report = self._changer.attachments(incident)
            if wanted.kinds:
                shown.prepared = self._changer.prepare(incident, wanted)
                shown.preview = self._changer.shown(shown.prepared)
        except CannotChangeError as error:
            shown.problem, shown.part, shown.prepared = error.why, error.part, None
        except UnreadableError as error:
            shown.unreadable, shown.prepared = error.why, None
        return shown


def _requested(without: list[str], encrypted: str, redacted: str) -> RequestedChanges:
    """Return the changes of a form; attachments are identified by their numbers only."""
    numbers = [one for one in without if one.isascii() and one.isdecimal() and len(one) < 5]
    return RequestedChanges(list(dict.fromkeys(numbers)), encrypted=encrypted == "yes", redacted=redacted == "yes")
