"""Messages to texts: what counts as text, and the other readings of doubtful messages."""

import base64
import time
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.budget import Budget
from holdgate.extract.extractor import extract_message, extract_plain
from holdgate.extract.mime import read_mail
from holdgate.extract.part import Status


def test_subject_is_decoded_and_each_one_counts() -> None:
    mail = read_mail(b"Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\nSubject: again\n\n", Budget())
    assert mail.subject == "Grüße\nagain"


@pytest.mark.parametrize(
    "field",
    [
        "From: <anna@corp.example>",
        "To: b@partner.example",
        "CC: c@partner.example",
        "Reply-To: d@corp.example",
        "Received: from [192.0.2.7] by mail.corp.example",
        "Message-ID: <4111111111111111@corp.example>",
        "X-Originating-IP: 192.0.2.7",
        "X-Netskope-Action: Quarantine",
        "DKIM-Signature: v=1; b=AAAA",
        "Authentication-Results: corp.example; spf=pass",
    ],
)
def test_addresses_and_trace_fields_are_not_text(field: str) -> None:
    assert not read_mail(f"{field}\n\nbody".encode(), Budget()).headers


@pytest.mark.parametrize(
    "field", ["Comments: x", "Keywords: x", "X-Case: x", "Organization: x", "Content-Description: x", "Fax: x"]
)
def test_free_fields_are_text(field: str) -> None:
    name, _, value = field.partition(": ")
    assert list(read_mail(f"{field}\n\nbody".encode(), Budget()).headers) == [f"{name.lower()}: {value}"]


def test_all_names_of_a_leaf_part_are_found() -> None:
    disposition = b"Content-Disposition: attachment; filename=b.exe; filename*=utf-8''c.zip"
    message = b"Content-Type: text/plain; name=a.txt\n" + disposition + b"\n\nx"
    (leaf,) = read_mail(message, Budget()).leaves
    assert leaf.names == ["b.exe", "c.zip", "a.txt"]
    assert leaf.document.name == "b.exe"


@pytest.mark.parametrize(
    "kind", ["message/partial; id=a; number=1; total=2", "message/external-body; access-type=anon-ftp"]
)
def test_external_content_is_reported_as_unread(kind: str) -> None:
    mail = read_mail(f"Content-Type: {kind}\n\nSubject: x\n\npart".encode(), Budget())
    assert mail.unread
    assert mail.unread[0].startswith(kind.partition(";")[0])


def test_a_valid_message_is_read_once() -> None:
    mail = read_mail(b"Subject: x\n\nhello\n", Budget())
    assert [leaf.document.data for leaf in mail.leaves] == [b"hello\n"]
    assert not mail.unread
    assert not mail.signals


def test_a_doubtful_message_is_reported_and_read_in_other_ways_too() -> None:
    mail = read_mail(
        b"Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\nVGhlIHdvcmQgaXMgUm9zZW5xdWlzdA==\n",
        Budget(),
    )
    assert mail.unread == ["ambiguous MIME: duplicate content-transfer-encoding"]
    assert mail.signals == mail.unread
    assert b"The word is Rosenquist" in [leaf.document.data for leaf in mail.leaves]


def test_an_exception_of_the_standard_parser_does_not_stop_reading() -> None:
    message = b"Content-Type: multipart/mixed; boundary*=us-\0ascii''b\n\n--b\n\nThe word is Rosenquist\n--b--\n"
    mail = read_mail(message, Budget())
    assert any(b"Rosenquist" in leaf.document.data for leaf in mail.leaves)
    assert "standard parser failed: ValueError" in mail.unread


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=200),
    st.binary(max_size=200),
    st.sampled_from(["7bit", "base64", "quoted-printable"]),
)
def test_a_message_written_by_the_standard_library_is_read_back(body: str, content: bytes, encoding: str) -> None:
    message = EmailMessage()
    message["Subject"] = "x"
    message.set_content(body, cte=encoding if body.isascii() and len(body) < 70 else "base64")
    message.add_attachment(content, maintype="application", subtype="octet-stream", filename="a.bin")
    for raw in (message.as_bytes(), message.as_bytes().replace(b"\n", b"\r\n")):
        first, second = read_mail(raw, Budget()).leaves[:2]
        assert first.document.data.decode().rstrip("\n") == body.rstrip("\n")
        assert second.document.data == content


@given(st.binary(max_size=500))
def test_the_readings_together_contain_the_body(body: bytes) -> None:
    words = b"The word is Rosenquist"
    mail = read_mail(b"Subject: x\n\n" + body + b"\n" + words + b"\n", Budget())
    assert any(words in leaf.document.data for leaf in mail.leaves)


@given(st.binary(max_size=600))
def test_any_message_is_read_without_an_exception(data: bytes) -> None:
    read_mail(data, Budget())
    read_mail(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + data, Budget())


def test_a_mail_about_mail_quotes_fields_without_being_ambiguous() -> None:
    quoted = (
        b"Subject: x\n\nIt has\n--bound\nContent-Type: text/html\nContent-Transfer-Encoding: 7bit\n\n<b>hello</b>\n"
    )
    mail = read_mail(quoted, Budget())
    assert (mail.signals, mail.unread, len(mail.leaves)) == ([], [], 1)


@pytest.mark.parametrize("content", [b"hello =41 there\n", b"QSBsaW5lIG9mIHNldmVyYWwgd29yZHMsIGxvbmcgZW5vdWdoLg==\n"])
def test_quoted_fields_with_something_to_decode_are_ambiguous(content: bytes) -> None:
    quoted = b"Subject: x\n\nIt has\n--bound\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + content
    assert read_mail(quoted, Budget()).signals == ["ambiguous MIME: MIME fields inside a leaf"]


@pytest.mark.parametrize("hidden", [b"219=2E09=2E9999", b"219-=\n09-9999", b"219-=20=\n09-9999"])
def test_quoted_fields_with_escaped_marks_are_also_read_decoded(hidden: bytes) -> None:
    quoted = b"Subject: x\n\nIt has\n--bound\nContent-Type: text/plain\n\nfirst\n" + hidden + b"\nlast\n"
    mail = read_mail(quoted, Budget())
    assert (mail.signals, mail.unread) == ([], [])
    assert [leaf.document.data for leaf in mail.leaves[1:]] == [
        hidden.replace(b"=2E", b".").replace(b"=20", b" ").replace(b"=\n", b"")
    ]


# As Python's email makes them; "=22" is an escape, and so is "=50", which hides a letter. The end is a soft line break.
_BOUNDARIES = ["===============2212345678901234567==", "===============5012345678901234567=="]


@pytest.mark.parametrize("boundary", _BOUNDARIES)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_the_boundary_that_a_message_declares_is_not_read_as_quoted_printable(boundary: str, line_end: bytes) -> None:
    message = EmailMessage()
    message.set_content("hello")
    message.add_attachment(b"It has\n--bound\nContent-Type: text/html\n\nx\n".decode(), filename="a.txt")
    message.set_boundary(boundary)
    mail = read_mail(message.as_bytes().replace(b"\n", line_end), Budget())
    assert (mail.signals, mail.unread, len(mail.leaves)) == ([], [], 2)


@pytest.mark.parametrize(
    "line",
    [b"--==2E22== 219", b"-- ==2E22==", b"--==2E22==-", b"x==2E22==", b"boundary===2E22", b'boundary="==2E22==x"'],
)
def test_other_lines_with_the_text_of_the_boundary_are_read_as_quoted_printable(line: bytes) -> None:
    message = EmailMessage()
    message.set_content("hello")
    message.make_mixed("==2E22==")
    assert len(read_mail(message.as_bytes(), Budget()).leaves) == 1
    undone = read_mail(message.as_bytes().replace(b"hello", line), Budget()).leaves[-1]
    assert undone.whole
    assert b".22" in undone.document.data


@pytest.mark.parametrize(
    ("boundary", "signals"),
    [("=34=31" + "1" * 12 + "=31=31", ["ambiguous MIME: MIME fields inside a leaf"]), ("==2234567==", [])],
)
def test_a_boundary_that_a_part_contains_too_is_read_as_quoted_printable(boundary: str, signals: list[str]) -> None:
    """The sender chooses the boundary, so a number in it can be meant for a reader of the quoted part."""
    message = EmailMessage()
    inner = "Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\nboundary="
    message.set_content(f"It has\n--bound\n{inner}{boundary if signals else 'x'}\n")
    message.make_mixed(boundary)
    mail = read_mail(message.as_bytes(), Budget())
    assert mail.signals == signals
    assert any(b"4111111111111111" in leaf.document.data for leaf in mail.leaves) == bool(signals)


def test_an_encoded_message_in_utf_8_is_read_once() -> None:
    inner = b"From: a@corp.example\nSubject: x\n\nRosenquist\n"
    part = b"Content-Type: message/global\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(inner)
    message = b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n" + part + b"\n--b--\n"
    extraction = extract_message(message)
    assert extraction.status is Status.COMPLETE
    assert sum(part.text.count("Rosenquist") for part in extraction.parts) == 1


_LINE = "<p>A paragraph with more words than fit into a line of seventy-six, in a part that is encoded.</p>"


def _page(cte: str, plain: str) -> bytes:
    message = EmailMessage()
    message.set_content(plain, cte="7bit")
    message.add_alternative(f"<html><body>\n{_LINE}\n</body></html>\n", subtype="html", cte=cte)
    return message.as_bytes()


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_lines_of_an_encoded_text_are_read_once(line_end: bytes) -> None:
    message = _page("quoted-printable", "Hello").replace(b"\n", line_end)
    assert b"=" + line_end in message
    mail = read_mail(message, Budget())
    assert [leaf.whole for leaf in mail.leaves] == [False, False]
    assert _LINE.encode() in mail.leaves[1].document.data
    assert extract_plain(message) is not None


def test_lines_encoded_in_another_part_are_also_read_decoded() -> None:
    """The escapes are in a part that is not encoded, so only a rescuing reader decodes them."""
    mail = read_mail(_page("quoted-printable", "Code 536=2D22=\n=2D1234"), Budget())
    assert mail.leaves[-1].whole
    assert mail.leaves[-1].document.data == b"Code 536-22-1234"
    assert extract_plain(_page("quoted-printable", "Code 536=2D22=\n=2D1234")) is None


def test_many_subjects_are_kept_in_order_and_each_once() -> None:
    mail = read_mail(b"Subject: one\nSubject: two\nSubject: one\nSubject: on\nSubject:\n\nhello\n", Budget())
    assert mail.subject == "one\ntwo\non"
    assert list(mail.subjects) == ["one", "two", "on"]


def test_many_subjects_take_linear_time() -> None:
    def seconds(count: int) -> float:
        content = b"".join(b"Subject: v%d\n" % number for number in range(count)) + b"\nhello\n"
        begun = time.process_time()
        read_mail(content, Budget())
        return time.process_time() - begun

    seconds(2_000)
    assert min(seconds(40_000) for _ in range(3)) < 12 * min(seconds(8_000) for _ in range(3))
