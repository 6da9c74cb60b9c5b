"""The reply address: receives mail by LMTP (aiosmtpd) and passes each message to `incoming`.

A mail without effect is accepted too: a refusal would make Postfix write to an address that may be forged. Only if the
desk has an error, mail is refused temporarily, so that Postfix retries.
"""

import asyncio
import ipaddress
import re
import socket
from functools import partial
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from holdgate import maillog, metrics
from holdgate.desk import peer
from holdgate.desk.changing import Changer
from holdgate.desk.context import Desk
from holdgate.desk.incoming import process
from holdgate.desk.reply import Header, LetterReader, read_here
from holdgate.quarantine.database import DatabaseError
from holdgate.queue.client import QueueError
from holdgate.scan.pool import ScanError
from holdgate.tables import TableError

_SIZE_LIMIT = 16 * 2**20
# Seconds that a connection can be silent, and the number of mails read at once; Postfix retries the others.
_TIMEOUT = 120
_AT_ONCE = 8
# Postfix opens 20 by default (lmtp_destination_concurrency_limit).
_CONNECTIONS = 100
_LATER = "451 4.3.0 Not now, please try again later"
_ADDRESS = re.compile(r"(?:^|\s)ADDR=(?:IPv6:)?(\S{1,64})", re.IGNORECASE)


class _Protocol(LMTP):
    """LMTP as Postfix uses it; a line that is too long does not bounce the mail.

    `others` are the open connections of the listener, the oldest first. One too many closes the oldest that has no
    sender, because any local user can connect, and the desk's page needs descriptors too.
    """

    line_length_limit = 2**20

    def __init__(self, others: "dict[_Protocol, None]", handler: "Mailbox", **options: Any) -> None:
        super().__init__(handler, **options)
        self._others = others

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection (asyncio calls this)."""
        super().connection_made(transport)
        self._others[self] = None
        if len(self._others) > _CONNECTIONS:
            idle = next((one for one in self._others if one.envelope is None or one.envelope.mail_from is None), self)
            del self._others[idle]
            assert isinstance(idle.transport, asyncio.Transport)
            idle.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Count it no longer (asyncio calls this)."""
        self._others.pop(self, None)
        super().connection_lost(error)

    @syntax("XFORWARD attribute=value…")
    async def smtp_XFORWARD(self, arg: str | None) -> None:
        """Accept the SMTP client's address that Postfix forwards (XFORWARD_README; lmtp_send_xforward_command)."""
        match = _ADDRESS.search(arg or "")
        if match is not None:
            self.session.xforward = match[1]  # type: ignore[union-attr]
        await self.push("250 2.0.0 Ok")


class Mailbox(Controller):
    """Listens for LMTP in its own thread while it is entered as a context. `letter` reads the body of a mail.

    `changer` makes changed messages, if a moderator or a sender requests that.
    """

    def __init__(
        self,
        desk: Desk,
        address: tuple[str, int],
        letter: LetterReader = read_here,
        changer: Changer | None = None,
    ) -> None:
        super().__init__(self, *address, ready_timeout=30)
        self._desk = desk
        self._letter = letter
        self._changer = changer
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._open: dict[_Protocol, None] = {}

    def __enter__(self) -> "Mailbox":
        # If the port is in use, aiosmtpd would wait for its complete start timeout. Raises OSError.
        family = socket.AF_INET6 if ":" in self.hostname else socket.AF_INET
        socket.create_server((self.hostname, self.port), family=family).close()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(no_assert=True)

    def factory(self) -> SMTP:
        """Create the protocol of one connection (aiosmtpd calls this)."""
        return _Protocol(
            self._open,
            self,
            data_size_limit=_SIZE_LIMIT,
            enable_SMTPUTF8=True,
            ident="Holdgate",
            loop=self.loop,
            timeout=_TIMEOUT,
        )

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Offer XFORWARD (aiosmtpd calls this at LHLO)."""
        session.host_name = hostname
        return [*responses[:-1], "250-XFORWARD ADDR", *responses[-1:]]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept a sender (aiosmtpd calls this), unless a local user other than Postfix's connects."""
        own = server.transport.get_extra_info("sockname") if server.transport is not None else None
        if not peer.may_deliver(session.peer, own, self._desk.settings.queue.postfix_config):
            maillog.reply_ignored(why="not from Postfix", sender=address)
            return "550 5.7.1 Only Postfix delivers here"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Accept one recipient per mail (aiosmtpd calls this): it responds once, LMTP needs a response for each."""
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        """Accept a mail (aiosmtpd calls this). Only errors of the desk make Postfix retry."""
        content = envelope.content
        assert isinstance(content, bytes)
        recipients = list(envelope.rcpt_tos)
        client = getattr(session, "xforward", "") or _own_client(session, content)
        work = partial(process, client=client, letter=self._letter, changer=self._changer)
        try:
            async with self._places:
                await asyncio.to_thread(work, self._desk, content, envelope.mail_from or "", recipients)
        except DatabaseError as error:
            metrics.ERRORS.labels("store").inc()
            maillog.failed(stage="store", error=maillog.describe(error))
            return _LATER
        except (TableError, ScanError, QueueError) as error:
            metrics.ERRORS.labels("replies").inc()
            maillog.failed(stage="replies", error=str(error))
            return _LATER
        except Exception as error:  # an unreadable mail is dropped, and the log reports it
            metrics.ERRORS.labels("reply").inc()
            maillog.failed(stage="reply", error=maillog.describe(error))
        return "250 2.0.0 Taken"

    async def handle_exception(self, error: Exception) -> str:
        """Refuse the mail temporarily (aiosmtpd calls this); aiosmtpd would answer 500, and Postfix would bounce it."""
        metrics.ERRORS.labels("reply").inc()
        maillog.failed(stage="reply", error=maillog.describe(error))
        return _LATER


def _own_client(session: Session, content: bytes) -> str:
    """Return the peer's address if no other server relayed the mail: then the peer is the client."""
    if Header.of(content).values("Received"):
        return ""
    try:
        return str(ipaddress.ip_address(session.peer[0])) if isinstance(session.peer, tuple) else ""
    except ValueError:
        return ""
