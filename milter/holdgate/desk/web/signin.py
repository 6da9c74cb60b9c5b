"""Signing in by a mailed code: valid once, for ten minutes, and for five attempts of the browser that requested it.

Neither the response nor its time reveals whether an address is known. The codes are in the store, so any desk accepts a
code that another desk has mailed.
"""

import hashlib
import secrets
import smtplib
from datetime import UTC, datetime

from starlette.requests import Request as HttpRequest
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from holdgate import maillog, metrics
from holdgate.desk import post
from holdgate.desk.context import Desk
from holdgate.desk.notices import Composer
from holdgate.desk.web.connections import client_of
from holdgate.desk.web.pages import Handlers, Pages, afterwards
from holdgate.desk.web.session import Sessions, field
from holdgate.quarantine.codes import LIFETIME, SignInCode

_MINUTES = round(LIFETIME.total_seconds() / 60)
# Digits and letters that cannot be confused: 49 bits, so that requesting many codes does not help to guess one.
_SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_LENGTH = 10


class SignInPages(Handlers):
    """The addresses for signing in and out."""

    def __init__(self, desk: Desk, sessions: Sessions, pages: Pages, composer: Composer) -> None:
        super().__init__(desk, sessions, pages)
        self._composer = composer

    def routes(self) -> list[Route]:
        """Return the routes of this module."""
        return [
            Route("/sign-in", self.show, methods=["GET"]),
            Route("/sign-in", self.send_code, methods=["POST"]),
            Route("/sign-in/code", self.check_code, methods=["POST"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
        ]

    def show(self, http: HttpRequest) -> Response:
        """Ask for an address."""
        if self._sessions.visitor(http) is not None:
            return RedirectResponse(f"{self._sessions.base}/incidents", 303)
        return self._pages.show(http, "sign_in")

    def send_code(self, http: HttpRequest) -> Response:
        """Mail a code if the address ever got a request; ask for the code in any case."""
        address = field(http, "address").strip().lower()[:320]
        if "@" not in address or not address.isprintable():
            return self._pages.show(http, "sign_in", status=422)
        attempt, client = secrets.token_urlsafe(16), client_of(http.state.origin)[:64]
        response = self._pages.show(http, "code", problem="")
        self._sessions.await_code(response, attempt, address)
        if self._desk.store.requests.knows(address):
            # After the response, so that its time reveals nothing.
            response.background = afterwards(self._mail, attempt, address, client, self._pages.language(http))
        return response

    def check_code(self, http: HttpRequest) -> Response:
        """Sign in with the right code."""
        typed = "".join(one for one in field(http, "code")[:40].upper() if one.isalnum())
        address = self._signed_in(*self._sessions.awaited(http), typed)
        if not address:
            return self._pages.show(http, "code", status=422, problem="code_wrong")
        maillog.signed_in(who=address, method="code", origin=http.state.origin)
        response = RedirectResponse(f"{self._sessions.base}/incidents", 303)
        self._sessions.sign_in(response, address)
        return response

    def sign_out(self, http: HttpRequest) -> Response:
        """Sign out."""
        response = RedirectResponse(f"{self._sessions.base}/sign-in", 303)
        visitor = self._sessions.visitor(http)
        if visitor is not None and self._sessions.stamped(http, visitor.address, "sign out"):
            self._sessions.sign_out(http, response)
        return response

    def _signed_in(self, attempt: str, address: str, code: str) -> str:
        """Return the address that a code signs in, "" for a wrong code."""

        def proves(one: SignInCode) -> bool:
            return self._desk.key.stamped(one.proof, "code", one.name, one.address, code)

        return address if address and self._desk.store.codes.redeem(_named(attempt), address, proves) else ""

    def _mail(self, attempt: str, address: str, client: str, language: str) -> None:
        """Mail a code, unless the address, or this client for it, has exceeded its limit."""
        name, code = _named(attempt), "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
        proof = self._desk.key.stamp("code", name, address, code)
        if not self._desk.store.codes.add(SignInCode(name, address, proof), client):
            return
        shown = f"{code[: _LENGTH // 2]}-{code[_LENGTH // 2 :]}"
        content = self._composer.code(address, shown, _MINUTES, language, datetime.now(UTC))
        try:
            post.submit_one(content, address, self._desk.settings.desk.notice_relay)
        except (OSError, smtplib.SMTPException) as error:
            metrics.NOTICES.labels("code", "failed").inc()
            maillog.failed(stage="sign-in-code", error=maillog.describe(error))
        else:
            metrics.NOTICES.labels("code", "sent").inc()


def _named(attempt: str) -> str:
    """Return the name of an attempt in the store, from which the browser's value cannot be derived."""
    return hashlib.sha256(attempt.encode()).hexdigest()
