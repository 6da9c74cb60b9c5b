"""Reads Arrow files and streams, including Feather version 2: each value separately, with the name of its column.

Follows the Arrow columnar format 1.4 (IPC messages, record batches, dictionaries, buffer compression) and its
FlatBuffers schemas (Message.fbs, Schema.fbs). All text of a column is in one buffer, value after value without
separators: only the offsets show where each ends. Data in the buffer after the last offset was left out by the program
that wrote it, and is read too.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from holdgate.extract.extents import documents
from holdgate.extract.format import Format
from holdgate.extract.readers.archives import archive
from holdgate.extract.readers.data.flatbuffer import FlatBufferError, Table
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink, UnreadableError

_MAGIC = b"ARROW1"
_CONTINUES = 0xFFFFFFFF
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3
_NULL, _INT, _FLOAT, _BINARY, _UTF8, _LIST, _STRUCT, _UNION = 1, 2, 3, 4, 5, 12, 13, 14
_FIXED_LIST, _MAP, _LARGE_BINARY, _LARGE_UTF8, _LARGE_LIST, _RUN_ENDS = 16, 17, 19, 20, 21, 22
_BINARY_VIEW, _UTF8_VIEW = 23, 24
_WIDE = frozenset({_LARGE_BINARY, _LARGE_UTF8, _LARGE_LIST})
_STRINGS = frozenset({_BINARY, _UTF8, _LARGE_BINARY, _LARGE_UTF8})
_NUMBERS = {(_INT, 16): "h", (_INT, 32): "i", (_INT, 64): "q", (_FLOAT, 1): "f", (_FLOAT, 2): "d"}
_SHORTEST_NUMBER = 100_000
"""Smaller numbers identify no person; they are frequent in columns with millions of values."""
_MOST_FIELDS = 10_000


@dataclass(slots=True)
class _Column:
    """A field of the schema: the form of its buffers, and its child fields."""

    name: str
    kind: int
    width: int = 0
    dictionary: int | None = None
    children: list["_Column"] = field(default_factory=list)


@dataclass(slots=True)
class _Batch:
    """A record batch: its remaining nodes and buffers, in the order of the fields."""

    nodes: Iterator[tuple[int, int]]
    buffers: Iterator[tuple[int, int]]
    body: bytes
    compressed: bool
    sink: Sink

    def next_buffer(self) -> bytes:
        """Return the next buffer, unpacked."""
        offset, length = next(self.buffers, (0, 0))
        if offset < 0 or length < 0:
            raise FlatBufferError("a buffer before the beginning")
        raw = self.body[offset : offset + length]
        if not self.compressed or len(raw) < 8:
            return raw
        (size,) = struct.unpack_from("<q", raw)
        if size == -1:
            return raw[8:]
        self.sink.budget.check_entry(len(raw), max(size, 0))
        return archive.unpacked(raw[8:], self.sink)


def read(document: Document, sink: Sink) -> None:
    """Pass on names of columns and values. Raises UnreadableError("damaged") if there is no schema."""
    columns: list[_Column] = []
    dictionaries: dict[int, _Column] = {}
    try:
        for header, kind, body in _messages(document.data):
            sink.budget.check_time()
            if kind == _SCHEMA:
                columns = [_column(one, dictionaries, 0) for one in header.tables(1)]
                for entry in header.tables(2):
                    sink.text(f"{entry.text(0)}: {entry.text(1)}", "metadata")
            elif kind == _BATCH:
                _read_batch(header, columns, body, sink)
            elif kind == _DICTIONARY and (values := header.table(1)) is not None:
                column = dictionaries.get(header.number(0, "<q"))
                if column is not None:
                    _read_batch(values, [column], body, sink)
    except (FlatBufferError, struct.error, RecursionError) as error:
        if not columns:
            raise UnreadableError("damaged") from error
        sink.limited("damaged")
    if not columns:
        raise UnreadableError("damaged")


def _messages(data: bytes) -> Iterator[tuple[Table, int, bytes]]:
    """Yield header, kind and body of each message of a file or a stream."""
    at = 8 if data.startswith(_MAGIC) else 0
    while at + 8 <= len(data):
        first, size = struct.unpack_from("<Ii", data, at)
        if first != _CONTINUES:  # before version 0.15 there was no mark
            first, size, at = _CONTINUES, int(first), at - 4
        if size <= 0 or at + 8 + size > len(data):
            return
        message = Table.root(data[at + 8 : at + 8 + size])
        length = message.number(3, "<q")
        at += 8 + size
        if length < 0:
            raise FlatBufferError("a body of negative length")
        header = message.table(2)
        if header is not None:
            yield header, message.number(1, "<B"), data[at : at + length]
        at += length


def _column(table: Table, dictionaries: dict[int, _Column], depth: int) -> _Column:
    """Return a field of the schema; one with a dictionary has indices in its place."""
    if depth > 64:
        raise FlatBufferError("nested too deeply")
    kind = table.number(2, "<B")
    detail = table.table(3)
    width = detail.number(0, "<i" if kind == _INT else "<h") if detail is not None and kind in (_INT, _FLOAT) else 0
    children = []
    for child in table.tables(5):
        children.append(_column(child, dictionaries, depth + 1))
        if len(children) > _MOST_FIELDS:
            raise FlatBufferError("too many fields")
    column = _Column(table.text(0), kind, width, children=children)
    encoding = table.table(4)
    if encoding is None:
        return column
    number = encoding.number(0, "<q")
    dictionaries[number] = column
    return _Column(column.name, _INT, dictionary=number)


def _read_batch(header: Table, columns: list[_Column], body: bytes, sink: Sink) -> None:
    batch = _Batch(iter(header.pairs(1)), iter(header.pairs(2)), body, header.table(3) is not None, sink)
    try:
        for column in columns:
            _read_column(column, batch, column.name)
    except _StopBatch:
        sink.limited("columns of views, unions or runs: only strings read")


def _read_column(column: _Column, batch: _Batch, name: str) -> None:
    """Pass on the values of one column of a batch, and of its child columns."""
    count, _ = next(batch.nodes, (0, 0))
    sink, kind = batch.sink, column.kind
    if kind not in (_NULL, _UNION, _RUN_ENDS):
        batch.next_buffer()  # which values are missing
    if kind in _STRINGS:
        offsets = batch.next_buffer()
        _add_values(name, _values(offsets, batch.next_buffer(), count, "q" if kind in _WIDE else "i", sink), sink)
    elif kind in (_BINARY_VIEW, _UTF8_VIEW, _UNION, _RUN_ENDS):
        # The number of the following buffers is unknown, so the columns after this one cannot be separated.
        for text in strings(batch.body):
            sink.text(text, f"column {name}")
        raise _StopBatch
    elif kind in (_LIST, _LARGE_LIST, _MAP):
        batch.next_buffer()
    elif kind not in (_NULL, _STRUCT, _FIXED_LIST):
        _read_numbers(column, batch.next_buffer(), name, sink)
    for child in column.children:
        _read_column(child, batch, f"{name}.{child.name}")


class _StopBatch(Exception):
    """The columns in the rest of a batch cannot be separated."""


def _values(offsets: bytes, data: bytes, count: int, form: str, sink: Sink) -> Iterator[bytes]:
    """Yield each value, then the data that belongs to no offset."""
    size = struct.calcsize(form)
    known = min(count + 1, len(offsets) // size) if count >= 0 else 0
    ends = struct.unpack_from(f"<{known}{form}", offsets)
    for number, (start, end) in enumerate(pairwise(ends)):
        if not number % 4_096:
            sink.budget.check_time()
        if 0 <= start < end <= len(data):
            yield data[start:end]
    yield data[: max(ends[0], 0)] if ends else b""
    yield data[max(ends[-1], 0) :].rstrip(b"\0") if ends else data


def _add_values(name: str, values: Iterator[bytes], sink: Sink) -> None:
    place = f"column {name}"
    for value in values:
        text = value.decode("utf-8", "replace").strip("\0")
        if not text.strip():
            continue
        sink.budget.spend_cells(1)
        sink.text(f"{name}: {text}" if name else text, place)


def _read_numbers(column: _Column, data: bytes, name: str, sink: Sink) -> None:
    """Pass on numbers that are long enough to identify something; others as strings if they contain any."""
    form = _NUMBERS.get((column.kind, column.width)) if column.dictionary is None else None
    if form is None:
        if column.dictionary is None and column.kind not in (_INT, _FLOAT):
            for text in strings(data):
                sink.text(text, f"column {name}")
        return
    for (number,) in struct.iter_unpack(f"<{form}", data[: len(data) // struct.calcsize(form) * struct.calcsize(form)]):
        if abs(number) >= _SHORTEST_NUMBER and number == number // 1 and abs(number) < 1e20:
            sink.budget.spend_cells(1)
            sink.text(f"{name}: {int(number)}", f"column {name}")


def _is_stream(data: bytes) -> bool:
    """Return whether bytes begin with a message that is a schema."""
    if not data.startswith(b"\xff\xff\xff\xff"):
        return False
    try:
        return next((kind for _, kind, _ in _messages(data)), 0) == _SCHEMA
    except FlatBufferError:
        return False


FORMAT = Format(
    kind="arrow",
    read=read,
    claims=documents.of_arrow,
    holds="Arrow files and streams, Feather version 2",
    read_by="Holdgate",
    unread="columns of views, unions or run-end encoding, of which strings are read",
    signatures=((0, _MAGIC),),
    recognise=_is_stream,
    extensions="arrow feather",
    types="application/vnd.apache.arrow.file",
)
