"""The guard of the page as ASGI middleware: complete and interrupted request bodies."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from holdgate.desk.web.guard import Guard

SITE = "https://approve.corp.example"


def post(
    *came: Message, site: str = SITE, path: str = "/", fields: Mapping[str, bytes] = {}
) -> tuple[list[dict[str, list[str]]], list[Message]]:
    """Send a form in pieces; return the forms that reached the application through the guard, and the response.

    `fields` are further fields of its header.
    """
    forms: list[dict[str, list[str]]] = []
    answered: list[Message] = []
    waiting = iter(came)

    async def application(scope: Scope, _receive: Receive, _send: Send) -> None:
        forms.append(scope["state"]["form"])

    async def receive() -> Message:
        return next(waiting)

    async def send(message: Message) -> None:
        answered.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": path,
        "client": ("198.51.100.4", 1),
        "headers": [
            (b"content-type", b"application/x-www-form-urlencoded"),
            *((name.encode(), value) for name, value in fields.items()),
        ],
    }
    asyncio.run(Guard(application, site, [])(scope, receive, send))
    return forms, answered


def piece(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_form_sent_in_pieces_is_one_form() -> None:
    forms, answered = post(piece(b"decision=appr", more=True), piece(b"ove&x=", more=True), piece(b"", more=False))
    assert forms == [{"decision": ["approve"], "x": [""]}]
    assert answered == []


@pytest.mark.parametrize("pieces", [[], [b"decision=approve"], [b"decision=", b"approve"]])
def test_an_interrupted_form_is_not_processed(pieces: list[bytes]) -> None:
    assert post(*(piece(body, more=True) for body in pieces), {"type": "http.disconnect"}) == ([], [])


def test_a_body_over_the_limit_is_refused_before_its_end() -> None:
    forms, answered = post(*[piece(b"x" * 40_000, more=True)] * 2)
    assert forms == []
    assert answered[0]["status"] == 413
    assert answered[1]["body"] == b"The request is too large: at most 65536 bytes are accepted.\n"


@pytest.mark.parametrize("path", ["/api/v1/incidents/x/decision", "/machine/v1/messages/x/withdrawal"])
def test_a_program_gets_a_refusal_as_json(path: str) -> None:
    _, answered = post(piece(b"x" * 70_000, more=True), path=path)
    assert answered[0]["status"] == 413
    assert json.loads(answered[1]["body"]) == {"error": "The request is too large: at most 65536 bytes are accepted."}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"content-length": b"10", "transfer-encoding": b"chunked"}, 400),
        ({"content-length": b"10"}, None),
        ({"transfer-encoding": b"chunked"}, None),
    ],
)
def test_a_request_with_two_lengths_is_refused_and_ends_the_connection(
    fields: dict[str, bytes], status: int | None
) -> None:
    """A proxy and the desk could see different requests in the same bytes."""
    forms, answered = post(piece(b"decision=x", more=False), fields=fields)
    assert [one["status"] for one in answered[:1]] == ([] if status is None else [status])
    assert len(forms) == (status is None)
    if status is not None:
        assert (b"connection", b"close") in answered[0]["headers"]


@pytest.mark.parametrize(
    ("site", "origin", "accepted"),
    [
        ("https://approve.corp.example:443/desk", b"https://approve.corp.example", True),
        ("http://approve.corp.example:80", b"http://approve.corp.example", True),
        ("https://approve.corp.example:8443", b"https://approve.corp.example:8443", True),
        ("https://Freigabe.M\u00fcller.example", b"https://freigabe.xn--mller-kva.example", True),
        ("https://[2001:db8::1]:443", b"https://[2001:db8::1]", True),
        ("https://approve.corp.example:443", b"http://approve.corp.example", False),
        ("https://approve.corp.example:8443", b"https://approve.corp.example", False),
        ("https://approve.corp.example", b"https://approve.corp.example.partner.example", False),
        ("https://approve.corp.example", b"null", False),
        ("https://approve.corp.example", b"", False),
    ],
)
def test_a_form_is_accepted_from_the_origin_that_browsers_send_for_the_url(
    site: str, origin: bytes, accepted: bool
) -> None:
    """With a default port, or a name beyond ASCII, in public_url, every form was refused."""
    forms, answered = post(piece(b"decision=x", more=False), site=site, fields={"origin": origin})
    assert len(forms) == accepted
    assert [one["status"] for one in answered[:1]] == ([] if accepted else [403])
