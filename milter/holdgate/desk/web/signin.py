"""Signing in by a code that is mailed: good for ten minutes, five attempts, and the browser that asked for it.

Whether an address is known shows neither in the answer nor in the time it takes. Codes are kept in memory alone: when
the desk restarts, people ask again.
"""

import hashlib
import hmac
import secrets
import smtplib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.background import BackgroundTask
from starlette.requests import Request as HttpRequest
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from holdgate import maillog, metrics
from holdgate.desk import post
from holdgate.desk.context import Desk
from holdgate.desk.notices import Composer
from holdgate.desk.web.connections import client_of
from holdgate.desk.web.pages import Handlers, Pages
from holdgate.desk.web.session import Sessions, field

_MINUTES = 10
_ATTEMPTS = 5
_DIGITS = 8
# Attempts for one address by one client, and mails to one address, in `_MINUTES`: nobody's mailbox is flooded, and a
# stranger who asks for somebody's codes uses up their own attempts alone. Attempts altogether: memory is bounded.
_CODES_EACH = 3
_MAILS_EACH = 9
_CODES = 10_000


@dataclass(slots=True)
class _Code:
    """An attempt to sign in. `digest` is that of its own code, None where no further mail was sent for it."""

    address: str
    client: str
    digest: bytes | None
    until: float
    attempts: int = 0


class Codes:
    """The codes that are out. `clock` gives seconds.

    When strangers have made us mail an address all codes that it gets in a while, an attempt of another client is good
    with any of these: they are in the mailbox of the person that it is about.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._codes: dict[str, _Code] = {}
        self._lock = threading.Lock()

    def new(self, address: str, *, known: bool, client: str = "") -> tuple[str, str]:
        """Return a name for an attempt to sign in, and its code: "" where none is to be mailed."""
        attempt, code = secrets.token_urlsafe(16), "".join(secrets.choice("0123456789") for _ in range(_DIGITS))
        with self._lock:
            now = self._clock()
            self._codes = {name: one for name, one in self._codes.items() if one.until > now}
            same = [one for one in self._codes.values() if one.address == address]
            if not known or sum(one.client == client for one in same) >= _CODES_EACH:
                return attempt, ""
            if len(self._codes) >= _CODES:
                del self._codes[next(iter(self._codes))]  # the oldest
            mailed = sum(one.digest is not None for one in same) < _MAILS_EACH
            digest = _digest(code) if mailed else None
            self._codes[attempt] = _Code(address, client, digest, now + _MINUTES * 60)
        return attempt, code if mailed else ""

    def check(self, attempt: str, code: str) -> str:
        """Return the address that a code signs in, "" for a wrong one. A code is good once."""
        given = _digest("".join(code.split()))
        with self._lock:
            now = self._clock()
            waiting = self._codes.get(attempt)
            if waiting is None or waiting.until <= now:
                return ""
            waiting.attempts += 1
            fitting = [attempt]
            if waiting.digest is None:
                fitting = [n for n, one in self._codes.items() if one.address == waiting.address and one.until > now]
            right = [name for name in fitting if hmac.compare_digest(self._codes[name].digest or b"", given)]
            if right or waiting.attempts >= _ATTEMPTS:
                for name in {attempt, *right}:
                    del self._codes[name]
            return waiting.address if right else ""


class SignInPages(Handlers):
    """The addresses for signing in and out."""

    def __init__(self, desk: Desk, sessions: Sessions, pages: Pages, composer: Composer) -> None:
        super().__init__(desk, sessions, pages)
        self._composer = composer
        self._codes = Codes()

    def routes(self) -> list[Route]:
        """Return the addresses that are served here."""
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
        """Mail a code, if the address is one that was ever asked, and ask for it in any case."""
        address = field(http, "address").strip().lower()[:320]
        if "@" not in address or not address.isprintable():
            return self._pages.show(http, "sign_in", status=422)
        attempt, code = self._codes.new(
            address, known=self._desk.store.requests.knows(address), client=client_of(http.state.origin)
        )
        response = self._pages.show(http, "code", problem="")
        self._sessions.await_code(response, attempt)
        if code:
            # After the answer, so that its time says nothing.
            response.background = BackgroundTask(self._mail, address, code, self._pages.language(http))
        return response

    def check_code(self, http: HttpRequest) -> Response:
        """Sign in with the right code."""
        address = self._codes.check(self._sessions.awaited(http), field(http, "code")[:40])
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

    def _mail(self, address: str, code: str, language: str) -> None:
        content = self._composer.code(address, code, _MINUTES, language, datetime.now(UTC))
        try:
            post.hand_over(content, address, self._desk.settings.desk.notice_relay)
        except (OSError, smtplib.SMTPException) as error:
            metrics.NOTICES.labels("code", "failed").inc()
            maillog.failed(stage="sign-in-code", error=maillog.describe(error))
        else:
            metrics.NOTICES.labels("code", "sent").inc()


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode(errors="replace")).digest()
