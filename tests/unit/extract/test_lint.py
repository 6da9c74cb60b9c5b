"""The strict reading: valid messages have no doubt, and each doubt has a message with it and a valid one next to it."""

import email.message
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract import lint, mime
from holdgate.extract.budget import Budget, Limits

HEAD = b"From: a@corp.example\nSubject: note\n"


def doubts(message: bytes) -> list[str]:
    return lint.read(message, Budget()).doubts


def multipart(*parts: bytes, parameter: bytes = b"boundary=b") -> bytes:
    body = b"".join(b"--b\n" + part + b"\n" for part in parts)
    return HEAD + b"Content-Type: multipart/mixed; " + parameter + b"\n\n" + body + b"--b--\n"


PLAIN = b"Content-Type: text/plain\n\nhello"

SOUND = {
    "plain": HEAD + b"\nhello\n",
    "no body": HEAD,
    "empty": b"",
    "CRLF": (HEAD + b"\nhello\n").replace(b"\n", b"\r\n"),
    "folded": HEAD + b"X-A: b\n c\n\td\n\nhello\n",
    "multipart": multipart(PLAIN, PLAIN),
    "part without fields": multipart(b"\nhello"),
    "part without a body": multipart(b"Content-Type: text/plain\n"),
    "blanks after a delimiter": multipart(PLAIN).replace(b"--b\n", b"--b \t\n"),
    "quoted boundary": multipart(PLAIN, parameter=b'boundary="b"'),
    "preamble and epilogue": multipart(PLAIN).replace(b"\n\n--b\n", b"\n\nThis is MIME.\n--b\n", 1) + b"list footer\n",
    "base64": HEAD + b"Content-Transfer-Encoding: base64\n\naGVs\nbG8=\n",
    "quoted-printable": HEAD + b"Content-Transfer-Encoding: Quoted-Printable\n\na=3D=\nb=c3=\n",
    "comment in MIME-Version": HEAD + b"MIME-Version: 1.0 (from a program)\n\nhello\n",
    "raw name": HEAD + 'Content-Type: text/plain; name="ä.txt"\n\nhello\n'.encode(),
    "nested message": multipart(b"Content-Type: message/rfc822\n\nSubject: x\nContent-Type: text/plain\n\nhello"),
    "digest": multipart(b"\nSubject: x\nContent-Type: text/html\n\nhello").replace(
        b"multipart/mixed", b"multipart/digest"
    ),
    "header of a multipart alone": HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n",
    "quoted source": HEAD + b"\nI wrote:\n> Content-Type: text/plain\n",
    "mbox line": b"From a@corp.example Mon Nov 23 09:00:00 2026\n" + HEAD + b"\nhello\n",
}


@pytest.mark.parametrize("name", SOUND)
def test_valid_messages_have_no_doubt(name: str) -> None:
    assert doubts(SOUND[name]) == []


ODD = {
    "bare CR": b"Subject: x\r\n\r\na\rb\r\n",
    "bare LF": b"Subject: x\r\n\r\na\nb\r\n",
    "NUL": HEAD + b"\na\0b\n",
    "header syntax": HEAD + b"no colon\n\nhello\n",
    "blank continuation line": HEAD + b"X-A: b\n  \n c\n\nhello\n",
    "MIME field in a continuation line": HEAD + b"X-A: b\n Content-Type: text/html\n\nhello\n",
    "duplicate content-type": HEAD + b"Content-Type: text/plain\nContent-Type: text/html\n\nhello\n",
    "duplicate content-transfer-encoding": HEAD + b"Content-Transfer-Encoding: 7bit\n" * 2 + b"\nhello\n",
    "duplicate mime-version": HEAD + b"MIME-Version: 1.0\n" * 2 + b"\nhello\n",
    "control character in content-type": HEAD + b"Content-Type: text/plain\x0b\n\nhello\n",
    "content-type syntax": HEAD + b"Content-Type: text/plain (x)\n\nhello\n",
    "content-type begins with a fold": HEAD + b"Content-Type:\n text/plain\n\nhello\n",
    "content-disposition syntax": HEAD + b"Content-Disposition: attachment; filename=a b\n\nhello\n",
    "unknown content-transfer-encoding": HEAD + b"Content-Transfer-Encoding: base64, 7bit\n\nhello\n",
    "folded content-transfer-encoding": HEAD + b"Content-Transfer-Encoding:\n 7bit\n\nhello\n",
    "unknown MIME-Version": HEAD + b"MIME-Version: 2.0\n\nhello\n",
    "look-alike field name": HEAD + b"Content_Type: text/html\n\nhello\n",
    "duplicate parameter": HEAD + b"Content-Type: text/plain; a=b; a=c\n\nhello\n",
    "encoded multipart": multipart(PLAIN).replace(b"\n\n--b", b"\nContent-Transfer-Encoding: base64\n\n--b", 1),
    "encoded message": multipart(b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\naGVsbG8="),
    "multipart without boundary": multipart(PLAIN, parameter=b"a=c"),
    "boundary without multipart": HEAD + b"Content-Type: text/plain; boundary=b\n\nhello\n",
    "empty boundary": multipart(PLAIN, parameter=b'boundary=""'),
    "split boundary": multipart(PLAIN, parameter=b"boundary*0=b"),
    "odd boundary": multipart(PLAIN, parameter=b"boundary='b'"),
    "no delimiter": multipart(PLAIN, parameter=b"boundary=c"),
    "no closing delimiter": multipart(PLAIN).removesuffix(b"--b--\n"),
    "delimiter after the closing one": multipart(PLAIN) + b"--b\n\nmore\n",
    "text after a delimiter": multipart(PLAIN).replace(b"--b\n", b"--b x\n"),
    "boundary outside a delimiter line": multipart(PLAIN).replace(b"hello", b"hello --b"),
    "boundary used twice": multipart(b"Content-Type: multipart/mixed; boundary=bc\n\n--bc\n\nx\n--bc--"),
    "part without a header": multipart(b"hello"),
    "MIME fields outside a part": multipart(PLAIN) + b"Content-Type: text/html\n\nhello\n",
    "MIME field at the start of a body": HEAD + b"\nContent-Type: text/html\n\nhello\n",
    "MIME fields inside a leaf": HEAD + b"\n--c\nContent-Type: text/html\n\nhello\n",
    "base64 syntax": HEAD + b"Content-Transfer-Encoding: base64\n\naGVs!bG8=\n",
    "quoted-printable syntax": HEAD + b"Content-Transfer-Encoding: quoted-printable\n\na=XY\n",
}


def test_an_at_sign_in_a_quoted_boundary_causes_no_doubt() -> None:
    message = multipart(PLAIN).replace(b"boundary=b", b'boundary="==_1@mx.corp.example==_"')
    message = message.replace(b"\n--b", b"\n--==_1@mx.corp.example==_")
    assert doubts(message) == []
    assert "content-type syntax" in doubts(message.replace(b'"', b""))


@pytest.mark.parametrize("name", ODD)
def test_each_doubt_is_found_in_its_message(name: str) -> None:
    assert name in doubts(ODD[name])


def test_leaf_parts_are_decoded_with_their_type() -> None:
    reading = lint.read(
        multipart(b"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\naGVsbG8="), Budget()
    )
    (leaf,) = reading.leaves
    assert (leaf.content_type, leaf.charset, leaf.body) == ("text/html", "utf-8", b"hello")


def test_text_around_the_parts_is_kept() -> None:
    assert lint.read(SOUND["preamble and epilogue"], Budget()).outside == [b"This is MIME.\n", b"list footer\n"]


@pytest.mark.parametrize(
    ("message", "limits", "unread"),
    [
        (multipart(*[PLAIN] * 5), Limits(mime_parts=4), "too many MIME parts"),
        (
            multipart(b"Content-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n--c--"),
            Limits(mime_depth=1),
            "MIME nested too deeply",
        ),
        (HEAD + b"X-A: " + b"b" * 2_000 + b"\n\n", Limits(header_bytes=1_000), "header too large"),
    ],
)
def test_limits_are_named(message: bytes, limits: Limits, unread: str) -> None:
    assert lint.read(message, Budget(limits)).unread == [unread]
    assert lint.read(message, Budget()).unread == []


@given(
    st.lists(
        st.sampled_from(
            [b"--b", b"--b--", b"Content-Type: multipart/mixed; boundary=b", b"\n", b"\r", b"x: y", b" ", b"\0", b"="]
        )
    )
)
def test_any_message_is_read_without_an_exception(pieces: list[bytes]) -> None:
    lint.read(b"\n".join(pieces), Budget())


@pytest.mark.parametrize(
    "message",
    [
        HEAD + b"Content-Transfer-Encoding: 8-bit\n\nhello there, this is plain text.\n",
        HEAD + b"Content-Transfer-Encoding: utf-8\n\nGr\xc3\xbc\xc3\x9fe, one and all.\n",
        multipart(PLAIN).replace(b"--b--\n", b"--b--____ a footer of the list, with its address ____\n"),
        multipart(b"Content-Type: message/global\nContent-Transfer-Encoding: base64\n\naGVsbG8="),
    ],
)
def test_messages_of_old_programs_have_no_doubt(message: bytes) -> None:
    assert lint.read(message, Budget()).doubts == []


@pytest.mark.parametrize(
    "message",
    [
        HEAD + b"Content-Transfer-Encoding: 8-bit\n\nhello =41=42 there.\n",
        HEAD + b"Content-Transfer-Encoding: x\n\nsee:\naGVsbG8gdGhlcmU=\n",
        multipart(PLAIN).replace(b"--b--\n", b"--b--x\n\naGVsbG8gdGhlcmU=\n"),
    ],
)
def test_text_that_a_decoder_could_decode_causes_a_doubt(message: bytes) -> None:
    assert lint.read(message, Budget()).doubts


@given(st.lists(st.sampled_from([b"content-x", b":", b"\n", b" ", b"\t", b"a:b\n"]), max_size=9).map(b"".join))
def test_a_field_at_the_start_of_a_body_is_found(body: bytes) -> None:
    """The pattern is a quick form of this one, which takes quadratic time for a run of spaces."""
    simple = rb"\s*" + lint._FIELDS
    assert bool(lint._BODY_START.match(body)) == bool(re.match(simple, body, re.IGNORECASE))


def test_a_body_that_begins_with_many_spaces_has_no_doubt() -> None:
    assert doubts(HEAD + b"\n" + b" " * 400_000 + b"hello\n") == []


@pytest.mark.parametrize("name", ["Content-Type: text/plain", "Content-Disposition: inline"])
def test_a_field_with_slow_parameters_is_not_parsed_by_the_standard_library(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []
    original = email.message._parseparam  # type: ignore[attr-defined]

    def parse(value: str) -> object:
        parsed.append(value)
        return original(value)

    monkeypatch.setattr(email.message, "_parseparam", parse)
    inner = f"{name}{';' * lint.LONGEST_FIELD}\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n#86)C\n`\nend\n"
    mail = mime.read_mail(f"Content-Type: multipart/mixed; boundary=b\n\n--b\n{inner}\n--b--\n".encode(), Budget())
    assert "header field too long" in mail.unread
    assert max(map(len, parsed), default=0) <= lint.LONGEST_FIELD
    assert any(b"begin 644" in leaf.document.data for leaf in mail.leaves)


def test_a_field_with_the_longest_name_of_a_file_is_not_too_long() -> None:
    name = "%E2%82%AC" * 255
    content = f"Content-Disposition: attachment; filename*=utf-8''{name}\n\nhello\n".encode()
    assert lint.read(content, Budget()).unread == []
