"""Header fields: parameters by the grammar, names by any spelling, encoded words however broken."""

import base64 as standard
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.fields import base64, names, parameters, words


@pytest.mark.parametrize(
    ("value", "kind", "found"),
    [
        (b" text/plain\n", "text/plain", []),
        (b" Text/HTML; Charset=utf-8\n", "text/html", [("charset", b"utf-8")]),
        (b' multipart/mixed;\n\tboundary="a b"\n', "multipart/mixed", [("boundary", b"a b")]),
        (b' x/y; a="q\\"r"; b=c;\n', "x/y", [("a", b'q"r'), ("b", b"c")]),
        (b" attachment\n", "attachment", []),
        (
            b"multipart/related; type=text/html; start=<1@corp.example>; boundary=b",
            "multipart/related",
            [("type", b"text/html"), ("start", b"<1@corp.example>"), ("boundary", b"b")],
        ),
    ],
)
def test_valid_parameters_are_parsed(value: bytes, kind: str, found: list[tuple[str, bytes]]) -> None:
    assert parameters(value) == (kind, found, True)


@pytest.mark.parametrize(
    "value",
    [
        b" text/plain, text/html\n",
        b" text/plain (note)\n",
        b" text / plain\n",
        b" text/plain; a = b\n",
        b' text/plain; a="b\n',
        b" text/plain; a=b=c\n",
        b" text/plain;; a=b\n",
        b" text/plain a=b\n",
        b"\n",
        b"multipart/related; type=text/html boundary=b",
        b"multipart/related; boundary=a/b",
    ],
)
def test_invalid_parameters_are_reported(value: bytes) -> None:
    assert not parameters(value)[2]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b' attachment; filename="a.pdf"', "a.pdf"),
        (b" attachment; filename=a.pdf", "a.pdf"),
        (b" attachment; filename=my report.pdf", "my report.pdf"),
        (b" attachment; filename*=UTF-8''%e2%82%ac.pdf", "€.pdf"),
        (b" attachment; filename*=iso-8859-1'en'%A3.pdf", "£.pdf"),
        (b' attachment; filename*0="a"; filename*1="b.exe"', "ab.exe"),
        (b' attachment; filename*1="b.exe"; filename*0="a"', "ab.exe"),
        (b" attachment; filename*0*=utf-8''%c3%a4; filename*1=b.pdf", "äb.pdf"),
        (b' attachment; filename="=?utf-8?B?w6QucGRm?="', "ä.pdf"),
        (b' attachment; filename="=?utf-8?Q?=C3=A4?=\n =?utf-8?Q?b.pdf?="', "äb.pdf"),
        ('; filename="ä.pdf"'.encode(), "ä.pdf"),
        (b' image/png; NAME = "a.png"', "a.png"),
        (b' attachment; filename="a.pdf', "a.pdf"),
    ],
)
def test_file_names_in_every_spelling_are_found(value: bytes, expected: str) -> None:
    assert expected in names(value)


def test_every_name_counts() -> None:
    assert names(b" attachment; filename=a.txt; filename=b.exe; filename*=utf-8''c.zip") == ["a.txt", "b.exe", "c.zip"]


def test_a_field_without_a_file_name_has_none() -> None:
    assert names(b" text/plain; charset=utf-8") == []
    assert names(b" attachment; surname=x; filename=") == []


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b" plain \n", "plain"),
        (b" one\n two\n", "one two"),
        (b" =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n", "Grüße"),
        (b" =?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=\n", "ab"),
        (b" =?utf-8?B?R3LDvMOfZQ?=\n", "Grüße"),
        (b" =?utf-8*de?Q?x_y?=\n", "x y"),
        (b" =?unknown?Q?x?=\n", "x"),
        (b" =?utf-8?X?x?=\n", "=?utf-8?X?x?="),
        (" Grüße\n".encode(), "Grüße"),
        (" Grüße\n".encode("latin-1"), "Grüße"),
    ],
)
def test_encoded_words_are_decoded(raw: bytes, expected: str) -> None:
    assert words(raw) == expected


@given(st.binary())
def test_base64_is_decoded_despite_other_characters(data: bytes) -> None:
    encoded = standard.b64encode(data).rstrip(b"=")
    assert base64(b"!\n".join(encoded[start : start + 5] for start in range(0, len(encoded), 5))) == data


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_without_an_exception(raw: bytes) -> None:
    base64(raw)
    words(raw)
    names(b"; filename=" + raw)
    parameters(raw)


@given(st.lists(st.integers(1, 30), max_size=6), st.sampled_from(["utf-8", "UTF-8", "iso-8859-1"]))
def test_encoded_words_cut_at_any_point_are_joined(cuts: list[int], charset: str) -> None:
    encoded = standard.b64encode(b"ssn 536-90-4399 in a note of words").decode()
    places = sorted({0, len(encoded), *cuts})
    pieces = [encoded[start:end] for start, end in itertools.pairwise(places)]
    raw = "\n ".join(f"=?{charset}?B?{piece}?=" for piece in pieces)
    assert words(raw.encode()) == "ssn 536-90-4399 in a note of words"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"=?utf-8?b?b25l?= =?utf-8?b?dHdv?=", "onetwo"),
        (b"=?utf-8?b?b25l?= and =?utf-8?q?two?=", "one and two"),
        (b"=?utf-8?b?b25lIQ==?= =?utf-8?b?dHdv?=", "one!two"),
    ],
)
def test_complete_encoded_words_are_decoded_one_by_one(raw: bytes, text: str) -> None:
    assert words(raw) == text
