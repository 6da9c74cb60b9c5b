"""The content of a gzip header."""

import zlib

import pytest

from holdgate.extract.readers.archives import compressed
from tests.support.sink import read_all

DATA = zlib.compressobj(wbits=-15)
DEFLATED = DATA.compress(b"the content") + DATA.flush()
TRAILER = zlib.crc32(b"the content").to_bytes(4, "little") + (11).to_bytes(4, "little")


def gzipped(flags: int, fields: bytes) -> bytes:
    return b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + fields + DEFLATED + TRAILER


@pytest.mark.parametrize(
    ("flags", "fields", "texts"),
    [
        (0, b"", []),
        (8, b"Rosenquist.txt\0", ["Rosenquist.txt"]),
        (16, b"a comment\0", ["a comment"]),
        (24, b"a.txt\0a comment\0", ["a.txt", "a comment"]),
        (12, b"\3\0abca.txt\0", ["a.txt"]),
    ],
)
def test_the_name_and_comment_of_gzip_are_read(flags: int, fields: bytes, texts: list[str]) -> None:
    sink = read_all(compressed.read, gzipped(flags, fields))
    assert [text for text, _ in sink.texts] == texts
    assert [document.data for document in sink.documents] == [b"the content"]


def test_a_header_that_is_cut_off_names_nothing() -> None:
    assert compressed._gzip_header(b"\x1f\x8b\x08\x08" + bytes(6) + b"no end of the name") == []
