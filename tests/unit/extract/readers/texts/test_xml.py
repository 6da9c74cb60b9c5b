"""XML of no known format: text, attributes, comments; entities are never expanded."""

import base64
import re
import zlib
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract import formats  # noqa: F401  It registers the formats that are recognised.
from holdgate.extract.readers.texts import xml
from tests.support.sink import read_all


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("<a><n>one</n><n>two</n></a>", "one\ntwo"),
        ("<a>41<b>11</b></a>", "4111"),
        ("<w:p xmlns:w='u'><w:r><w:t>41</w:t></w:r><w:r><w:t>11</w:t></w:r></w:p>", "4111"),
        ("<a><![CDATA[x < y]]></a>", "x < y"),
        ("<a>&amp;&#65;</a>", "&A"),
    ],
)
def test_the_text_is_split_into_lines(source: str, lines: str) -> None:
    assert read_all(xml.read, source.encode()).texts[0] == (lines, "")


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "iso-8859-1", "windows-1251", "shift_jis"])
def test_declared_encodings_are_used(codec: str) -> None:
    word = {"windows-1251": "договор", "shift_jis": "資料"}.get(codec, "Größe")
    source = f"<?xml version='1.0' encoding='{codec}'?><a>{word}</a>".encode(codec)
    assert read_all(xml.read, source).texts[0] == (word, "")


def test_attributes_comments_and_instructions_are_read() -> None:
    sink = read_all(xml.read, b"<?xml version='1.0'?><a b='one' xmlns='two'><!-- three --><?do four?></a>")
    assert sink.places_of("one") == ["attributes"]
    assert sink.places_of("three") == ["comment"]
    assert sink.places_of("four") == ["comment"]
    assert sink.places_of("two") == []


def test_entities_are_read_unexpanded_and_limited() -> None:
    sink = read_all(xml.read, b"<!DOCTYPE a [<!ENTITY b 'Rosenquist'>]><a>&b; word</a>")
    assert sink.limits == ["XML declares entities"]
    assert "Rosenquist" in sink.everything()
    assert "word" in sink.everything()


def test_malformed_xml_is_read_to_the_end() -> None:
    text = read_all(xml.read, b"<?xml version='1.0'?><a><b>one</b><c>two</d><e f='three'>four").everything()
    for word in ("one", "two", "three", "four"):
        assert word in text


@given(st.text(alphabet="<>/!-= \"'ab&;?[]\n", max_size=200))
def test_any_xml_is_read_without_an_exception(source: str) -> None:
    read_all(xml.read, b"<?xml version='1.0'?><a>" + source.encode())


def test_a_field_is_labelled_with_the_name_of_its_element_or_attribute() -> None:
    source = b"<order xmlns:x='u'><x:CardNumber>4711</x:CardNumber><p>a sentence</p><person taxNumber='0815'/></order>"
    texts = read_all(xml.read, source).texts
    assert texts == [("CardNumber: 4711\na sentence", ""), ("taxNumber: 0815", "attributes")]


def test_a_compressed_document_in_an_element_is_read() -> None:
    packed = zlib.compressobj(wbits=-15)
    raw = packed.compress(quote("<graph><cell value='Rosenquist in a box'/></graph>").encode()) + packed.flush()
    source = b"<file><diagram id='a'>" + base64.b64encode(raw) + b"</diagram></file>"
    (document,) = read_all(xml.read, source).documents
    assert document.data == b"<graph><cell value='Rosenquist in a box'/></graph>"


@pytest.mark.parametrize(
    ("content", "limits"),
    [
        ("<path d='M0 0L1 1z'/>" * 30, [xml.NOT_READ]),
        ("<path d='" + "M0 0L1 1z" * 30 + "'/>", [xml.NOT_READ]),
        ("<defs><path id='a' d='M0 0'/></defs>" + "<use href='#a'/>" * 9, [xml.NOT_READ]),
        ("<path d='M0 0L1 1z'/>" * 29, []),
        ("<path d='M0 0L1 1z'/>" * 30 + "<text>a title of several words</text>", []),
        ("<title>a title of several words</title>" + "<path d='M0 0L1 1z'/>" * 30, [xml.NOT_READ]),
        ("<text>a title of words</text>" + "<path d='M0 0L1 1z'/>" * 100, [xml.NOT_READ]),
        ("<rect x='1' y='1' width='1' height='1'/>" * 80, [xml.NOT_READ]),
        ("".join(f"<rect width='9' height='{height}'/>" for height in range(90)), []),
        ("<text>a chart with a heading</text>" + "<rect width='5' height='5'/>" * 80, []),
        ("<defs><path id='a' d='M0 0'/></defs><text>six</text>" + "<use href='#a'/>" * 9, [xml.NOT_READ]),
    ],
)
def test_letters_drawn_as_outlines_are_limited(content: str, limits: list[str]) -> None:
    assert read_all(xml.read, f"<svg xmlns='http://www.w3.org/2000/svg'>{content}</svg>".encode()).limits == limits


@pytest.mark.parametrize(
    "pieces",
    [
        [f"<text x='{9 * at}' y='20'>{letter}</text>" for at, letter in enumerate("4111111111111111")],
        [
            f"<g transform='translate({9 * at} 20)'><text>{letter}</text></g>"
            for at, letter in enumerate("4" + "1" * 15)
        ],
        [f"<text y='20'><tspan x='{9 * at}'>{letter}</tspan></text>" for at, letter in enumerate("4" + "1" * 15)],
    ],
)
def test_letters_of_a_drawing_are_joined_by_their_positions(pieces: list[str]) -> None:
    source = f"<svg xmlns='http://www.w3.org/2000/svg' font-size='16'>{''.join(pieces)}</svg>"
    assert ("4111111111111111", "line as drawn") in read_all(xml.read, source.encode()).texts


def test_words_of_a_drawing_far_apart_are_two_lines() -> None:
    source = b"<svg><text x='1' y='10'>4111</text><text x='1' y='90'>1111</text></svg>"
    assert not [text for text, place in read_all(xml.read, source).texts if place == "line as drawn"]


def test_a_value_in_a_wrapper_has_the_name_of_the_outer_element() -> None:
    source = b"<a><cardNumber><value>4711</value></cardNumber></a>"
    assert read_all(xml.read, source).texts == [("cardNumber: 4711", "")]


def test_an_image_in_an_attribute_is_a_document() -> None:
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode()
    (document,) = read_all(xml.read, f"<svg><image href='data:image/png;base64,{png}'/></svg>".encode()).documents
    assert document.data.startswith(b"\x89PNG")


NUMBER = "Card 4111 1111 1111 1111"


def by_letter(tag: str) -> str:
    return "".join(f"<{tag.format(letter)}/>" for letter in NUMBER)


def by_word(tag: str, between: str = "") -> str:
    return between.join(f"<{tag.format(word)}/>" for word in NUMBER.split())


@pytest.mark.parametrize(
    "line",
    [
        by_letter('char quad="1 2 3 4" x="5" color="#000000" c="{}"'),  # MuPDF: stext
        by_letter('g unicode="{}" glyph="a" x="50" adv=".5"'),  # MuPDF: trace
        by_letter('char x="5" c="{}" unicode="U+34"'),
        by_letter('char x="5" c="{0}" unicode="{0}"'),
        by_word('String ID="s" HPOS="1" VPOS="2" WC="0.9" CONTENT="{}"', '<SP WIDTH="3" HPOS="4"/>'),  # ALTO
        "".join(f'<WORD coords="1,2,3,4">{word}</WORD>\n' for word in NUMBER.split()),  # DjVu
        "".join(  # pdfminer
            "<text> </text>\n" if letter == " " else f'<text font="F" bbox="5,6,7,8">{letter}</text>\n'
            for letter in NUMBER
        ),
    ],
)
def test_letters_and_words_with_positions_are_joined_to_lines(line: str) -> None:
    source = f'<page x="1"><line x="1">{line}</line><line x="1">{line}</line></page>'
    text, _ = read_all(xml.read, source.encode()).texts[0]
    assert text.split("\n").count(NUMBER) == 2


@pytest.mark.parametrize(
    "source",
    [
        '<a><b c="4"/><b c="1"/><b c="1"/></a>',
        '<a><b c="4" x="1"/></a>',
        '<a><d><b x="1">4</b></d><d><b x="1">1</b></d></a>',
        '<a><b x="1" c="a long text"/><b x="1" c="another"/></a>',
        '<svg><font><glyph unicode="4" x="1"/><glyph unicode="1" x="1"/></font></svg>',
    ],
)
def test_other_attributes_are_not_joined(source: str) -> None:
    assert not {"41", "411", "4 1"} & set(read_all(xml.read, source.encode()).everything().split("\n"))


@given(st.lists(st.sampled_from(["<!--", "-->", "<?", "?>", "xml ", "a", "\n"]), max_size=14).map("".join))
def test_comments_are_found_like_by_the_simple_pattern(source: str) -> None:
    """The search is a quick form of this one, which takes quadratic time for beginnings without an end."""
    simple = re.findall(r"<!--(.*?)-->|<\?(?!xml\b)(.*?)\?>", source, re.DOTALL)
    assert list(xml.comments(source)) == [comment or instruction for comment, instruction in simple]


@pytest.mark.parametrize("run", [" ", "<?", "<!--"])
def test_a_long_run_is_read(run: str) -> None:
    sink = read_all(xml.read, f"<a><n><![CDATA[{run * 100_000}]]></n><n>41<b>11</b></n></a>".encode())
    assert any(text.endswith("4111") for text, _ in sink.texts)
    assert not sink.limits
