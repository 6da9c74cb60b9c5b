import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.readers.office import ole, word
from holdgate.extract.reading import UnreadableError
from tests.data.compound_writer import compound
from tests.unit.extract.readers.recording import read

TEXT_AT = 0x800


def header(lengths: list[int], clx: tuple[int, int] = (0, 0), flags: int = 0) -> bytearray:
    """Return the first bytes of a Word 97 document ([MS-DOC] 2.5.1)."""
    block = bytearray(TEXT_AT)
    struct.pack_into("<6H", block, 0, 0xA5EC, 0xC1, 0, 0x409, 0, flags | 0x200)
    struct.pack_into("<H", block, 0x20, 14)
    struct.pack_into("<H", block, 0x3E, 22)
    struct.pack_into("<8i", block, 0x4C, *(lengths + [0] * 8)[:8])
    struct.pack_into("<H", block, 0x98, 93)
    struct.pack_into("<II", block, 0x1A2, *clx)
    return block


def document(pieces: list[tuple[str, bool]], lengths: list[int], flags: int = 0, gap: bytes = b"") -> bytes:
    """Return a .doc whose text is stored in pieces, one byte a character or two, with bytes between them."""
    stream, positions, descriptors = bytearray(), [0], b""
    for text, narrow in pieces:
        stream += gap
        offset = TEXT_AT + len(stream)
        stream += text.encode("cp1252" if narrow else "utf-16-le")
        descriptors += struct.pack("<HIH", 0, offset * 2 | 0x4000_0000 if narrow else offset, 0)
        positions.append(positions[-1] + len(text))
    table = struct.pack(f"<{len(positions)}i", *positions) + descriptors
    clx = b"\x02" + struct.pack("<I", len(table)) + table
    main = bytes(header(lengths, (0, len(clx)), flags) + stream).ljust(4_096, b"\0")
    return compound({"WordDocument": main, "1Table": clx})


def old_document(text: bytes, lengths: list[int], language: int = 0x409, charset: int = 0) -> bytes:
    """Return a Word 6 document, its text in one run."""
    block = bytearray(0x300)
    struct.pack_into("<6H", block, 0, 0xA5DC, 0x65, 0, language, 0, 0)
    struct.pack_into("<H", block, 0x14, charset)
    struct.pack_into("<II", block, 0x18, 0x300, 0x300 + len(text))
    struct.pack_into("<8i", block, 0x34, *(lengths + [0] * 8)[:8])
    return compound({"WordDocument": bytes(block) + text})


def test_a_number_across_pieces_of_both_widths_is_joined() -> None:
    sink = read(ole, document([("card 4111", True), ("11111111", False), ("1111\r", True)], [22]))
    assert sink.place_of("card 4111111111111111") == ""


def test_subdocuments_are_named() -> None:
    parts = ["main\r", "a footnote\r", "a header\r", "", "a comment\r", "an endnote\r", "a text box\r"]
    sink = read(ole, document([("".join(parts), False)], [len(part) for part in parts]))
    for text, place in (
        ("main", ""),
        ("a footnote", "footnote"),
        ("a header", "header or footer"),
        ("a comment", "comment"),
        ("an endnote", "endnote"),
        ("a text box", "text box"),
    ):
        assert sink.place_of(text) == place


def test_a_field_code_does_not_split_its_paragraph() -> None:
    text = "see 4111\x13 HYPERLINK secret \x1411111111\x151111\r"
    sink = read(ole, document([(text, True)], [len(text)]))
    assert sink.place_of("see 4111111111111111") == ""
    assert sink.place_of("HYPERLINK secret") == "field code"


def test_remains_of_fast_saving_are_read() -> None:
    gap = b"\0" * 600 + b"Old salary 4711 EUR" + b"\0" * 600
    sink = read(ole, document([("new", True)], [3], gap=gap))
    assert sink.place_of("Old salary 4711 EUR") == "remains of edits"


def test_a_wrong_flag_for_the_table_is_tolerated() -> None:
    data = document([("hello", True)], [5])
    at = data.index("1Table".encode("utf-16-le"))
    sink = read(ole, data[:at] + b"0" + data[at + 1 :])
    assert sink.place_of("hello") == ""
    assert sink.reasons == []


def test_word_6_text_is_decoded_by_its_language() -> None:
    assert "Привет" in read(ole, old_document("Привет\r".encode("cp1251"), [7], language=0x419)).whole()
    assert read(ole, old_document(b"main\rnote\r", [5, 5])).place_of("note") == "footnote"


def test_word_for_the_macintosh_has_its_own_charset() -> None:
    assert "Grüße" in read(ole, old_document("Grüße\r".encode("mac_roman"), [6], charset=0x100)).whole()


def test_word_2_is_read_without_a_compound_file() -> None:
    block = bytearray(0x300)
    struct.pack_into("<2H", block, 0, 0xA5DB, 0x2D)
    struct.pack_into("<II", block, 0x18, 0x300, 0x300 + 5)
    assert read(word, bytes(block) + b"hello").place_of("hello") == ""
    with pytest.raises(UnreadableError):
        read(word, b"plain text " * 20)


def test_an_encrypted_document_is_reported() -> None:
    with pytest.raises(UnreadableError, match=r"^encrypted$"):
        read(ole, document([("x", True)], [1], flags=0x100))


def test_repeated_pieces_of_the_stream_have_a_limit() -> None:
    count = 5_000
    table = struct.pack(f"<{count + 1}i", *range(0, (count + 1) * 2_000, 2_000))
    table += struct.pack("<HIH", 0, TEXT_AT * 2 | 0x4000_0000, 0) * count
    clx = b"\x02" + struct.pack("<I", len(table)) + table
    main = bytes(header([2_000 * count], (0, len(clx)))) + b"x" * 4_000
    sink = read(ole, compound({"WordDocument": main, "1Table": clx}))
    assert "damaged piece table" in sink.reasons
    assert sink.budget.characters < 4 * len(main)


@given(st.lists(st.tuples(st.text("abc äß123", min_size=1), st.booleans()), min_size=1, max_size=8))
def test_any_pieces_are_joined_to_the_text(pieces: list[tuple[str, bool]]) -> None:
    text = "".join(piece for piece, _ in pieces)
    sink = read(ole, document(pieces, [len(text)]))
    assert text.strip() in sink.whole()
