"""Reads old Excel workbooks, BIFF2 to BIFF8: cells with their places, and the text of every other record.

Follows [MS-XLS] 2.1.4: a stream is a sequence of records, each preceded by its kind and size.
"""

import struct

from holdgate.extract.format import Format
from holdgate.extract.readers.office.biff import WITHOUT_TEXT
from holdgate.extract.readers.office.compound import Storage
from holdgate.extract.readers.office.excel_records import ACTIONS, SEGMENTED
from holdgate.extract.readers.office.excel_workbook import BOF, Workbook
from holdgate.extract.reading import Document, Sink, UnreadableError

CHART = range(0x1001, 0x1067)


def read(document: Document, sink: Sink) -> None:
    """Read a workbook that is not a compound file, as BIFF2 to BIFF4 are.

    Raises UnreadableError("encrypted") or, if it does not begin like one, ("damaged").
    """
    if document.data[:2] not in (b"\x09\x00", b"\x09\x02", b"\x09\x04", b"\x09\x08"):
        raise UnreadableError("damaged")
    read_stream(document.data, sink)


def read_storage(storage: Storage, sink: Sink) -> None:
    """Read the workbook in a storage, in each stored form; raise UnreadableError("encrypted")."""
    for name in ("Workbook", "Book"):
        if name in storage:
            read_stream(storage.read(name), sink)


def read_stream(data: bytes, sink: Sink) -> None:
    """Read a stream of BIFF records: a workbook, or the cache of a pivot table.

    A record that extends over the end is cut there; a damaged one is searched for strings.
    """
    book = Workbook(data, sink)
    at, end, count = 0, len(data), 0
    while at + 4 <= end:
        kind, size = struct.unpack_from("<HH", data, at)
        begin = at
        body = data[at + 4 : at + 4 + size]
        at += 4 + size
        count += 1
        if not count & 0x3FF:
            sink.budget.check_time()
        action = ACTIONS.get(kind)
        try:
            if kind in SEGMENTED:
                segments, at = book.continued(body, at)
                SEGMENTED[kind](book, segments)
            elif action:
                action(book, body)
            elif kind in BOF:
                book.begin(kind, body, begin)
            elif kind not in WITHOUT_TEXT and kind not in CHART and size >= 6:
                book.scan(body, "")
        except (struct.error, IndexError):
            if size and action:
                book.scan(body, "damaged record")
    book.finish()


_MAGIC = (b"\x09\x00", b"\x09\x02", b"\x09\x04")

FORMAT = Format(
    kind="old-excel",
    read=read,
    holds="BIFF2 to BIFF4",
    read_by="Holdgate",
    unread="",
    recognise_binary=lambda document: document.data.startswith(_MAGIC),
    extensions="xls xlt xlm",
    types="application/vnd.ms-excel",
)
