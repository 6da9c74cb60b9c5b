"""Limits how many handlers read held messages at once, so that they leave threads for all other pages.

Starlette runs handlers in 40 threads. A message can take minutes to read, and impatient visitors load its page again.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

AT_ONCE = 8
"""Maximum number of these handlers at a time; further ones wait, without a thread."""

_Handler = TypeVar("_Handler", bound=Callable[..., Response])
_MARK = "reads_message"


def reads_message(handler: _Handler) -> _Handler:
    """Mark a handler that has a held message read."""
    setattr(handler, _MARK, True)
    return handler


def limited(routes: list[Route]) -> list[Route]:
    """Return the routes of one application, those of marked handlers with the limit."""
    places = asyncio.Semaphore(AT_ONCE)

    def one(route: Route) -> Route:
        if not getattr(route.endpoint, _MARK, False):
            return route

        async def waiting(http: HttpRequest) -> Response:
            async with places:
                return await run_in_threadpool(route.endpoint, http)

        return Route(route.path, waiting, methods=[*(route.methods or ())])

    return [one(route) for route in routes]
