"""What a browser shows otherwise than the source of a page reads, in each way of marking, and what is shown as read."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file, extract_message
from holdgate.extract.part import Status
from holdgate.extract.readers.texts import html_look

SSN = "536-90-4399"
SEEN = f"SSN {SSN}"


def text_of(page: str) -> str:
    return "\n".join(part.text for part in extract_file("a.html", f"<p>{page}</p>".encode()).parts)


MARKS = [
    "<s>{}</s>",
    "<del>{}</del>",
    "<strike>{}</strike>",
    "<sup>{}</sup>",
    "<span class=x>{}</span>",
    "<span style='color:#fff'>{}</span>",
    "<font color=white>{}</font>",
    "<font size=1>{}</font>",
    "<span style='position:absolute;left:-999px'>{}</span>",
    "<i class='a b'>{}</i >",
    "<B></B><U>{}</U>",
    "<div class=x>{}</div>",
]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize(
    "number", ["536{}-90-4399", "536-{}90-4399", "53{}6-90-43{}99", "536-9{}0-4399", "536-90{}-4399"]
)
def test_a_marked_piece_is_left_out(mark: str, number: str) -> None:
    page = f"SSN {number.replace('{}', mark.format('12'))} of Anna"
    assert SEEN in text_of(page)


def test_a_piece_with_spaces_is_left_out_if_it_is_struck_or_has_attributes() -> None:
    for mark in ("<s>9999</s>", "<span class=x>9999</span>"):
        assert "4111 1111  1111 1111" in text_of(f"card 4111 1111 {mark} 1111 1111")
    assert "4111 1111  1111 1111" not in text_of("card 4111 1111 <b>9999</b> 1111 1111")


def test_pieces_that_are_marked_in_several_ways_are_left_out_one_way_at_a_time() -> None:
    text = text_of("<p>SSN <b>536</b><i class=a>-12</i><b>-90</b><i class=b>-</i><b>4399</b></p>")
    assert "SSN 536-90-4399" in text
    assert SEEN in text_of("SSN 536<s>12</s>-<del>7</del>90-4399")


def test_a_label_in_another_line_stays_with_the_number() -> None:
    assert f"SSN\n{SSN}" in text_of("SSN<br>536<s>12</s>-90-4399<br>and more").replace("\n\n", "\n")


@pytest.mark.parametrize(
    "page",
    [
        "SSN <bdo dir=rtl>9934-09-635</bdo>",
        "SSN <bdo dir='rtl'><b>9934</b>-09-635</bdo>",
        "SSN <span style='unicode-bidi:bidi-override;direction:rtl'>9934-09-635</span>",
        "SSN <span style='direction: rtl; unicode-bidi: bidi-override'>9934-09-635</span>",
        "SSN <div style='display:flex;flex-direction:row-reverse'><i>-4399</i><i>-90</i><i>536</i></div>",
        "SSN <b style='float:right'>-4399</b><b style='float:right'>-90</b> <b style='float: right'>536</b>",
        "SSN <b style='order:3'>-4399</b><b style='order:1'>536</b><b style='order:2'>-90</b>",
        "SSN " + "".join(f"<img alt={one} src=cid:x>" for one in SSN),
        "SSN " + " ".join(f'<img class="emoji" alt="{one}">' for one in SSN),
        "SSN <img alt=5><img alt='3'><img alt=6>-<img alt=9><img alt=0>-<img alt=4><img alt=3><img alt=9><img alt=9>",
        "<style>a:before{content:'SSN " + "".join(f"\\{ord(one):06x}" for one in SSN) + "'}</style>",
    ],
)
def test_what_is_shown_in_another_order_is_read_as_it_is_seen(page: str) -> None:
    assert SEEN in text_of(page).replace("SSN\n", "SSN ")


DRAWING = '<svg xmlns="http://www.w3.org/2000/svg">' + "".join(
    f'<text x="{10 * at}" y="9">{one}</text>' for at, one in enumerate(SEEN)
)


@pytest.mark.parametrize(
    "uri",
    [
        "data:image/svg+xml;base64," + base64.b64encode(f"{DRAWING}</svg>".encode()).decode(),
        "data:image/svg+xml," + quote(f"{DRAWING}</svg>"),
        "data:image/svg+xml;charset=utf-8," + quote(f"{DRAWING}</svg>"),
    ],
)
@pytest.mark.parametrize("page", ["<p style='background:url({})'>a", '<style>p{{background: URL( "{}" )}}</style>'])
def test_a_drawing_in_a_style_is_read(uri: str, page: str) -> None:
    message = f"Content-Type: text/html\r\n\r\n{page.format(uri)}\r\n".encode()
    assert SSN in "".join(part.text for part in extract_message(message).parts)


@pytest.mark.parametrize(
    "page",
    [
        "",
        "<p>SSN 536-90-4399</p>",
        "the 1<sup>st</sup> of 2<sup>nd</sup>, and 100 m<sup>2</sup> for 12 people",
        "<td><b>12</b></td><td><b>13</b></td><td><b>14567890</b></td>",
        "12 <b>13</b> 14567890",
        "<b>4111</b> <b>1111</b> <b>1111</b> <b>1111</b>",
        "1<s>2</s>3",  # too few digits for an identifier
        "call <a href=tel:1>+49 30 1234567</a> or <a href=tel:2>+49 30 1234568</a>",
        "<p dir=rtl>536-90-4399</p><span style='direction:rtl'>12</span>",
        "<div style='flex-direction:row-reverse'><b>one</b></div>",
        "<img alt=1> and <img alt=2> and <img alt=3>",
        "<img alt=Logo><img alt=Photo><img alt=Map><img alt=Card><img alt=Chart>",
        "<style>a:before{content:'536-90-4399'} b{content:'\\201c'}</style>",
        "<i style='border:1px;float:left'>1</i><i style='float:left'>2</i>",
    ],
)
def test_a_page_that_shows_what_it_reads_has_no_other_passages(page: str) -> None:
    assert [passage for passage in html_look.passages(page) if any(map(str.isdigit, passage))] == []
    assert list(html_look.drawings(page)) == []


def test_too_many_passages_make_the_part_limited() -> None:
    page = "".join(f"<p>{number:09}<s>1</s>{number}</p>{' ' * 600}" for number in range(html_look.MOST_PASSAGES))
    assert extract_file("a.html", page.encode()).status is Status.COMPLETE
    extraction = extract_file("a.html", f"{page}<p>987654321<s>1</s>5</p>".encode())
    assert (extraction.status, extraction.reason) == (Status.LIMITED, f"a.html: {html_look.TOO_MANY}")


MARKUP = ["<s>", "</s>", "<b class=x>", "</b>", "12", "-", " ", "<br>", "<bdo dir=rtl>", "</bdo>", "<img alt=1>"]
MARKUP += ["<b style='order:2'>", "<i row-reverse>", "</i>", "&#49;", "<", ">", "\0"]


@given(st.lists(st.sampled_from(MARKUP), max_size=40).map("".join))
def test_any_markup_is_read_without_an_exception(page: str) -> None:
    html_look.passages(page)
