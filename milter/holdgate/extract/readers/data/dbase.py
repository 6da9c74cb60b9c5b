"""Reads dBase, FoxPro and Clipper tables: every record with the names of its fields, including deleted ones.

Follows the dBase table file format (dBASE LLC, "Xbase Data file", level 5 and 7) and Microsoft's "Table File Structure"
for Visual FoxPro. Memo fields are in a separate file (.dbt, .fpt), which is not a table.
"""

import struct

from holdgate.extract import charset
from holdgate.extract.extents import databases
from holdgate.extract.format import Format
from holdgate.extract.reading import Document, Sink, UnreadableError

_CODE_PAGES = {
    0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x64: "cp852", 0x65: "cp866", 0x66: "cp865", 0x57: "cp1252",
    0x7B: "cp932", 0x4D: "cp936", 0x4E: "cp949", 0x4F: "cp950", 0xC8: "cp1250", 0xC9: "cp1251", 0xCA: "cp1254",
    0xCB: "cp1253",
}  # fmt: skip
_INTEGER, _DOUBLE = b"I+", b"BO"


def read(document: Document, sink: Sink) -> None:
    """Pass on each record. Raises UnreadableError("damaged") if the header names no field."""
    data = document.data
    layout = databases.dbase_layout(data)
    if layout is None:
        raise UnreadableError("damaged")
    codec = _CODE_PAGES.get(data[29], "")
    for number in range(layout.records):
        start = layout.header + number * layout.length
        record = data[start : start + layout.length]
        if len(record) < layout.length:
            sink.limited("damaged, read up to the damage")
            return
        if not number % 256:
            sink.budget.check_time()
        at, lines = 1, list[str]()
        for name, kind, length in layout.fields:
            value = _value(record[at : at + length], kind, codec)
            at += length
            if value:
                lines.append(f"{name}: {value}")
        sink.budget.spend_cells(len(layout.fields))
        sink.text("\n".join(lines), f"record {number + 1}{', deleted' if record[:1] == b'*' else ''}")


def _value(raw: bytes, kind: bytes, codec: str) -> str:
    if kind in _INTEGER and len(raw) == 4:
        return str(struct.unpack("<i", raw)[0])
    if kind in _DOUBLE and len(raw) == 8:
        return f"{struct.unpack('<d', raw)[0]:.16g}"
    plain = raw.strip(b"\0 ")
    if not plain:
        return ""
    return charset.decode(plain, codec).strip() if not plain.isascii() else plain.decode("ascii")


def _recognise(data: bytes) -> bool:
    return databases.dbase_layout(data) is not None


FORMAT = Format(
    kind="dbase",
    read=read,
    claims=databases.of_dbase,
    holds="dBase, FoxPro and Clipper tables (dbf)",
    read_by="Holdgate",
    unread="",
    recognise=_recognise,
    extensions="dbf",
    types="application/dbase application/x-dbf",
)
