"""Tables in text: comma, semicolon, tab or bar between the fields, quoted fields in one piece (RFC 4180)."""

import csv
import sys
from itertools import islice

from holdgate.extract import charset
from holdgate.extract.format import Format
from holdgate.extract.readers.texts import blocks
from holdgate.extract.reading import Document, Sink

_DELIMITERS = ",;\t|"
_SINGLE_ROWS = 2_000
_BLOCK = 200

# The module's own limit would end the reading at a field of 131,072 characters.
csv.field_size_limit(sys.maxsize)


def read(document: Document, sink: Sink) -> None:
    """Pass on the rows, with fields separated by tabs; each of the first 2,000 has its own place."""
    readings = charset.readings(document.data, document.charset)
    for text in readings:
        head = text[:4_000]
        delimiter = max(_DELIMITERS, key=head.count)
        rows = csv.reader(text.replace("\0", "").splitlines(keepends=True), delimiter=delimiter)
        number = 0
        try:
            for row in islice(rows, _SINGLE_ROWS):
                number += 1
                sink.text("\t".join(row), f"row {number}")
            while block := ["\t".join(row) for row in islice(rows, _BLOCK)]:
                sink.text("\n".join(block), f"rows {number + 1} to {number + len(block)}")
                number += len(block)
        except csv.Error:
            sink.text(text)
    blocks.read(readings[0], sink, document.data)


FORMAT = Format(kind="csv", read=read, holds="tables in text", read_by="Holdgate", unread=blocks.UNREAD, textual=True)
