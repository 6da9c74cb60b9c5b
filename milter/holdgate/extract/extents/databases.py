"""The extents of databases, and the layout of a dBase table, which also identifies it."""

import struct
from dataclasses import dataclass

Spans = list[tuple[int, int]]

_DBASE_VERSIONS = frozenset(b"\x02\x03\x04\x05\x30\x31\x32\x43\x63\x83\x8b\x8c\xcb\xf5\xfb")
_DBASE_7 = frozenset(b"\x04\x8c")
_DBASE_KINDS = b"CNFLDMGPBIOTY@+QVW0"
_MOST_FIELDS = 2_048


@dataclass(frozen=True, slots=True)
class DbaseLayout:
    """Sizes of header and record in bytes, the number of records, and name, type and length of each field."""

    header: int
    length: int
    records: int
    fields: tuple[tuple[str, bytes, int], ...]


def dbase_layout(data: bytes) -> DbaseLayout | None:
    """Return the layout of a dBase table, or None: the sizes of the fields must add up to that of a record."""
    if len(data) < 66 or data[0] not in _DBASE_VERSIONS or not (data[2] <= 12 and data[3] <= 31):
        return None
    records, header, length = struct.unpack_from("<IHH", data, 4)
    seven = data[0] in _DBASE_7
    at, size, name_size = (68, 48, 32) if seven else (32, 32, 11)
    fields: list[tuple[str, bytes, int]] = []
    while at + size <= min(header, len(data)) and data[at] != 0x0D and len(fields) < _MOST_FIELDS:
        name = data[at : at + name_size].partition(b"\0")[0]
        kind = data[at + name_size : at + name_size + 1]
        count = data[at + name_size + 1] if seven else data[at + 16]
        if kind == b"C" and not seven:
            count += data[at + 17] << 8  # Clipper and FoxPro have longer text fields
        if not name.strip() or kind not in _DBASE_KINDS or not count:
            return None
        fields.append((name.decode("ascii", "replace").strip(), kind, count))
        at += size
    if not fields or data[at : at + 1] != b"\r" or length != 1 + sum(count for _, _, count in fields):
        return None
    return DbaseLayout(header, length, records, tuple(fields))


def of_dbase(data: bytes) -> Spans:
    """The header and the records, then the end mark. A FoxPro header may have a name after the fields."""
    layout = dbase_layout(data)
    if layout is None:
        raise ValueError
    end = layout.header + layout.length * layout.records
    return [(0, end + (data[end : end + 1] == b"\x1a"))]


def of_sqlite(data: bytes) -> Spans:
    """All pages, by the size in the header; or the file if that is stale (sqlite.org/fileformat2.html, 1.3.8)."""
    (size,) = struct.unpack_from(">H", data, 16)
    (pages,) = struct.unpack_from(">I", data, 28)
    changed, valid = data[24:28], data[92:96]
    if not pages or changed != valid:
        return [(0, len(data))]
    return [(0, pages * (65_536 if size == 1 else size))]
