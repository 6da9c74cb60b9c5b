import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.readers.office import excel, ole
from holdgate.extract.readers.office.biff import shared_strings
from holdgate.extract.readers.openxml.number_format import packed_number
from holdgate.extract.reading import UnreadableError
from tests.data.compound_writer import compound
from tests.unit.extract.readers.recording import read

BOF_8 = struct.pack("<HHHHHHII", 0x809, 16, 0x600, 5, 0, 0, 0, 0)
BOF_SHEET = struct.pack("<HHHHHHII", 0x809, 16, 0x600, 0x10, 0, 0, 0, 0)
BOF_5 = struct.pack("<HHHHHH", 0x809, 8, 0x500, 0x10, 0, 0)
EOF = struct.pack("<HH", 0x0A, 0)


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def string(text: str) -> bytes:
    """Return a BIFF8 string with two bytes of length."""
    return struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")


def workbook(sheet: bytes, shared: list[str], extra: bytes = b"") -> bytes:
    """Return a BIFF8 workbook with one sheet called Salaries."""
    table = struct.pack("<II", len(shared), len(shared)) + b"".join(string(text) for text in shared)
    name = b"\x08\x00Salaries"
    size = len(BOF_8) + len(record(0x85, b"\0" * 6 + name)) + len(record(0xFC, table)) + len(extra) + len(EOF)
    globals_ = BOF_8 + record(0x85, struct.pack("<IH", size, 0) + name) + record(0xFC, table) + extra + EOF
    return globals_ + BOF_SHEET + sheet + EOF


def test_cells_have_places_and_numbers_keep_their_digits() -> None:
    sheet = (
        record(0xFD, struct.pack("<HHHI", 6, 1, 0, 0))
        + record(0x203, struct.pack("<HHHd", 7, 2, 0, 4111111111111111.0))
        + record(0x27E, struct.pack("<HHHI", 8, 0, 0, (78051120 << 2) | 2))
        + record(0xBD, struct.pack("<HHHIHIH", 9, 3, 0, 0x3FF00000, 0, (5 << 2) | 2, 4))
    )
    sink = read(ole, compound({"Workbook": workbook(sheet, ["token", "unused"])}))
    assert sink.place_of("token") == "sheet Salaries, B7"
    assert sink.place_of("4111111111111111") == "sheet Salaries, C8"
    assert sink.place_of("78051120") == "sheet Salaries, A9"
    assert ("1", "sheet Salaries, D10") in sink.texts
    assert ("5", "sheet Salaries, E10") in sink.texts
    assert sink.place_of("unused") == "shared strings"


def test_date_and_mask_formats_are_shown() -> None:
    extra = record(0x41E, struct.pack("<H", 164) + string("yyyy-mm-dd")) + record(
        0x41E, struct.pack("<H", 165) + string("000-00-0000")
    )
    extra += record(0xE0, struct.pack("<HH", 0, 164) + b"\0" * 16) + record(
        0xE0, struct.pack("<HH", 0, 165) + b"\0" * 16
    )
    sheet = record(0x203, struct.pack("<HHHd", 0, 0, 0, 29221)) + record(0x203, struct.pack("<HHHd", 0, 1, 1, 78051120))
    sink = read(ole, compound({"Workbook": workbook(sheet, [], extra)}))
    assert sink.place_of("1980-01-01") == "sheet Salaries, A1"
    assert sink.place_of("078-05-1120") == "sheet Salaries, B1"


def test_a_comment_has_its_cell_and_author() -> None:
    sheet = (
        record(0x5D, struct.pack("<HHHHH", 0x15, 0x12, 0x19, 7, 0) + b"\0" * 14)
        + record(0x1B6, struct.pack("<HH6xHHI", 0, 0, 5, 0, 0))
        + record(0x3C, b"\0hello")
        + record(0x3C, b"\0" * 16)
        + record(0x1C, struct.pack("<HHHH", 2, 1, 0, 7) + string("Reviewer"))
    )
    sink = read(ole, compound({"Workbook": workbook(sheet, [])}))
    assert sink.place_of("hello") == "sheet Salaries, comment at B3 by Reviewer"


def test_text_results_and_constants_of_formulas_are_read() -> None:
    formula = (
        struct.pack("<HHH", 4, 0, 0) + b"\0" * 6 + b"\xff\xff" + b"\0" * 6 + struct.pack("<H", 8) + b"\x17\x06\0secret"
    )
    sheet = record(6, formula) + record(0x207, string("result"))
    sink = read(ole, compound({"Workbook": workbook(sheet, [])}))
    assert sink.place_of("result") == "sheet Salaries, A5"
    assert sink.place_of("secret") == "sheet Salaries, A5, formula"


def test_older_versions_are_read() -> None:
    biff5 = (
        BOF_5
        + record(0x42, struct.pack("<H", 1251))
        + record(0x204, struct.pack("<HHHH", 0, 0, 0, 6) + "Привет".encode("cp1251"))
    )
    assert read(ole, compound({"Book": biff5})).place_of("Привет") == "A1"
    biff2 = record(0x09, b"\0\0\x10\0") + record(0x04, struct.pack("<HH3xB", 0, 1, 5) + b"hello")
    biff2 += record(0x02, struct.pack("<HH3xH", 1, 1, 4711)) + record(0x03, struct.pack("<HH3xd", 2, 1, 0.5))
    sink = read(excel, biff2)
    assert [sink.place_of(text) for text in ("hello", "4711", "0.5")] == ["B1", "B2", "B3"]


def test_numbers_of_a_chart_are_not_cells() -> None:
    chart = struct.pack("<HHHHHHII", 0x809, 16, 0x600, 0x20, 0, 0, 0, 0) + record(
        0x203, struct.pack("<HHHd", 0, 0, 0, 4711)
    )
    after = record(0x203, struct.pack("<HHHd", 1, 0, 0, 4712))
    sink = read(ole, compound({"Workbook": workbook(chart + EOF + after, [])}))
    assert sink.place_of("4711") == "sheet Salaries, chart"
    assert sink.place_of("4712") == "sheet Salaries, A2"


def test_the_data_sheet_of_a_graph_is_read() -> None:
    """Microsoft Graph keeps labels under BIFF2's number with BIFF8's strings ([MS-OGRAPH], Label)."""
    label = record(0x04, struct.pack("<HH3xBB", 0, 1, 5, 0) + b"hello")
    assert read(ole, compound({"Workbook": BOF_8 + label})).place_of("hello") == "B1"


def test_encryption_and_unknown_content_are_distinguished() -> None:
    with pytest.raises(UnreadableError, match=r"^encrypted$"):
        read(excel, BOF_8 + record(0x2F, b"\1\0\1\0" + b"\0" * 50))
    with pytest.raises(UnreadableError, match=r"^damaged$"):
        read(excel, b"name;number\n")


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF), max_size=40), max_size=20),
    st.data(),
)
def test_shared_strings_are_read_across_any_record_boundaries(texts: list[str], data: st.DataObject) -> None:
    """A string may go on in the next record after any character, there in either width (2.4.265, 2.5.293)."""
    segments = [bytearray(struct.pack("<II", len(texts), len(texts)))]
    for text in texts:
        narrow = all(ord(letter) < 256 for letter in text) and data.draw(st.booleans())
        cut = data.draw(st.integers(0, len(text)))
        segments[-1] += struct.pack("<HB", len(text), not narrow) + text[:cut].encode(
            "latin-1" if narrow else "utf-16-le"
        )
        if cut < len(text):
            rest = text[cut:]
            narrow = all(ord(letter) < 256 for letter in rest)
            segments.append(bytearray([not narrow]) + rest.encode("latin-1" if narrow else "utf-16-le"))
    assert shared_strings([bytes(segment) for segment in segments])[0] == texts


@pytest.mark.parametrize(
    ("packed", "value"), [(0x3FF00000, 1.0), (0x40590001, 1.0), ((12 << 2) | 2, 12.0), (0xFFFFFFFE, -1.0)]
)
def test_packed_numbers_are_decoded(packed: int, value: float) -> None:
    assert packed_number(packed) == value
