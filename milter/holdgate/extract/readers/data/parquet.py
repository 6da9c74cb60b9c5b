"""Reads Parquet files: each value of each column separately, with the name of its column.

Follows parquet-format 2.11 (parquet.thrift, Encodings.md, Compression.md). A dictionary has each value once, however
many rows have it.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from holdgate.extract.format import Format
from holdgate.extract.readers.archives import archive
from holdgate.extract.readers.data import lz4_block, parquet_values, snappy, thrift
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink, UnreadableError

_MAGIC, _ENCRYPTED = b"PAR1", b"PARE"
_DATA_PAGE, _DICTIONARY_PAGE, _DATA_PAGE_2 = 0, 2, 3
_NONE, _SNAPPY, _GZIP, _ZSTD, _LZ4 = 0, 1, 2, 6, 7
_REPEATED, _REQUIRED = 2, 0
_SHORTEST_NUMBER = 100_000
"""Smaller numbers identify no person."""
_LONGEST_NUMBER = 1e20
UNREAD = "values in an unknown compression or encoding"
_DAMAGE = (thrift.ThriftError, snappy.SnappyError, ValueError, struct.error, zlib.error, IndexError)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column chunk: where its pages are, and their encoding."""

    name: str
    kind: int
    width: int
    repeated: bool
    optional: bool
    codec: int
    start: int
    size: int


def read(document: Document, sink: Sink) -> None:
    """Pass on names, metadata and values. Raises UnreadableError("encrypted") or ("damaged")."""
    data = document.data
    if data.endswith(_ENCRYPTED):
        raise UnreadableError("encrypted")
    try:
        footer = _footer(data)
        columns = list(_columns(footer))
    except _DAMAGE as error:
        raise UnreadableError("damaged") from error
    for entry in thrift.structs(footer, 5):
        if thrift.text(entry.get(1)) != "ARROW:schema":  # it repeats the names and types
            sink.text(f"{thrift.text(entry.get(1))}: {thrift.text(entry.get(2))}", "metadata")
    for column in columns:
        try:
            _read_column(data, column, sink)
        except parquet_values.UnknownEncodingError:
            _read_strings(data, column, UNREAD, sink)
        except (*_DAMAGE, UnreadableError):
            _read_strings(data, column, "damaged column", sink)


def _read_strings(data: bytes, column: _Column, reason: str, sink: Sink) -> None:
    sink.limited(reason)
    for text in strings(data[column.start : column.start + column.size]):
        sink.text(text, f"column {column.name}")


def _footer(data: bytes) -> dict[int, object]:
    (length,) = struct.unpack_from("<I", data, len(data) - 8)
    start = len(data) - 8 - length
    if start < len(_MAGIC) or not data.endswith(_MAGIC):
        raise ValueError("no footer")
    return thrift.Reader(data[start : len(data) - 8]).struct()


def _columns(footer: dict[int, object]) -> Iterator[_Column]:
    """Yield the chunks of all row groups; the schema shows what can be missing or repeated."""
    traits = _traits(thrift.structs(footer, 2))
    for group in thrift.structs(footer, 4):
        for chunk in thrift.structs(group, 1):
            meta = thrift.inner(chunk, 3)
            path = tuple(map(thrift.text, thrift.items(meta, 3)))
            width, repeated, optional = traits.get(path, (0, False, False))
            dictionary = thrift.number(meta, 11)
            start = thrift.number(meta, 9)
            start = min(start, dictionary) if dictionary else start
            name = ".".join(part for part in path if part not in ("list", "element", "item", "array"))
            yield _Column(
                name, thrift.number(meta, 1), width, repeated, optional, thrift.number(meta, 4), start,
                thrift.number(meta, 7),
            )  # fmt: skip


def _traits(schema: list[dict[int, object]]) -> dict[tuple[str, ...], tuple[int, bool, bool]]:
    """Return the width of each leaf column, and whether its values have levels of repetition and definition."""
    found: dict[tuple[str, ...], tuple[int, bool, bool]] = {}
    open_: list[tuple[tuple[str, ...], int, bool, bool]] = []
    for element in schema:
        while open_ and not open_[-1][1]:
            open_.pop()
        path: tuple[str, ...] = ()
        repeated = optional = False
        if open_:
            before, left, repeated, optional = open_[-1]
            open_[-1] = before, left - 1, repeated, optional
            path = (*before, thrift.text(element.get(4)))
            repeated |= thrift.number(element, 3) == _REPEATED
            optional |= thrift.number(element, 3) != _REQUIRED
        if children := thrift.number(element, 5):
            open_.append((path, children, repeated, optional))
        else:
            found[path] = thrift.number(element, 2), repeated, optional
    return found


def _read_column(data: bytes, column: _Column, sink: Sink) -> None:
    at, end = column.start, column.start + column.size
    if at < len(_MAGIC) or end > len(data):
        raise ValueError("pages beyond the end")
    while at < end:
        sink.budget.check_time()
        reader = thrift.Reader(data[:end], at)
        header = reader.struct()
        size = thrift.number(header, 3)
        if size < 0 or reader.at + size > end:
            raise ValueError("a page beyond the end")
        page = data[reader.at : reader.at + size]
        at = reader.at + size
        _read_page(header, page, column, sink)


def _read_page(header: dict[int, object], page: bytes, column: _Column, sink: Sink) -> None:
    kind, unpacked = thrift.number(header, 1), thrift.number(header, 2)
    if kind == _DATA_PAGE_2:
        details = thrift.inner(header, 8)
        levels = thrift.number(details, 5) + thrift.number(details, 6)
        if not 0 <= levels <= len(page):
            raise ValueError("levels beyond the end")
        body = page[levels:] if details.get(7) is False else _unpacked(page[levels:], unpacked - levels, column, sink)
        encoding = thrift.number(details, 4)
    elif kind == _DATA_PAGE:
        body = _unpacked(page, unpacked, column, sink)
        for present in (column.repeated, column.optional):
            if present:
                (length,) = struct.unpack_from("<I", body)
                body = body[4 + length :]
        encoding = thrift.number(thrift.inner(header, 5), 2)
    elif kind == _DICTIONARY_PAGE:
        body, encoding = _unpacked(page, unpacked, column, sink), parquet_values.PLAIN
    else:
        return
    for value in parquet_values.values(body, column.kind, column.width, encoding):
        sink.budget.spend_cells(1)
        for text in _texts(value):
            sink.text(f"{column.name}: {text}", f"column {column.name}")


def _texts(value: float | bytes) -> Iterator[str]:
    if not isinstance(value, bytes):
        if _SHORTEST_NUMBER <= abs(value) < _LONGEST_NUMBER and value == value // 1:
            yield str(int(value))
        return
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        yield from strings(value)
        return
    if "\0" in text:
        yield from strings(value)
    elif text.strip():
        yield text


def _unpacked(page: bytes, size: int, column: _Column, sink: Sink) -> bytes:
    budget = sink.budget
    if size < 0:
        raise ValueError("a negative size")
    budget.check_entry(len(page), size)
    budget.spend_bytes(size)
    if column.codec == _NONE:
        return page
    if column.codec == _SNAPPY:
        return snappy.unpacked(page, size)
    if column.codec == _GZIP:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(page, size + 1)
    if column.codec == _ZSTD:
        return archive.unpacked(page, sink)
    if column.codec == _LZ4:
        return lz4_block.unpacked(page, size)
    raise parquet_values.UnknownEncodingError


def _claims(data: bytes) -> list[tuple[int, int]]:
    """The chunks with their indexes and filters, the footer, and the signatures."""
    if data.endswith(_ENCRYPTED):
        return [(0, len(data))]
    (length,) = struct.unpack_from("<I", data, len(data) - 8)
    footer = _footer(data)
    spans = [(0, len(_MAGIC)), (len(data) - 8 - length, len(data))]
    spans += [(column.start, column.start + column.size) for column in _columns(footer)]
    for group in thrift.structs(footer, 4):
        for chunk in thrift.structs(group, 1):
            meta = thrift.inner(chunk, 3)
            for fields, start, size in ((chunk, 4, 5), (chunk, 6, 7), (meta, 14, 15)):
                spans.append((thrift.number(fields, start), thrift.number(fields, start) + thrift.number(fields, size)))
    return spans


FORMAT = Format(
    kind="parquet",
    read=read,
    claims=_claims,
    holds="Parquet files",
    read_by="Holdgate; libarchive",
    unread=f"values compressed with Brotli, LZO or LZ4 in frames (`{UNREAD}`); encrypted files, which are `encrypted`",
    signatures=((0, _MAGIC), (0, _ENCRYPTED)),
    extensions="parquet",
    types="application/vnd.apache.parquet",
)
