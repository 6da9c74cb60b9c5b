"""A message file is read by the same functions as arriving mail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.envelope import Envelope
from holdgate.gate import reading
from holdgate.gate.reading import read

OURS = {"x-netskope-action", "x-mark"}
MESSAGE = (
    b"Subject: =?utf-8?q?=C3=BC?=\r\n two\r\nX-Netskope-Action: Quarantine\r\nX-MARK: 1\r\n"
    b"From: a@corp.example\r\n\r\nbody\r\n"
)
INSPECTED = b"Subject: =?utf-8?q?=C3=BC?=\r\n two\r\nFrom: a@corp.example\r\n\r\nbody\r\n"


@pytest.mark.parametrize(
    "content",
    [MESSAGE, MESSAGE.replace(b"\r\n", b"\n"), b"From anna Mon Nov 23 12:00:00 2026\n" + MESSAGE],
    ids=["CRLF", "LF", "mbox"],
)
def test_our_fields_are_no_content_and_line_ends_are_those_of_smtp(content: bytes) -> None:
    fields, inspected = read(content, OURS)
    assert inspected == INSPECTED
    assert fields["x-netskope-action"] == [b" Quarantine"]
    assert fields["x-mark"] == [b" 1"]


@pytest.mark.parametrize(
    ("content", "inspected"),
    [
        (b"", b"\r\n"),
        (b"no header\nA: 1\n", b"\r\nno header\r\nA: 1\r\n"),
        (b"A: 1\nno field\n", b"A: 1\r\n\r\nno field\r\n"),
        (b"A: 1", b"A: 1\r\n\r\n"),
        (b"A: 1\n\n\nbody", b"A: 1\r\n\r\n\r\nbody"),
    ],
)
def test_header_and_body(content: bytes, inspected: bytes) -> None:
    assert read(content, OURS)[1] == inspected


def test_what_policies_ask_for() -> None:
    envelope = Envelope()
    fields, _ = read(MESSAGE + b"x", OURS)
    reading.describe(envelope, fields, ["x-mark", "x-none"])
    assert (envelope.subject, envelope.header_from, envelope.message_id) == ("\u00fc two", "a@corp.example", "")
    assert envelope.headers == {"x-mark": ["1"], "x-none": []}


@given(st.binary())
def test_no_file_raises_and_what_was_read_reads_the_same_again(content: bytes) -> None:
    _, once = read(content, set())
    if not once.startswith(b"From "):
        assert read(once, set())[1] == once
