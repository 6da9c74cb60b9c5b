"""What a moderator's mail says: the first text that is not attached, and of HTML what is shown and new."""

from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    """Return what is read of HTML: its text without empty lines, and what is struck out."""
    read = read_letter(f"Content-Type: text/html; charset=utf-8\r\n\r\n{content}".encode())
    assert read["plain"] == ""
    return "|".join(line for line in read["html"].split("\n") if line), read["struck"]


# -- which part -------------------------------------------------------------------------------------------------------


def test_plain_text_is_read_as_it_is() -> None:
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
def test_the_first_text_that_is_not_attached_is_read(content: bytes, found: tuple[str, str]) -> None:
    read = read_letter(content)
    assert (read["plain"].strip(), read["html"].strip()) == found


def nested(depth: int) -> bytes:
    content = b"Content-Type: text/plain\r\n\r\ndeep\r\n"
    for level in range(depth):
        content = b'Content-Type: multipart/mixed; boundary="l%d"\r\n\r\n--l%d\r\n%s\r\n--l%d--\r\n' % (
            *(level, level, content, level),
        )
    return content


def test_parts_are_read_to_a_depth_and_a_number() -> None:
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
def test_a_charset_is_followed_and_one_that_is_none_is_utf8(charset: str, encoded: bytes, text: str) -> None:
    content = b"Content-Type: text/plain; charset=%s\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s"
    assert read_letter(content % (charset.encode(), encoded))["plain"] == text


def test_lines_of_flowed_text_are_joined_but_for_quotes_and_the_signature() -> None:
    text = b"I will \r\napprove \r\nit\r\n> quoted \r\n> text\r\n-- \r\nBoss"
    flowed = read_letter(b"Content-Type: text/plain; format=flowed\r\n\r\n" + text)["plain"]
    assert flowed == "I will approve it\r\n> quoted \r\n> text\r\n-- \r\nBoss"
    assert read_letter(b"Content-Type: text/plain\r\n\r\n" + text)["plain"] == text.decode()


def test_ids_are_named_once_in_order_and_not_without_end() -> None:
    names = [f"{number:04}-AAAA-BBBB" for number in range(60)]
    read = read_letter(("\r\n\r\n" + " ".join([*reversed(names), names[0], "1234-5678"])).encode())
    assert read["incidents"] == names[:50]


def test_no_text_is_longer_than_its_limit() -> None:
    read = read_letter(
        multipart("alternative", plain("a" * (TEXT_LIMIT + 9)), html("<s>" + "b " * TEXT_LIMIT + "</s>"))
    )
    assert len(read["plain"]) == TEXT_LIMIT
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
    ("fields", "said"),
    [
        ("Final-Recipient: rfc822; a@b\r\nAction: failed\r\n", "failed"),
        ("Reporting-MTA: dns; a\r\n\r\nAction : FAILED\r\n", "failed"),
        ("Action: delayed\r\n", "other"),
        ("Action: relayed\r\n\r\nAction: failed\r\n", "failed"),
        ("nothing that can be read\r\n", "failed"),
    ],
)
def test_a_report_of_a_delivery_says_whether_it_failed(fields: str, said: str) -> None:
    assert report(fields) == said
    assert report(fields, "message/global-delivery-status") == said


def test_a_report_of_another_kind_is_no_failure() -> None:
    assert report("Action: failed\r\n", of="disposition-notification") == "other"
    assert report("Action: delayed\r\n", kind="text/plain") == "failed", "it has no fields that say otherwise"


# -- what is seen of HTML ---------------------------------------------------------------------------------------------


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
def test_what_its_reader_does_not_see_is_no_text(content: str, text: str) -> None:
    assert shown(content) == (text, "")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Approve<blockquote>Reject</blockquote>end", "Approve|>|end"),
        ("Approve<blockquote>a<blockquote>b</blockquote>c</blockquote>end", "Approve|>|end"),
        ("Approve<div class='gmail_quote'>Reject</div>end", "Approve|>|end"),
        # What follows such a mark is all quoted, whatever ends.
        ("<div>Approve<div id='divRplyFwdMsg'>From</div>Reject</div>end", "Approve|>"),
        ("Approve<div style='border-top:solid #E1E1E1 1.0pt'>From: x</div>Reject", "Approve|>"),
        ("Approve<div class='gmail_signature'>Boss</div>end", "Approve|--|end"),
        ("Approve<blockquote><div class='gmail_signature'>Boss</div>x</blockquote>end", "Approve|>|end"),
        ("<div class='my_quotes'>Approve</div>", "Approve"),
    ],
)
def test_a_quotation_and_a_signature_are_marked_and_left_out(content: str, text: str) -> None:
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
def test_what_is_struck_out_is_kept_apart(content: str, text: str, struck: str) -> None:
    assert shown(content) == (text, struck)


def test_what_is_opened_without_end_neither_hides_nor_shows_what_it_must_not() -> None:
    many = "<b>" * 600
    assert shown(f"{many}Approve")[0] == "Approve"
    assert shown(f"{many}Approve<blockquote>Reject</blockquote>Reject")[0] == "Approve|>"
    assert shown(f"{many}<i>Approve")[0] == "Approve"


@given(content=st.text(alphabet="<>/=' \nabps", max_size=80))
def test_no_html_raises(content: str) -> None:
    shown(content)


@given(data=st.binary(max_size=300))
def test_no_mail_raises(data: bytes) -> None:
    read: dict[str, Any] = read_letter(data)
    assert read["report"] in ("", "failed", "other")


def test_a_mail_of_the_standard_library_is_read() -> None:
    message = EmailMessage()
    message.set_content("Approve\n")
    message.add_alternative("<p>Approve</p>", subtype="html")
    read = read_letter(message.as_bytes())
    assert (read["plain"].strip(), read["html"].strip()) == ("Approve", "Approve")
