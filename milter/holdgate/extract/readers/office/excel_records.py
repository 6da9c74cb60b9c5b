"""Reads each kind of record of an old Excel workbook, BIFF2 to BIFF8: one function per kind, listed in two tables.

Follows [MS-XLS]: 2.4.28 (BoundSheet8), 2.4.265 (SST), 2.4.148 to 2.4.151 (labels), 2.5.217 (RkNumber), 2.4.127
(Formula), 2.4.268 (String), 2.4.179 (Note), 2.4.329 (TxO), 2.4.353 (XF); the records of BIFF2 to BIFF5 are those of the
Excel 97 Developer's Kit.
"""

import struct
from collections.abc import Callable

from holdgate.extract.readers.office.biff import Segments, characters, shared_strings
from holdgate.extract.readers.office.excel_workbook import Workbook
from holdgate.extract.readers.office.property_set import codec
from holdgate.extract.readers.openxml.number_format import literals, packed_number, plain_number
from holdgate.extract.readers.openxml.ooxml_sheet import column_name
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import UnreadableError


def _end(book: Workbook, _: bytes) -> None:
    book.chart = False


def _user(book: Workbook, body: bytes) -> None:
    book.sink.text(book.text(body, 0, wide_length=book.version == 8).strip(), "last editor")


def _sheet(book: Workbook, body: bytes) -> None:
    (offset,) = struct.unpack_from("<I", body)
    name = book.text(body, 6, wide_length=False)
    book.sheets[offset] = name
    book.sink.text(name, "sheet names")


def _strings(book: Workbook, segments: Segments) -> None:
    book.strings, extensions = shared_strings(segments)
    for text in strings(extensions, narrow=False):
        book.sink.text(text, "phonetic readings")


def _label_shared(book: Workbook, body: bytes) -> None:
    row, column, _, index = struct.unpack_from("<HHHI", body)
    if index < len(book.strings):
        book.used.add(index)
        book.cell(row, column, book.strings[index])


def _label(book: Workbook, body: bytes) -> None:
    row, column = struct.unpack_from("<HH", body)
    book.cell(row, column, book.text(body, 6))


def _label_2(book: Workbook, body: bytes) -> None:
    """Pass on a label of BIFF2, or of the data sheet of a Microsoft Graph chart ([MS-OGRAPH], Label)."""
    row, column = struct.unpack_from("<HH", body)
    book.cell(row, column, book.text(body, 7, wide_length=False))


def _number(book: Workbook, body: bytes) -> None:
    row, column, style, value = struct.unpack_from("<HHHd", body)
    book.number(row, column, style, value)


def _number_2(book: Workbook, body: bytes) -> None:
    row, column, value = struct.unpack_from("<HH3xd", body)
    book.number(row, column, -1, value)


def _integer_2(book: Workbook, body: bytes) -> None:
    row, column, value = struct.unpack_from("<HH3xH", body)
    book.number(row, column, -1, value)


def _packed(book: Workbook, body: bytes) -> None:
    row, column, style, value = struct.unpack_from("<HHHI", body)
    book.number(row, column, style, packed_number(value))


def _many_packed(book: Workbook, body: bytes) -> None:
    row, column = struct.unpack_from("<HH", body)
    for index in range((len(body) - 6) // 6):
        style, value = struct.unpack_from("<HI", body, 4 + 6 * index)
        book.number(row, column + index, style, packed_number(value))


def _formula(book: Workbook, body: bytes) -> None:
    row, column, style = struct.unpack_from("<HHH", body)
    at = 7 if book.version == 2 else 6
    cell = f"{column_name(column + 1)}{row + 1}"
    book.pending = cell
    if body[at + 6 : at + 8] != b"\xff\xff":
        (value,) = struct.unpack_from("<d", body, at)
        book.number(row, column, -1 if book.version < 5 else style, value)
    if b"\x17" in body:
        book.constants(body[at + 8 :], book.place(f"{cell}, formula"))


def _result(book: Workbook, segments: Segments) -> None:
    body = segments[0]
    (count,) = struct.unpack_from("<H", body)
    if book.version < 8:
        text = b"".join([body[2:], *segments[1:]])[:count].decode(book.charset, "replace")
    else:
        text = characters(body, 2, count)
        for segment in segments[1:]:
            if segment:
                text += characters(segment, 0, count - len(text))
    book.sink.text(text, book.place(book.pending))


def _result_2(book: Workbook, body: bytes) -> None:
    book.sink.text(body[1 : 1 + body[0]].decode(book.charset, "replace"), book.place(book.pending))


def _format(book: Workbook, body: bytes) -> None:
    (number,) = struct.unpack_from("<H", body)
    if book.version >= 5:
        code = book.text(body, 2, wide_length=book.version == 8)
        book.codes[number] = code
        if words := literals(code):
            book.sink.text(words, "number format")


def _style(book: Workbook, body: bytes) -> None:
    if book.version >= 5:
        book.formats.append(struct.unpack_from("<H", body, 2)[0])


def _charset(book: Workbook, body: bytes) -> None:
    (number,) = struct.unpack_from("<H", body)
    book.charset = codec({0x8000: 10000, 0x8001: 1252, 1200: 1252}.get(number, number))


def _dates(book: Workbook, body: bytes) -> None:
    book.since_1904 = body[:1] == b"\x01"


def _page_text(book: Workbook, body: bytes) -> None:
    if len(body) > 1:
        book.sink.text(book.text(body, 0, wide_length=book.version == 8), book.place("header or footer"))


def _object(book: Workbook, body: bytes) -> None:
    if book.version == 8 and len(body) >= 8:
        (book.object,) = struct.unpack_from("<H", body, 6)
    elif book.version < 8:
        book.scan(body, "object")


def _text_box(book: Workbook, segments: Segments) -> None:
    (count,) = struct.unpack_from("<H", segments[0], 10)
    text = ""
    for segment in segments[1:]:
        if len(text) >= count or not segment:
            break
        text += characters(segment, 0, count - len(text))
    if text:
        if book.object in book.boxes:
            book.sink.text(book.boxes[book.object], book.place("text box"))
        book.boxes[book.object] = text


def _note(book: Workbook, segments: Segments) -> None:
    body = segments[0]
    row, column, third, number = struct.unpack_from("<HHHH", body)
    cell = f"{column_name(column + 1)}{row + 1}"
    if book.version == 8:
        author = book.text(body, 8)
        text = book.boxes.pop(number, "")
        if author:
            book.sink.text(author, book.place(f"comment at {cell}"))
        if text:
            book.sink.text(text, book.place(f"comment at {cell}" + (f" by {author}" if author else "")))
    else:
        text = body[6 : 6 + third].decode(book.charset, "replace")
        book.sink.text(text, book.place("comment" if row == 0xFFFF else f"comment at {cell}"))


def _drawing(book: Workbook, segments: Segments) -> None:
    for text in strings(b"".join(segments), narrow=False):
        book.sink.text(text, book.place("drawing"))


def _drawing_group(book: Workbook, segments: Segments) -> None:
    for segment in segments:
        book.drawings += segment


def _link(book: Workbook, segments: Segments) -> None:
    book.scan(b"".join(segments), "link")


def _series(book: Workbook, body: bytes) -> None:
    book.sink.text(book.text(body, 2, wide_length=False), book.place("chart"))


def _encrypted(_: Workbook, __: bytes) -> None:
    raise UnreadableError("encrypted")


def _validation(book: Workbook, body: bytes) -> None:
    book.scan(body, "validation")
    book.constants(body, book.place("validation"))


def _name(book: Workbook, body: bytes) -> None:
    book.scan(body, "defined name")
    book.constants(body, book.place("defined name"))


def _pivot_string(book: Workbook, body: bytes) -> None:
    book.sink.text(book.text(body, 0), book.place(""))


def _pivot_number(book: Workbook, body: bytes) -> None:
    book.sink.text(plain_number(repr(struct.unpack_from("<d", body)[0])), book.place(""))


ACTIONS: dict[int, Callable[[Workbook, bytes], None]] = {
    0x000A: _end,
    0x005C: _user,
    0x0085: _sheet,
    0x00FD: _label_shared,
    0x0204: _label,
    0x0004: _label_2,
    0x00D6: _label,
    0x0203: _number,
    0x0003: _number_2,
    0x0002: _integer_2,
    0x027E: _packed,
    0x00BD: _many_packed,
    0x0006: _formula,
    0x0206: _formula,
    0x0406: _formula,
    0x0007: _result_2,
    0x041E: _format,
    0x00E0: _style,
    0x0042: _charset,
    0x0022: _dates,
    0x0014: _page_text,
    0x0015: _page_text,
    0x005D: _object,
    0x100D: _series,
    0x002F: _encrypted,
    0x01BE: _validation,
    0x0018: _name,
    0x00CD: _pivot_string,
    0x00C9: _pivot_number,
}
SEGMENTED: dict[int, Callable[[Workbook, Segments], None]] = {
    0x00FC: _strings,
    0x0207: _result,
    0x01B6: _text_box,
    0x001C: _note,
    0x00EC: _drawing,
    0x00EB: _drawing_group,
    0x01B8: _link,
}
