"""Search of all that a PDF contains: streams and strings are decoded, and any bytes are accepted."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.budget import Budget, LimitReachedError, Limits
from holdgate.rewrite import pdf_bytes


def unpacked(content: bytes, limits: Limits = Limits()) -> list[bytes]:  # noqa: B008 (frozen)
    return list(pdf_bytes.unpacked(content, Budget(limits)))


def stream(data: bytes, filters: str) -> bytes:
    return b"%%PDF-1.7\n1 0 obj\n<< /Length %d /Filter %s >>\nstream\n%s\nendstream\nendobj\n" % (
        len(data),
        filters.encode(),
        data,
    )


def test_image_streams_are_not_parsed_as_syntax() -> None:
    image = b"<34313131> (\\064)"
    written = stream(zlib.compress(image), "/FlateDecode /Subtype /Image")
    assert not any(b"4111" in one for one in unpacked(written))
    assert any(b"4111" in one for one in unpacked(stream(zlib.compress(image), "/FlateDecode")))


def test_a_stream_whose_filter_is_another_object_or_an_escaped_name_is_decoded() -> None:
    coded = zlib.compress(b"4111")
    for filters in ("5 0 R", "/#46lateDecode"):
        assert b"4111" in unpacked(stream(coded, filters))


def test_text_similar_to_a_hexadecimal_string_is_not_decoded() -> None:
    assert not any(b"AA" in one for one in unpacked(b"<< /A <41\x0b41> >>"))
    assert b"AA" in unpacked(b"<< /A <41\x0c41> >>")


@given(st.text(alphabet="<>4Fz \t\r\n\v\f\0#\\()").map(str.encode))
def test_any_syntax_is_decoded_without_an_exception(data: bytes) -> None:
    unpacked(data)


@given(st.binary(), st.sampled_from(["/LZWDecode", "/RunLengthDecode", "[/A85 /Fl]", "/AHx", "/DCTDecode", "/Crypt"]))
def test_any_bytes_are_decoded_without_an_exception(data: bytes, filters: str) -> None:
    unpacked(stream(data, filters))


def test_each_decoding_of_a_stream_counts_for_the_budget() -> None:
    packed = zlib.compress(zlib.compress(b"x" * 1_000).ljust(500))
    written = stream(packed, "[/FlateDecode /FlateDecode]")
    assert b"x" * 1_000 in unpacked(written, Limits(total_bytes=1_500))
    with pytest.raises(LimitReachedError):
        unpacked(written, Limits(total_bytes=1_499))
