"""Reads MAPI properties, which are stored in different ways in Outlook's messages and in TNEF.

Follows [MS-OXPROPS] for ids and [MS-OXCDATA] 2.11 for types. Text is read from every property, known or not.
"""

import struct
from datetime import UTC, datetime, timedelta

from holdgate.extract.readers.office import rtf
from holdgate.extract.readers.office.property_set import codec
from holdgate.extract.readers.office.rtf_compressed import decompressed
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import BODY_NAME, Document, Sink, UnreadableError

STRING_8, STRING, BINARY, OBJECT, TIME = 0x001E, 0x001F, 0x0102, 0x000D, 0x0040
MULTIPLE = 0x1000
BODY, HTML, COMPRESSED_RTF, SUBJECT, HEADERS = 0x1000, 0x1013, 0x1009, 0x0037, 0x007D
METHOD = 0x3705
ATTACHED, LONG_NAME, SHORT_NAME, SHOWN_NAME, MIME_TYPE = 0x3701, 0x3707, 0x3704, 0x3001, 0x370E
INTERNET_CODEPAGE, MESSAGE_CODEPAGE = 0x3FDE, 0x3FFD
PLACES = {BODY: "", HTML: "", SUBJECT: "subject", HEADERS: "headers", 0x0070: "subject", 0x0E1D: "subject"}
# Keys, classes, entry and conversation ids: binary values for programs.
WITHOUT_TEXT = frozenset(
    {0x001A, 0x0FF6, 0x0FF9, 0x0FFF, 0x300B, 0x300C, 0x3013, 0x3014, 0x65E2, 0x65E3, 0x0E0A, 0x0071, 0x3702, 0x3705}
)
# Birthday and anniversary, and the first of the named properties: their dates are read.
DATES = frozenset({0x3A41, 0x3A42})
NAMED = 0x8000


def read_property(
    number: int, kind: int, data: bytes, fixed: dict[int, bytes], charset: str, sink: Sink, what: str
) -> None:
    """Pass on one property. `fixed` has the properties of fixed size, `what` names the owner of the properties."""
    place = PLACES.get(number, f"{what} properties")
    if number in WITHOUT_TEXT:
        return
    if number == HTML and data:
        if kind == STRING:
            sink.embedded(data.decode("utf-16-le", "replace").encode(), BODY_NAME, "text/html", "utf-8")
        else:
            page = fixed.get(INTERNET_CODEPAGE, b"")[:4]
            named = codec(struct.unpack("<I", page)[0]) if len(page) == 4 else charset
            sink.embedded(data, BODY_NAME, "text/html", named)
    elif number == COMPRESSED_RTF:
        body = decompressed(data, sink)
        if body:
            try:
                rtf.read(Document(body), sink)
            except UnreadableError as error:
                sink.limited(f"rich text body {error}")
    elif kind == STRING:
        sink.text(data.decode("utf-16-le", "replace").rstrip("\0"), place)
    elif kind == STRING_8:
        sink.text(text_of(data, charset), place)
    elif kind == BINARY:
        for text in strings(data):
            sink.text(text, place)
    elif kind == TIME and (number in DATES or number >= NAMED):
        sink.text(moment(data), place)


def text_of(data: bytes, charset: str) -> str:
    """Decode an 8-bit string: UTF-8 if it is valid, else in the code page of the message."""
    data = data.rstrip(b"\0")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(charset, "replace")


def charset_of(fixed: dict[int, bytes]) -> str:
    """Return the codec of the 8-bit strings, "" if the message names none."""
    for number in (MESSAGE_CODEPAGE, INTERNET_CODEPAGE):
        if len(fixed.get(number, b"")) >= 4:
            return codec(struct.unpack_from("<I", fixed[number])[0])
    return ""


def moment(raw: bytes) -> str:
    """Return a FILETIME as text, "" if it is invalid or implausible."""
    if len(raw) != 8:
        return ""
    (ticks,) = struct.unpack("<Q", raw)
    if not 10**16 < ticks < 2 * 10**17:
        return ""
    return (datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)).strftime("%Y-%m-%d %H:%M")
