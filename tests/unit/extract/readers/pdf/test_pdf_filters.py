"""Decoding of streams of a PDF: encoded data is decoded to the same bytes, and any bytes are accepted."""

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf._codecs._codecs import LzwCodec

from holdgate.extract.budget import Budget, LimitReachedError, Limits
from holdgate.extract.readers.pdf.pdf_filters import DAMAGED, NOT_DECODED, TOO_LARGE, Decoded, decode

NAMES = ["ASCII85Decode", "AHx", "Fl", "LZWDecode", "RunLengthDecode", "Crypt", "DCTDecode"]


def decoded(data: bytes, names: str, most: int = 10**6) -> Decoded:
    return decode(data, f"<< /Length {len(data)} /Filter {names} >>".encode(), most, lambda count: None)


@given(st.lists(st.sampled_from([b"4111", b" 1", b"\0", b"abc", b"\xff" * 9]), max_size=900).map(b"".join))
def test_lzw_data_of_all_code_widths_is_decoded(data: bytes) -> None:
    assert decoded(LzwCodec().encode(data), "/LZWDecode") == Decoded(data)


def test_lzw_data_with_a_full_table_is_decoded() -> None:
    data = b"".join(number.to_bytes(2) for number in range(6_000))
    assert decoded(LzwCodec().encode(data), "/LZW") == Decoded(data)


def test_lzw_codes_are_lengthened_late_on_request() -> None:
    # 254 literals fill the table up to code 510: with early change, the next code has ten bits.
    bits = "".join(f"{code:09b}" for code in [256, *(65 + number % 26 for number in range(254)), 97, 257])
    data = int(bits.ljust(-len(bits) % 8 + len(bits), "0"), 2).to_bytes(-(-len(bits) // 8))
    late = "/LZWDecode /DecodeParms << /EarlyChange 0 >>"
    assert decoded(data, late).content.endswith(b"a")
    assert not decoded(data, "/LZWDecode").content.endswith(b"a")


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=128), st.integers(2, 128))))
def test_run_length_data_is_decoded(pieces: list[tuple[bytes, int]]) -> None:
    coded = b"".join(bytes([len(one) - 1]) + one + bytes([257 - count]) + b"x" for one, count in pieces) + b"\x80rest"
    data = b"".join(one + b"x" * count for one, count in pieces)
    assert decoded(coded, "/RunLengthDecode") == Decoded(data)


@given(st.binary(max_size=900) | st.integers(0, 90_000).map(bytes))
def test_ascii85_and_hexadecimal_data_is_decoded(data: bytes) -> None:
    assert decoded(base64.a85encode(data, wrapcol=72) + b"~> rest", "/ASCII85Decode") == Decoded(data)
    assert decoded(data.hex(" ").encode() + b"> rest", "/ASCIIHexDecode") == Decoded(data)


@given(st.lists(st.sampled_from(["z", "87cUR", "!!!!!", "s8W-!"])).map("".join))
def test_ascii85_is_decoded_as_by_the_standard_library(data: str) -> None:
    assert decoded(data.encode(), "/A85") == Decoded(base64.a85decode(data))


@given(st.binary(max_size=99).map(lambda piece: piece * 900))
def test_several_filters_are_applied_in_their_order(data: bytes) -> None:
    assert decoded(base64.a85encode(zlib.compress(data)), "[ /A85 /Fl ]") == Decoded(data)


def test_a_filter_in_another_object_counts_as_the_usual_one() -> None:
    assert decoded(zlib.compress(b"text"), "5 0 R") == Decoded(b"text")
    assert decoded(b"text", "[]") == Decoded(b"text")


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ("/DCTDecode", NOT_DECODED),
        ("/DCTDecode /Width 9", ""),
        ("[/Fl /JBIG2Decode]", NOT_DECODED),
        ("/Unknown", NOT_DECODED),
        ("/Unknown /Width 9", NOT_DECODED),
    ],
)
def test_an_unknown_filter_is_named_but_not_that_of_an_image(names: str, reason: str) -> None:
    data = zlib.compress(b"\xff\xd8") if "/Fl" in names else b"\xff\xd8"
    assert decoded(data, names) == Decoded(b"", reason)


def test_text_that_claims_to_be_an_image_or_packed_is_returned() -> None:
    assert decoded(b"text", "/DCTDecode /Width 9") == Decoded(b"text")
    assert decoded(b"text", "/FlateDecode") == Decoded(b"text", DAMAGED)


@pytest.mark.parametrize(
    "names",
    [
        "/FlateDecode /DP << /Filter [] >>",
        "/FlateDecode % /Filter []\n",
        "/FlateDecode /K (/Filter [] \\) )",
        "/FlateDecode /FilterX []",
        "/FlateDecode /L [(a) << /B (>>) /Filter /A85 >>]",
        "[/FlateDecode % ]\n ]",
    ],
)
def test_only_the_own_filter_of_a_dictionary_counts(names: str) -> None:
    assert decoded(zlib.compress(b"text"), names) == Decoded(b"text")


def test_no_filter_can_be_written_as_null() -> None:
    assert decoded(b"text", "null") == Decoded(b"text")


@pytest.mark.parametrize(
    "entries",
    [
        "/Fl /DecodeParms 5 0 R",
        "/Fl /DecodeParms << /Predictor 5 0 R >>",
        "/Fl /DecodeParms << /Predic#74or 12 >>",
        "5 0 R",
    ],
)
def test_what_another_object_says_about_a_stream_is_not_known(entries: str) -> None:
    data = b"\xff\xfe" if entries == "5 0 R" else zlib.compress(b"\xff\xfe")
    assert decoded(data, entries).reason == NOT_DECODED


def test_the_part_before_the_damage_is_returned() -> None:
    assert decoded(zlib.compress(b"text" * 99)[:-4] + b"0000", "/Fl") == Decoded(b"text" * 99, DAMAGED)
    assert decoded(b"87cUR\x80\x80", "/A85") == Decoded(b"Hell", DAMAGED)
    assert decoded(b"87cURuuuuu", "/A85").reason == DAMAGED


def test_values_that_a_predictor_changed_are_named() -> None:
    data = zlib.compress(b"text")
    assert decoded(data, "/Fl /DecodeParms << /Predictor 12 >>").reason == NOT_DECODED
    assert decoded(data, "/Fl /DecodeParms << /Predictor 1 >>").reason == ""


@pytest.mark.parametrize("names", ["/Fl", "[/Fl /RL]", "[]"])
def test_no_more_than_the_limit_is_returned(names: str) -> None:
    data = b"\x81x" * 400
    data = data if names == "[]" else zlib.compress(data)
    length = 51_200 if "RL" in names else 800
    assert decoded(data, names, length).reason == ""
    assert decoded(data, names, length - 1).reason == TOO_LARGE
    assert len(decoded(data, names, length - 1).content) == length - 1


def test_each_decoding_counts_for_the_budget() -> None:
    packed = zlib.compress(zlib.compress(b"x" * 1_000).ljust(500))
    entries = b"/Filter [/FlateDecode /FlateDecode]"
    assert decode(packed, entries, 10**6, Budget(Limits(total_bytes=1_500)).spend_bytes).content == b"x" * 1_000
    with pytest.raises(LimitReachedError):
        decode(packed, entries, 10**6, Budget(Limits(total_bytes=1_499)).spend_bytes)


@given(st.binary(), st.lists(st.sampled_from(NAMES), max_size=3), st.integers(0, 99))
def test_any_bytes_are_decoded_without_an_exception(data: bytes, names: list[str], most: int) -> None:
    assert len(decoded(data, f"[{' '.join(f'/{name}' for name in names)}]", most).content) <= most


@given(st.binary())
def test_any_dictionary_is_read_without_an_exception(dictionary: bytes) -> None:
    decode(b"data", b"/Filter " + dictionary, 99, lambda count: None)
