"""Writes log lines with structured fields to systemd's journal by its native protocol: one datagram per line.

``journalctl HOLDGATE_INCIDENT=…`` then finds lines by field instead of by text search. The protocol is described on
systemd.io, "Native Journal Protocol".
"""

import contextlib
import logging
import socket
import struct
from collections.abc import Mapping
from pathlib import Path

SOCKET = Path("/run/systemd/journal/socket")

_FACILITY_MAIL = "2"  # syslog(3), so that rsyslog writes Holdgate's lines to the same file as Postfix's


class JournalHandler(logging.Handler):
    """Sends each record to the journal; a record's `fields` become HOLDGATE_NAME=value.

    Raises OSError if no journal listens on `path`.
    """

    def __init__(self, program: str, path: Path = SOCKET) -> None:
        super().__init__()
        self._program = program
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._path = str(path)
        self._socket.connect(self._path)

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record. Reconnects if the journal was restarted; without a journal the line is lost."""
        fields = {
            "MESSAGE": record.getMessage(),
            "PRIORITY": str(priority(record.levelno)),
            "SYSLOG_IDENTIFIER": self._program,
            "SYSLOG_FACILITY": _FACILITY_MAIL,
            "SYSLOG_PID": str(record.process),
        }
        for name, value in getattr(record, "fields", {}).items():
            fields[f"HOLDGATE_{name.upper()}"] = value
        datagram = encode(fields)
        try:
            self._socket.send(datagram)
        except OSError:
            with contextlib.suppress(OSError):
                self._socket.connect(self._path)
                self._socket.send(datagram)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        super().close()


def priority(level: int) -> int:
    """Return syslog's priority for a level of the logging module."""
    return {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4}.get(level, 3)


def encode(fields: Mapping[str, str]) -> bytes:
    """Return the datagram for some fields. A value with a line break is written with its length."""
    lines = []
    for name, value in fields.items():
        data = value.encode("utf-8", "replace")
        if b"\n" in data:
            lines.append(name.encode() + b"\n" + struct.pack("<Q", len(data)) + data)
        else:
            lines.append(name.encode() + b"=" + data)
    return b"\n".join(lines) + b"\n"
