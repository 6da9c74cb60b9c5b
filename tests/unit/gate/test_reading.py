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
def test_holdgate_fields_are_not_content_and_line_ends_are_crlf(content: bytes) -> None:
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
def test_header_and_body_are_split_as_in_arriving_mail(content: bytes, inspected: bytes) -> None:
    assert read(content, OURS)[1] == inspected


def test_the_envelope_gets_the_fields_that_policies_use() -> None:
    envelope = Envelope()
    fields, _ = read(MESSAGE + b"x", OURS)
    reading.describe(envelope, fields, ["x-mark", "x-none"])
    assert (envelope.subject, envelope.header_from, envelope.message_id) == ("\u00fc two", "a@corp.example", "")
    assert envelope.headers == {"x-mark": ["1"], "x-none": []}


@given(st.binary())
def test_reading_never_raises_and_reading_its_output_changes_nothing(content: bytes) -> None:
    _, once = read(content, set())
    if not once.startswith(b"From "):
        assert read(once, set())[1] == once
