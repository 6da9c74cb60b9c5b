"""Every header field is text: names and comments of addresses, and the numbers of fields that programs write."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract import headers
from holdgate.extract.budget import Budget, Limits
from holdgate.extract.extractor import extract_message
from holdgate.extract.headers import HeaderText, shown_of
from holdgate.extract.mime import read_mail


def read(name: str, value: bytes) -> HeaderText:
    text = HeaderText()
    text.take([(name.lower(), value)])
    return text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Anna Smith <anna@corp.example>", "Anna Smith"),
        ('"Smith, Anna" <anna@corp.example>', "Smith Anna"),
        (r'"a \"b\" 12\-34" <anna@corp.example>', "a b 12-34"),
        ("anna@corp.example (case 17)", "case 17"),
        ("Team: a@corp.example, b@corp.example;", "Team"),
        ('"12" "34" <a@corp.example>, Bob <b@corp.example>', "12 34 Bob"),
        ("<anna@corp.example>", ""),
        ("anna@corp.example", ""),
        ('"anna@corp.example" <anna@corp.example>', ""),
    ],
)
def test_names_and_comments_of_addresses_are_text(value: str, shown: str) -> None:
    assert shown_of(value) == shown
    assert list(read("Cc", value.encode()).written) == ([f"cc: {shown}"] if shown else [])


@pytest.mark.parametrize(
    "name", ["From", "To", "Reply-To", "Resent-Cc", "Errors-To", "X-Sender", "Bcc", "Delivered-To"]
)
def test_address_fields_are_also_searched_completely(name: str) -> None:
    text = read(name, b"Anna <a.536904399@corp.example>")
    assert list(text.written) == [f"{name.lower()}: Anna"]
    assert list(text.trace) == [f"{name.lower()}: Anna <a.536904399@corp.example>"]


@pytest.mark.parametrize(
    "name",
    [
        *("Received", "References", "In-Reply-To", "Message-ID", "X-Mailer", "User-Agent", "List-Id", "Thread-Index"),
        *(
            "X-MS-Note",
            "X-Spam-Note",
            "X-Priority",
            "Autocrypt",
            "DKIM-Signature",
            "Content-ID",
            "Date",
            "MIME-Version",
        ),
        *(
            "X-Holdgate-Note",
            "X-Netskope-Note",
            "Content-Type",
            "Content-Disposition",
            "Feedback-ID",
            "Require-TLS-ESMTP",
        ),
    ],
)
def test_text_that_programs_write_is_kept_separately(name: str) -> None:
    text = read(name, b" ssn 536-90-4399\n")
    assert f"{name.lower()}: ssn 536-90-4399" in text.trace
    assert not text.written


@pytest.mark.parametrize(
    "name",
    [
        "Comments",
        "Keywords",
        "Organization",
        "X-Note",
        "Subject-Of",
        "Content-Description",
        "Newsgroups",
        "Followup-To",
    ],
)
def test_all_other_fields_count_as_text_of_people(name: str) -> None:
    text = read(name, b" ssn 536-90-4399\n")
    assert (list(text.written), list(text.trace)) == ([f"{name.lower()}: ssn 536-90-4399"], [])


def test_a_value_in_the_name_of_a_field_is_read() -> None:
    assert list(read("X-Ssn-536-90-4399", b"\n").written) == ["x-ssn-536-90-4399: "]
    assert not read("X-Empty", b"\n").written


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Date", b" Sat, 28 Nov 2026 23:25:29 +0000\n"),
        ("Date", b"8 Nov 2026 23:25 -0800"),
        ("MIME-Version", b" 1.0\n"),
        ("Content-Type", b' text/plain; charset="us-ascii"\n'),
        ("X-Priority", b" 3\n"),
        ("To", b" bob@partner.example\n"),
    ],
)
def test_fields_without_a_number_are_not_searched(name: str, value: bytes) -> None:
    text = read(name, value)
    assert not text.trace
    assert not text.written


@pytest.mark.parametrize(
    "value",
    [
        b" Sat, 28 Nov 2026 23:25:29 +0000 (536-90-4399)\n",
        b" =?utf-8?b?c3NuIDUzNi05MC00Mzk5?=\n",
        b" =?utf-8?q?ssn_536-90?=\n =?utf-8?q?-4399?=\n",
        " ssn ５３６-９０-４３９９\n".encode(),
    ],
)
def test_additional_digits_in_a_date_are_searched(value: bytes) -> None:
    (line,) = read("Date", value).trace
    assert sum(map(str.isdecimal, line)) >= 9


@pytest.mark.parametrize(
    "value",
    [
        b' text/plain; x-note="ssn 536-90-4399"\n',
        b' text/plain; x-note*0="ssn 536-"; x-note*1="90-4399"\n',
        b' text/plain; x-note*1="90-4399"; x-note*0="ssn 536-"\n',
        b" text/plain; x-note*=utf-8''ssn%20536%2D90%2D4399\n",
        b' text/plain; x-note="ssn 536\\-90\\-4399"\n',
        b' multipart/mixed; boundary="ssn 536-90-4399"\n',
    ],
)
def test_split_parameters_are_joined(value: bytes) -> None:
    assert any("ssn 536-90-4399" in line for line in read("Content-Type", value).trace)


@pytest.mark.parametrize(
    "message",
    [
        b"--b\nX-Note: ssn 536-90-4399\n\nhello\n",
        b"--b\nContent-Description: ssn 536-90-4399\nContent-Type: text/html\n\nhello\n",
        b"--b\nContent-Type: multipart/mixed; boundary=c\nX-Note: ssn 536-90-4399\n\n--c\n\nhello\n--c--\n",
    ],
)
def test_the_headers_of_parts_are_read(message: bytes) -> None:
    mail = read_mail(b"Content-Type: multipart/mixed; boundary=b\n\n" + message + b"--b--\n", Budget())
    assert [line.partition(": ")[2] for line in mail.headers] == ["ssn 536-90-4399"]


def test_headers_are_two_parts_of_the_message() -> None:
    parts = extract_message(b"Organization: Corp\nReferences: <1234567@corp.example>\n\nhello\n").parts
    assert [(part.name, part.trace, part.text) for part in parts[:2]] == [
        ("headers", False, "organization: Corp"),
        ("technical headers", True, "references: <1234567@corp.example>"),
    ]


def test_the_headers_of_a_nested_message_are_read() -> None:
    message = b"Content-Type: message/rfc822\n\nX-Holdgate-Note: 1234567\nTo: Ann <a@corp.example>\n\nhello\n"
    parts = {part.name.rpartition(" › ")[2]: part.text for part in extract_message(message).parts}
    assert parts["technical headers"] == "x-holdgate-note: 1234567"
    assert "to: Ann" in parts["headers"]


@given(st.lists(st.tuples(st.from_regex(r"[!-9;-~]{1,20}", fullmatch=True), st.binary(max_size=60)), max_size=5))
def test_no_field_raises_and_no_digits_of_a_plain_value_are_lost(fields: list[tuple[str, bytes]]) -> None:
    text = HeaderText()
    text.take([(name.lower(), value) for name, value in fields])
    whole = "\n".join((*text.written, *text.trace))
    for _, value in fields:
        plain = value.isascii() and b"=" not in value
        digits = "".join(chr(byte) for byte in value if 48 <= byte <= 57)
        if plain and len(digits) >= 6:
            assert digits in "".join(letter for letter in whole if letter in "0123456789")


@pytest.mark.parametrize("depth", [3, 4])
def test_messages_are_read_up_to_the_nesting_limit(depth: int) -> None:
    message = b"Content-Type: message/rfc822\n\n" * depth + b"Subject: x\n\ninnermost\n"
    extraction = extract_message(message, Limits(mime_depth=3))
    assert any("innermost" in part.text for part in extraction.parts) == (depth == 3)
    assert (extraction.reason == "") == (depth == 3)


@pytest.mark.parametrize(
    "comment",
    [
        "using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS"
        " (2048 bits) server-digest SHA256",
        "qmail 27453 invoked by uid 1000",
        "mail.corp.example [192.0.2.127]",
        "8.17.1/8.17.1/Submit",
        "15.20.8158.019",
        "envelope-from <bob.1234567@partner.example>",
    ],
)
def test_comments_of_programs_are_not_shown_to_people(comment: str) -> None:
    assert not read("Received", f"from a ({comment}) by b".encode()).written


def test_a_comment_with_a_number_is_shown_to_people() -> None:
    written = read("Received", b"from a ([192.0.2.7] card 4111.1111.1111.1111) by b").written
    assert list(written) == ["received: card 4111.1111.1111.1111"]


@given(st.text(alphabet='a@"<, \\', max_size=20))
def test_addresses_are_removed_from_the_shown_text(text: str) -> None:
    """The pattern is a quick form of this one, which takes quadratic time for a long word."""
    simple = r'(?:"[^"]*"|[^\s<>(),:;"@]+)@[^\s<>(),:;"]+'
    assert headers._ADDRESS.findall(text) == re.findall(simple, text)


def test_a_long_word_is_shown() -> None:
    assert shown_of("a" * 400_000 + " <a@b.example>") == "a" * 400_000


@given(st.text(alphabet='ab*01=; "\\\n', max_size=20))
def test_parameters_are_found(text: str) -> None:
    """The pattern is a quick form of this one, which takes quadratic time for a long word."""
    simple = r"([\w!#$&'*.+-]+?)(\*\d+)?(\*)?\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"?|([^;\n]*))"
    assert headers._PARAMETER.findall(text) == re.findall(simple, text)


def test_a_number_next_to_a_long_word_in_a_parameter_is_read() -> None:
    parameters = b"a" * 200_000 + b'; name="4111 1111 1111 1111"'
    extraction = extract_message(b"Content-Type: text/plain; " + parameters + b"\n\nhello\n")
    assert any("4111 1111 1111 1111" in part.text for part in extraction.parts)
