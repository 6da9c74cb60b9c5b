"""Sends the messages of a folder by SMTP at full speed: python -m benchmarks.mailing.sender PORT FOLDER …

Prints one JSON object at the end: number of messages, seconds, latencies (from the last byte sent to the reply), its
own processor time, and replies other than 250.
"""

import argparse
import itertools
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_ENVELOPE = b"MAIL FROM:<sender@corp.example>\r\nRCPT TO:<rcpt@partner.example>\r\nDATA\r\n"


class Run:
    """Data that the sessions share."""

    def __init__(self, port: int, messages: list[bytes], seconds: float) -> None:
        self.port = port
        self.messages: Iterator[bytes] = itertools.cycle(messages)
        self.stop = time.monotonic() + seconds
        self.latencies: list[float] = []
        self.refused: list[str] = []
        self._lock = threading.Lock()

    def next(self) -> bytes | None:
        """Return the next message, or None after the end of the time."""
        with self._lock:
            return next(self.messages) if time.monotonic() < self.stop else None

    def session(self) -> None:
        """Send one message per connection until the end of the time."""
        while (message := self.next()) is not None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=120) as connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._send(connection, connection.makefile("rb"), message)
            except OSError as error:
                self.refused.append(type(error).__name__)

    def _send(self, connection: socket.socket, reader: BinaryIO, message: bytes) -> None:
        _reply(reader)
        connection.sendall(b"EHLO bench\r\n")
        _reply(reader)
        connection.sendall(_ENVELOPE)
        for _ in range(3):
            _reply(reader)
        connection.sendall(message)
        begun = time.monotonic()
        last = _reply(reader)
        if last.startswith(b"250"):
            self.latencies.append(time.monotonic() - begun)
        else:
            self.refused.append(last[:80].decode("ascii", "replace"))
        connection.sendall(b"QUIT\r\n")


def _reply(reader: BinaryIO) -> bytes:
    while True:
        line = reader.readline()
        if not line:
            raise ConnectionResetError
        if line[3:4] != b"-":
            return line


def wire_form(content: bytes) -> bytes:
    """Return a message as it follows DATA: CRLF line ends, dots doubled, the last dot (RFC 5321, 4.5.2)."""
    lines = content.replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n")
    return b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines) + b".\r\n"


def main() -> None:
    """Send, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--sessions", type=int, default=8)
    arguments = parser.parse_args()
    messages = [wire_form(path.read_bytes()) for path in sorted(arguments.folder.glob("*.eml"))]
    run = Run(arguments.port, messages, arguments.seconds)
    begun, before = time.monotonic(), os.times()
    threads = [threading.Thread(target=run.session) for _ in range(arguments.sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    used = os.times()
    print(
        json.dumps(
            {
                "seconds": time.monotonic() - begun,
                "latencies": run.latencies,
                "refused": run.refused[:5],
                "processor": used.user + used.system - before.user - before.system,
            }
        )
    )


if __name__ == "__main__":
    main()
