"""Serves the page with uvicorn in its own thread, and responds to any error with a page."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from holdgate.desk.changing import Changer
from holdgate.desk.context import Desk
from holdgate.desk.notices import Composer
from holdgate.desk.preview import Previewer
from holdgate.desk.replacing import Replacer
from holdgate.desk.templates import Templates
from holdgate.desk.web.api import Api
from holdgate.desk.web.ask import AskPages
from holdgate.desk.web.change import ChangePages
from holdgate.desk.web.connections import bounded
from holdgate.desk.web.guard import Guard, is_api
from holdgate.desk.web.incidents import IncidentPages
from holdgate.desk.web.listing import ListPages
from holdgate.desk.web.machine_api import MachineApi
from holdgate.desk.web.pages import Pages, report
from holdgate.desk.web.reading import limited
from holdgate.desk.web.reason import ReasonPages
from holdgate.desk.web.release import ReleasePages
from holdgate.desk.web.session import Sessions
from holdgate.desk.web.signin import SignInPages
from holdgate.desk.web.withdraw import WithdrawPages
from holdgate.notation import Network

_STYLE = Path(__file__).with_name("style.css").read_bytes()
_START_TIMEOUT = 30.0
# Total number of connections, whatever their state (connections.py limits the waiting ones).
_CONNECTIONS = 800
_SECRET_LENGTH = 32


def build(desk: Desk, templates: Templates, previewer: Previewer, composer: Composer) -> ASGIApp:
    """Return the page and the API as one ASGI application."""
    sessions = Sessions(desk)
    pages = Pages(desk, templates, sessions)

    def style(_http: HttpRequest) -> Response:
        return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})

    def not_found(http: HttpRequest, error: Exception) -> Response:
        status, headers = 404, None
        if isinstance(error, HTTPException):
            status, headers = error.status_code, error.headers
        if is_api(http.scope):
            problem = "no such address; see /api/v1/openapi.json"
            if status == 405:
                problem = f"this address does not accept {http.method}; see /api/v1/openapi.json"
            return JSONResponse({"error": problem}, status, headers)
        response = pages.show_message(http, "title_error", "error_not_found", status=status)
        response.headers.update(headers or {})
        return response

    def server_error(http: HttpRequest, error: Exception) -> Response:
        report(error)
        if is_api(http.scope):
            return JSONResponse({"error": "internal error; no decision was recorded; try again"}, 500)
        return pages.show_message(http, "title_error", "error_failed", status=500)

    machines = MachineApi(desk, Replacer(desk, previewer))
    routes = [
        Route("/style.css", style, methods=["GET"]),
        *ListPages(desk, sessions, pages).routes(),
        *IncidentPages(desk, sessions, pages, previewer).routes(),
        *AskPages(desk, sessions, pages, previewer).routes(),
        *ChangePages(desk, sessions, pages, previewer).routes(),
        *SignInPages(desk, sessions, pages, composer).routes(),
        *WithdrawPages(desk, sessions, pages).routes(),
        *ReasonPages(desk, sessions, pages).routes(),
        *ReleasePages(desk, sessions, pages, previewer).routes(),
        *Api(desk, Changer(desk, previewer)).routes(),
        *machines.routes(),
    ]
    settings = desk.settings.desk
    inner = Starlette(routes=limited(routes), exception_handlers={HTTPException: not_found, 500: server_error})
    # The redirect would name the Host header of the request, and the scheme between proxy and desk.
    inner.router.redirect_slashes = False
    # Outermost, so that every response has its headers, including responses to internal errors.
    return Guard(
        inner,
        settings.public_url,
        settings.trusted_proxies,
        secret=_proxy_secret(settings.proxy_secret),
        user_header=settings.user_header,
        larger=machines.body_limit,
    )


def _proxy_secret(path: Path | None) -> str:
    """Return the secret that a proxy must send, "" if none. Raises OSError, and ValueError for a weak one."""
    if path is None:
        return ""
    secret = path.read_text(encoding="utf-8").strip()
    if len(secret) < _SECRET_LENGTH:
        raise ValueError(f"{path}: a secret has at least {_SECRET_LENGTH} characters; make one: openssl rand -hex 32")
    return secret


class _Server(uvicorn.Server):
    """uvicorn's server, which would wake up ten times a second to check for its end. This one is notified."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._end = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Wait until `end` is called."""
        self._loop = asyncio.get_running_loop()
        if not await self.on_tick(0):
            await self._end.wait()

    def end(self) -> None:
        """Stop it, from another thread."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has already ended
                self._loop.call_soon_threadsafe(self._end.set)


class WebServer:
    """Listens while it is entered as a context. Raises OSError if the address cannot be used."""

    def __init__(self, desk: Desk, templates: Templates, previewer: Previewer, composer: Composer) -> None:
        settings = desk.settings.desk
        assert settings.web_listen is not None
        host, port = settings.web_listen
        config = uvicorn.Config(
            build(desk, templates, previewer, composer),
            host=host,
            port=port,
            ssl_certfile=settings.certificate,
            ssl_keyfile=settings.private_key,
            log_config=None,
            # Holdgate logs errors itself; a traceback of uvicorn's could quote content.
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            lifespan="off",
            ws="none",
            limit_concurrency=_CONNECTIONS,
            timeout_keep_alive=10,
            http=bounded(lambda client: _is_in(client, settings.trusted_proxies)),
            h11_max_incomplete_event_size=32 * 1024,
        )
        self._address = (host, port)
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def _run(self) -> None:
        try:
            self._server.run()
        except SystemExit:  # uvicorn raises this if it cannot start; `__enter__` then finds it not started
            return

    def __enter__(self) -> "WebServer":
        self._thread.start()
        deadline = time.monotonic() + _START_TIMEOUT
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                host, port = self._address
                raise OSError(f"the page cannot listen on {host}:{port}")
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.end()
        self._thread.join(_START_TIMEOUT)


def _is_in(client: str, networks: Sequence[Network]) -> bool:
    try:
        address = ip_network(client).network_address
    except ValueError:
        return False
    return any(address in network for network in networks)
