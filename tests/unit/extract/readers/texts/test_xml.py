"""XML of no known format: text, attributes, comments; entities are never expanded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
def test_lines(source: str, lines: str) -> None:
    assert read_all(xml.read, source.encode()).texts[0] == (lines, "")


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "iso-8859-1", "windows-1251", "shift_jis"])
def test_declared_encodings(codec: str) -> None:
    word = {"windows-1251": "договор", "shift_jis": "資料"}.get(codec, "Größe")
    source = f"<?xml version='1.0' encoding='{codec}'?><a>{word}</a>".encode(codec)
    assert read_all(xml.read, source).texts[0] == (word, "")


def test_attributes_comments_and_instructions() -> None:
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
def test_anything_is_read(source: str) -> None:
    read_all(xml.read, b"<?xml version='1.0'?><a>" + source.encode())
