"""HWP 5 as Hangul writes it: records in deflated streams of a compound file."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from holdgate.extract.extractor import extract_file
from holdgate.extract.identify import ole_kind
from holdgate.extract.part import Status
from holdgate.extract.readers.office import hangul, hangul_distribution, ole
from holdgate.extract.reading import UnreadableError
from tests.data.compound_writer import Tree, compound
from tests.data.hangul import (
    COMPRESSED,
    DISTRIBUTED,
    PASSWORD,
    counted,
    deflated,
    distributed,
    hwp,
    paragraph,
    record,
    utf16,
)
from tests.unit.extract.readers.recording import read

# The form of a control in a paragraph: its number, six units of data, its number again.
TABLE = "\x0b" + "\ud83d\ude00" * 3 + "\x0b"
FIELD, FIELD_END = "\x03kljh\0\0\x03", "\x04\0\0\0\0\0\0\x04"
TAB = "\x09\0\0\0\0\0\0\x09"


@pytest.mark.parametrize("flags", [0, COMPRESSED])
def test_compressed_and_plain_paragraphs_are_read(flags: int) -> None:
    data = hwp(paragraph("Card 4111 1111"), paragraph("한글 문서"), flags=flags)
    assert ole_kind(data) == "hwp"
    extraction = extract_file("letter.hwp", data)
    assert (extraction.status, extraction.signals) == (Status.COMPLETE, [])
    assert extraction.parts[0].text.splitlines() == ["Body", "Card 4111 1111", "한글 문서"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Card 4111{TABLE} 1111", "Card 4111 1111"),
        (f"see {FIELD}4111{FIELD_END}1111", "see 41111111"),
        (f"a{TAB}b", "a\tb"),
        ("4111\x1e1111\x1f1111\x181111", "4111\xa01111 1111-1111"),
        ("one\ntwo", "one\ntwo"),
        ("\U0001f600 4111", "\U0001f600 4111"),
        ("torn \x0b41", "torn 41"),
    ],
    ids=["table", "field", "tab", "signs", "line break", "two units", "torn control"],
)
def test_controls_in_a_paragraph_are_removed(text: str, shown: str) -> None:
    assert hangul.paragraph(utf16(text + "\r")) == shown


@given(st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"])), st.binary(min_size=12, max_size=12))
def test_a_control_at_any_position_removes_no_text(text: str, data: bytes) -> None:
    for at in range(len(text) + 1):
        coded = utf16(text[:at]) + b"\x0b\0" + data + b"\x0b\0" + utf16(text[at:])
        assert hangul.paragraph(coded) == text


@given(st.binary(max_size=300))
def test_parsing_a_paragraph_never_raises(data: bytes) -> None:
    hangul.paragraph(data)


def test_text_outside_the_paragraphs_is_read() -> None:
    field = record(0x47, b"klh%" + bytes(5) + counted("mailto:token-field") + bytes(4))
    drawing = record(0x47, b" osg" + bytes(40) + counted("token-description"))
    equation = record(0x58, bytes(4) + counted("token-equation") + bytes(20))
    unknown = record(0x3FF, b"\1" + utf16("token-unknown"))
    long = paragraph("x" * 5_000 + " token-long")
    sink = read(ole, hwp(field, drawing, equation, unknown, long))
    places = [sink.place_of(f"token-{name}") for name in ("field", "description", "equation", "unknown", "long")]
    assert places == ["field", "description of an object", "equation", "object", ""]
    assert not any("Batang" in text for text, _ in sink.texts)


def test_images_objects_and_scripts_are_read() -> None:
    def picture(width: int) -> bytes:
        out = io.BytesIO()
        Image.new("L", (width, 40), 255).save(out, "PNG")
        return out.getvalue()

    files: Tree = {
        "BIN0001.png": deflated(picture(40)) + bytes(8),
        "BIN0002.png": picture(41),
        "BIN0003.OLE": deflated(struct.pack("<I", 9) + compound({"Note": utf16("token-object")})),
    }
    scripts: Tree = {"DefaultJScript": deflated(utf16("var a = 'token-script';"))}
    extraction = extract_file("a.hwp", hwp(paragraph("x"), BinData=files, Scripts=scripts))
    kinds = {part.name.rpartition(" ")[2]: part.status for part in extraction.parts}
    assert kinds == {
        "a.hwp": Status.COMPLETE,
        "BIN0001.png": Status.COMPLETE,
        "BIN0002.png": Status.COMPLETE,
        "BIN0003.OLE": Status.LIMITED,  # a compound file of no known kind
    }
    assert "token-object" in extraction.parts[-1].text
    assert "token-script" in extraction.parts[0].text


def test_a_preview_is_read_only_if_it_differs() -> None:
    sink = read(ole, hwp(paragraph("Card 4111"), paragraph("cell"), preview="Card 4111\r\n<cell><token-preview>\r\n"))
    assert [text for text, place in sink.texts if place == "preview"] == ["token-preview"]


def test_a_document_with_a_password_is_encrypted() -> None:
    with pytest.raises(UnreadableError, match=r"^encrypted$"):
        read(ole, hwp(paragraph("x"), flags=COMPRESSED | PASSWORD))


@pytest.mark.parametrize("seed", [0, 1, 0x2A, 0x76642A5F, 0xFFFFFFFF])
@pytest.mark.parametrize("flags", [DISTRIBUTED, COMPRESSED | DISTRIBUTED])
def test_a_distribution_document_is_read_with_the_key_in_it(flags: int, seed: int) -> None:
    pack = deflated if flags & COMPRESSED else bytes
    section = pack(b"".join(paragraph(f"token-{number}") for number in range(40)))
    script = pack(utf16("token-script of the document"))
    more: dict[str, Tree] = {
        "ViewText": {"Section0": distributed(section + bytes(16 - len(section) % 16), seed)},
        "Scripts": {"DefaultJScript": distributed(script, seed)},
    }
    sink = read(ole, hwp(flags=flags, preview="token-preview", **more))
    assert [sink.place_of(text) for text in ("token-0", "token-39", "token-preview")] == ["", "", "preview"]
    assert any("token-script" in text for text, place in sink.texts if place == "script")


def test_a_distribution_document_that_cannot_be_opened_is_limited() -> None:
    views: Tree = {"Section0": bytes(range(256)) * 20}
    sink = read(ole, hwp(flags=COMPRESSED | DISTRIBUTED, preview="token-preview", ViewText=views))
    assert sink.reasons == ["damaged"]
    assert sink.place_of("token-preview") == "preview"


@given(st.binary(min_size=256, max_size=256))
def test_a_key_is_computed_from_any_record(data: bytes) -> None:
    assert len(hangul_distribution.key_of(data)) == 16


@pytest.mark.parametrize("flags", [0, COMPRESSED])
def test_a_cut_section_is_read_up_to_its_end_and_limited(flags: int) -> None:
    whole = paragraph("token-first") + record(0x43, utf16("token-second"))[:-6]
    sink = read(ole, hwp(whole, flags=flags))
    assert sink.reasons == ["damaged"]
    assert sink.place_of("token-first") == ""
    assert any("token-s" in text for text, _ in sink.texts)


def test_a_stream_that_does_not_inflate_is_limited() -> None:
    sink = read(ole, hwp(paragraph("x"), BodyText={"Section0": b"\xff" * 40}))
    assert sink.reasons == ["damaged"]


def test_another_stream_with_that_name_is_not_a_hangul_document() -> None:
    sink = read(ole, compound({"FileHeader": b"no such thing, token-other"}))
    assert any("token-other" in text for text, _ in sink.texts)
    assert sink.reasons == ["unknown format, only strings read"]
