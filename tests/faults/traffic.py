"""Clients that send by SMTP with many messages per connection, and by sendmail(1), complete and interrupted."""

import functools
import random
import smtplib
import socket
import subprocess
import threading

from testbed import sample_mail
from testbed.ports import LOOPBACK
from testbed.site import Site
from tests.faults.ledger import Attempt, Ledger

# How long a client waits for an answer, in seconds: shorter than the longest fault, as clients are.
_TIMEOUT = 40

# Stand in a message that is written for the addresses that it is sent with.
_FROM, _TO = b"sender@corp.example", b"recipient@partner.example"


class Clients:
    """Threads that send until they are stopped; a policy holds the `share` of their mail."""

    def __init__(self, site: Site, ledger: Ledger, seed: int, count: int, pause: float, share: float) -> None:
        self._site, self._ledger, self._pause, self._share = site, ledger, pause, share
        self._stop = threading.Event()
        randoms = [random.Random(f"{seed} client {number}") for number in range(count)]
        self._threads = [threading.Thread(target=self._run, args=[one], daemon=True) for one in randoms]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop, each thread after its current message."""
        self._stop.set()
        for thread in self._threads:
            thread.join(4 * _TIMEOUT)

    def _run(self, rng: random.Random) -> None:
        while not self._stop.is_set():
            try:
                self._connection(rng)
            except (OSError, subprocess.SubprocessError):
                self._stop.wait(0.5)  # the site is down or suspended

    def _connection(self, rng: random.Random) -> None:
        """Send by one connection, or by one call of sendmail(1)."""
        if rng.random() < 0.08:
            self._sendmail(rng)
            return
        with smtplib.SMTP(LOOPBACK, self._site.postfix.smtp_port, timeout=_TIMEOUT) as client:
            client.ehlo()
            for _ in range(rng.randint(1, 40)):
                if self._stop.is_set() or not self._message(client, rng):
                    return
                self._stop.wait(rng.random() * self._pause)

    def _message(self, client: smtplib.SMTP, rng: random.Random) -> bool:
        """Send one message; return whether the connection can be used again."""
        form = rng.choices(["plain", "many", "dsn", "null", "large", "cut", "rset"], [70, 8, 8, 4, 0.5, 3, 4])[0]
        attempt = self._ledger.add(
            form,
            held=rng.random() < self._share,
            recipients=rng.randint(2, 6) if form == "many" else 1,
            null_sender=form == "null",
        )
        options = ["RET=HDRS", f"ENVID={attempt.token}"] if form == "dsn" else []
        code, _ = client.mail(attempt.sender, options)
        taken = [
            client.rcpt(name, ["NOTIFY=SUCCESS,FAILURE"] if form == "dsn" else [])[0] for name in attempt.recipients
        ]
        attempt.recipients = [name for name, output in zip(attempt.recipients, taken, strict=True) if output == 250]
        if code != 250 or not attempt.recipients or form == "rset":
            attempt.accepted = False
            client.rset()
            return True
        client.putcmd("data")
        if client.getreply()[0] != 354:
            attempt.accepted = False
            return False
        content = content_of(attempt, rng)
        if form == "cut":
            attempt.accepted = False
            client.send(content[: len(content) // 2])
            assert client.sock is not None
            client.sock.shutdown(socket.SHUT_RDWR)
            client.close()
            return False
        client.send(content + b"\r\n.\r\n")
        code, answer = client.getreply()
        # A connection that ends instead of an answer leaves the outcome of the message open. So does cleanup(8) that
        # cannot sync the queue file: it removes a file that qmgr(8) may have taken already (Postfix 3.7.11).
        is_open = code == -1 or b"queue file write error" in answer
        attempt.accepted = None if is_open else code == 250
        return code == 250

    def _sendmail(self, rng: random.Random) -> None:
        attempt = self._ledger.add("sendmail", held=rng.random() < self._share, recipients=rng.randint(1, 3))
        content = content_of(attempt, rng).replace(b"\r\n", b"\n")
        try:
            self._site.postfix.sendmail(content, attempt.sender, *attempt.recipients)
        except subprocess.CalledProcessError:
            return  # sendmail(1) does not report the outcome
        attempt.accepted = True


def content_of(attempt: Attempt, rng: random.Random) -> bytes:
    """Return a message of an attempt with CRLF line ends, and no line that begins with a dot."""
    content = _written(attempt.held, rng.choice(["Figures", "Z\u00fcrich", "a" * 200]))
    content = content.replace(_FROM, (attempt.sender or "nobody@corp.example").encode("ascii"), 1)
    content = content.replace(_TO, attempt.recipients[0].encode("ascii"), 1)
    if attempt.way == "large":
        content += b"some words on a line of this message\r\n" * 80_000
    return content.removesuffix(b"\r\n")


@functools.cache
def _written(held: bool, subject: str) -> bytes:
    """Return a message without sender and recipient, which are added later: composing a message takes milliseconds."""
    message = sample_mail.number_in_text() if held else sample_mail.clean()
    message.replace_header("From", f"<{_FROM.decode('ascii')}>")
    message.replace_header("To", f"<{_TO.decode('ascii')}>")
    message.replace_header("Subject", subject)
    return message.as_bytes()
