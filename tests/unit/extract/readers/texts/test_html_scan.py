"""The scanner reads the same as the tree parser, and leaves unusual HTML to it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.extract.readers.texts import html
from holdgate.extract.readers.texts.html_scan import DEEPEST, LARGEST, scan

ORDINARY = [
    "",
    "words",
    "<p>a<p>b",
    "<!DOCTYPE html><html><head><title>a &amp; b</title><style>p</style></head><body bgcolor=x><p>c</p></body></html>",
    "<div><b>a</b> <i>b</i><br/>c</div>",
    "<ul><li>a<li>b<ul><li>c</ul></ul>",
    "<dl><dt>a<dd>b<dt>c</dl>",
    "<table border=1><caption>k</caption><tr><td>a<td>b<tr><th>c</table>d",
    "<table><tbody><tr><td><table><tr><td>in</td></tr></table></td></tr></tbody></table>",
    "<a href='?a=1&copy=2&amp;b=3'>&copy; &copyright &euro; &#8364; &#x20AC;</a>",
    "<img alt='a > b' src=x/y.png/><hr title>",
    "<p class=MsoNormal>a<o:p>&nbsp;</o:p></p><![if !supportLists]>b<![endif]><?xml:namespace prefix = o />",
    "<!--[if mso]><p>a</p><![endif]-->",
    "<div>a<div hidden>b<p>c</p></div>d<span style='display:none'>e</span></div>f",
    "<div>a<span hidden>b</div>c",
    "<p hidden>a",
    "a</p>b</span>c",
    "1 < 2 & 3",
    "<p>a\r\nb\rc",
    "<html><body>a</body><!-- b --></html>\n",
]
OTHERS = {
    "misnested": "<b><p>a</b>b</p>",
    "continues in the next block": "<p><b>a<p>b",
    "between cells": "<table>a<tr><td>b</table>",
    "a link in a link": "<a href=x><a href=y>",
    "a form": "<form><input value=a></form>",
    "a list of choices": "<select><option>a</select>",
    "svg": "<svg><text>a</text></svg>",
    "a template": "<template>a</template>",
    "a body in a body": "<p>a<body title=b>",
    "text after the body": "<body>a</body>b",
    "an attribute without a space": "<p a='b'c='d'>",
    "a quote in a name": "<p a'b=c>",
    "no end of a tag": "<p title='a",
    "no end of a comment": "<!-- a",
    "a comment that ends early": "<!--> a -->",
    "a comment with another end": "<!-- a --!> b -->",
    "a comment in a script": "<script><!-- </script> --></script>",
    "no end of a title": "<title>a",
    "an end of nothing": "<div>a</div></div>",
    "a reference to no character": "&#0;",
    "a reference without an end": "&#65 ",
    "NUL": "a\0b",
    "a paragraph round a table": "<p>a<table><tr><td>b</table>c</p>d",
    "too deep": "<div>" * (DEEPEST + 2),
    "too large": "a" * (LARGEST + 1),
}

NAMES = [
    "a",
    "b",
    "font",
    "span",
    "u",
    "p",
    "div",
    "h1",
    "h2",
    "ul",
    "li",
    "dl",
    "dd",
    "pre",
    "o:p",
    "blockquote",
    "sub",
]
MORE = ["td", "tr", "tbody", "table", "caption", "body", "html", "head", "title", "form", "meta", "hr", "col"]
ATTRIBUTES = [
    "",
    "",
    "",
    " title='x&amp;y'",
    " HIDDEN",
    " style=display:none",
    " alt=q&copy=1 alt=z",
    " class=c",
    " href=a/",
]
texts = st.sampled_from(
    ["x", "y ", "\n", "\t", "&nbsp;", "&copy", "&#65;", "1 < 2", "<br>", "<img alt=i>", "<!-- c -->"]
)


def element(name: str, attributes: str, content: str, end: str) -> str:
    return f"<{name}{attributes}>{content}{end or f'</{name}>'}"


def rows(cells: list[str], between: str) -> str:
    return f"<table><tr>{between.join(f'<td>{cell}</td>' for cell in cells)}</tr></table>"


ends = st.sampled_from(["", "", "", "", " ", *(f"</{name}>" for name in NAMES)])
pages = st.recursive(
    texts,
    lambda inner: st.lists(
        st.one_of(
            texts,
            st.builds(element, st.sampled_from(NAMES), st.sampled_from(ATTRIBUTES), inner, ends),
            st.builds(element, st.sampled_from(MORE), st.sampled_from(ATTRIBUTES), inner, ends),
            st.builds(rows, st.lists(inner, max_size=3), st.sampled_from(["", "\n", "x"])),
        ),
        max_size=4,
    ).map("".join),
    max_leaves=12,
)


@pytest.mark.parametrize("source", ORDINARY)
def test_ordinary_html_is_scanned_without_the_tree(source: str) -> None:
    assert scan(source) == html.tree(source)


@pytest.mark.parametrize("source", OTHERS.values(), ids=OTHERS)
def test_unusual_html_is_left_to_the_tree(source: str) -> None:
    assert scan(source) is None


@settings(max_examples=10 * settings().max_examples)
@given(pages)
def test_scanned_html_equals_the_result_of_the_tree(source: str) -> None:
    page = scan(source)
    assert page is None or page == html.tree(source)


@given(st.text(alphabet="<>/!-?= \"'abp&;#x1\n\r\f\u00a0", max_size=200))
def test_any_input_is_scanned_like_the_tree_or_left_to_it(source: str) -> None:
    page = scan(source)
    assert page is None or page == html.tree(source)
