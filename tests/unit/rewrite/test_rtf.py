"""Masking in rich text: notations of characters, removed content, and content that must stay."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.budget import Limits
from holdgate.extract.extractor import extract_file
from holdgate.rewrite import rtf
from holdgate.rewrite.change import change
from holdgate.rewrite.entity import RefusedError
from holdgate.rewrite.finder import Finder
from tests.data import planted
from tests.support.redaction import DOCUMENTS, SECRET, attachment, check, letter, redacted, spans

TOKEN = "tokensecret"


def done(body: bytes, head: bytes = b"{\\rtf1\\ansi\\ansicpg1252 ") -> bytes:
    data = head + body + b"}"
    return attachment(redacted(letter("a.rtf", data)).content)


def texts(data: bytes) -> str:
    return "\n".join(part.text for part in extract_file("a.rtf", data).parts)


def test_the_document_of_libreoffice_keeps_its_text_without_planted_values() -> None:
    data = (DOCUMENTS / "text.rtf").read_bytes()
    new = attachment(redacted(letter("text.rtf", data)).content)
    before, after = texts(data), texts(new)
    assert SECRET.search(before)
    for token in planted.source("text.fodt")[1]:
        assert token.encode() not in new
    assert not SECRET.search(after)
    # Control words stay: LibreOffice is asked in tests/e2e/test_libreoffice.py.
    for word in (b"\\par", b"\\cell", b"\\sect", b"\\footnote", b"\\header"):
        assert data.count(word) == new.count(word), word


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"a tokensecret b", b"a *********** b"),
        # Half a character outside the text, or in another one, is no part of the text.
        (b"tokensecret{\\*\\foo \\u-10179?\\u-8704?}", b"***********"),
        (b"{\\footnote \\u-10179?}tokensecret\\u-8704?", b"{\\footnote \\u-10179?}***********\\u-8704?"),
        (b"to{\\b ken}sec\\b0 ret", b"**{\\b ***}***\\b0 ***"),
        (b"token\r\nsecret", b"*****\r\n******"),
        (b"\\'74okensecret", b"***********"),
        (b"\\b\\'74okensecret", b"\\b***********"),
        (b"\\u116 tokensecret", b"\\u42 ?**********"),
        (b"\\u116\\'74okensecret", b"\\u42?**********"),
        (b"\\uc0\\u116 okensecret", b"\\uc0\\u42 **********"),
        (b"\\uc2\\u116 xyokensecret", b"\\uc2\\u42 ??**********"),
        (b"{\\v token}secret", b"{\\v *****}******"),
        (b"token{\\deleted  1}secret", b"*****{\\deleted  1}******"),
        (b"token{\\deleted secret}{\\revised  1}", b"*****{\\deleted ******}{\\revised  1}"),
        (b"{\\footnote tokensecret}", b"{\\footnote ***********}"),
        (b"token{\\footnote note}secret", b"*****{\\footnote note}******"),
        (b"{\\field{\\*\\fldinst HYPERLINK \"tokensecret\"}{\\fldrslt x}}",
         b"{\\field{\\*\\fldinst HYPERLINK \"***********\"}{\\fldrslt x}}"),
        (b"tokensecret{\\info{\\title x}}", b"***********"),
        (b"tokensecret{\\*\\unknown 00ff}", b"***********"),
        (b"tokensecret{\\*\\docvar {a}{tokensecret}}", b"***********"),
        (b"tokensecret{\\object{\\*\\objdata 0105}{\\result  1}}", b"***********{\\object{\\result  1}}"),
        (b"tokensecret\\bin3 {{{ z", b"*********** z"),
        (b"4111\\~1111\\~1111 1111", b"****\\~****\\~**** ****"),
        (b"4111 1111 1111 111", b"4111 1111 1111 111"),
        (b"tokenSECRET", b"tokenSECRET"),
    ],
)  # fmt: skip
def test_a_value_in_each_notation_is_masked(body: bytes, expected: bytes) -> None:
    head = b"{\\rtf1\\ansi "
    found = rtf.rewrite(head + body + b"}", "a.rtf", Finder(spans, spans, check, []), lambda _, data: data)
    assert found == head + expected + b"}\n" or found == head + expected + b"}"


def test_text_before_and_after_the_document_is_removed() -> None:
    data = b"tokenbefore {\\rtf1 tokensecret}\r\ntokenafter"
    found = rtf.rewrite(data, "a.rtf", Finder(spans, spans, check, []), lambda _, data: data)
    assert found == b"{\\rtf1 ***********}\n"


@pytest.mark.parametrize("codepage", [("932", "cp932"), ("1251", "cp1251"), ("65001", "utf-8")])
def test_letters_of_other_charsets_stay_readable(codepage: tuple[str, str]) -> None:
    number, name = codepage
    word = {"cp932": "日本語", "cp1251": "Привет", "utf-8": "grün"}[name]
    body = b"".join(b"\\'%02x" % byte for byte in f"{word} {TOKEN} {word}".encode(name))
    head = b"{\\rtf1\\ansi\\ansicpg%s " % number.encode()
    found = rtf.rewrite(head + body + b"}", "a.rtf", Finder(spans, spans, check, []), lambda _, data: data)
    assert found.count(b"*") == len(TOKEN)
    assert texts(found) == f"{word} {'*' * len(TOKEN)} {word}"


def test_a_surrogate_pair_is_one_character() -> None:
    body = b"\\u-10179 ?\\u-8704 ? tokensecret"
    found = rtf.rewrite(b"{\\rtf1 " + body + b"}", "a.rtf", Finder(spans, spans, check, []), lambda _, data: data)
    assert found == b"{\\rtf1 \\u-10179 ?\\u-8704 ? ***********}"


def test_an_image_is_rewritten_as_a_file() -> None:
    seen: list[tuple[str, bytes]] = []

    def inside(name: str, content: bytes) -> bytes:
        seen.append((name, content))
        return b"NEW"

    picture = b"{\\*\\shppict{\\pict\\picw1{\\*\\blipuid 00}\\pngblip\n89504e47\n0d0a}}"
    data = b"{\\rtf1 tokensecret" + picture + b"}"
    found = rtf.rewrite(data, "a.rtf", Finder(spans, spans, check, []), inside)
    assert seen == [("a.rtf › picture.png", bytes.fromhex("89504e470d0a"))]
    assert re.sub(rb"\s", b"", found.partition(b"pngblip")[2]) == b"4e4557}}}"
    assert b"{\\*\\blipuid 00}" in found


@pytest.mark.parametrize("data", [b"{\\rtf1 tokensecret", b"{\\rtf1 {tokensecret}", b"{\\rtf1 tokensecret\\bin9 x}"])
def test_a_document_without_an_end_is_not_rewritten(data: bytes) -> None:
    with pytest.raises(RefusedError):
        rtf.rewrite(data, "a.rtf", Finder(spans, spans, check, []), lambda _, data: data)


def test_a_value_inside_a_control_word_is_refused() -> None:
    data = b"{\\rtf1 x 4111111111 \\fs4111111111 y}"

    def number(text: str) -> list[tuple[int, int]]:
        return [found.span() for found in re.finditer("4111111111", text)]

    def seen(name: str, content: bytes) -> tuple[bool, bool]:
        return check(name, content)[0], any(number(part.text) for part in extract_file(name, content).parts)

    finder = Finder(number, number, seen, ["4111111111"])
    with pytest.raises(RefusedError):
        change(letter("a.rtf", data), Limits(), without=(), note="", mask=str, finder=finder)


PIECES = st.lists(
    st.sampled_from(
        [
            b"a ",
            b"\\b ",
            b"\\par\n",
            b"{\\i x}",
            b"\\u228\\'e4",
            b"\\'e4",
            b"\\line ",
            b"{\\*\\x y}",
            b"\\~",
            b"{",
            b"}",
        ]
    ),
    max_size=20,
)


@given(before=PIECES, after=PIECES)
def test_a_value_is_removed_in_any_context_and_the_rest_stays_readable(before: list[bytes], after: list[bytes]) -> None:
    data = b"{\\rtf1\\ansi " + b"".join(before) + b" tokensecret " + b"".join(after) + b"}"
    try:
        found = rtf.rewrite(data, "a.rtf", Finder(spans, spans, check, []), lambda _, data: data)
    except RefusedError:
        return
    assert TOKEN not in texts(found)
    shown = re.sub(r"\s+", " ", texts(data).partition("}")[0].replace(TOKEN, "*" * len(TOKEN)))
    assert set(re.sub(r"\s+", "", texts(found))) <= set(shown) | {"?", "*"}
