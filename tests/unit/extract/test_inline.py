"""Files inside text: found by their marks, decoded as far as they go."""

import base64
import binascii
import json
import zlib
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract import formats
from holdgate.extract.inline import files_in, plausible

SECRET = b"The word is Rosenquist, and it stands in a longer text, so that it takes several lines of an encoding."


def uuencoded(content: bytes, end: bytes = b"`\nend\n") -> bytes:
    lines = b"".join(binascii.b2a_uu(content[start : start + 45]) for start in range(0, len(content), 45))
    return b"hello\nbegin 644 secret.txt\n" + lines + end


def yenced(content: bytes) -> bytes:
    encoded = b"".join(
        b"=" + bytes([(code + 64) % 256]) if code in b"\0\n\r=" else bytes([code])
        for code in ((byte + 42) % 256 for byte in content)
    )
    return b"=ybegin line=128 size=%d name=secret.bin\r\n%b\r\n=yend size=%d\r\n" % (
        len(content),
        encoded,
        len(content),
    )


@pytest.mark.parametrize("end", [b"`\nend\n", b"", b"\nmore words\n"])
def test_uuencoded_files_are_found(end: bytes) -> None:
    assert ("secret.txt", SECRET) in list(files_in(uuencoded(SECRET, end)))


@pytest.mark.parametrize("before", [b"> ", b">", b">> ", b"> > ", b"    ", b"\t"])
def test_quoted_and_indented_uuencode_is_found(before: bytes) -> None:
    quoted = b"".join(before + line for line in uuencoded(SECRET * 3).splitlines(keepends=True))
    assert ("secret.txt", SECRET * 3) in list(files_in(quoted))


def test_a_line_that_begins_as_a_quotation_is_data_of_uuencode() -> None:
    content = b"x" * 30  # ">" is the length of 30 bytes
    text = b"begin 644 a\n>" + binascii.b2a_uu(content)[1:] + b"`\nend\n"
    assert list(files_in(text)) == [("a", content)]
    assert list(files_in(b"> " + text.replace(b"\n", b"\n> "))) == [("a", content)]


def test_base64_files_of_uuencode_are_found() -> None:
    text = b"begin-base64 644 secret.txt\n" + base64.encodebytes(SECRET) + b"====\n"
    assert ("secret.txt", SECRET) in list(files_in(text))


@given(st.binary(max_size=200))
def test_yenc_files_are_found(content: bytes) -> None:
    assert list(files_in(yenced(content)))[:1] == [("secret.bin", content)]


def test_binhex_files_are_found() -> None:
    # From RFC 1741's layout: name, type, creator, flags, lengths and CRC, then the data fork.
    name = b"secret"
    header = bytes([len(name)]) + name + b"\0TEXTttxt\0\0" + len(SECRET).to_bytes(4, "big") + bytes(4) + b"\0\0"
    packed = (header + SECRET + b"\0\0\0\0").replace(b"\x90", b"\x90\0")
    packed += bytes(-len(packed) % 3)
    table = bytes.maketrans(
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr",
    )
    text = (
        b"(This file must be converted with BinHex 4.0)\r\n\r\n:" + base64.b64encode(packed).translate(table) + b":\r\n"
    )
    assert list(files_in(text)) == [("secret", SECRET)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_base64_without_a_header_is_found(end: bytes) -> None:
    text = b"see below\n\n" + base64.encodebytes(SECRET).replace(b"\n", end) + b"\nbye\n"
    assert ("", SECRET) in list(files_in(text))


def test_one_long_line_of_base64_is_found() -> None:
    assert ("", SECRET * 50) in list(files_in(base64.b64encode(SECRET * 50)))


@pytest.mark.parametrize(
    "text",
    [
        b"begin with the plan\nend of it\n",
        b"converted with BinHex, they said: nothing\n",
        b"https://www.corp.example/" + b"a" * 100,
        b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(SECRET) + b"-----END CERTIFICATE-----\n",
        base64.encodebytes(bytes(range(128, 256))),
        b"-" * 200,
        b"https://www.corp.example/" + b"a1B2" * 30 + b"?q=" + b"0123456789" * 20,
    ],
)
def test_text_similar_to_an_encoded_file_is_not_decoded(text: bytes) -> None:
    assert list(files_in(text)) == []


assert formats.REGISTRY.signatures  # known once the readers are imported

PDF = b"%PDF-1.7\n" + bytes(range(256)) + SECRET
CODED = base64.b64encode(PDF)
PACKED = base64.b64encode(zlib.compress(b"<a>" + SECRET + b"</a>"))


@pytest.mark.parametrize(
    "text",
    [
        b'{"file": {"name": "a.pdf", "content": "' + CODED + b'"}}',
        b'{"content":"' + CODED.replace(b"/", b"\\/") + b'"}',
        b'{"content":"' + base64.encodebytes(PDF).replace(b"\n", b"\\r\\n") + b'"}',
        b"a{background:url(data:application/pdf;base64," + CODED + b")}",
        b"https://www.partner.example/?file=" + base64.urlsafe_b64encode(PDF),
        b"https://www.partner.example/?file=" + quote(CODED, safe="").encode(),
        b"file: " + PDF.hex().encode(),
        b"<~" + base64.a85encode(PDF) + b"~>",
        b"content:: " + CODED[:60] + b"".join(b"\n " + CODED[at : at + 76] for at in range(60, len(CODED), 76)),
    ],
)
def test_a_base64_file_inside_a_line_is_found(text: bytes) -> None:
    assert ("", PDF) in list(files_in(text))


def test_compressed_xml_inside_a_line_is_found() -> None:
    assert ("", b"<a>" + SECRET + b"</a>") in list(files_in(b"<diagram>" + PACKED + b"</diagram>"))


SCENE = b'{"type":"excalidraw","elements":[{"type":"text","text":"\xc3\xbc \x7f her number is 536-90-4399"}]}'


def byte_string(content: bytes, **changed: object) -> str:
    """Return bytes as Excalidraw writes them into its files: JSON without spaces, only controls and quotes escaped."""
    shown = {"version": "1", "encoding": "bstring", "compressed": True, "encoded": content.decode("latin-1")} | changed
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize("level", [1, 6, 9])
def test_a_drawing_as_bytes_in_a_string_is_found(level: int) -> None:
    packed = byte_string(zlib.compress(SCENE, level))
    assert list(files_in(f"application/vnd.excalidraw+json: {packed}".encode())) == [("", SCENE)]
    coded = base64.b64encode(packed.encode("latin-1"))
    assert list(files_in(b"<!-- payload-start -->" + coded + b"<!-- payload-end -->")) == [("", SCENE)]
    assert list(files_in(byte_string(SCENE, compressed=False).encode())) == [("", SCENE)]


def test_other_strings_are_not_decoded_as_bytes() -> None:
    packed = zlib.compress(SCENE)
    assert list(files_in(byte_string(packed, encoding="base64").encode())) == []
    assert list(files_in(byte_string(packed[:20]).encode())) == []
    assert list(files_in(byte_string(packed, encoded="\u20ac").encode())) == []
    assert list(files_in(byte_string(packed).encode()[:-2])) == []


def test_text_inside_a_line_is_left_to_detection() -> None:
    assert list(files_in(b'{"note": "' + base64.b64encode(SECRET) + b'"}')) == []


def test_lines_with_separate_padding_are_separate_files() -> None:
    lines = [base64.b64encode(SECRET[at : at + 31]) for at in (0, 31)]
    assert list(files_in(b"\n".join(lines))) == [("", SECRET[:31]), ("", SECRET[31:62])]


def test_bytes_of_a_file_or_a_text_are_plausible_and_others_not() -> None:
    assert plausible(b"PK\x03\x04")
    assert plausible("Rosenquist".encode("utf-16-le"))
    assert not plausible(bytes(range(128, 256)))


@given(
    st.binary(max_size=400),
    st.sampled_from([b"begin 644 x\n", b"=ybegin name=x\n", b"converted with BinHex 4.0)\n:", b""]),
)
def test_any_bytes_are_searched_without_an_exception(data: bytes, start: bytes) -> None:
    list(files_in(start + data))


@pytest.mark.parametrize("before", [b"", b"0x", b"\\\\x", b"X'"], ids=["plain", "0x", "PostgreSQL", "SQL"])
def test_a_file_in_hexadecimal_digits_of_a_database_is_found(before: bytes) -> None:
    content = b"\x89PNG\r\n\x1a\n" + bytes(range(60))
    assert [found for _, found in files_in(b"1\t" + before + content.hex().encode() + b"\t2\n")] == [content]
