"""The JSON API: lists, shows and decides as the command line does, for programs that have a token.

`openapi.json` next to this module describes it; a test compares the two.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from holdgate.config import ApiToken
from holdgate.desk import classes, moderation
from holdgate.desk.changing import CannotChangeError, Changer, RequestedChanges
from holdgate.desk.classes import Class, NotOfferedError
from holdgate.desk.context import Desk
from holdgate.desk.moderation import COMMENT_LENGTH, RefusedError, Why
from holdgate.desk.preview import UnreadableError
from holdgate.desk.web.incidents import CHOICES
from holdgate.desk.web.reading import reads_message
from holdgate.quarantine.exported import exported
from holdgate.quarantine.incident import Actor, Answer, Change, Incident
from holdgate.quarantine.states import State

_DESCRIPTION = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))
_PAGE, _LARGEST_PAGE = 100, 1000
_FIELDS = ("decision", "comment", "as", "changes", "allow")
# How much of a value that a request contains is repeated in an error, in characters.
_QUOTED = 60


class Api:
    """Handlers; each is called in a separate thread."""

    def __init__(self, desk: Desk, changer: Changer) -> None:
        self._desk = desk
        self._changer = changer

    def routes(self) -> list[Route]:
        """Return the routes of this module."""
        return [
            Route("/api/v1/openapi.json", self.describe, methods=["GET"]),
            Route("/api/v1/incidents", self.list, methods=["GET"]),
            Route("/api/v1/incidents/{incident}", self.show, methods=["GET"]),
            Route("/api/v1/incidents/{incident}/decision", self.decide, methods=["POST"]),
        ]

    def describe(self, _http: HttpRequest) -> Response:
        """Return the description of the API (OpenAPI 3.1)."""
        return JSONResponse(_DESCRIPTION)

    def list(self, http: HttpRequest) -> Response:
        """Return incidents, the newest first."""
        if self._token(http) is None:
            return _unauthorized()
        query = http.query_params
        states = [state for state in query.get("state", "").split(",") if state]
        limit, offset = query.get("limit", str(_PAGE)), query.get("offset", "0")
        for state in states:
            if state not in list(State):
                return _problem(422, f"state: {given(state)} is no state; allowed: {', '.join(State)}")
        for name, value in (("limit", limit), ("offset", offset)):
            if not is_number(value):
                return _problem(422, f"{name}: {given(value)} is not a number; allowed: 0 to 99999999")
        found = self._desk.store.incidents(
            [State(state) for state in states] or None, min(int(limit), _LARGEST_PAGE), int(offset)
        )
        return JSONResponse({"incidents": [exported(incident) for incident in reversed(found)]})

    def show(self, http: HttpRequest) -> Response:
        """Return one incident with its requests and its history."""
        if self._token(http) is None:
            return _unauthorized()
        incident = self._incident(http)
        if isinstance(incident, Response):
            return incident
        history = [exported(event) for event in self._desk.store.history(incident.id)]
        requests = [exported(request) for request in self._desk.store.requests.of(incident.id)]
        return JSONResponse(exported(incident) | {"requests": requests, "history": history})

    @reads_message
    def decide(self, http: HttpRequest) -> Response:
        """Decide as an administrator, or as the moderator that `as` names."""
        token = self._token(http)
        if token is None:
            return _unauthorized()
        if not token.may_decide:
            return _problem(403, f"the token {token.name} can only read; to decide, set may_decide = true for it")
        incident = self._incident(http)
        if isinstance(incident, Response):
            return incident
        try:
            fields = _fields(http.state.body)
        except ValueError as error:
            return _problem(422, str(error))
        choice, comment, person = fields.get("decision"), fields.get("comment", ""), fields.get("as", "")
        if choice not in list(CHOICES):
            return _problem(422, f'decision: {given(choice)} is not allowed; allowed: "approve", "reject"')
        for name, value in (("comment", comment), ("as", person)):
            if not isinstance(value, str):
                return _problem(422, f"{name}: {given(value)} is not allowed; allowed: a string")
        if len(comment) > COMMENT_LENGTH:
            return _problem(422, f"comment: {len(comment)} characters are too many; allowed: {COMMENT_LENGTH}")
        wanted = _requested_changes(fields.get("changes", {}))
        if wanted is None or (wanted.kinds and CHOICES[choice] is not Answer.APPROVE):
            return _problem(
                422,
                'changes: with "approve", {"without": [names], "not_to": [addresses], "redacted": true, '
                '"encrypted": true}',
            )
        if wanted.kinds and incident.state is not State.HELD:
            why = Why.PENDING if incident.state is State.PENDING else Why.DECIDED
            return _refused(RefusedError(why, incident))
        try:
            change = self._changer.prepare(incident, wanted).change if wanted.kinds else None
        except CannotChangeError as error:
            return _problem(422, str(error))
        except UnreadableError as error:
            return _problem(503, str(error))
        try:
            allowed = _requested_class(fields.get("allow"))
            if allowed is not None:
                if change is not None or CHOICES[choice] is not Answer.APPROVE:
                    return _problem(422, 'allow: with "approve", without changes')
                classes.check(self._desk, incident, allowed)
        except NotOfferedError as error:
            return _problem(422, str(error))
        return self._decide(http, token, incident, choice, comment, person.lower(), change, allowed)

    def _decide(
        self,
        http: HttpRequest,
        token: ApiToken,
        incident: Incident,
        choice: str,
        comment: str,
        person: str,
        change: Change | None,
        allowed: Class | None,
    ) -> Response:
        try:
            if person:
                request = moderation.request_of(self._desk, incident, person)
                if request is None:
                    return _problem(422, f"as: {given(person)} has no request about this incident; see its requests")
                actor = Actor(f"{person} ({token.name})", "api", http.state.origin)
                done = moderation.answer(self._desk, request, CHOICES[choice], actor, comment, change=change)
            else:
                actor = Actor(token.name, "api", http.state.origin)
                done = moderation.override(self._desk, incident, CHOICES[choice], actor, comment, change=change)
        except RefusedError as error:
            return _refused(error)
        if allowed is not None:
            classes.allow(self._desk, done, allowed, actor)
        return JSONResponse(exported(done))

    def _incident(self, http: HttpRequest) -> Incident | Response:
        """Return the incident of the address, or the error response."""
        name = http.path_params["incident"]
        incident = self._desk.store.incident(name.upper())
        return _problem(404, f"no such incident: {given(name)}") if incident is None else incident

    def _token(self, http: HttpRequest) -> ApiToken | None:
        scheme, _, value = http.headers.get("authorization", "").partition(" ")
        digest = hashlib.sha256(value.strip().encode(errors="replace")).hexdigest()
        found = None
        for token in self._desk.settings.desk.api_tokens:  # all of them, so that the time reveals nothing
            if hmac.compare_digest(token.sha256, digest) and scheme.lower() == "bearer":
                found = token
        return found


def given(value: object) -> str:
    """Return a value from a request for an error, as JSON and limited in length."""
    shown = "nothing" if value is None else json.dumps(value)
    return shown if len(shown) <= _QUOTED else f"{shown[:_QUOTED]}…"


def is_number(value: str) -> bool:
    """Return whether a value of a query is a number that the store accepts."""
    return value.isascii() and value.isdecimal() and len(value) < 9


def _fields(body: bytes) -> dict[str, Any]:
    """Return the fields of a decision. Raises ValueError with a text for people.

    A field that is unknown, such as a misspelled `changes`, is refused: without it, more would be approved than was
    requested.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise _RepeatedError
        return found

    try:
        fields = json.loads(body, object_pairs_hook=once)
    except _RepeatedError:
        raise ValueError("the body contains a field twice") from None
    except (ValueError, RecursionError):
        raise ValueError('the body is not JSON; send an object such as {"decision": "approve"}') from None
    if not isinstance(fields, dict):
        raise ValueError(f'the body is {given(fields)}; send an object such as {{"decision": "approve"}}')
    for name in fields.keys() - set(_FIELDS):
        raise ValueError(f"{given(name)} is not a field; allowed: {', '.join(_FIELDS)}")
    return fields


class _RepeatedError(ValueError):
    """A JSON object has two fields with the same name: it is unknown which one was meant."""


def _requested_changes(given: object) -> RequestedChanges | None:
    """Return the changes in a request, None if they have an invalid form."""
    if not isinstance(given, dict) or given.keys() - {"without", "encrypted", "redacted", "not_to"}:
        return None
    without, encrypted = given.get("without", []), given.get("encrypted", False)
    redacted = given.get("redacted", False)
    if not (isinstance(encrypted, bool) and isinstance(redacted, bool)):
        return None
    excluded = given.get("not_to", [])
    for names in (without, excluded):
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            return None
    return RequestedChanges(without, encrypted=encrypted, redacted=redacted, excluded=excluded)


def _requested_class(given: object) -> Class | None:
    """Return the class that a request allows, or None. Raises NotOfferedError."""
    if given is None:
        return None
    if given == {"thread": True}:
        return Class()
    days = given.get("days") if isinstance(given, dict) and len(given) == 1 else None
    if isinstance(days, bool) or not isinstance(days, int) or days < 1:
        raise NotOfferedError('allow: {"thread": true} or {"days": number}')
    return Class(days)


def _problem(status: int, reported: str) -> Response:
    return JSONResponse({"error": reported}, status)


def _refused(error: RefusedError) -> Response:
    return JSONResponse({"error": str(error.why), "incident": exported(error.incident)}, 409)


def _unauthorized() -> Response:
    reported = "no valid token; send one in the field Authorization: Bearer TOKEN"
    return JSONResponse({"error": reported}, 401, {"WWW-Authenticate": "Bearer"})
