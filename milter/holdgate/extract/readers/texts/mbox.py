"""Mailboxes in the mbox format (RFC 4155): each message is read like any other."""

import re

from holdgate.extract.format import Format
from holdgate.extract.reading import Document, Sink

_SEPARATOR = re.compile(rb"^From \S[^\r\n]*\d\d:\d\d[^\r\n]*\r?\n", re.MULTILINE)


def read(document: Document, sink: Sink) -> None:
    """Pass on each message; a quoted `>From ` at the start of a line is not changed."""
    starts = [match for match in _SEPARATOR.finditer(document.data) if _is_start(document.data, match.start())]
    for number, match in enumerate(starts, 1):
        end = starts[number].start() if number < len(starts) else len(document.data)
        sink.budget.spend_entry()
        sink.embedded(document.data[match.end() : end], f"message {number}", "message/rfc822")


def _is_start(data: bytes, position: int) -> bool:
    """Return whether a separator is at the beginning or after an empty line."""
    return (
        position == 0 or data[max(0, position - 2) : position] == b"\n\n" or data[position - 3 : position] == b"\n\r\n"
    )


FORMAT = Format(kind="mbox", read=read, holds="mailboxes (RFC 4155)", read_by="Holdgate", unread="", textual=True)
