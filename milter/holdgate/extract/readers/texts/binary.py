"""Data of unknown formats: strings in UTF-8, 8-bit and UTF-16, and a report that nothing else was read."""

from holdgate.extract.format import Format
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink

_BLOCK = 1 << 20
_OVERLAP = 1 << 12


def read(document: Document, sink: Sink) -> None:
    """Pass on all strings, and report that the format is unknown."""
    sink.limited("unknown format, only strings read")
    read_strings(document.data, sink)


def read_strings(data: bytes, sink: Sink) -> None:
    """Pass on the strings of any bytes, block by block to check the time; a string may be passed on twice."""
    for start in range(0, len(data), _BLOCK):
        sink.budget.check_time()
        block = data[max(0, start - _OVERLAP) : start + _BLOCK]
        sink.text("\n".join(strings(block)))


FORMAT = Format(
    kind="binary",
    read=read,
    holds="anything else: strings in UTF-8, 8-bit and UTF-16",
    read_by="Holdgate",
    unread="everything but strings: `unknown format, only strings read`",
)
