"""Text in a PDF that no page shows is read if a person could have written it there, and once."""

import base64
import gzip
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf._codecs._codecs import LzwCodec

from holdgate.extract.readers.pdf import pdf, pdf_filters, pdf_unseen
from holdgate.extract.readers.pdf.pdf_document import Strings
from tests.support.pdf_writer import PdfWriter
from tests.support.sink import KeepingSink
from tests.unit.extract.readers.recording import RecordingSink, read

WORDS = "her number is 536-90-4399"


def page(
    *,
    shown: str = "hello",
    catalog: str = "",
    font: str = "",
    streams: tuple[tuple[str, bytes], ...] = (),
) -> bytes:
    """Return a file with one page; {first} in the entries of its font is the number of the first stream."""
    writer = PdfWriter()
    numbers = [writer.stream(content, entries, compress="lter" not in entries) for entries, content in streams]
    font = font.replace("{first}", str(next(iter(numbers), 0)))
    face = writer.add(f"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica {font} >>")
    content = writer.stream(f"BT /F1 12 Tf 50 700 Td ({shown}) Tj ET".encode())
    tree = writer.reserve()
    one = writer.add(
        f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R"
        f" /Resources << /Font << /F1 {face} 0 R >> >> >>"
    )
    writer.put(tree, f"<< /Type /Pages /Kids [{one} 0 R] /Count 1 >>")
    root = writer.add(f"<< /Type /Catalog /Pages {tree} 0 R {catalog} >>")
    return writer.file(f"/Root {root} 0 R")


def ascii85(data: bytes) -> bytes:
    return base64.a85encode(data) + b"~>"


HIDDEN = {
    "a private stream": page(streams=(("", WORDS.encode()),)),
    "a private stream without a filter": page(streams=(("/Filter []", WORDS.encode()),)),
    "an ASCII85 stream": page(streams=(("/Filter /ASCII85Decode", ascii85(WORDS.encode())),)),
    "a hexadecimal stream": page(streams=(("/Filter /AHx", WORDS.encode().hex().encode() + b">"),)),
    "a run length stream": page(streams=(("/Filter /RunLengthDecode", bytes((len(WORDS) - 1,)) + WORDS.encode()),)),
    "an LZW stream": page(streams=(("/Filter /LZWDecode", LzwCodec().encode(WORDS.encode())),)),
    "a stream with two filters": page(
        streams=(("/Filter [/ASCII85Decode /FlateDecode]", ascii85(zlib.compress(WORDS.encode()))),)
    ),
    "a stream with an escaped filter": page(streams=(("/F#69lter /#41#48x", WORDS.encode().hex().encode()),)),
    "an image that is text": page(streams=(("/Subtype /Image /Width 9", WORDS.encode()),)),
    "a function that is text": page(streams=(("/FunctionType 4", f"{{ {WORDS} }}".encode()),)),
    "a long stream": page(
        streams=(("/Filter /FlateDecode", zlib.compress(b"x" * 6_000_000 + b"\n" + WORDS.encode())),)
    ),
    "a page that is not in the tree": page(streams=(("", f"BT ({WORDS}) Tj ET".encode()),)),
    "a tiling pattern": page(streams=(("/Type /Pattern /PatternType 1", f"BT ({WORDS}) Tj ET".encode()),)),
    "a colour profile": page(streams=(("/N 3", WORDS.encode()),)),
    "a font that is none": page(streams=(("/Length1 9", WORDS.encode()),)),
    "a text with a word that is an operator": page(streams=(("", f"Do not share: {WORDS}, 12 cm".encode()),)),
    "a line among operators": page(streams=(("", f"1 0 0 1 0 0 cm\n{WORDS}\n0 0 9 9 re".encode()),)),
    "a text that begins as a font does": page(streams=(("", f"true, {WORDS}".encode()),)),
    "a stream that is none of objects": page(streams=(("/Type /ObjStm /N 0 /First 0", WORDS.encode()),)),
    "a stream that is none of references": page(streams=(("/Type /XRef", WORDS.encode()),)),
    "an image whose filter is a wrong name": page(
        streams=(("/Subtype /Image /Width 9 /Filter /DCTDecode", WORDS.encode()),)
    ),
    "a packed stream whose dictionary names another filter": page(
        streams=(("/Filter /FlateDecode /DP << /Filter [] >>", zlib.compress(WORDS.encode())),)
    ),
    "a stream with a long dictionary": page(
        streams=((f"/Filter /FlateDecode /X ({'x' * 30_000})", zlib.compress(WORDS.encode())),)
    ),
    "a stream after a comment": page(streams=(("", WORDS.encode()),)).replace(b">>\nstream", b">> % c\nstream"),
    "a stream in UTF-16": page(streams=(("", WORDS.encode("utf-16-le")),)),
    "a stream in big-endian UTF-16": page(streams=(("", WORDS.encode("utf-16-be")),)),
    "text between objects": page().replace(b"endobj\n", f"endobj\n{WORDS}\n".encode(), 1),
    "text after the end of a stream": page(streams=(("", b"a"),)).replace(
        b"endstream", f"endstream\n{WORDS}\n".encode()
    ),
    "a comment": page().replace(b"%PDF-1.7\n", f"%PDF-1.7\n%{WORDS}\n".encode()),
    "a name": page(catalog=f"/{WORDS.replace(' ', '#20')} 1"),
    "the language": page(catalog=f"/Lang ({WORDS})"),
    "the name of a target": page(catalog=f"/Names << /Dests << /Names [({WORDS}) [0 /Fit]] >> >>"),
}


@pytest.mark.parametrize("data", [pytest.param(one, id=name) for name, one in HIDDEN.items()])
def test_text_that_no_page_shows_is_read(data: bytes) -> None:
    assert WORDS in read(pdf, data).whole()


def test_a_file_in_a_private_stream_is_read() -> None:
    packed = gzip.compress(WORDS.encode() * 3, mtime=0)
    for content in (packed, base64.b64encode(packed)):
        assert packed in [document for _, document in read(pdf, page(streams=(("", content),))).documents]


def test_text_of_a_page_is_passed_on_once() -> None:
    assert read(pdf, page(shown=WORDS)).whole().count(WORDS) == 1
    assert read(pdf, page(shown=WORDS, streams=(("", WORDS.encode()),))).whole().count(WORDS) == 1


@pytest.mark.parametrize(
    ("entries", "content"),
    [
        ("", b"\0\1\0\0 Monotype USA - (847) 718-0400" + bytes(range(128, 160))),
        ("", b"%!PS-AdobeFont-1.0: CMB10 003.002 Mon Jul 13 16:17:00 2009" + bytes(range(128, 160))),
        ("/FunctionType 4", b"{ dup abs 0.00001 lt { pop pop 0.12345678 } if }"),
        ("/Subtype /Image /Width 9", b"her 12345678 \0 pixels"),
        ("/Subtype /Image /Width 9 /Filter /DCTDecode", b"\xff\xd8" + WORDS.encode()),
        ("", b"/GS0 gs /Artifact <</Type /Pagination /BBox [12.5 3.25 500.125 40.75]>> BDC 0.125 0.25 0.375 scn EMC"),
        ("", b"BT 56.8 785.3 Td /F1 12.5 Tf<01020304>Tj 155.707 760.591 Td /F2 10.006 Tf[<05>-3(a)]TJ ET"),
        ("/Type /XRef", bytes(range(256)) + WORDS.encode()),
        (
            "/Type /ObjStm /N 2 /First 30",
            b"12 0 13 40 14 52 15 120 16 240 17 300 << >> [ 250 333 408 500 500 833 778 ]",
        ),
        ("", b"q 1 0 0 1 72 720.12345 cm scn 12345678 gs"),
    ],
)
def test_data_that_programs_write_is_not_text(entries: str, content: bytes) -> None:
    texts = [
        text for text, place in read(pdf, page(streams=((entries, content),))).texts if place == pdf_unseen.STREAM_PLACE
    ]
    assert texts == []


@pytest.mark.parametrize(
    "entries",
    ["/Filter /JPXDecode", "/Filter /NoneOfThese", "/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 9 >>"],
)
def test_a_stream_that_cannot_be_decoded_is_limited(entries: str) -> None:
    data = page(streams=((entries, zlib.compress(WORDS.encode())),))
    assert read(pdf, data).reasons == [pdf_filters.NOT_DECODED]


@pytest.mark.parametrize("entries", ["/Filter /FlateDecode", "/Filter [/A85 /Fl]", "/Filter /Crypt"])
def test_a_damaged_stream_is_not_limited(entries: str) -> None:
    assert read(pdf, page(streams=((entries, b"damaged"),))).reasons == []


MAPS = {
    "a character": b"1 beginbfchar <35> <0036> endbfchar",
    "a range": b"1 beginbfrange <30> <39> <0061> endbfrange",
    "the second section": b"1 beginbfchar <35> <0035> endbfchar 1 beginbfrange <2f> <31> <0041> endbfrange",
}
TRUE_MAPS = {
    "all characters": b"1 beginbfrange <20> <7e> <0020> endbfrange",
    "letters": b"2 beginbfchar <41> <0042> <35> <0035> endbfchar 1 beginbfrange <41> <5a> <0061> endbfrange",
}


def remarks(cmap: bytes, font: str) -> RecordingSink:
    return read(pdf, page(font=f"{font} /ToUnicode {{first}} 0 R", streams=(("", cmap),)))


@pytest.mark.parametrize("cmap", [pytest.param(one, id=name) for name, one in MAPS.items()])
@pytest.mark.parametrize("font", ["", "/Encoding /WinAnsiEncoding"])
def test_a_font_whose_text_has_other_digits_than_it_shows_is_limited(cmap: bytes, font: str) -> None:
    assert pdf_unseen.FONT_DIFFERS in remarks(cmap, font).reasons


@pytest.mark.parametrize("cmap", [pytest.param(one, id=name) for name, one in TRUE_MAPS.items()])
def test_a_font_whose_text_is_what_it_shows_is_not_limited(cmap: bytes) -> None:
    assert remarks(cmap, "/Encoding /WinAnsiEncoding").reasons == []


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_exception(data: bytes) -> None:
    unseen = pdf_unseen.Unseen(Strings(KeepingSink()))
    unseen.read_syntax(data)
    unseen.read_stream(data, [])
    pdf_unseen.changes_digits(data)
    list(pdf_unseen.deceptive_fonts(data))
    for entries in (b"", b"/FunctionType 4"):
        assert pdf_unseen.is_of_a_program(entries, data) in (False, True)


@pytest.mark.parametrize(
    "piece", [b"%", b"/", b"/ToUnicode 1 0 R ", b"beginbfchar ", b"<30> ", b"/a#20", b"%her 12345678\n"]
)
def test_long_data_takes_linear_time(piece: bytes) -> None:
    def seconds(count: int) -> float:
        unseen = pdf_unseen.Unseen(Strings(KeepingSink()))
        unseen.strings.seen.add("x" * 10_000)
        begun = time.process_time()
        unseen.read_syntax(piece * count)
        unseen.read_stream(piece * count, [f"her number {number:08}" for number in range(count)])
        pdf_unseen.changes_digits(piece * count)
        list(pdf_unseen.deceptive_fonts(piece * count))
        return time.process_time() - begun

    seconds(100)
    assert min(seconds(6_000) for _ in range(3)) < 14 * min(seconds(1_000) for _ in range(3)) + 0.02
