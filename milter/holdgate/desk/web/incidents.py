"""The pages of one incident: its link, its details, the decision, its text with one match revealed."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from holdgate.desk import classes, consult, moderation, numbers, tokens
from holdgate.desk.changing import offered
from holdgate.desk.context import Desk
from holdgate.desk.language.catalogue import mark
from holdgate.desk.moderation import COMMENT_LENGTH, RefusedError, Why
from holdgate.desk.preview import Previewer, UnreadableError
from holdgate.desk.web import labels
from holdgate.desk.web.pages import ModeratorHandlers, Pages, afterwards
from holdgate.desk.web.reading import reads_message
from holdgate.desk.web.session import SENDER_PAGES, Sessions, Visitor, field
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Actor, Answer, Incident, Request
from holdgate.quarantine.states import State

CHOICES = {"approve": Answer.APPROVE, "reject": Answer.REJECT}
_REASON_LENGTH = 200
# The reason of a part with an image that OCR has not read (extract/ocr.py).
IMAGE_NOT_READ = "image not read"


class IncidentPages(ModeratorHandlers):
    """The addresses of one incident."""

    def __init__(self, desk: Desk, sessions: Sessions, pages: Pages, previewer: Previewer) -> None:
        super().__init__(desk, sessions, pages)
        self._previewer = previewer

    def routes(self) -> list[Route]:
        """Return the routes of this module."""
        return [
            Route("/t/{token}", self.link, methods=["GET"]),
            Route("/t/{token}/", self.link, methods=["GET"]),  # some programs complete an address so
            Route("/incidents/{incident}", self.show, methods=["GET"]),
            Route("/incidents/{incident}/decision", self.decide, methods=["POST"]),
            Route("/incidents/{incident}/forward", self.forward, methods=["POST"]),
            Route("/incidents/{incident}/ask", self.ask, methods=["POST"]),
            Route("/incidents/{incident}/later", self.later, methods=["POST"]),
            Route("/incidents/{incident}/text", self.text, methods=["GET"]),
            Route("/incidents/{incident}/text", self.reveal, methods=["POST"]),
        ]

    def link(self, http: HttpRequest) -> Response:
        """Move a link's token into a cookie and redirect to its page. All invalid tokens are refused alike."""
        claim = tokens.parse(http.path_params["token"]) or tokens.Claim("", "", 0, "")
        target = ""
        response = RedirectResponse("", 303)
        if page := SENDER_PAGES.get(claim.purpose):
            incident = self._desk.store.incident(claim.incident_id)
            if incident is not None and self._desk.key.proves(claim, incident.sender, incident.created_at):
                target = f"/{page}/{incident.id}"
                self._sessions.open_sender_page(response, page, incident.id)
        elif claim.purpose in (tokens.LINK, tokens.ASK):
            request = self._desk.store.requests.by_number(claim.number)
            is_proven = request is not None and tokens.is_for(self._desk.key, claim, request)
            if request is not None and is_proven and request.is_of_sender == (claim.purpose == tokens.ASK):
                target = f"/{'ask' if request.is_of_sender else 'incidents'}/{request.incident_id}"
                if request.is_of_sender:
                    self._sessions.open_ask_page(response, request)
                else:
                    self._sessions.open_link(response, request)
        if not target:
            return self._pages.show_message(http, "title_link", "link_wrong", status=404, sign_in=True)
        response.headers["Location"] = f"{self._sessions.base}{target}"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def show(self, http: HttpRequest) -> Response:
        """Show an incident to a moderator who was asked, with the form to decide; or the outcome."""
        found = self.found(http)
        return found if isinstance(found, Response) else self._show(http, *found)

    def _show(
        self,
        http: HttpRequest,
        visitor: Visitor,
        incident: Incident,
        request: Request,
        problem: str = "",
        notice: str = "",
    ) -> Response:
        if closed := self.closed(http, visitor, incident, request):
            return closed
        rules = self._desk.moderation(incident)
        known = self._desk.store.requests.of(incident.id)
        response = self._pages.show(
            http,
            "incident",
            visitor=visitor,
            status=422 if problem else 200,
            incident=incident,
            request=request,
            levels=len(rules.chain),
            approvals=rules.approvals,
            approved=[one.moderator for one in known if one.answer is Answer.APPROVE],
            history=labels.history(self._desk.store.history(incident.id)),
            rule=self._desk.rule(incident, self._pages.language(http, visitor, incident)),
            tells=self._desk.can_notify(incident.sender),
            talk=[one for one in self._desk.conversation.events(incident) if one.event != EventName.FORWARDED],
            forward_note=self._desk.conversation.forward_note(incident, request),
            later=consult.times_to_defer(self._desk, request, datetime.now(UTC)),
            notice=notice,
            away=self._desk.store.nodes.away(incident),
            problem=problem,
            may_change=bool(offered(self._desk, incident)),
            classes=classes.offered(self._desk, incident),
            comment=field(http, "comment")[:COMMENT_LENGTH] if problem else "",
            comment_length=COMMENT_LENGTH,
        )
        actor = self._sessions.actor(http, visitor)
        response.background = afterwards(self._desk.store.requests.opened, request, actor)
        return response

    def decide(self, http: HttpRequest) -> Response:
        """Record a decision. The form's default is to decide later, so that sending it unchanged decides nothing."""
        found = self.sent_form(http, "decision")
        if isinstance(found, Response):
            return found
        visitor, incident, request = found
        choice = CHOICES.get(field(http, "decision"))
        if choice is None:
            return self._show(http, visitor, incident, request, "nothing_chosen")
        comment = field(http, "comment")
        if len(comment) > COMMENT_LENGTH * 2:
            return self._show(http, visitor, incident, request, "comment_too_long")
        actor = self._sessions.actor(http, visitor)
        try:
            allowed = _class(field(http, "allow")) if choice is Answer.APPROVE else None
            if allowed is not None:
                classes.check(self._desk, incident, allowed)
        except (ValueError, classes.NotOfferedError):
            return self._show(http, visitor, incident, request, "nothing_chosen")
        try:
            done = moderation.answer(self._desk, request, choice, actor, comment)
        except RefusedError as error:
            if self._is_same(error.incident, request, choice, comment):
                return self._pages.outcome(http, error.incident, visitor, error.why)
            return self._pages.refused(http, error, visitor)
        if allowed is not None:
            classes.allow(self._desk, done, allowed, actor)
        return RedirectResponse(f"{self._sessions.base}/incidents/{incident.id}", 303)

    def _is_same(self, incident: Incident, request: Request, choice: Answer, comment: str) -> bool:
        """Return whether this answer holds already, because a form was sent twice, as by a double click."""
        given = self._desk.store.requests.by_number(request.number)
        holds = incident.decided_by == request.moderator or incident.state is State.HELD
        is_other = incident.change is not None or moderation.clean_comment(comment) not in ("", incident.comment)
        return given is not None and given.answer is choice and holds and not is_other

    def without_number(
        self, http: HttpRequest, purpose: str, visitor: Visitor, incident: Incident, request: Request, problem: str
    ) -> Response:
        """Show the page again with the entered values, unless there is no further attempt."""
        if problem == numbers.TOO_MANY:
            return super().without_number(http, purpose, visitor, incident, request, problem)
        if purpose == "reveal":
            return self._text(http, visitor, incident, request, problem=problem)
        return self._show(http, visitor, incident, request, problem)

    def forward(self, http: HttpRequest) -> Response:
        """Have another person decide, if the form is filled in and its box ticked."""
        to, note = field(http, "to"), field(http, "note")

        def act(request: Request, actor: Actor) -> object:
            return consult.forward(self._desk, request, to, note, actor)

        confirmation = mark("You forwarded the question.")
        return self._consult(
            http, "forward", act, confirmation, ready=bool(to.strip()) and field(http, "confirm") == "yes"
        )

    def ask(self, http: HttpRequest) -> Response:
        """Ask the sender, if the form is filled in and its box ticked."""
        question = field(http, "question")

        def act(request: Request, actor: Actor) -> object:
            return consult.ask_sender(self._desk, request, question, actor)

        confirmation = mark("Your question is on its way to the sender.")
        return self._consult(
            http, "ask", act, confirmation, ready=bool(question.strip()) and field(http, "confirm") == "yes"
        )

    def later(self, http: HttpRequest) -> Response:
        """Remind the visitor at the time they chose."""
        until = None
        with suppress(ValueError, OverflowError):
            given = datetime.fromisoformat(field(http, "at"))
            until = given.astimezone(UTC) if given.tzinfo is not None else None

        def act(request: Request, actor: Actor) -> object:
            assert until is not None
            return consult.defer(self._desk, request, until, actor)

        return self._consult(http, "later", act, mark("You will be reminded then."), ready=until is not None)

    def _consult(
        self,
        http: HttpRequest,
        purpose: str,
        act: Callable[[Request, Actor], object],
        done: str,
        *,
        ready: bool,
    ) -> Response:
        """Run one of these actions, and show the page again with the result."""
        found = self.sent_form(http, purpose)
        if isinstance(found, Response):
            return found
        visitor, incident, request = found
        if not ready or any(len(field(http, name)) > COMMENT_LENGTH * 2 for name in ("note", "question")):
            return self._show(http, visitor, incident, request, str(consult.Refusal.EMPTY))
        try:
            act(request, self._sessions.actor(http, visitor))
        except consult.RefusedToConsultError as error:
            return self._show(http, visitor, incident, request, str(error.why))
        current = self._desk.store.incident(incident.id) or incident
        current_request = moderation.request_of(self._desk, current, visitor.address) or request
        return self._show(http, visitor, current, current_request, notice=done)

    @reads_message
    def text(self, http: HttpRequest) -> Response:
        """Show the message's text, masked."""
        found = self.found(http)
        return found if isinstance(found, Response) else self._text(http, *found)

    @reads_message
    def reveal(self, http: HttpRequest) -> Response:
        """Show the text with one match unmasked, and record who requested which match and why."""
        found = self.sent_form(http, "reveal")
        if isinstance(found, Response):
            return found
        visitor, incident, request = found
        number, reason = field(http, "match"), moderation.clean_comment(field(http, "reason"))[:_REASON_LENGTH]
        if not self._desk.moderation(incident).reveal:
            return self._text(http, visitor, incident, request, problem="reveal_forbidden")
        if not (number.isascii() and number.isdecimal() and int(number[:9]) > 0 and reason):
            return self._text(http, visitor, incident, request, problem="reveal_incomplete")
        note = f"match {int(number[:9])}: {reason}"
        # Recorded before it is shown: if recording fails, it is not revealed.
        if incident.state is State.HELD and not request.is_void:
            self._desk.store.add_event(incident.id, EventName.REVEALED, self._sessions.actor(http, visitor), note)
        return self._text(http, visitor, incident, request, reveal=int(number[:9]))

    def _text(
        self,
        http: HttpRequest,
        visitor: Visitor,
        incident: Incident,
        request: Request,
        *,
        reveal: int = 0,
        problem: str = "",
    ) -> Response:
        if incident.state is not State.HELD or request.is_void:
            return self._pages.outcome(http, incident, visitor, Why.NOT_REQUESTED)
        shown, unreadable = None, ""
        asked = field(http, "images") if http.method == "POST" else http.query_params.get("images")
        wants_images = asked == "yes" and self._previewer.reads_images
        try:
            shown = self._previewer.read(incident, reveal=reveal, ocr=wants_images)
        except UnreadableError as error:
            unreadable = error.why
        return self._pages.show(
            http,
            "text",
            visitor=visitor,
            status=422 if problem else 503 if unreadable else 200,
            incident=incident,
            request=request,
            shown=shown,
            unreadable=unreadable,
            problem=problem,
            may_reveal=self._desk.moderation(incident).reveal,
            images=wants_images,
            may_read_images=self._previewer.reads_images and not wants_images and _has_unread_images(shown),
        )


def _has_unread_images(shown: dict[str, Any] | None) -> bool:
    return shown is not None and any(IMAGE_NOT_READ in part["reason"] for part in shown["parts"])


def _class(given: str) -> classes.Class | None:
    """Return the class that a form allows, or None. Raises ValueError."""
    if given in ("", "thread"):
        return classes.Class() if given else None
    if not (given.isascii() and given.isdecimal() and int(given[:4]) > 0 and len(given) < 4):
        raise ValueError(given)
    return classes.Class(int(given))
