"""Text in a PDF that no page shows is read if a person could have written it there, and once."""

import base64
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
    "a comment": page().replace(b"%PDF-1.7\n", f"%PDF-1.7\n%{WORDS}\n".encode()),
    "a name": page(catalog=f"/{WORDS.replace(' ', '#20')} 1"),
    "the language": page(catalog=f"/Lang ({WORDS})"),
    "the name of a target": page(catalog=f"/Names << /Dests << /Names [({WORDS}) [0 /Fit]] >> >>"),
}


@pytest.mark.parametrize("data", [pytest.param(one, id=name) for name, one in HIDDEN.items()])
def test_text_that_no_page_shows_is_read(data: bytes) -> None:
    assert WORDS in read(pdf, data).whole()


def test_text_of_a_page_is_passed_on_once() -> None:
    assert read(pdf, page(shown=WORDS)).whole().count(WORDS) == 1
    assert read(pdf, page(shown=WORDS, streams=(("", WORDS.encode()),))).whole().count(WORDS) == 1


@pytest.mark.parametrize(
    ("entries", "content"),
    [
        ("", b"\0\1\0\0 Monotype USA - (847) 718-0400"),
        ("", b"%!PS-AdobeFont-1.0: CMB10 003.002 Mon Jul 13 16:17:00 2009"),
        ("/FunctionType 4", b"{ dup abs 0.00001 lt { pop pop 0.12345678 } if }"),
        ("/Subtype /Image /Width 9", b"her 12345678 \0 pixels"),
        ("/Subtype /Image /Width 9 /Filter /DCTDecode", WORDS.encode()),
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
