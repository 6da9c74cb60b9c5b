"""The list of a moderator's incidents: waiting messages, history, filters, and decisions on several at once."""

from datetime import UTC, datetime, time
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request as HttpRequest
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from holdgate.desk import moderation
from holdgate.desk.context import Desk, next_time
from holdgate.desk.language import moments
from holdgate.desk.moderation import RefusedError
from holdgate.desk.web.incidents import CHOICES
from holdgate.desk.web.labels import Label, label
from holdgate.desk.web.pages import Handlers, up_to
from holdgate.desk.web.session import Visitor, field
from holdgate.quarantine.eventnames import EventName
from holdgate.quarantine.incident import Answer, Incident
from holdgate.quarantine.requests import COUNTED, IncidentFilter, Place
from holdgate.quarantine.states import State

PAGE_SIZE = 50
_WORDS_LENGTH = 200


class ListPages(Handlers):
    """The list's addresses."""

    def routes(self) -> list[Route]:
        """Return the routes of this module."""
        return [
            Route("/", self.home, methods=["GET"]),
            Route("/incidents", self.show, methods=["GET"]),
            Route("/incidents", self.decide_several, methods=["POST"]),
            Route("/digest", self.set_digest, methods=["POST"]),
        ]

    def home(self, _http: HttpRequest) -> Response:
        """Redirect to the list."""
        return RedirectResponse(f"{self._sessions.base}/incidents", 303)

    def show(self, http: HttpRequest) -> Response:
        """Show a page of the list."""
        visitor = self._sessions.visitor(http)
        if visitor is None:
            return RedirectResponse(f"{self._sessions.base}/sign-in", 303)
        return self._show(http, visitor)

    def _show(
        self, http: HttpRequest, visitor: Visitor, problem: str = "", result: tuple[int, int] = (0, 0)
    ) -> Response:
        query = http.query_params
        wanted = filter_by(query, self._desk)
        requests = self._desk.store.requests
        count = requests.count(visitor.address, wanted)
        pages = max(1, -(-min(count, COUNTED) // PAGE_SIZE))
        place, page = _place(query), _number(query.get("page", ""))
        if place is None:
            page = min(page, pages)
        offset = 0 if place else (page - 1) * PAGE_SIZE
        # One more than is shown, to know whether there is a further page.
        found = requests.page(visitor.address, wanted, limit=PAGE_SIZE + 1, offset=offset, place=place)
        if not found and any(result):  # all of the last page were decided
            page = min(page, pages)
            found = requests.page(visitor.address, wanted, limit=PAGE_SIZE + 1, offset=(page - 1) * PAGE_SIZE)
        is_last = len(found) <= PAGE_SIZE
        del found[PAGE_SIZE:]
        return self._pages.show(
            http,
            "list",
            visitor=visitor,
            waiting=count if wanted == IncidentFilter(waiting=True) and visitor.how != "link" else None,
            status=422 if problem else 200,
            incidents=found,
            wanted=wanted,
            since=query.get("since", "")[:10],
            labels=self._labels(http, visitor, found),
            digest=self._desk.store.digests.has(visitor.address),
            all_states=list(State),
            page=page,
            pages=pages,
            pages_shown=str(pages) if count <= COUNTED else f"{pages}+",
            count=count,
            count_shown=up_to(count),
            is_last=is_last,
            query={name: query[name][:_WORDS_LENGTH] for name in _FILTERS if query.get(name)},
            link_to=lambda number: _link(query, number, pages),
            link_after=lambda: _link(query, page + 1, pages, found[-1], wanted),
            here=_here(query),
            ticked=set(http.state.form.get("incident", [])) if problem else set(),
            problem=problem,
            result=result,
        )

    def _labels(self, http: HttpRequest, visitor: Visitor, found: list[Incident]) -> dict[str, Label]:
        """Return the label of each incident."""
        now, ids = datetime.now(UTC), [one.id for one in found]
        catalogue = self._pages.catalogue(http, visitor)
        requests = self._desk.store.requests
        last_events = requests.last_event(ids, (EventName.SENDER_ASKED, EventName.SENDER_ANSWERED))
        later = requests.deferred(visitor.address, ids)
        asked = requests.open_to(visitor.address, ids)
        return {
            one.id: label(
                catalogue,
                one,
                visitor.address,
                is_asked=one.id in asked,
                last_event=last_events.get(one.id, ""),
                later=later.get(one.id),
                now=now,
                near=lambda moment: moments.near(catalogue, moment, self._desk.zone, now),
            )
            for one in found
        }

    def set_digest(self, http: HttpRequest) -> Response:
        """Record whether the visitor wants a daily summary."""
        visitor = self._sessions.visitor(http)
        if visitor is None:
            return RedirectResponse(f"{self._sessions.base}/sign-in", 303)
        if not self._sessions.stamped(http, visitor.address, "digest"):
            return self._pages.show_message(http, "title_error", "error_form", status=403, visitor=visitor)
        now = datetime.now(UTC)
        if field(http, "wanted") == "yes":
            self._desk.store.digests.subscribe(visitor.address, now, next_time(self._desk, now))
        else:
            self._desk.store.digests.end(visitor.address)
        return RedirectResponse(f"{self._sessions.base}/incidents", 303)

    def decide_several(self, http: HttpRequest) -> Response:
        """Decide on all ticked incidents; by default nothing is ticked and no decision is chosen."""
        visitor = self._sessions.visitor(http)
        if visitor is None:
            return RedirectResponse(f"{self._sessions.base}/sign-in", 303)
        if not self._sessions.stamped(http, visitor.address, "list"):
            return self._pages.show_message(http, "title_error", "error_form", status=403, visitor=visitor)
        choice = CHOICES.get(field(http, "decision"))
        chosen = list(dict.fromkeys(http.state.form.get("incident", [])))[:PAGE_SIZE]
        if choice is None or not chosen:
            return self._show(http, visitor, "nothing_chosen")
        done = sum(self._decide(http, visitor, incident_id, choice) for incident_id in chosen)
        return self._show(http, visitor, result=(done, len(chosen) - done))

    def _decide(self, http: HttpRequest, visitor: Visitor, incident_id: str, choice: Answer) -> bool:
        incident = self._desk.store.incident(incident_id)
        request = moderation.request_of(self._desk, incident, visitor.address) if incident else None
        if request is None:
            return False
        try:
            actor = self._sessions.actor(http, visitor)
            moderation.answer(self._desk, request, choice, actor, field(http, "comment"))
        except RefusedError:
            return False
        return True


_FILTERS = ("show", "words", "state", "policy", "since")


def filter_by(query: QueryParams, desk: Desk) -> IncidentFilter:
    """Return the filter in the query string; invalid values are ignored."""
    state = query.get("state", "")
    since = None
    try:
        day = datetime.fromisoformat(query.get("since", "")).date()
        since = datetime.combine(day, time(), desk.zone).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    return IncidentFilter(
        waiting=query.get("show", "waiting") != "all",
        states=frozenset({State(state)}) if state in list(State) else frozenset(),
        policy=query.get("policy", "")[:64],
        words=query.get("words", "")[:_WORDS_LENGTH],
        since=since,
    )


def _link(
    query: QueryParams, page: int, pages: int, last: Incident | None = None, wanted: IncidentFilter | None = None
) -> str:
    """Return the address of a page; with `last`, of the page after that incident, at the same cost at any depth."""
    fields: dict[str, str | int] = {name: query[name] for name in _FILTERS if query.get(name)}
    fields["page"] = page if last is not None else min(page, pages)
    if last is not None and wanted is not None:
        moment = last.deadline_at if wanted.waiting else last.created_at
        if moment is not None:
            fields["after"] = f"{moment.isoformat()}_{last.id}"
    return "?" + urlencode(fields)


def _here(query: QueryParams) -> str:
    """Return the query of this page, so that a form on it leads back to it."""
    fields = {name: query[name][:_WORDS_LENGTH] for name in (*_FILTERS, "page", "after") if query.get(name)}
    return f"?{urlencode(fields)}" if fields else ""


def _place(query: QueryParams) -> Place | None:
    """Return the place in the list after which a page begins, None if the query has none or an invalid one."""
    moment, _, name = query.get("after", "").partition("_")
    try:
        return datetime.fromisoformat(moment).astimezone(UTC), name[:16]
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 9 else 1
