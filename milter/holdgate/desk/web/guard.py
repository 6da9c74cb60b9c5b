"""The first handler of each request: limits its size, identifies clients behind a proxy, adds the security headers.

It reads a form before any other handler, so that every page is a plain function. It refuses a form of another site by
the browser's Origin header, in addition to the stamp in each form.
"""

import asyncio
import hmac
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdgate.notation import Network

_BODY_LIMIT = 64 * 1024
# A form can have a field for each recipient: Postfix accepts 1000 of them (smtpd_recipient_limit).
_FIELDS = 2000
# Maximum number of requests with a larger body at a time, because each is in memory.
_LARGE_AT_ONCE = 4
# Time limit for the body of a request, in seconds.
_BODY_SECONDS = 30

PROXY_SECRET = "X-Holdgate-Proxy"
"""The header with a proxy's secret."""

_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # Holdgate's own pages get the Referer (a form's Origin depends on it), other sites do not.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex, nofollow",
}


class Guard:
    """ASGI middleware. It sets `origin` (the client's address), `trusted` and `form` in `scope["state"]`.

    A proxy is trusted if its address is in `proxies` and, if there is a `secret`, the header PROXY_SECRET contains it.
    `user_header` is the header in which it names a user. `larger` returns the maximum size of a request's body by its
    path and header, in bytes, if it is larger than that of a form; otherwise 0.
    """

    def __init__(
        self,
        app: ASGIApp,
        public_url: str,
        proxies: Sequence[Network],
        *,
        secret: str = "",
        user_header: str = "",
        larger: Callable[[str, Headers], int] = lambda _path, _headers: 0,
    ) -> None:
        self._app = app
        self._larger = larger
        self._large = 0
        self._secret = secret
        self._single = [name for name in (user_header, PROXY_SECRET) if name]
        self._own = _origin_of(public_url)
        self._proxies = list(proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        state = scope.setdefault("state", {})
        state["origin"], state["trusted"] = self._client(scope, headers)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                for name, value in _SECURITY.items():
                    out.setdefault(name, value)
                out.setdefault("Cache-Control", "no-store")
            await send(message)

        if state["trusted"] and any(self._is_doubtful(headers.getlist(name)) for name in self._single):
            # Of two names, one was not written by the proxy, and it is unknown which.
            await _refuse(scope, receive, send_guarded, 400, "The request has more than one user header.")
            return
        if "content-length" in headers and "transfer-encoding" in headers:
            # A proxy that uses the other field sees another end of this request (RFC 9112, 6.1): what follows may be a
            # second one that the proxy has not seen.
            await _refuse(scope, receive, send_guarded, 400, "The request has two lengths.", {"Connection": "close"})
            return
        limit = await run_in_threadpool(self._larger, scope["path"], headers) if scope["method"] == "POST" else 0
        if limit and self._large >= _LARGE_AT_ONCE:
            problem = "There are too many large requests at once. Try again in some seconds."
            await _refuse(scope, receive, send_guarded, 503, problem, {"Retry-After": "5"})
            return
        self._large += limit > 0
        try:
            await self._serve(scope, receive, send_guarded, headers, limit or _BODY_LIMIT)
        finally:
            self._large -= limit > 0

    async def _serve(self, scope: Scope, receive: Receive, send_guarded: Send, headers: Headers, limit: int) -> None:
        state = scope["state"]
        if scope["method"] == "POST":
            try:
                async with asyncio.timeout(_BODY_SECONDS):
                    body = await _read(receive, limit)
            except ClientDisconnect:
                return  # the client does not wait for a response, and part of a form may mean something else
            except TimeoutError:
                problem = f"The request took longer than {_BODY_SECONDS} s. Send it again."
                await _refuse(scope, receive, send_guarded, 408, problem, {"Connection": "close"})
                return
            if body is None:
                problem = f"The request is too large: at most {limit} bytes are accepted."
                await _refuse(scope, receive, send_guarded, 413, problem)
                return
            if self._is_of_other_site(headers):
                problem = "The request does not come from this site. Open the page again."
                await _refuse(scope, receive, send_guarded, 403, problem)
                return
            state["body"] = body
            state["form"] = _form(body, headers.get("content-type", ""))
        await self._app(scope, receive, send_guarded)

    def _client(self, scope: Scope, headers: Headers) -> tuple[str, bool]:
        """Return the address that the request comes from, and whether a trusted proxy forwarded it.

        In X-Forwarded-For, the last address that is not a trusted proxy's counts: the ones before it can be forged.
        """
        address = str((scope.get("client") or ("", 0))[0])
        if not self._trusts(address) or not self._proves_itself(headers):
            return address, False
        for hop in reversed([hop.strip() for value in headers.getlist("x-forwarded-for") for hop in value.split(",")]):
            address = hop[:64]
            if not self._trusts(hop):
                break
        return address, True

    def _proves_itself(self, headers: Headers) -> bool:
        if not self._secret:
            return True
        given = headers.getlist(PROXY_SECRET)
        return any(hmac.compare_digest(one.strip().encode(), self._secret.encode()) for one in given)

    def _is_doubtful(self, values: list[str]) -> bool:
        return len(values) > 1 or any("," in value for value in values)

    def _trusts(self, address: str) -> bool:
        try:
            return any(ipaddress.ip_address(address) in network for network in self._proxies)
        except ValueError:
            return False

    def _is_of_other_site(self, headers: Headers) -> bool:
        """Return whether a browser sends the form of another site."""
        origin = headers.get("origin")
        if origin is not None and origin.lower() != self._own:
            return True
        return headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


def is_api(scope: Scope) -> bool:
    """Return whether a request is one of a program."""
    return str(scope["path"]).startswith(("/api/", "/machine/"))


async def _refuse(
    scope: Scope, receive: Receive, send: Send, status: int, problem: str, headers: Mapping[str, str] | None = None
) -> None:
    """Respond with the reason: to a program as JSON."""
    program = is_api(scope)
    response = (
        JSONResponse({"error": problem}, status, headers)
        if program
        else PlainTextResponse(f"{problem}\n", status, headers)
    )
    await response(scope, receive, send)


def _origin_of(url: str) -> str:
    """Return the origin of an URL as browsers send it (RFC 6454, 6.2): without a default port, in ASCII."""
    parts = urlsplit(url)
    host, port = parts.netloc.rpartition("@")[2].lower(), ""
    if found := re.fullmatch(r"(.*):(\d*)", host):
        host, port = found[1], found[2]
    with suppress(UnicodeError):  # Browsers do not connect to a name that IDNA refuses.
        host = host.encode("idna").decode()
    default = {"http": "80", "https": "443"}.get(parts.scheme, "")
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in ("", default) else "")


async def _read(receive: Receive, limit: int) -> bytes | None:
    """Return the request's body, None if it is larger than `limit`. Raises ClientDisconnect if it is incomplete."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _form(body: bytes, content_type: str) -> dict[str, list[str]]:
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return {}
    try:
        return parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=_FIELDS, errors="replace")
    except ValueError:
        return {}
