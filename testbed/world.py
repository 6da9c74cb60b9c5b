"""The outside world: an SMTP server that accepts every message and keeps it unchanged in a Maildir."""

import asyncio
import mailbox
import time
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from testbed.ports import LOOPBACK, PATIENCE, free_port

# How much of a message is known if it is not kept, in bytes.
_BEGINNING = 65_536


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message that reached the world. `content` has CRLF line ends as received by SMTP; `at` is a time of
    time.monotonic."""

    sender: str
    recipients: list[str]
    content: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def message(self) -> Message:
        """The parsed message."""
        return message_from_bytes(self.content)

    @property
    def body(self) -> bytes:
        """The content after the header."""
        return self.content.partition(b"\r\n\r\n")[2]


class World:
    """Listens on a loopback port; `deliveries` are the received messages, in order, and `maildir` has the same on disk.

    Mail for the addresses in `gone` is refused, and all mail is deferred while `defers`; each response takes `delay`
    seconds.
    If it does not `keep` mail, no Maildir is written, and only the beginning of each message is known.
    """

    def __init__(self, directory: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        self.maildir = directory / "Maildir"
        self.deliveries: list[Delivery] = []
        self.gone: set[str] = set()
        self.defers = False
        self.delay = 0.0
        self.keeps = True
        self._box = mailbox.Maildir(self.maildir)
        self._controller = Controller(
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

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Accept or refuse a recipient (aiosmtpd calls this)."""
        await asyncio.sleep(self.delay)
        if self.defers:
            return "450 4.3.2 not now"
        if address in self.gone:
            return "550 5.1.1 nobody of that name here"
        envelope.rcpt_tos.append(address)
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
        self.deliveries.append(Delivery(sender, list(envelope.rcpt_tos), content))
        return "250 2.0.0 taken"
