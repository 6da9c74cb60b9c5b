"""Translates between the milter protocol and `session`: the only module that imports pymilter.

Only the needed steps are negotiated, and only the end of a message is negotiated with a response. An earlier error, in
the session or here, is remembered and answered at the end. An error at the end defers the message.
"""

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

import Milter

from holdgate import maillog, metrics
from holdgate.gate.poolwaker import PoolWaker
from holdgate.gate.reply import Reply
from holdgate.gate.session import Session
from holdgate.milters import place_of

_NAME = "holdgate"

_Step = TypeVar("_Step", bound=Callable[..., int])


def _answered_at_the_end(step: _Step) -> _Step:
    """Have the session remember what a step raises.

    libmilter would respond to an error at once, but Postfix expects no response to this step and would take it for that
    of the next step. What `connect` raises applies to every message of the connection.
    """

    @functools.wraps(step)
    def remembered(self: "Callbacks", *arguments: Any) -> int:
        try:
            return step(self, *arguments)
        except Exception as error:
            self.remember(error, for_connection=step.__name__ == "connect")
            return int(Milter.CONTINUE)

    return cast(_Step, remembered)


@Milter.header_leading_space
class Callbacks(Milter.Base):
    """One SMTP connection. pymilter creates one object per connection and calls it from that connection's thread."""

    def __init__(self, session: Session, waker: PoolWaker) -> None:
        super().__init__()
        self._session = session
        self._waker = waker
        self._broken: Exception | None = None

    def remember(self, error: Exception, *, for_connection: bool) -> None:
        """Remember an error, for the current message or for all of this connection."""
        if for_connection:
            self._broken = error
        self._session.fail(error)

    @Milter.noreply
    @_answered_at_the_end
    def connect(self, hostname: str, _family: int, address: tuple[str, int] | str | None) -> int:
        """Set the client's name and address; mail from sendmail(1) has localhost."""
        self._session.open(hostname, address[0] if isinstance(address, tuple) else address or "")
        return int(Milter.CONTINUE)

    @Milter.noreply
    @_answered_at_the_end
    def envfrom(self, sender: str, *parameters: str) -> int:
        """Start a message."""
        self._session.begin(_address(sender), self.getsymval("{auth_authen}") or "", parameters)
        return int(Milter.CONTINUE)

    @Milter.noreply
    @_answered_at_the_end
    def envrcpt(self, recipient: str, *parameters: str) -> int:
        """Add a recipient."""
        self._session.add_recipient(_address(recipient), _readable(recipient), parameters)
        return int(Milter.CONTINUE)

    @Milter.noreply
    @Milter.decode("bytes")
    @_answered_at_the_end
    def header(self, name: str, value: bytes) -> int:
        """Add a header field, with leading space and continuation lines."""
        self._session.add_header(name, value)
        return int(Milter.CONTINUE)

    @Milter.noreply
    @_answered_at_the_end
    def eoh(self) -> int:
        """End the header."""
        self._session.end_headers()
        return int(Milter.CONTINUE)

    @Milter.noreply
    @_answered_at_the_end
    def body(self, chunk: bytes) -> int:
        """Add a piece of the body, at most 64 KiB."""
        self._session.add_body(chunk)
        return int(Milter.CONTINUE)

    def eom(self) -> int:
        """Let the session decide, and carry out its reply."""
        queue_id = ""
        try:
            if self._broken is not None:
                self._session.fail(self._broken)
            queue_id = self.getsymval("i") or ""
            with self._waker.inspecting():
                reply = self._session.end_of_message(queue_id)
            return self._carry_out(reply)
        except Exception as error:
            metrics.ERRORS.labels("reply").inc()
            maillog.tempfailed(queue_id, stage="reply", error=error)
            return int(Milter.TEMPFAIL)

    def abort(self) -> int:
        """Forget the message; the connection can continue."""
        return self._forget()

    def close(self) -> int:
        """Forget everything; the connection is closed."""
        return self._forget()

    def _forget(self) -> int:
        try:
            self._session.abort()
        except Exception as error:
            metrics.ERRORS.labels("gate").inc()
            maillog.failed(stage="gate", error=maillog.describe(error))
        return int(Milter.CONTINUE)

    def _carry_out(self, reply: Reply) -> int:
        if reply.tempfail:
            self.setreply("451", "4.3.0", "The message cannot be inspected now, please try again later")
            return int(Milter.TEMPFAIL)
        if reply.block:
            self.setreply("550", "5.7.1", reply.block)
            return int(Milter.REJECT)
        for name, place in reply.remove:
            self.chgheader(name, place, "")
        # If leading space is negotiated, libmilter adds none after the colon.
        space = " " if self._protocol & Milter.P_HDR_LEADSPC else ""
        for name, value in reply.add:
            self.addheader(name, space + value)
        if reply.bare_bounce:
            self.chgfrom(f"<{reply.bare_bounce}>", "RET=HDRS")
        for recipient in reply.drop:
            self.delrcpt(f"<{recipient}>")
        if reply.hold:
            self.quarantine(reply.hold)
        return int(Milter.CONTINUE)


def _address(argument: str) -> str:
    """Return the address of a MAIL or RCPT argument without angle brackets; bytes that are not UTF-8 are replaced."""
    return _readable(argument.removeprefix("<").removesuffix(">"))


def _readable(argument: str) -> str:
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def run(new_session: Callable[[], Session], socket: str, timeout: int) -> None:
    """Serve Postfix on `socket` until SIGTERM, with a session for each connection. `timeout` is in seconds.

    libmilter handles SIGTERM itself and lets sessions end. Raises Milter.error if the socket cannot be used.
    """
    waker = PoolWaker()
    threading.Thread(target=waker.run, args=[place_of(socket)], daemon=True, name="pool-waker").start()
    Milter.factory = lambda: Callbacks(new_session(), waker)
    Milter.set_flags(Milter.ADDHDRS | Milter.CHGHDRS | Milter.CHGFROM | Milter.DELRCPT | Milter.QUARANTINE)
    Milter.set_exception_policy(Milter.TEMPFAIL)
    Milter.runmilter(_NAME, socket, timeout)
