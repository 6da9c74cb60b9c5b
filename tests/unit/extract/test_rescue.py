"""The rescue: its readings include what any program could show."""

import base64
import quopri
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.budget import Budget
from holdgate.extract.extractor import extract_message
from holdgate.extract.part import Status
from holdgate.extract.rescue import readings, whole

WORDS = b"The word is Rosenquist, and that is all there is to say."


def found(message: bytes, words: bytes = WORDS) -> bool:
    return any(words in reading for _, reading in readings(message, Budget()))


@pytest.mark.parametrize(
    "body",
    [
        WORDS,
        base64.encodebytes(WORDS),
        base64.b64encode(WORDS).replace(b"0", b"0!\n"),
        base64.b64encode(b"hello") + b"\n" + base64.encodebytes(WORDS),
        b"====" + base64.encodebytes(WORDS),
        base64.encodebytes(WORDS) + b"\n-- \nfooter",
        quopri.encodestring(WORDS),
        b"".join(b"=%02x" % byte for byte in WORDS),
        b"".join(b"=%02X" % byte for byte in WORDS[:20]) + b"= \r\n" + b"".join(b"=%02X" % byte for byte in WORDS[20:]),
    ],
)
def test_the_payload_is_found_in_each_form(body: bytes) -> None:
    assert found(b"Subject: x\n\n--b\nX-A: b\n\n" + body)


def test_noise_gives_no_reading() -> None:
    noise = base64.encodebytes(bytes(range(129, 255)))
    assert [kind for kind, _ in readings(b"Subject: x\n\n" + noise, Budget())] == ["text"]


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_base64_is_found_between_any_text(before: bytes, after: bytes) -> None:
    assert found(before + b"\n\n" + base64.encodebytes(WORDS) + b"\n\n" + after)


@given(st.lists(st.sampled_from([b"a" * 60, b"b" * 70, b"=", b"==", b"\n", b"\r\n", b" ", b"x", b"-"]), max_size=24))
def test_base64_spans_are_removed_from_the_complete_reading(pieces: list[bytes]) -> None:
    """The pattern is a quick form of this one, which takes quadratic time for a long line."""
    data = b"".join(pieces)
    assert next(whole(data)) == re.sub(rb"(?:[A-Za-z0-9+/]{60,}={0,2}\r?\n){3,}", b"\n", data)


def test_a_message_with_a_long_line_is_read() -> None:
    """It took half an hour, so that the message ended at the time limit for ever."""
    message = b"Subject: x\r\n\r\n" + b"a1b2" * 100_000 + b"\r\nRosenquist\r\n"
    extraction = extract_message(message)
    assert extraction.status is Status.COMPLETE
    assert any("Rosenquist" in part.text for part in extraction.parts)
