import re
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate import headers
from holdgate.headers import addresses, decode, fields, first


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b" plain", "plain"),
        (b" =?utf-8?q?gr=C3=B6=C3=9Fer?=", "größer"),
        (b" =?iso-8859-1?b?Z3L232Vy?=", "größer"),
        (" gr\u00f6\u00dfer".encode(), "größer"),
        (b" a\n\tb\r\n c", "a b c"),
        (b" =?x-nowhere?b?AAAA?=", "=?x-nowhere?b?AAAA?="),
        (b" \xff", "\ufffd"),
        (b"", ""),
    ],
)
def test_header_values_are_decoded(value: bytes, text: str) -> None:
    assert decode(value) == text


@given(st.binary() | st.text(alphabet="=?utf-8bqQB_ \n\u00e4", max_size=40))
def test_decoding_never_raises_and_gives_text_that_can_be_stored(value: bytes | str) -> None:
    assert "\n" not in decode(value) or b"=?" in (value if isinstance(value, bytes) else value.encode())
    decode(value).encode("utf-8")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"A: 1\nB :2\n\nC: 3\n", [("A", b" 1"), ("B", b"2")]),
        (b"A: 1\r\n\tmore\r\nB: 2\r\n\r\nC: 3\r\n", [("A", b" 1\n\tmore"), ("B", b" 2")]),
        (b"Subject: Z\xc3\xbcrich \xff\n", [("Subject", b" Z\xc3\xbcrich \xff")]),
        (b"A: 1\nno field\nB: 2\n", [("A", b" 1")]),
        (b"A: 1\nB\xff: 2\nC: 3\n", [("A", b" 1")]),
        (b"A: 1: 2", [("A", b" 1: 2")]),
        (b" fold of nothing\nA: 1\n", []),
        (b": no name\nA: 1\n", []),
        (b"\nA: 1\n", []),
        (b"", []),
    ],
)
def test_the_fields_of_a_header_are_split(content: bytes, found: list[tuple[str, bytes]]) -> None:
    assert list(fields(content)) == found


def test_the_first_field_with_a_name_is_found_in_any_letter_case() -> None:
    header = b"SUBJECT: =?utf-8?q?gr=C3=B6=C3=9Fer?=\nSubject: b\nEmpty:\n"
    assert (first(header, "Subject"), first(header, "empty"), first(header, "From")) == ("gr\u00f6\u00dfer", "", None)


_NAME = st.text(alphabet=[chr(code) for code in range(33, 127) if chr(code) != ":"], min_size=1)
_LINE = st.binary().map(lambda data: data.replace(b"\n", b"").rstrip(b"\r"))


@given(st.lists(st.tuples(_NAME, st.lists(_LINE, min_size=1, max_size=3))), st.sampled_from([b"\n", b"\r\n"]))
def test_written_fields_are_read_back(written: list[tuple[str, list[bytes]]], end: bytes) -> None:
    expected = [(name, b"\n ".join(lines)) for name, lines in written]
    content = b"".join(name.encode() + b":" + value.replace(b"\n", end) + end for name, value in expected)
    assert list(fields(content + end + b"Body: x" + end)) == expected


@given(st.binary())
def test_no_header_raises_or_gives_text_that_cannot_be_stored(content: bytes) -> None:
    for name, value in fields(content):
        (name + decode(value)).encode()


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["anna@corp.example (Doe, Anna)"], ["anna@corp.example"]),
        (
            ["Anna <anna@corp.example> (Sales (EMEA, APAC)), ben@corp.example"],
            ["anna@corp.example", "ben@corp.example"],
        ),
        ([r"anna@corp.example (Doe\), Anna), ben@corp.example"], ["anna@corp.example", "ben@corp.example"]),
        (["cem@corp.example", "(Doe, Anna) anna@corp.example"], ["cem@corp.example", "anna@corp.example"]),
        (['"Doe (Anna, Dr.)" <anna@corp.example>'], ["anna@corp.example"]),
        (['"Doe\\" (Anna" <anna@corp.example>, ben@corp.example'], ["anna@corp.example", "ben@corp.example"]),
        (["team: anna@corp.example, ben@corp.example;"], ["anna@corp.example", "ben@corp.example"]),
        (["undisclosed-recipients:;", "anna@corp.example"], ["anna@corp.example"]),
        (["(ben@corp.example) anna@corp.example"], ["anna@corp.example"]),
        ([], []),
        (["", "anna"], []),
    ],
)
def test_addresses_with_comments_are_parsed(
    values: list[str], found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = getaddresses

    def strict(fields: list[str]) -> list[tuple[str, str]]:
        """Count the commas in comments too, as Debian's Python does."""
        unquoted = [re.sub(r'"(?:[^"\\]|\\.)*"', "", field) for field in fields]
        read = plain(fields)
        return read if len(read) == sum(1 + field.count(",") for field in unquoted) else [("", "")]

    monkeypatch.setattr(headers, "getaddresses", strict)
    assert addresses(values) == found


def test_a_comment_without_an_end_hides_no_address_of_other_fields() -> None:
    assert addresses(["anna@corp.example (Doe, Anna", "ben@corp.example"])[-1] == "ben@corp.example"


@given(st.lists(st.text() | st.text('a@.,;:<>()\\" '), max_size=4))
def test_parsing_address_fields_never_raises(values: list[str]) -> None:
    assert all("@" in address for address in addresses(values))
