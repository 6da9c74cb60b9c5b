"""The JSON interface for programs: the outcome of their account's held messages.

A token belongs to one account (`holdgate machines token`), and shows nothing else. A program can withdraw its message,
or send an amended one in its place; it cannot approve one.
"""

import hashlib
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from holdgate import maillog, metrics
from holdgate.desk import moderation
from holdgate.desk.context import Desk
from holdgate.desk.moderation import RefusedError
from holdgate.desk.outcome import outcome_key
from holdgate.desk.replacing import Flaw, FlawedError, Replacer
from holdgate.desk.web.api import given, is_number
from holdgate.desk.web.connections import client_of
from holdgate.desk.web.reading import reads_message
from holdgate.quarantine.incident import Actor, Change, Incident
from holdgate.quarantine.machine_tokens import Bearer
from holdgate.quarantine.recorded import shown
from holdgate.quarantine.replacements import Replacement
from holdgate.risks import COLLEAGUES

_PAGE, _LARGEST_PAGE = 50, 200
# How many wrong tokens of one address are answered in this many seconds; a limited number of addresses is remembered.
_WRONG, _WRONG_SECONDS = 20, 60.0
_ADDRESSES = 10_000

_REPLACEMENT = "replacement"
# Maximum length of an Idempotency-Key, which is printable ASCII.
_LONGEST_KEY = 255
_MESSAGE = "message/rfc822"
_STATUS_OF = {
    Flaw.NOT_OFFERED: 501,
    Flaw.AWAY: 503,
    Flaw.UNREADABLE: 503,
}

STATUSES = ("pending", "approved", "sent", "rejected", "withdrawn", "expired", "gone")
_STATUS = {
    "held": "pending",
    "released": "sent",
    "self_released": "approved",
    "refused": "rejected",
    "changed": "approved",
    "approved_for_some": "approved",
    "vanished": "gone",
    "approved_vanished": "gone",
    "out_of_reach": "gone",
}


class MachineApi:
    """Handlers; each is called in a separate thread."""

    def __init__(self, desk: Desk, replacer: Replacer, clock: Callable[[], float] = time.monotonic) -> None:
        self._desk = desk
        self._replacer = replacer
        self._wrong = WrongTokens(clock)

    def routes(self) -> list[Route]:
        """Return the routes of this module."""
        return [
            Route("/machine/v1/messages", self.list, methods=["GET"]),
            Route("/machine/v1/messages/{incident}", self.show, methods=["GET"]),
            Route("/machine/v1/messages/{incident}/withdrawal", self.withdraw, methods=["POST"]),
            Route(f"/machine/v1/messages/{{incident}}/{_REPLACEMENT}", self.replace, methods=["POST"]),
        ]

    def list(self, http: HttpRequest) -> Response:
        """Return the account's held messages, the newest first."""
        bearer = self._bearer(http)
        if isinstance(bearer, Response):
            return bearer
        limit, offset = http.query_params.get("limit", str(_PAGE)), http.query_params.get("offset", "0")
        for name, value in (("limit", limit), ("offset", offset)):
            if not is_number(value):
                return _problem(422, f"{name}: {given(value)} is not a number; allowed: 0 to 99999999")
        found = self._desk.store.machine_tokens.messages(bearer.account, min(int(limit), _LARGEST_PAGE), int(offset))
        known = self._desk.store.replacements.of([incident.id for incident in found])
        shown_all = [described(incident, known.get(incident.id)) for incident in found]
        return JSONResponse({"account": bearer.name, "messages": shown_all})

    def show(self, http: HttpRequest) -> Response:
        """Return one message of the account."""
        found = self._found(http)
        return found if isinstance(found, Response) else JSONResponse(self._described(found[1]))

    def withdraw(self, http: HttpRequest) -> Response:
        """Withdraw a held message, so that an amended one can be sent. A repeated call has the same result."""
        found = self._found(http)
        if isinstance(found, Response):
            return found
        bearer, incident = found
        try:
            actor = Actor(bearer.name, "withdrawal", http.state.origin)
            return JSONResponse(self._described(moderation.withdraw(self._desk, incident, actor)))
        except RefusedError as error:
            now = self._described(error.incident)
            if now["status"] == "withdrawn":
                return JSONResponse(now)
            return JSONResponse({"error": str(error.why), "message": now}, 409)

    @reads_message
    def replace(self, http: HttpRequest) -> Response:
        """Send an amended message in place of a held one. A repeated call with the same key has the same result."""
        found = self._found(http)
        if isinstance(found, Response):
            return found
        bearer, incident = found
        if http.headers.get("content-type", "").partition(";")[0].strip().lower() != _MESSAGE:
            return _problem(415, f"the body is a message: Content-Type: {_MESSAGE}")
        key = http.headers.get("idempotency-key", "")
        if not (0 < len(key) <= _LONGEST_KEY and key.isascii() and key.isprintable()):
            return _problem(422, f"Idempotency-Key: up to {_LONGEST_KEY} printable ASCII characters of your choice")
        recipients = http.query_params.getlist("recipient")
        actor = Actor(bearer.name, _REPLACEMENT, http.state.origin)
        try:
            now, replacement = self._replacer.replace(incident, http.state.body, recipients, key, actor)
        except FlawedError as error:
            if error.flaw is Flaw.BUSY:
                return JSONResponse({"error": "busy", "message": self._described(incident)}, 409)
            headers = {"Retry-After": "60"} if _STATUS_OF.get(error.flaw) == 503 else None
            return JSONResponse({"error": str(error)}, _STATUS_OF.get(error.flaw, 422), headers)
        except RefusedError as error:
            return JSONResponse({"error": str(error.why), "message": self._described(error.incident)}, 409)
        known = self._desk.store.replacements.of([now.id]).get(now.id)
        return JSONResponse(described(now, known or replacement))

    def body_limit(self, path: str, headers: Headers) -> int:
        """Return the maximum size in bytes of a POST request's body with an amended message; 0 for other requests."""
        is_one = path.startswith("/machine/v1/messages/") and path.endswith(f"/{_REPLACEMENT}")
        return self._desk.settings.desk.replacement_size if is_one and self._bearer_of(headers) else 0

    def _described(self, incident: Incident) -> dict[str, Any]:
        return described(incident, self._desk.store.replacements.of([incident.id]).get(incident.id))

    def _found(self, http: HttpRequest) -> tuple[Bearer, Incident] | Response:
        """Return the owner of a request's token and the message that it names, or the error response."""
        bearer = self._bearer(http)
        if isinstance(bearer, Response):
            return bearer
        name = http.path_params["incident"][:64]
        incident = self._desk.store.machine_tokens.message(bearer.account, name.upper())
        return _problem(404, f"no such message: {given(name)}") if incident is None else (bearer, incident)

    def _bearer(self, http: HttpRequest) -> Bearer | Response:
        """Return the owner of a request's token, or the response for an invalid token."""
        bearer = self._bearer_of(http.headers)
        if bearer is None:
            # Only here, so that a stranger with the same address as a program does not block it. A token cannot be
            # guessed.
            origin = client_of(http.state.origin)
            metrics.MACHINE_REQUESTS.labels("refused").inc()
            if self._wrong.too_many(origin):
                reported = f"too many wrong tokens from {origin}; try again in {round(_WRONG_SECONDS)} s"
                return JSONResponse({"error": reported}, 429, {"Retry-After": str(round(_WRONG_SECONDS))})
            self._wrong.add(origin)
            maillog.machine_token_refused(origin=http.state.origin)
            reported = "no valid token; send one in the field Authorization: Bearer TOKEN"
            return JSONResponse({"error": reported}, 401, {"WWW-Authenticate": "Bearer"})
        metrics.MACHINE_REQUESTS.labels("answered").inc()
        return bearer

    def _bearer_of(self, headers: Headers) -> Bearer | None:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        # Looked up by its digest, so that the time reveals nothing about the token.
        digest = hashlib.sha256(value.strip().encode(errors="replace")).hexdigest()
        return self._desk.store.machine_tokens.bearer(digest) if scheme.lower() == "bearer" else None


class WrongTokens:
    """Counts wrong tokens by the client's address."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._at: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, origin: str) -> None:
        """Count one."""
        with self._lock:
            self._at.setdefault(origin, deque(maxlen=_WRONG)).append(self._clock())
            self._at.move_to_end(origin)
            if len(self._at) > _ADDRESSES:
                self._at.popitem(last=False)

    def too_many(self, origin: str) -> bool:
        """Return whether an address must wait."""
        with self._lock:
            times = self._at.get(origin)
            return times is not None and len(times) == _WRONG and self._clock() - times[0] < _WRONG_SECONDS


def described(incident: Incident, replacement: Replacement | None = None) -> dict[str, Any]:
    """Return what a program may know of its message: numbers and matches are masked, as for people.

    `replacement` is the amended message that was submitted, if any.
    """
    seen = shown(incident)
    end = outcome_key(incident)
    status = "sent" if incident.state == "released" else _STATUS.get(end, end)
    change = Change.chosen(incident)
    replaced = None
    if replacement is not None and incident.decided_how == _REPLACEMENT:
        replaced = {"queue_id": replacement.queue_id, "id": replacement.held_as or None}
    return {
        "id": incident.id,
        "status": status,
        "reason": (seen.comment or "") if status == "rejected" else "",
        "policy": incident.policy,
        "queue_id": incident.queue_id,
        "message_id": seen.message_id,
        "subject": seen.subject,
        "recipients": seen.recipients,
        "already_sent": seen.already_sent,
        "changes": change.kinds if change is not None else [],
        "not_sent_to": change.recipients if change is not None else [],
        "recipient_risks": [_without_hidden_name(one) for one in seen.recipient_risks or ()],
        "created_at": incident.created_at.isoformat(),
        "replaced_by": replaced,
        "deadline_at": None if incident.deadline_at is None else incident.deadline_at.isoformat(),
        "decided_at": None if incident.decided_at is None else incident.decided_at.isoformat(),
    }


def _problem(status: int, reported: str) -> Response:
    return JSONResponse({"error": reported}, status)


def _without_hidden_name(risk: dict[str, Any]) -> dict[str, Any]:
    """Return a risk as the program may see it: it is the sender."""
    return {**risk, "similar": ""} if risk["whose"] == COLLEAGUES else risk
