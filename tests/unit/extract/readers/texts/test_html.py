"""HTML: lines as a person sees them, hidden text, and linear time."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from holdgate.extract.readers.texts import html, html_scan
from tests.support.sink import read_all


def text_of(source: str) -> str:
    return "\n".join(text for text, place in read_all(html.read, source.encode()).texts if not place)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>4111 <b>1111</b><i> 11</i>11</p>", "4111 1111 1111"),
        ("41<span>11</span><!-- x -->11", "411111"),
        ("41<?b x>11<svg></svg>", "4111"),
        ("<p>a</p><p>b</p>", "a\nb"),
        ("<div>a<div>b</div>c</div>", "a\nb\nc"),
        ("a<br>b<hr>c", "a\nb\nc"),
        ("<ul><li>a<li>b</ul>", "a\nb"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a\tb\nc"),
        ("a &amp; b&#x41;&euro;", "a & bA€"),
        ("<h1>a</h1>b", "a\nb"),
        ("<title>a</title><p style='display:none'>b", "a\nb"),
        ("<select><option>a<option>b</select>", "a\nb"),
        ("<p>a<script>b</script><style>c</style>", "a\nb\nc"),
        ("", ""),
    ],
)
def test_lines_are_those_that_a_person_sees(source: str, text: str) -> None:
    assert text_of(source) == text


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("<!-- Rosenquist -->", "comment"),
        ("<!DOCTYPE html><!-- Rosenquist --><html>", "comment"),
        ("<p>a<?php Rosenquist ?>b", "comment"),
        ("<svg></svg><?b Rosenquist>", "comment"),
        ("<?xml:namespace prefix='Rosenquist' />", "comment"),
        ("<html></html><!-- Rosenquist -->", "comment"),
        ("<img alt='Rosenquist'>", "alt"),
        ("<a href='https://partner.example/?q=Rosenquist'>x</a>", "href"),
        ("<input type=hidden value='Rosenquist'>", "value"),
        ("<meta name=author content='Rosenquist'>", "content"),
        ("<p data-note=Rosenquist>", "data-note"),
        ("<template><p>Rosenquist</p></template>", ""),
        ("<noscript>Rosenquist</noscript>", ""),
        ("<textarea>Rosenquist</textarea>", ""),
        ("<svg><text>Rosenquist</text></svg>", ""),
    ],
)
def test_hidden_text_is_read_with_its_place(source: str, place: str) -> None:
    sink = read_all(html.read, source.encode())
    assert sink.places_of("Rosenquist") == [place]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("<p>one<template>two</template>three", "one two three"),
        ("<template><p>one</p></template><noscript>two</noscript>", "one two"),
        ("<head><template><p>one</template></head><body>two", "one two"),
        ("<div><template>one<template>two</template>three</template>four</div>five", "one two three four five"),
        ("one<template></template>two<template> </template>three", "onetwothree"),
        ("<p>one<template>two</template><template>three</template></p>four", "one two three four"),
    ],
)
def test_text_after_a_template_is_read(source: str, lines: str) -> None:
    text, _ = read_all(html.read, source.encode()).texts[0]
    assert "".join(text.split()) == lines.replace(" ", "")


def test_text_after_a_template_is_also_read_without_hidden_text() -> None:
    source = b'<p>one<template>two</template>three<p style="display:none">no</p><template>four</template>five'
    sink = read_all(html.read, source)
    assert ["".join(text.split()) for text, place in sink.texts if place == "without hidden text"] == [
        "onetwothreefourfive"
    ]


@pytest.mark.parametrize(
    "hiding", ["style='display: none'", "style='font-size:0'", "hidden", "style='visibility:hidden'"]
)
def test_hidden_text_does_not_split_visible_text(hiding: str) -> None:
    sink = read_all(html.read, f"<p>4111 11<span {hiding}>noise</span>11</p>".encode())
    assert sink.texts == [("4111 11noise11", ""), ("4111 1111", "without hidden text")]


@pytest.mark.parametrize(
    "style", ["overflow:hidden", "font-size: 0.8em", "font-size:0.05pt", "opacity: .5", "display:block"]
)
def test_visible_text_is_not_treated_as_hidden(style: str) -> None:
    assert read_all(html.read, f"<p>4111 <span style='{style}'>1111</span></p>".encode()).texts == [("4111 1111", "")]


def test_layout_attributes_are_not_text() -> None:
    assert read_all(html.read, b"<p class='4111' id='4111' style='4111'>x").everything() == "x"


def test_a_data_uri_is_a_document() -> None:
    sink = read_all(html.read, b"<img src='data:text/plain;base64,Um9zZW5xdWlzdA=='>")
    assert [(document.data, document.declared_type) for document in sink.documents] == [(b"Rosenquist", "text/plain")]


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "cp1252", "koi8-r"])
def test_the_charset_of_a_meta_element_is_used(codec: str) -> None:
    word = "договор" if codec == "koi8-r" else "Größe"
    source = f"<html><meta charset={codec}><p>{word} {word}</p>".encode(codec)
    assert word in read_all(html.read, source).everything()


@pytest.mark.parametrize(
    "source",
    [
        "<div>" * 5_000 + "Rosenquist",
        "<p " + " ".join(f"a{number}=b" for number in range(5_000)) + ">Rosenquist",
        "<a " * 5_000 + "Rosenquist",
        "<!--" * 5_000 + "Rosenquist",
        '<a x="' * 5_000 + "Rosenquist",
        "x" * (html.MAX_BYTES + 1) + "<p title='Rosenquist'>",
    ],
)
def test_large_pages_are_read(source: str) -> None:
    assert "Rosenquist" in read_all(html.read, source.encode()).everything()


def test_the_fallback_reads_the_same_as_the_tree() -> None:
    source = "<p>4111 <b>1111</b></p><img alt='note'><!-- aside -->&euro;"
    sink = read_all(lambda document, sink: html.strip(document.data.decode(), sink), source.encode())
    text = sink.everything()
    for word in ("4111 1111", "note", "aside", "€"):
        assert word in text


@given(st.text(alphabet="<>/!-= \"'abp&;#x1\n", max_size=200))
def test_any_html_is_read_without_an_exception(source: str) -> None:
    read_all(html.read, source.encode())


@given(st.text(alphabet=st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=50))
def test_no_word_is_lost(word: str) -> None:
    assert word in read_all(html.read, f"<div><p>{word}</b></div>".encode()).everything()


LETTER = "M{0} 0l5 10 5-10z"
ICON = f"<svg><path d='{LETTER.format(0)}'/></svg>"


@pytest.mark.parametrize(
    ("source", "reasons"),
    [
        (f"<svg><path d='{''.join(LETTER.format(12 * place) for place in range(9))}'/></svg>", ["drawing not read"]),
        ("<svg>" + "".join(f'<path d="{LETTER.format(12 * place)}">' for place in range(9)), ["drawing not read"]),
        ("<svg><symbol id=a></symbol>" + "<use href='#a' x='5'/>" * 9 + "</svg>", ["drawing not read"]),
        (9 * ICON, []),
        (9 * "<svg><use href='#icon'></use></svg>", []),
        (f"<svg><path d='{LETTER.format(0)}M0 50h9v90H0zM50 900h9v4l-3-1z'/></svg>", []),
        ("<p d='M1 2'>" * 20, []),
    ],
    ids=["one path", "paths", "copies", "icons", "icons of a sprite", "shapes", "no drawing"],
)
def test_letters_that_an_svg_element_draws_are_not_read(source: str, reasons: list[str]) -> None:
    assert read_all(html.read, source.encode()).limits == reasons


@pytest.mark.parametrize(
    "source",
    [
        "<p>one <span>4111</span> <span>1111</span>\n<span>1111</span>\n\n<span>1111</span>",
        "<p>one 4111\n\n\n1111\n \n1111 \n\t\n 1111</p><p>two</p>",
    ],
)
def test_blank_lines_of_the_source_do_not_split_text(source: str) -> None:
    text, _ = read_all(html.read, source.encode()).texts[0]
    assert "\n\n" not in text
    assert text.split()[:5] == ["one", "4111", "1111", "1111", "1111"]


@pytest.mark.parametrize(
    "source",
    [
        "<frameset><frame src=a></frameset><p>Rosenquist</p>",
        '<!DOCTYPE html [<!ENTITY a "Rosenquist">]><p>words',
        "<!DOCTYPE html [Rosenquist]><p>words",
        "<html><frameset cols=1><frame src=a></frameset></html>Rosenquist",
        "<p>words</p title='Rosenquist'>",
    ],
)
def test_text_outside_the_tree_is_read(source: str) -> None:
    assert "Rosenquist" in read_all(html.read, source.encode()).everything()


@pytest.mark.parametrize(
    "doctype",
    [
        f"<!DOCTYPE html{' ' * 300}[ <!ENTITY a '4111 1111 1111 1111'> ]>",
        '<!DOCTYPE html PUBLIC "4111 1111 1111 1111">',
        "<p><!doctype 4111 1111 1111 1111>",
    ],
)
def test_a_number_in_a_doctype_is_read(doctype: str) -> None:
    assert "4111 1111 1111 1111" in read_all(html.read, f"{doctype}<p>words".encode()).everything()


def test_an_ordinary_doctype_is_not_text() -> None:
    doctype = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">'
    assert "xhtml" not in read_all(html.read, f"{doctype}<p>words".encode()).everything()


def test_white_space_of_any_length_is_read() -> None:
    """It took minutes, and ended as a time limit, if a line feed followed somewhere."""
    words = f"<html><body><pre>first{' ' * 300_000}last\n  4111</pre></body></html>"
    extraction = extract_file("a.html", words.encode())
    assert extraction.status is Status.COMPLETE
    assert "last\n4111" in extraction.parts[0].text


@given(st.text(alphabet=" \t\nab", max_size=40))
def test_indentation_is_removed(text: str) -> None:
    assert html_scan.tidy(text) == re.sub(r"[ \t]*\n[ \t\n]+", "\n", text.strip())
