"""The text of a moderator's mail: the first text that is not attached; of HTML, the shown and new text."""

import email.message
import re
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.scan import letter
from holdgate.scan.letter import read_letter
from holdgate.scan.shapes import TEXT_LIMIT

MULTI = b'Content-Type: multipart/%s; boundary="b"\r\n\r\n%s--b--\r\n'


def multipart(kind: str, *parts: tuple[str, str]) -> bytes:
    """Return a message of parts, each with its header fields and its text."""
    body = "".join(f"--b\r\n{fields}\r\n\r\n{text}\r\n" for fields, text in parts)
    return MULTI % (kind.encode(), body.encode())


def plain(text: str, charset: str = "utf-8") -> tuple[str, str]:
    return f"Content-Type: text/plain; charset={charset}", text


def html(text: str) -> tuple[str, str]:
    return "Content-Type: text/html; charset=utf-8", text


def disposed(disposition: str) -> tuple[str, str]:
    return f"Content-Type: text/plain\r\nContent-Disposition: {disposition}", "x"


def shown(content: str) -> tuple[str, str]:
    """Return the text read from HTML: without empty lines, and the deleted text."""
    read = read_letter(f"Content-Type: text/html; charset=utf-8\r\n\r\n{content}".encode())
    assert read["plain"] == ""
    return "|".join(line for line in read["html"].split("\n") if line), read["struck"]


# -- the choice of the part -------------------------------------------------------------------------------------------


def test_plain_text_is_returned_unchanged() -> None:
    read = read_letter(b"Subject: x\r\n\r\nApprove\r\n\r\n> 7K3M-Q9TX-2ABC\r\n")
    assert read == {
        "report": "",
        "plain": "Approve\r\n\r\n> 7K3M-Q9TX-2ABC\r\n",
        "html": "",
        "struck": "",
        "incidents": ["7K3M-Q9TX-2ABC"],
    }


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (multipart("alternative", plain("a"), html("b")), ("a", "b")),
        (multipart("alternative", html("b"), plain("a"), plain("c")), ("a", "b")),
        (multipart("mixed", plain("a"), html("b")), ("a", "")),
        (multipart("mixed", plain("  "), html("b")), ("", "b")),
        (multipart("mixed", ("Content-Type: image/png", "x"), plain("a")), ("a", "")),
        (
            multipart("mixed", ("Content-Type: text/plain\r\nContent-Disposition: attachment", "x"), plain("a")),
            ("a", ""),
        ),
        (multipart("mixed", ("Content-Type: text/plain\r\nContent-Disposition: inline", "x"), plain("a")), ("x", "")),
        (multipart("mixed", ("Content-Type: application/pdf", "x")), ("", "")),
        (b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nApprove\r\n", ("", "")),
        (b"", ("", "")),
    ],
    ids=["both", "first", "mixed", "blank", "picture", "attached", "inline", "none", "forwarded", "empty"],
)
def test_the_first_text_that_is_not_an_attachment_is_read(content: bytes, found: tuple[str, str]) -> None:
    read = read_letter(content)
    assert (read["plain"].strip(), read["html"].strip()) == found


def nested(depth: int) -> bytes:
    content = b"Content-Type: text/plain\r\n\r\ndeep\r\n"
    for level in range(depth):
        content = b'Content-Type: multipart/mixed; boundary="l%d"\r\n\r\n--l%d\r\n%s\r\n--l%d--\r\n' % (
            *(level, level, content, level),
        )
    return content


def test_parts_are_read_up_to_a_depth_and_a_number() -> None:
    assert read_letter(nested(20))["plain"].strip() == "deep"
    assert read_letter(nested(21))["plain"] == ""
    # The message itself is one of 200.
    pictures = [("Content-Type: image/png", "x")] * 199
    assert read_letter(multipart("mixed", *pictures[1:], plain("early")))["plain"].strip() == "early"
    assert read_letter(multipart("mixed", *pictures, plain("late")))["plain"] == ""


@pytest.mark.parametrize(
    ("charset", "encoded", "text"),
    [
        ("iso-8859-1", b"Gr\xfc\xdfe", "Gr\u00fc\u00dfe"),
        ("utf-8", "Gr\u00fc\u00dfe".encode(), "Gr\u00fc\u00dfe"),
        ("no-such-thing", "Gr\u00fc\u00dfe".encode(), "Gr\u00fc\u00dfe"),
        ("us-ascii", b"a\xffb", "a\ufffdb"),
    ],
)
def test_a_known_charset_is_used_and_an_unknown_one_is_read_as_utf8(charset: str, encoded: bytes, text: str) -> None:
    content = b"Content-Type: text/plain; charset=%s\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s"
    assert read_letter(content % (charset.encode(), encoded))["plain"] == text


def test_flowed_lines_are_joined_except_in_quotations_and_signatures() -> None:
    text = b"I will \r\napprove \r\nit\r\n> quoted \r\n> text\r\n-- \r\nBoss"
    flowed = read_letter(b"Content-Type: text/plain; format=flowed\r\n\r\n" + text)["plain"]
    assert flowed == "I will approve it\r\n> quoted \r\n> text\r\n-- \r\nBoss"
    assert read_letter(b"Content-Type: text/plain\r\n\r\n" + text)["plain"] == text.decode()


def test_incident_ids_are_listed_once_in_order_up_to_a_limit() -> None:
    names = [f"{number:04}-AAAA-BBBB" for number in range(60)]
    read = read_letter(("\r\n\r\n" + " ".join([*reversed(names), names[0], "1234-5678"])).encode())
    assert read["incidents"] == names[:50]


def test_no_text_is_longer_than_its_limit() -> None:
    read = read_letter(
        multipart("alternative", plain("a" * (TEXT_LIMIT + 9)), html("<s>" + "b " * TEXT_LIMIT + "</s>"))
    )
    assert len(read["plain"]) == TEXT_LIMIT == 65_536
    assert len(read["struck"]) <= TEXT_LIMIT


# -- reports ----------------------------------------------------------------------------------------------------------


def report(fields: str, kind: str = "message/delivery-status", of: str = "delivery-status") -> str:
    content = (
        f'Content-Type: multipart/report; report-type={of}; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n'
        f"x\r\n--b\r\nContent-Type: {kind}\r\n\r\n{fields}\r\n--b--\r\n"
    )
    result: str = read_letter(content.encode())["report"]
    return result


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("Final-Recipient: rfc822; a@b\r\nAction: failed\r\n", "failed"),
        ("Reporting-MTA: dns; a\r\n\r\nAction : FAILED\r\n", "failed"),
        ("Action: delayed\r\n", "other"),
        ("Action: relayed\r\n\r\nAction: failed\r\n", "failed"),
        ("nothing that can be read\r\n", "failed"),
    ],
)
def test_a_delivery_report_shows_whether_delivery_failed(fields: str, expected: str) -> None:
    assert report(fields) == expected
    assert report(fields, "message/global-delivery-status") == expected


def test_a_report_of_another_type_is_not_a_failure() -> None:
    assert report("Action: failed\r\n", of="disposition-notification") == "other"
    assert report("Action: delayed\r\n", kind="text/plain") == "failed", "it has no fields that say otherwise"


# -- visible text of HTML ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<p>Approve</p><p>it</p>", "Approve|it"),
        ("Approve<br>it  now", "Approve|it now"),
        ("<div>a</div><div>b</div>", "a|b"),
        ("a<b>b</b>c\nd", "abc d"),
        ("a &amp; b", "a & b"),
        ("<style>Reject</style>Approve", "Approve"),
        ("<title>Reject</title>Approve<script>x</script>", "Approve"),
        ("<div hidden>Reject</div>Approve", "Approve"),
        ("<div style='display: none'>Reject</div>Approve", "Approve"),
        ("<span style='visibility:hidden'>Reject</span>Approve", "Approve"),
        ("<span style='font-size:0'>Reject</span>Approve", "Approve"),
        ("<span style='font-size:10px'>Approve</span>", "Approve"),
        ("<span style='display:inline'>Approve</span>", "Approve"),
        ("<div hidden>a<br>b<img src=x>c</div>d", "d"),
        ("<div hidden>a<p>b</div>c", "c"),
        ("</div></p>Approve", "Approve"),
    ],
)
def test_hidden_html_is_not_part_of_the_text(content: str, text: str) -> None:
    assert shown(content) == (text, "")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Approve<blockquote>Reject</blockquote>end", "Approve|>|end"),
        ("Approve<blockquote>a<blockquote>b</blockquote>c</blockquote>end", "Approve|>|end"),
        ("Approve<div class='gmail_quote'>Reject</div>end", "Approve|>|end"),
        # All text after such a mark counts as quoted.
        ("<div>Approve<div id='divRplyFwdMsg'>From</div>Reject</div>end", "Approve|>"),
        ("Approve<div style='border-top:solid #E1E1E1 1.0pt'>From: x</div>Reject", "Approve|>"),
        ("Approve<div class='gmail_signature'>Boss</div>end", "Approve|--|end"),
        ("Approve<blockquote><div class='gmail_signature'>Boss</div>x</blockquote>end", "Approve|>|end"),
        ("<div class='my_quotes'>Approve</div>", "Approve"),
    ],
)
def test_a_quotation_or_signature_is_removed_from_the_text(content: str, text: str) -> None:
    assert shown(content) == (text, "")


@pytest.mark.parametrize(
    ("content", "text", "struck"),
    [
        ("<s>Approve</s> Reject", "Reject", "Approve"),
        ("<del>a</del><strike>b</strike>c", "c", "ab"),
        ("<span style='text-decoration: line-through'>Approve</span>no", "no", "Approve"),
        ("<s>a<b>b</b></s>c", "c", "ab"),
        ("<blockquote><s>a</s></blockquote>c", ">|c", ""),
        ("<u>a</u>", "a", ""),
    ],
)
def test_deleted_text_is_returned_separately(content: str, text: str, struck: str) -> None:
    assert shown(content) == (text, struck)


def test_many_unclosed_elements_neither_hide_nor_show_the_wrong_text() -> None:
    many = "<b>" * 600
    assert shown(f"{many}Approve")[0] == "Approve"
    assert shown(f"{many}Approve<blockquote>Reject</blockquote>Reject")[0] == "Approve|>"
    assert shown(f"{many}<i>Approve")[0] == "Approve"


@given(content=st.text(alphabet="<>/=' \nabps", max_size=80))
def test_reading_html_never_raises(content: str) -> None:
    shown(content)


@given(data=st.binary(max_size=300))
def test_reading_a_mail_never_raises(data: bytes) -> None:
    read: dict[str, Any] = read_letter(data)
    assert read["report"] in ("", "failed", "other")


def test_a_mail_of_the_standard_library_is_read() -> None:
    message = EmailMessage()
    message.set_content("Approve\n")
    message.add_alternative("<p>Approve</p>", subtype="html")
    read = read_letter(message.as_bytes())
    assert (read["plain"].strip(), read["html"].strip()) == ("Approve", "Approve")


# -- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "is_read"), [(256 * 1024, True), (256 * 1024 + 1, False)])
def test_content_after_256_kib_is_not_read(size: int, is_read: bool) -> None:
    id_ = "7K3M-Q9TX-2ABC"
    begin = b"Subject: s\r\n\r\n"
    content = begin + b"." * (size - len(begin) - len(id_) - 1) + b" " + id_.encode()
    assert len(content) == size
    assert read_letter(content)["incidents"] == ([id_] if is_read else [])


def test_the_text_of_html_is_cut_at_its_limit() -> None:
    assert len(shown(f"<p>{'b' * (TEXT_LIMIT + 9)}</p>")[0]) == TEXT_LIMIT - 2, "two lines begin before the paragraph"


@pytest.mark.parametrize(("count", "text"), [(500, "a|>|z"), (501, "a|>"), (600, "a|>")])
def test_a_quotation_inside_more_than_501_open_elements_does_not_end(count: int, text: str) -> None:
    assert shown("<b>" * count + "a<blockquote>x</blockquote>z")[0] == text


def test_an_end_tag_is_matched_among_the_last_59_open_elements() -> None:
    near = "<div hidden>x" + "<b>" * 58 + "</div>seen"
    far = "<div hidden>x" + "<b>" * 59 + "</div>seen"
    assert shown(near)[0] == "seen"
    assert shown(far)[0] == ""
    assert shown("<div hidden>x" + "<b>" * 5 + "</div>seen")[0] == "seen"


def test_a_first_element_that_ends_is_no_longer_open() -> None:
    assert shown("<s>a</s>b") == ("b", "a")
    assert shown("<div hidden>x</div>seen") == ("seen", "")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("Action" + " " * 9 + ":" + " " * 9 + "failed", "failed"),
        ("xAction: failed\r\nAction: delayed", "other"),
        ("Action: delayed\r\nAction: expanded", "other"),
        ("action: delayed", "other"),
    ],
)
def test_the_action_field_of_a_report_decides(fields: str, expected: str) -> None:
    assert report(fields) == expected


def test_a_report_without_a_report_type_is_a_delivery_report() -> None:
    content = (
        'Content-Type: multipart/report; boundary="b"\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n'
        "Action: delayed\r\n--b--\r\n"
    )
    assert read_letter(content.encode())["report"] == "other"
    assert read_letter(content.replace("delayed", "failed").encode())["report"] == "failed"


def test_a_report_without_parts_counts_as_failed() -> None:
    assert read_letter(b"Content-Type: multipart/report\r\n\r\nno parts")["report"] == "failed"


def test_a_multipart_without_parts_has_no_text() -> None:
    assert read_letter(b"Content-Type: multipart/mixed\r\n\r\nno parts")["plain"] == ""


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a<blockquote hidden>x</blockquote>b", "a|b"),
        ("<s hidden>x</s>b", "b"),
        ("<blockquote class='gmail_signature'>x</blockquote>b", "--|b"),
        ("<div class='gmail_signature'>x</div>b<blockquote>y</blockquote>c", "--|b|>|c"),
        ("a<div class='x_gmail_quote'>x</div>b", "a|>|b"),
        ("a<div class='moz-forward-container'>x</div>b", "a|>"),
        ("a<hr>b<td>c</td>d", "a|b|c|d"),
        ("a<img style='text-decoration: line-through'>b", "ab"),
        ("a<span style='FONT-SIZE: 0px'>x</span>b", "a|b"),
        ("a<p hidden>x</p><p>b</p>", "a|b"),
    ],
)
def test_the_first_of_several_reasons_to_remove_text_counts(content: str, text: str) -> None:
    assert shown(content) == (text, "")


def test_a_removed_element_leaves_one_empty_line() -> None:
    def raw(content: str) -> str:
        result: str = read_letter(f"Content-Type: text/html\r\n\r\n{content}".encode())["html"]
        return result

    assert raw("a<b hidden>x</b>c") == "a\n\nc"
    assert raw("a<b hidden>x<i>y</i>z</b>c") == "a\n\nc"
    assert raw("a<b>x</b>c") == "axc"
    assert raw("a<p>b</p>c") == "a\n\nb\nc"
    assert raw("a<div>b</div>c") == "a\nb\nc"


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("a \r\nb", "a b"),
        ("a\r\nb", "a\r\nb"),
        ("a \r\n> b", "a \r\n> b"),
        ("a \r\n-- \r\nb", "a \r\n-- \r\nb"),
        ("> a \r\nb", "> a \r\nb"),
        ("a \n\nb", "a \n\nb"),
    ],
)
def test_flowed_lines_that_end_with_a_space_are_joined(text: str, joined: str) -> None:
    flowed = read_letter(f"Content-Type: text/plain; Format=Flowed\r\n\r\n{text}".encode())
    assert flowed["plain"] == joined


@pytest.mark.parametrize("content", ["Approve AT&T", "Approve &am", "Approve"])
def test_text_at_the_very_end_is_read(content: str) -> None:
    assert shown(content)[0] == content


# -- long and unfinished pages ----------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["x_", "x", "a", "-", ".", " ", "yahoo_quoted", "yQTDBase"]), max_size=8).map("".join))
def test_quotations_of_yahoo_are_recognised(names: str) -> None:
    """The patterns are quick forms of these, which take quadratic time for a long word."""
    simple = r"(?:^|\s|x_|-)(?:\w*yahoo_quoted\w*|\w*yQTDBase)(?:\s|$|-)"
    assert bool(letter._YAHOO_QUOTES.search(names)) == bool(re.search(simple, names))
    simple = r"(?:^|\s|x_)\w*yahoo_quoted\w*(?:\s|$|-)"
    assert bool(letter._YAHOO_CONTAINERS.search(names)) == bool(re.search(simple, names))


@given(
    st.lists(st.sampled_from(["border:solid", "border-top: 1pt", ";", "#e1e1e1", "a", " "]), max_size=8).map("".join)
)
def test_the_line_above_a_quotation_is_recognised(style: str) -> None:
    """The search is a quick form of this pattern, which takes quadratic time for a long style."""
    simple = r"border(?:-top)?\s*:\s*(?:solid|1\.?0?pt)[^;]*(?:#?E1E1E1|#?B5C4DF|#?A0A0A0)"
    assert letter._is_drawn(style) == bool(re.search(simple, style, re.IGNORECASE))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Approve<!-- a", "Approve<!-- a"),
        ("Approve <a", "Approve <a"),
        ("Approve &amp; pay &lt", "Approve & pay <"),
        ("Approve<script>a", "Approve"),
        ("Approve<blockquote>a<!-- a", "Approve|>"),
        ("Approve<!-- a --> it", "Approve it"),
    ],
)
def test_text_after_an_unfinished_tag_is_text(content: str, text: str) -> None:
    assert shown(content) == (text, "")


@pytest.mark.parametrize("beginning", ["<!--", "<a ", "<a", "<?"])
def test_many_unfinished_tags_are_read(beginning: str) -> None:
    assert shown("Approve" + beginning * 50_000)[0].startswith("Approve<")


@pytest.mark.parametrize("names", ["x_" * 100_000, "yahoo_quoted" * 20_000 + "."])
def test_a_long_class_name_is_not_a_quotation(names: str) -> None:
    assert shown(f'<p class="{names}">Approve')[0] == "Approve"


def test_a_long_style_is_not_a_quotation() -> None:
    assert shown(f'<p style="{"border:solid" * 20_000}">Approve')[0] == "Approve"


@pytest.mark.parametrize("name", ["Content-Type: text/plain", "Content-Disposition: inline"])
@pytest.mark.parametrize("inner", [True, False])
def test_a_long_field_is_cut_before_its_parameters_are_parsed(
    name: str, inner: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []
    original = email.message._parseparam  # type: ignore[attr-defined]

    def parse(value: str) -> object:
        parsed.append(value)
        return original(value)

    monkeypatch.setattr(email.message, "_parseparam", parse)
    text = f"{name}{';' * 100_000}\n\napprove\n"
    content = f"Content-Type: multipart/mixed; boundary=b\n\n--b\n{text}\n--b--\n" if inner else text
    assert read_letter(content.encode())["plain"].strip() == "approve"
    assert max(map(len, parsed), default=0) <= letter._FIELD_LIMIT


def test_an_attachment_with_a_long_name_is_an_attachment() -> None:
    field = f"Content-Disposition: attachment; filename={'a' * 100_000}"
    assert read_letter(f"{field}\n\napprove\n".encode())["plain"] == ""
