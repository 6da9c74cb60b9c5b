"""The next hop of a site: an SMTP server that accepts every message and keeps it unchanged in a Maildir."""

import asyncio
import mailbox
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from testbed.ports import LOOPBACK, PATIENCE, free_port

# How much of a message is known if it is not kept, in bytes.
_BEGINNING = 65_536
_DSN = frozenset({"RET", "ENVID", "NOTIFY", "ORCPT"})


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message that the next hop received. `content` has CRLF line ends as received by SMTP; `at` is a time of
    time.monotonic. `mail` and `rcpt` are the parameters of MAIL and, by recipient, of RCPT, in upper case."""

    sender: str
    recipients: list[str]
    content: bytes
    at: float = field(default_factory=time.monotonic)
    mail: list[str] = field(default_factory=list)
    rcpt: dict[str, list[str]] = field(default_factory=dict)

    @property
    def message(self) -> Message:
        """The parsed message."""
        return message_from_bytes(self.content)

    @property
    def body(self) -> bytes:
        """The content after the header."""
        return self.content.partition(b"\r\n\r\n")[2]


class _Server(SMTP):
    """Accepts the parameters of RFC 3461, which aiosmtpd does not know."""

    def _getparams(self, params: Sequence[str]) -> dict[str, str | bool] | None:
        known = super()._getparams(params)
        return None if known is None else {name: value for name, value in known.items() if name not in _DSN}


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Server(self.handler, **self.SMTP_kwargs)


class NextHop:
    """Listens on a loopback port; `deliveries` are the received messages, in order, and `maildir` has the same on disk.

    Recipients in `rejected` are rejected, and all mail is deferred while `defers`; each response takes `delay` seconds.
    If it `takes_dsn`, it announces DSN (RFC 3461). If it does not `keep` mail, no Maildir is written, and only the
    beginning of each message is known.
    """

    def __init__(self, directory: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        self.maildir = directory / "Maildir"
        self.deliveries: list[Delivery] = []
        self.rejected: set[str] = set()
        self.defers = False
        self.delay = 0.0
        self.keeps = True
        self.takes_dsn = False
        self._box = mailbox.Maildir(self.maildir)
        self._controller = _Controller(
            self,
            LOOPBACK,
            self.port,
            ready_timeout=PATIENCE,
            data_size_limit=2**28,
            enable_SMTPUTF8=True,
            decode_data=False,
        )

    def start(self) -> None:
        """Start listening."""
        self._controller.start()

    def stop(self) -> None:
        """Stop listening and wait for the thread's end."""
        self._controller.stop(no_assert=True)
        self._box.close()

    def to(self, recipient: str) -> list[Delivery]:
        """Return the deliveries for one recipient."""
        return [delivery for delivery in self.deliveries if recipient in delivery.recipients]

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Announce what the server can do (aiosmtpd calls this)."""
        session.host_name = hostname
        return [*responses[:-1], *(["250-DSN"] if self.takes_dsn else []), responses[-1]]

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept or refuse a recipient (aiosmtpd calls this)."""
        await asyncio.sleep(self.delay)
        if self.defers:
            return "450 4.3.2 not now"
        if address in self.rejected:
            return "550 5.1.1 no such user here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options += [f"{address} {word}" for word in options]
        return "250 2.1.5 Ok"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep a message (aiosmtpd calls this)."""
        content = envelope.content
        assert isinstance(content, bytes)
        if self.keeps:
            self._box.add(content.replace(b"\r\n", b"\n"))
        else:
            content = content[:_BEGINNING]
        sender = (envelope.mail_from or "").removeprefix("<").removesuffix(">")
        words = [one.partition(" ") for one in envelope.rcpt_options]
        rcpt = {name: [word for whose, _, word in words if whose == name] for name in envelope.rcpt_tos}
        self.deliveries.append(
            Delivery(sender, list(envelope.rcpt_tos), content, mail=list(envelope.mail_options), rcpt=rcpt)
        )
        return "250 2.0.0 taken"
