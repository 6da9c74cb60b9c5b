"""Web archives and oledata.mso: compressed or chunked content is read, and the data after it too."""

import gzip
import zlib

import pytest

from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from holdgate.extract.readers.archives import active_mime, compressed, warc
from holdgate.extract.reading import UnreadableError
from tests.support.pdf_writer import simple_pdf
from tests.support.samples import active_mime as packed
from tests.support.samples import warc as archive
from tests.support.sink import read_all

PAGE = b"<p>a page about Rosenquist</p>"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def test_each_record_is_a_document() -> None:
    sink = read_all(warc.read, archive(PAGE, simple_pdf("another")))
    assert [document.data for document in sink.documents] == [PAGE, simple_pdf("another")]
    assert sink.documents[0].declared_type == "text/html"
    assert ("WARC-Type: response" in sink.everything(), sink.limits) == (True, [])


@pytest.mark.parametrize(
    ("header", "block"),
    [
        (CHUNKED, b"10\r\n" + PAGE[:16] + b"\r\ne\r\n" + PAGE[16:] + b"\r\n0\r\n\r\n"),
        (CHUNKED, b"1E;name=value\r\n" + PAGE + b"\r\n0\r\n\r\n"),
        (CHUNKED, PAGE),
        (b"Content-Encoding: gzip\r\n", gzip.compress(PAGE, mtime=0)),
        (b"Content-Encoding: deflate\r\n", zlib.compress(PAGE)),
        (b"Content-Encoding: deflate\r\n", zlib.compress(PAGE)[2:-4]),
        (b"Content-Encoding: gzip\r\n", PAGE),
    ],
    ids=["chunks", "one chunk", "no chunk", "gzip", "zlib", "deflate", "not packed"],
)
def test_http_encodings_are_decoded(header: bytes, block: bytes) -> None:
    assert [document.data for document in read_all(warc.read, archive(block, header=header)).documents] == [PAGE]


def test_several_gzip_members_are_left_to_the_reader_of_compressed_files() -> None:
    block = gzip.compress(PAGE[:9], mtime=0) + gzip.compress(PAGE[9:], mtime=0)
    header = b"Content-Encoding: gzip\r\n"
    (whole,) = read_all(warc.read, archive(block, header=header)).documents
    assert [document.data for document in read_all(compressed.read, whole.data).documents] == [PAGE]
    # Data after a single member is read too.
    (both,) = read_all(warc.read, archive(gzip.compress(PAGE, mtime=0) + b"behind", header=header)).documents
    assert both.data == PAGE + b"behind"


def test_a_cut_archive_is_limited_and_trailing_data_is_read() -> None:
    assert read_all(warc.read, archive(PAGE)[:-20]).limits == ["damaged, read up to the damage"]
    assert read_all(warc.read, archive(PAGE) + b"Rosenquist-behind").documents[-1].data == b"Rosenquist-behind"
    with pytest.raises(UnreadableError):
        read_all(warc.read, b"WARC/1.0\r\nno length\r\n\r\n")


def test_oledata_is_decompressed() -> None:
    sink = read_all(active_mime.read, packed(PAGE))
    assert ([document.data for document in sink.documents], sink.limits) == ([PAGE], [])
    assert read_all(active_mime.read, packed(PAGE) + b"behind").documents[1].data == b"behind"
    assert read_all(active_mime.read, packed(PAGE * 9)[:-9]).limits == ["damaged, read up to the damage"]
    assert extract_file("oledata.mso", b"ActiveMime" + bytes(300)).status is Status.FAILED
