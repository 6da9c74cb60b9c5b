"""Reads ActiveMime files: the compound file with macros and objects that Office adds to a saved web page or mail.

Word and Excel call it oledata.mso or editdata.mso. After a header of about 50 bytes, which has its own length at no
fixed place, follows one zlib stream (RFC 1950). Microsoft has not documented it.
"""

from holdgate.extract.format import Format
from holdgate.extract.readers.archives.inflate import inflated
from holdgate.extract.reading import Document, Sink, UnreadableError

_MAGIC = b"ActiveMime"
_HEADER = range(20, 80)


def read(document: Document, sink: Sink) -> None:
    """Pass on the packed file. Raises UnreadableError("damaged") if there is no stream."""
    data = document.data
    for start in _HEADER:
        # The first byte of a stream with a window of 32 KiB, and a checksum over two bytes.
        if data[start : start + 1] == b"\x78" and int.from_bytes(data[start : start + 2], "big") % 31 == 0:
            content, rest, whole = inflated(data[start:], sink)
            if content:
                if not whole:
                    sink.limited("damaged, read up to the damage")
                sink.embedded(content, "oledata")
                if rest.strip(b"\0"):
                    sink.embedded(rest, "behind the packed data")
                return
    raise UnreadableError("damaged")


FORMAT = Format(
    kind="active-mime",
    read=read,
    holds="oledata.mso of Office",
    read_by="Holdgate, zlib",
    unread="",
    signatures=((0, _MAGIC),),
    extensions="mso",
    types="application/x-mso",
)
