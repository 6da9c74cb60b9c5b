"""Submits a copy of a message to the Postfix listener that puts all its mail on hold (`milter.split_relay`).

The copy has the content, sender, client and MAIL and RCPT parameters (RFC 3461, RFC 6152, RFC 6531) of the original
message. The listener accepts it without inspection, because only root and the group postdrop can connect to it.
"""

import os
import re
import smtplib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from holdgate.envelope import Envelope
from holdgate.phrases import reason_of
from holdgate.submission import Client, connect, queue_id_in, xclient

# Time limit for all steps together, in seconds: Postfix waits for the milter meanwhile (queue/attach.py).
TIME_LIMIT = 45.0
_CHUNK = 2**16
# How many commands are sent before their replies are read. Both fit into the buffers of a socket.
_GROUP = 50

_Step = tuple[str, str, int]
"""A step's name, its command, and the reply code for success."""

# A path that cleanup(8) finds in its queue file as the client wrote it, so that SMFIR_DELRCPT removes it: without a
# source route (RFC 5321, appendix C), and with a domain. In a quoted local part, only what needs no backslash.
_ATOM = r"[^\s<>\"\\(),:;@\[\]\x00-\x1f\x7f\ufffd]"
_QUOTED = r"\"[^\"\\@\x00-\x1f\x7f\ufffd]+\""
_PATH = re.compile(rf"<(?:{_ATOM}+|{_QUOTED})@{_ATOM}*[^\W_]>")
_MAIL = re.compile(r"(SMTPUTF8|BODY=\S+|RET=\S+|ENVID=\S+|REQUIRETLS)", re.IGNORECASE)
_RCPT = re.compile(r"(NOTIFY=\S+|ORCPT=\S+)", re.IGNORECASE)


class SubmitError(Exception):
    """Postfix refused the copy, or did not answer in time and may have it. The argument states the step and why."""


@dataclass(slots=True)
class Commands:
    """The parameters of a client's MAIL and RCPT commands, by recipient. `odd` are the paths that are not simple.

    Mail from sendmail(1) has paths without angle brackets, which cleanup(8) may have rewritten: they count as odd.
    """

    mail: tuple[str, ...] = ()
    rcpt: dict[str, tuple[str, ...]] = field(default_factory=dict)
    odd: set[str] = field(default_factory=set)

    def set_mail(self, parameters: Iterable[str]) -> None:
        """Keep the MAIL parameters that a copy needs."""
        self.mail = tuple(one for one in parameters if _MAIL.fullmatch(one))

    def add_rcpt(self, path: str, recipient: str, parameters: Iterable[str]) -> None:
        """Keep the RCPT parameters that a copy needs; for a repeated recipient, those of the first command."""
        self.rcpt.setdefault(recipient, tuple(one for one in parameters if _RCPT.fullmatch(one)))
        if not _PATH.fullmatch(path):
            self.odd.add(recipient)


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy to submit: its envelope, the client's commands, fields to put before its header, and its content."""

    envelope: Envelope
    recipients: Sequence[str]
    commands: Commands
    fields: Sequence[tuple[str, str]]
    content: bytes | int
    header_only: bool


def submit_copy(copy: Copy, relay: Path, meanwhile: Callable[[], object] = lambda: None) -> str:
    """Submit a copy; return the queue id that Postfix reports, or "" if it reports none. Raises SubmitError.

    `meanwhile` is called once, while Postfix works, before the copy is complete: if it raises, Postfix has no copy.
    """
    step, deadline = f"connection to {relay}", time.monotonic() + TIME_LIMIT
    try:
        connection = connect(relay, TIME_LIMIT)
        try:
            connection.command_encoding = "utf-8"
            for step, command, expected in _greeting(copy, connection):
                _limit_step(connection, deadline)
                _require(step, connection.docmd(command), expected)
            for group in _groups(_commands(copy), _GROUP if connection.has_extn("pipelining") else 1):
                _limit_step(connection, deadline)
                connection.send("".join(f"{command}\r\n" for _, command, _ in group).encode())
                if group[-1][0] == "DATA":
                    meanwhile()
                for step, _, expected in group:
                    _limit_step(connection, deadline)
                    _require(step, connection.getreply(), expected)
            step = "content"
            for chunk in _stuffed(_content(copy)):
                _limit_step(connection, deadline)
                connection.send(chunk)
            _limit_step(connection, deadline)
            queue_id = queue_id_in(_require(step, connection.getreply(), 250))
        finally:
            connection.close()
    except (OSError, ValueError, smtplib.SMTPException) as error:
        raise SubmitError(f"{step}: {reason_of(error)}") from error
    return queue_id


def _greeting(copy: Copy, connection: smtplib.SMTP) -> Iterator[_Step]:
    """Yield the commands before the envelope: each must be answered before the next one is sent (RFC 2920, 3.1)."""
    _require("EHLO", connection.ehlo("localhost"), 250)
    if connection.has_extn("xclient"):
        envelope = copy.envelope
        client = Client(envelope.client_name, envelope.client_address, envelope.auth_user)
        yield "XCLIENT", xclient(client), 220
        _require("EHLO", connection.ehlo("localhost"), 250)


def _commands(copy: Copy) -> Iterator[_Step]:
    mail = [one for one in copy.commands.mail if not (copy.header_only and one.upper().startswith("RET="))]
    mail += ["RET=HDRS"] if copy.header_only else []
    yield "MAIL", " ".join((f"MAIL FROM:<{copy.envelope.sender}>", *mail)), 250
    for recipient in copy.recipients:
        yield "RCPT", " ".join((f"RCPT TO:<{recipient}>", *copy.commands.rcpt.get(recipient, ()))), 250
    yield "DATA", "DATA", 354


def _groups(steps: Iterable[_Step], size: int) -> Iterator[Sequence[_Step]]:
    """Yield steps in groups that are sent together (RFC 2920)."""
    remaining = iter(steps)
    while group := list(islice(remaining, size)):
        yield group


def _require(step: str, answer: tuple[int, bytes], expected: int) -> bytes:
    """Return the text of a reply that has the expected code. Raises SubmitError for any other code."""
    code, text = answer
    if code != expected:
        raise SubmitError(f"{step}: {code} {text.decode('ascii', 'replace')[:200]}")
    return text


def _limit_step(connection: smtplib.SMTP, deadline: float) -> None:
    """Limit the next step to the remaining time. Raises TimeoutError."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError(f"not done within {TIME_LIMIT:.0f} s")
    assert connection.sock is not None
    connection.sock.settimeout(left)


def _content(copy: Copy) -> Iterator[bytes]:
    yield "".join(f"{name}: {value}\r\n" for name, value in copy.fields).encode()
    if isinstance(copy.content, bytes):
        yield copy.content
        return
    place = 0
    while chunk := os.pread(copy.content, _CHUNK, place):
        yield chunk
        place += len(chunk)


def _stuffed(content: Iterable[bytes]) -> Iterator[bytes]:
    """Yield content as DATA transmits it: dot-stuffed (RFC 5321, 4.5.2), with the final line that has only a dot.

    No chunk but the last ends within a line break.
    """
    kept, begins = b"", True
    for chunk in content:
        text = kept + chunk
        cut = len(text) - 1 if text.endswith(b"\r") else len(text)
        text, kept = text[:cut], text[cut:]
        if not text:
            continue
        if begins and text.startswith(b"."):
            text = b"." + text
        begins = text.endswith(b"\n")
        yield text.replace(b"\n.", b"\n..")
    rest = kept + (b"" if begins and not kept else b"\r\n")
    yield rest + b".\r\n"
