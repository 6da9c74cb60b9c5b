import gzip
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.identify import identify
from holdgate.extract.part import Status
from holdgate.extract.readers.openxml import odf
from holdgate.extract.readers.pictures import starview
from holdgate.extract.reading import Document, UnreadableError
from tests.data import planted
from tests.support.samples import starview as drawing
from tests.support.samples import starview_record as record
from tests.support.samples import starview_text as array
from tests.unit.extract.readers.recording import packed, read

# The layout cache of LibreOffice in a presentation for a table of two cells: "tokenleft" and "tokenright".
DRAWING = gzip.decompress((Path(planted.__file__).parent / "drawing.svm.gz").read_bytes())
COMMENT, FONT, POLYGON = 512, 138, 110


def narrow(text: str) -> bytes:
    return struct.pack("<H", len(text)) + text.encode("cp1252")


def wide(text: str, size: str = "<I") -> bytes:
    return struct.pack(size, len(text)) + text.encode("utf-16-le")


def point(height: int) -> bytes:
    return struct.pack("<ii", 7, height)


def text(first: bytes, count: int, height: int = 5, again: bytes = b"") -> bytes:
    return record(112, point(height) + first + struct.pack("<HH", 0, count) + again, 2 if again else 1)


def texts(*records: bytes) -> list[str]:
    return [text for text, _ in read(starview, drawing(*records)).texts]


def test_a_drawing_of_libreoffice_is_read() -> None:
    assert identify(Document(DRAWING)) == "starview"
    sink = read(starview, DRAWING)
    assert "tokenleft tokenright" in [text for text, _ in sink.texts]
    assert (sink.reasons, sink.documents) == ([], [])
    # The names of its marks are not text.
    assert not [text for text, _ in sink.texts if text.startswith("XTEXT")]
    assert extract_file("drawing.svm", DRAWING).status is Status.COMPLETE


def test_a_presentation_with_a_table_and_a_layout_cache_is_read_completely() -> None:
    content = "<office:document-content><text:p>tokentext</text:p></office:document-content>"
    cache = b"\1\0\1\0\x70\xe8\3\0\0\x50\x09\0\0\4\x2c\0\0\0tokencache"
    mimetype = "application/vnd.oasis.opendocument.presentation"
    pictures = {"Pictures/a.svm": DRAWING, "layout-cache": cache}
    parts: dict[str, str | bytes] = {"mimetype": mimetype, "content.xml": content, **pictures}
    found = extract_file("slides.odp", packed(parts, method=0))
    assert (found.status, found.reason) == (Status.COMPLETE, "")
    for token in ("tokentext", "tokenleft tokenright", "tokencache"):
        assert any(token in part.text for part in found.parts)
    # Only there: another file with that name, or without a reader, is not skipped.
    assert [name for name, _ in read(odf, packed({"Object 1/layout-cache": cache})).documents] == ["layout-cache"]


@pytest.mark.parametrize(
    "written",
    [
        text(narrow("Grüße"), 5),
        text(wide("Grüße"), 5),
        text(narrow("Gr??e"), 5, again=wide("Grüße", "<H")),
        array("Grüße", widths=5),
        record(114, point(5) + wide("Grüße") + struct.pack("<IHH", 9, 0, 5) + wide("Grüße", "<H"), 2),
        record(115, point(5) * 2 + wide("Grüße") + b"\0\0" + wide("Grüße", "<H"), 2),
    ],
)
def test_a_text_of_each_kind_is_read(written: bytes) -> None:
    (found,) = texts(written)
    assert "Grüße" in found
    assert texts(written, array("below", height=9))[1:] == ["below"]


def test_two_texts_that_disagree_are_both_read() -> None:
    assert texts(text(narrow("token one"), 9, again=wide("token two", "<H"))) == ["token two token one"]


def test_adjacent_single_digits_are_not_a_number() -> None:
    assert texts(*(array(digit) for digit in "536904399")) == ["5 3 6 9 0 4 3 9 9"]


def test_records_without_text_are_searched_for_strings() -> None:
    hidden = (record(COMMENT, narrow("token 536-90-4399")), record(FONT, narrow("Calibri")), record(999, b"tokennew"))
    assert texts(*hidden, record(FONT, narrow("Calibri"))) == ["token 536-90-4399", "Calibri", "tokennew"]
    assert texts(record(COMMENT, narrow("XTEXT_EOC"))) == []
    # A text record with a wrong length.
    assert texts(record(112, point(5) + struct.pack("<H", 900) + b"token 1")) == ["token 1"]


def bitmap(compression: int, pixels: bytes) -> bytes:
    head = struct.pack("<2sIII", b"BM", 58, 0, 54)
    return head + struct.pack("<IiiHHIIiiII", 40, 1, 1, 1, 24, compression, 4, 0, 0, 0, 0) + pixels


def test_embedded_bitmaps_and_drawings_are_passed_on() -> None:
    plain = bitmap(0, b"abc\0")
    zipped = zlib.compress(b"abc\0")
    packed_one = bitmap(starview.PACKED, struct.pack("<III", len(zipped), 4, 0) + zipped)
    inner = drawing(array("token"))
    sink = read(
        starview, drawing(record(116, plain + b"tail"), record(120, packed_one), record(147, inner + b"\0" * 9))
    )
    assert sink.documents == [
        ("picture.bmp", plain + b"tail"),
        ("picture.bmp", plain),
        ("picture.svm", inner + b"\0" * 9),
    ]
    assert sink.reasons == []
    broken = bitmap(starview.PACKED, struct.pack("<III", 3, 4, 0) + b"???")
    assert read(starview, drawing(record(119, broken))).reasons == ["damaged picture"]


def test_damage_is_reported() -> None:
    assert read(starview, drawing(array("token"))[:-3]).reasons == ["damaged picture"]
    assert read(starview, drawing() + b"\1\2\3").reasons == ["damaged picture"]
    for junk in (b"GIF89a", b"VCLMTF\1"):
        with pytest.raises(UnreadableError):
            read(starview, junk)


@given(st.binary(max_size=200), st.integers(0, len(DRAWING)), st.integers(0, 60))
def test_any_input_is_read_without_an_exception(junk: bytes, at: int, drop: int) -> None:
    read(starview, drawing(junk))
    read(starview, DRAWING[: max(at, 12)] + junk + DRAWING[at + drop :])
