"""Identifies a visitor of the page: by a link from a request, by a mailed code, or by a proxy that signed them in.

A link's token is moved once from the address line to a cookie that is valid for its one incident. So no address in the
history or in a Referer contains it. All cookies are signed, and none contains a secret. The store records that a
session was ended by signing out.
"""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from holdgate.config import DeskSettings
from holdgate.desk import tokens
from holdgate.desk.context import Desk
from holdgate.quarantine.incident import Actor, Incident, Request

_SESSION, _LINK, _PENDING, _ASK = "holdgate", "holdgate_link", "holdgate_code", "holdgate_ask"

SENDER_PAGES = {tokens.WITHDRAW: "withdraw", tokens.ANSWER: "reason", tokens.RELEASE: "release"}
"""The page that a link in the notice to a sender opens, by the purpose of its token."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A known visitor. `only` is the incident that they can see, "" for all for which they got a request."""

    address: str
    how: str
    only: str = ""


class Sessions:
    """Reads and writes the cookies."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._settings: DeskSettings = desk.settings.desk
        parts = urlsplit(self._settings.public_url)
        self.base = parts.path.rstrip("/")
        self._secure = parts.scheme == "https"

    # -- identification -------------------------------------------------------------------------------------------

    def visitor(self, http: HttpRequest) -> Visitor | None:
        """Return who is signed in, by proxy or by code."""
        header = self._settings.user_header
        if header and http.state.trusted:
            address = http.headers.get(header, "").strip().lower()  # one at most: guard.py refuses several
            if address:
                return Visitor(address, "proxy")
        held = self._read(http, _SESSION)
        if held is None or "session" not in held or self._desk.store.sessions.has(str(held["session"])):
            return None
        return Visitor(str(held["who"]), "code")

    def visitor_of(self, http: HttpRequest, incident_id: str) -> Visitor | None:
        """Return who can see an incident: by its link, or signed in."""
        held = self._read(http, _LINK)
        if held is not None and held["incident"] == incident_id:
            return Visitor(str(held["who"]), "link", incident_id)
        return self.visitor(http)

    def actor(self, http: HttpRequest, visitor: Visitor) -> Actor:
        """Return the visitor as the actor of an event."""
        return Actor(visitor.address, "page", http.state.origin)

    # -- signing in and out ---------------------------------------------------------------------------------------

    def open_link(self, response: Response, request: Request) -> None:
        """Remember, for this incident's pages, whose link was opened."""
        content = {"who": request.moderator, "incident": request.incident_id}
        self._write(response, _LINK, content, f"/incidents/{request.incident_id}")

    def sign_in(self, response: Response, address: str) -> None:
        """Remember who signed in."""
        self._write(response, _SESSION, {"who": address, "session": secrets.token_urlsafe(16)}, "/")

    def sign_out(self, http: HttpRequest, response: Response) -> None:
        """Forget who signed in. The session ends for all desks and for every copy of its cookie."""
        held = self._read(http, _SESSION)
        if held is not None and "session" in held:
            self._desk.store.sessions.end(str(held["session"]), datetime.fromtimestamp(held["until"], UTC))
        response.delete_cookie(_SESSION, path=f"{self.base}/")

    def open_sender_page(self, response: Response, page: str, incident_id: str) -> None:
        """Remember, for one of the SENDER_PAGES, that this is the sender of a message."""
        self._write(response, f"holdgate_{page}", {"incident": incident_id}, f"/{page}/{incident_id}")

    def is_sender(self, http: HttpRequest, page: str, incident_id: str) -> bool:
        """Return whether this is the sender of a message, who opened this page of the SENDER_PAGES by its link."""
        held = self._read(http, f"holdgate_{page}")
        return held is not None and held["incident"] == incident_id

    def open_ask_page(self, response: Response, request: Request) -> None:
        """Remember, for the page of an asked sender, that their link was opened."""
        content = {"number": request.number, "incident": request.incident_id}
        self._write(response, _ASK, content, f"/ask/{request.incident_id}")

    def asked_sender(self, http: HttpRequest, incident_id: str) -> int | None:
        """Return the number of the request to a sender whose link was opened, or None."""
        held = self._read(http, _ASK)
        return int(held["number"]) if held is not None and held["incident"] == incident_id else None

    def await_code(self, response: Response, attempt: str, address: str) -> None:
        """Remember which code this browser waits for, and for whom."""
        self._write(response, _PENDING, {"attempt": attempt, "who": address}, "/sign-in")

    def awaited(self, http: HttpRequest) -> tuple[str, str]:
        """Return which code this browser waits for, and whose it is; "" for none."""
        held = self._read(http, _PENDING)
        return ("", "") if held is None else (str(held["attempt"]), str(held.get("who", "")))

    # -- forms ----------------------------------------------------------------------------------------------------

    def stamp(self, person: str, purpose: str) -> str:
        """Return the stamp that a form must send back."""
        return self._desk.key.stamp(person, purpose)

    def stamped(self, http: HttpRequest, person: str, purpose: str) -> bool:
        """Return whether a form has a valid stamp for this person and purpose."""
        return self._desk.key.stamped(field(http, "stamp"), person, purpose)

    # -- cookies --------------------------------------------------------------------------------------------------

    def _read(self, http: HttpRequest, name: str) -> dict[str, Any] | None:
        content = self._desk.key.unseal(name, http.cookies.get(name, ""))
        return content if content is not None and content["until"] > time.time() else None

    def _write(self, response: Response, name: str, content: dict[str, Any], path: str) -> None:
        lasts = round(self._settings.session_lifetime.total_seconds())
        response.set_cookie(
            name,
            self._desk.key.seal(name, content | {"until": time.time() + lasts}),
            max_age=lasts,
            path=f"{self.base}{path}",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )


def field(http: HttpRequest, name: str) -> str:
    """Return a form field's first value, "" where there is none."""
    form: dict[str, list[str]] = http.state.form
    return form.get(name, [""])[0]


def ticked(incident: Incident, numbers: Sequence[str]) -> list[str]:
    """Return the recipients with these numbers of a form, from 1, in the order of the incident."""
    wanted = set(numbers)
    named = enumerate(dict.fromkeys(incident.recipients), 1)
    return [recipient for number, recipient in named if str(number) in wanted]
