"""The short readers: text, mailboxes, S/MIME, encrypted files and bytes of no known format."""

import base64
import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.readers.texts import binary, encrypted, mbox, pkcs7, text
from holdgate.extract.reading import UnreadableError
from tests.support.samples import message, signed
from tests.support.sink import read_all

SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
ENVELOPED_DATA = bytes.fromhex("06092a864886f70d010703")
DATA = bytes.fromhex("06092a864886f70d010701")


def der(tag: int, *contents: bytes) -> bytes:
    """Encode an element with a definite length."""
    content = b"".join(contents)
    return bytes([tag, 0x82]) + len(content).to_bytes(2, "big") + content


def test_text_in_two_charsets() -> None:
    first, *others = read_all(text.read, "Привет, это договор".encode("cp1251")).texts
    assert "договор" in first[0] or any("договор" in other for other, _ in others)
    assert all(place == "in another charset" for _, place in others)


def test_text_hands_on_the_files_inside() -> None:
    sink = read_all(text.read, b"see:\n\n" + base64.encodebytes(b"The word is Rosenquist, several lines of it. " * 3))
    assert b"Rosenquist" in sink.documents[0].data


def test_encrypted_block_inside_text_is_limited() -> None:
    sink = read_all(text.read, b"see below\n-----BEGIN PGP MESSAGE-----\n\nwcBM\n-----END PGP MESSAGE-----\n")
    assert sink.limits == ["encrypted block"]
    assert read_all(text.read, b"-----BEGIN PGP SIGNED MESSAGE-----\nx\n").limits == []


def test_mailbox() -> None:
    separator = b"From a@corp.example Mon Nov 23 09:00:00 2026\n"
    data = separator + b"Subject: x\n\nFrom here on\n\n" + separator + b"Subject: y\n\n"
    sink = read_all(mbox.read, data)
    assert [document.data for document in sink.documents] == [b"Subject: x\n\nFrom here on\n\n", b"Subject: y\n\n"]
    assert read_all(mbox.read, data.replace(b"\n", b"\r\n")).documents[1].data == b"Subject: y\r\n\r\n"


@pytest.mark.parametrize(
    "data",
    [
        signed(message()),
        der(
            0x30,
            SIGNED_DATA,
            der(0xA0, der(0x30, b"\x02\x01\x01", der(0x31), der(0x30, DATA, der(0xA0, der(0x04, message()))))),
        ),
    ],
)
def test_opaque_signature_is_opened(data: bytes) -> None:
    (document,) = read_all(pkcs7.read, data).documents
    assert (document.data, document.declared_type) == (message(), "message/rfc822")


def test_a_detached_signature_holds_nothing() -> None:
    digest = der(0x30, bytes.fromhex("06092a864886f70d010904"), der(0x04, b"The word is Rosenquist"))
    data = der(0x30, SIGNED_DATA, der(0xA0, der(0x30, b"\x02\x01\x01", der(0x31), der(0x30, DATA), der(0x31, digest))))
    assert read_all(pkcs7.read, data).documents == []


def test_compressed_data_is_opened() -> None:
    kind = bytes.fromhex("060b2a864886f70d0109100109")
    inner = der(0x30, DATA, der(0xA0, der(0x04, zlib.compress(message()))))
    data = der(0x30, kind, der(0xA0, der(0x30, b"\x02\x01\x00", der(0x30), inner)))
    assert read_all(pkcs7.read, data).documents[0].data == message()


@pytest.mark.parametrize(
    ("data", "reason"), [(der(0x30, ENVELOPED_DATA), "encrypted"), (der(0x30, DATA), "damaged"), (b"0", "damaged")]
)
def test_what_is_enveloped_is_encrypted(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read_all(pkcs7.read, data)


@given(st.binary(max_size=300))
def test_any_der_ends(data: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        assert len(read_all(pkcs7.read, der(0x30, SIGNED_DATA) + data).documents) < 2


def test_encrypted() -> None:
    with pytest.raises(UnreadableError, match="encrypted"):
        read_all(encrypted.read, b"-----BEGIN PGP MESSAGE-----")


def test_binary_gives_strings_and_says_so() -> None:
    data = (
        b"\x00\x01" * 50 + b"Rosenquist one" + b"\xff\x00\x01" + "Rosenquist two".encode("utf-16-le") + b"\x00\x00\x02"
    )
    sink = read_all(binary.read, data)
    assert sink.limits == ["unknown format, only strings read"]
    assert "Rosenquist one" in sink.everything()
    assert "Rosenquist two" in sink.everything()


def test_strings_across_blocks_are_whole() -> None:
    word = b"Rosenquist-at-the-edge"
    data = bytes((1 << 20) - 10) + word + bytes(100)
    assert word.decode() in read_all(binary.read, data).everything()
