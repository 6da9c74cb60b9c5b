"""Masking in markup: only characters of a match change, even if tags and entities divide it."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.rewrite import markup
from holdgate.rewrite.markup import XML_MASK, masked

TOKEN = "tokensecret"
_TAGS = re.compile(r"<[^>]*>")

inline = st.sampled_from(["", "<w:r><w:t>", "</w:t></w:r><w:r><w:t>", "<w:b w:val='1'/>", "<w:proofErr/>"])
block = st.sampled_from(["<w:p>", "</w:p><w:p>", "<w:tab/>", "<w:tc w:w='7'>", " "])
other = st.sampled_from(["word", "a &amp; b", "tokens ecret", "secret", "&#65;", "1 > 0"])


def spans(text: str) -> list[tuple[int, int]]:
    return [found.span() for found in re.finditer(TOKEN, text)]


@st.composite
def divided(draw: st.DrawFn) -> str:
    """Return the token with tags of runs, and references, between its letters."""
    letters = [letter if draw(st.booleans()) else f"&#{ord(letter)};" for letter in TOKEN]
    return "".join(letter + (draw(inline) if draw(st.booleans()) else "") for letter in letters)


@given(st.lists(st.one_of(divided(), block, other), max_size=12), st.sampled_from([(), (TOKEN,)]))
def test_only_the_characters_of_a_match_change(pieces: list[str], known: tuple[str, ...]) -> None:
    source = "<w:body>" + "<w:p>".join(pieces) + "</w:body>"
    done = masked(source, spans, spans, known=known)
    assert _TAGS.findall(done) == _TAGS.findall(source)
    text, before = (html.unescape(_TAGS.sub("", one)) for one in (done, source))
    assert not any(TOKEN in html.unescape(_TAGS.sub("", piece)) for piece in done.split("<w:p>"))
    assert len(text) == len(before)
    for new, old in zip(text, before, strict=True):
        assert new in (old, XML_MASK)
    assert text.count(XML_MASK) == len(TOKEN) * sum(
        len(spans(html.unescape(re.sub(r"</?w:(?:r|t|b|proofErr)\b[^>]*>", "", piece)))) for piece in pieces
    )


@given(st.sampled_from(["title", "w:author", "r:id"]), st.sampled_from(['"', "'"]), st.booleans())
def test_an_attribute_with_a_value_is_masked_and_other_attributes_stay(name: str, quote: str, is_known: bool) -> None:
    source = f"<w:p {name}={quote}by {TOKEN} > x{quote} w:val={quote}kept{quote}>text</w:p>"
    done = masked(source, spans, spans, known=(TOKEN,) if is_known else ())
    assert done == source.replace(TOKEN, XML_MASK * len(TOKEN))


_PIECES = ["<!--", "-->", "<![CDATA[", "]]>", "<?", "?>", "<a>", "<a b='", "'>", "<", "a", "=", ">"]


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
def test_markup_is_split_like_the_reference_pattern(source: str) -> None:
    """The search is a quick form of this pattern, which takes quadratic time for beginnings without an end."""
    simple = re.compile(
        r"<!--(?P<comment>.*?)-->|<!\[CDATA\[(?P<cdata>.*?)\]\]>|<\?(?P<instruction>.*?)\?>"
        rf"|(?P<tags>(?:{markup._TAG})+)|(?P<text>[^<]+|<)",
        re.DOTALL,
    )
    expected = [(found.lastgroup, *found.span(found.lastgroup or 0)) for found in simple.finditer(source)]
    assert list(markup._tokens(source)) == expected
    assert markup._MARKS.findall(source) == re.findall(r"<[^<>]*=[^<>]*>", source)


_RAW_PIECES = ["<script>", "<script", "<STYLE x>", "</script>", "</style >", "</script", ">", "a", TOKEN, " "]


@given(st.lists(st.sampled_from(_RAW_PIECES), max_size=12).map("".join))
def test_raw_text_is_masked(source: str) -> None:
    """The search is a quick form of this pattern, which takes quadratic time for beginnings without an end."""
    simple = re.compile(r"(<(script|style)\b[^>]*>)(.*?)(</\2\s*>)", re.DOTALL | re.IGNORECASE)
    expected = simple.sub(lambda found: found[1] + found[3].replace(TOKEN, "*" * len(TOKEN)) + found[4], source)
    assert markup._masked_raw(source, spans) == expected


@pytest.mark.parametrize("run", ["<!--", "<![CDATA[", "<?", "<script>", "<script", "<" + "=" * 9])
@pytest.mark.parametrize("is_html", [False, True])
def test_a_long_run_is_masked(run: str, is_html: bool) -> None:
    source = f"<p>{TOKEN}</p>{run * 30_000}"
    assert TOKEN not in masked(source, spans, spans, is_html=is_html)
    assert TOKEN not in masked(source, spans, spans, known=(TOKEN,))


def test_a_mark_of_many_signs_is_masked() -> None:
    source = f"<p>{TOKEN}</p><a {'=' * 200_000}"
    assert masked(source, spans, spans, known=(TOKEN,)) == source.replace(TOKEN, XML_MASK * len(TOKEN))
