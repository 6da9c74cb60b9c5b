"""Reads the extended headers of tar files, because libarchive returns only those that it knows.

Follows POSIX.1, pax Interchange Format: records "length keyword=value" for one file or for all following ones.
"""

import re
from collections.abc import Iterator

_BLOCK = 512
_EXTENDED = b"xgX"
_END = re.compile(rb"\n(?=\d{1,10} |\0|\Z)")
_KEYWORD = re.compile(rb"\d{1,10} ([^=\0\n]{1,200})=")
# Names and links are read with their file; the rest are numbers.
_KNOWN = frozenset(
    {b"path", b"linkpath", b"size", b"mtime", b"atime", b"ctime", b"uid", b"gid", b"hdrcharset", b"charset"}
)
_MOST_BYTES = 1 << 20


def records(data: bytes) -> Iterator[str]:
    """Yield the values of unusual records: comments, owners, attributes."""
    at = 0
    while len(header := data[at : at + _BLOCK]) == _BLOCK and header.strip(b"\0"):
        field = header[124:136]
        try:
            size = int.from_bytes(field[1:], "big") if field[0] & 0x80 else int(field.strip(b" \0") or b"0", 8)
        except ValueError:
            return
        if header[156] in _EXTENDED:
            for keyword, value in in_header(data[at + _BLOCK : at + _BLOCK + min(size, _MOST_BYTES)]):
                if keyword not in _KNOWN:
                    yield f"{keyword.decode('utf-8', 'replace')}: {value.decode('utf-8', 'replace')}"
        at += _BLOCK + -(-size // _BLOCK) * _BLOCK


def in_header(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield keyword and value of each record. Lengths can be wrong: a record extends to where another one begins."""
    start = 0
    for end in _END.finditer(content):
        record = content[start : end.start()].rpartition(b"\0")[2]
        start = end.end()
        if keyword := _KEYWORD.search(record):
            yield keyword[1], record[keyword.end() :]
