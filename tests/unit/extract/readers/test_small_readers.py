"""The short readers: text, mailboxes, S/MIME, encrypted files and bytes of no known format."""

import base64
import bz2
import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.identify import identify
from holdgate.extract.part import Status
from holdgate.extract.readers.texts import binary, encrypted, mbox, openpgp, pkcs7, text
from holdgate.extract.reading import Document, UnreadableError
from tests.support.samples import message, signed
from tests.support.sink import read_all

SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
ENVELOPED_DATA = bytes.fromhex("06092a864886f70d010703")
DATA = bytes.fromhex("06092a864886f70d010701")


def der(tag: int, *contents: bytes) -> bytes:
    """Encode an element with a definite length."""
    content = b"".join(contents)
    return bytes([tag, 0x82]) + len(content).to_bytes(2, "big") + content


def test_text_is_read_in_two_possible_charsets() -> None:
    first, *others = read_all(text.read, "Привет, это договор".encode("cp1251")).texts
    assert "договор" in first[0] or any("договор" in other for other, _ in others)
    assert all(place == "in another charset" for _, place in others)


def test_files_inside_a_text_are_passed_on() -> None:
    sink = read_all(text.read, b"see:\n\n" + base64.encodebytes(b"The word is Rosenquist, several lines of it. " * 3))
    assert b"Rosenquist" in sink.documents[0].data


def test_undeclared_quoted_printable_is_decoded() -> None:
    data = b"first line\nthe=20number=20is=20219-09-9999=\n, they say\n"
    assert read_all(text.read, data).texts[1:] == [("the number is 219-09-9999, they say", "quoted-printable undone")]
    assert len(read_all(text.read, b"https://www.partner.example/?a=20&b=20\n").texts) == 1


def test_an_encrypted_block_inside_a_text_is_limited() -> None:
    sink = read_all(text.read, b"see below\n-----BEGIN PGP MESSAGE-----\n\nwcBM\n-----END PGP MESSAGE-----\n")
    assert sink.limits == ["encrypted block"]
    assert read_all(text.read, b"-----BEGIN PGP SIGNED MESSAGE-----\nx\n").limits == []


def test_the_messages_of_a_mailbox_are_read() -> None:
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
def test_an_opaque_signature_is_opened(data: bytes) -> None:
    (document,) = read_all(pkcs7.read, data).documents
    assert (document.data, document.declared_type) == (message(), "message/rfc822")


def test_a_detached_signature_has_no_document() -> None:
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
def test_enveloped_data_is_reported_as_encrypted(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read_all(pkcs7.read, data)


@given(st.binary(max_size=300))
def test_parsing_any_der_ends(data: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        assert len(read_all(pkcs7.read, der(0x30, SIGNED_DATA) + data).documents) < 2


@pytest.mark.parametrize("label", ["CMS", "PKCS7", "PKCS #7 SIGNED DATA"])
def test_a_signed_file_in_pem_is_read_like_its_der(label: str) -> None:
    encoded = base64.encodebytes(signed(b"a file with several words in it")).decode()
    text_ = f"subject=a signer\n-----BEGIN {label}-----\n{encoded}-----END {label}-----\n"
    extraction = extract_file("order.txt.p7m", text_.encode())
    assert "a file with several words in it" in [part.text for part in extraction.parts]
    assert (extraction.status, extraction.signals) == (Status.COMPLETE, [])


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<?xml version='1.0'?><order><line>one</line></order>", "xml"),
        (b"%PDF-1.4 ...", "pdf"),
        (b"plain words: not a field of mail\n", "text"),
        (b"Content-Type: text/plain\r\n\r\nwords", "message"),
    ],
)
def test_signed_content_is_identified_by_its_bytes(content: bytes, kind: str) -> None:
    (document,) = read_all(pkcs7.read, signed(content)).documents
    assert identify(document) == kind


def packet(tag: int, body: bytes) -> bytes:
    """Return an OpenPGP packet with a length of four octets (RFC 9580, 4.2.1)."""
    return bytes([0xC0 | tag, 255]) + len(body).to_bytes(4, "big") + body


def literal(content: bytes, name: bytes = b"note.txt") -> bytes:
    return packet(11, b"b" + bytes([len(name)]) + name + bytes(4) + content)


RAW_DEFLATE = zlib.compressobj(wbits=-15)


@pytest.mark.parametrize(
    "data",
    [
        literal(b"The word is Rosenquist"),
        packet(10, b"PGP") + packet(4, bytes(13)) + literal(b"The word is Rosenquist") + packet(2, bytes(20)),
        packet(8, b"\1" + RAW_DEFLATE.compress(literal(b"The word is Rosenquist")) + RAW_DEFLATE.flush()),
        packet(8, b"\2" + zlib.compress(literal(b"The word is Rosenquist"))),
        packet(8, b"\3" + bz2.compress(literal(b"The word is Rosenquist"))),
        # Old header of indeterminate length, and one literal in partial lengths of 16 and 13 octets.
        b"\xa3\2" + zlib.compress(literal(b"The word is Rosenquist")),
        b"\xcb\xe4b\x08note.txt\0\0\0\0Th\x14e word is Rosenquist",
    ],
)
def test_an_openpgp_message_without_encryption_is_read(data: bytes) -> None:
    (document,) = read_all(openpgp.read, data).documents
    assert (document.name, document.data) == ("note.txt", b"The word is Rosenquist")
    armoured = b"-----BEGIN PGP MESSAGE-----\nComment: a note\n\n" + base64.encodebytes(data)
    armoured += b"=AAAA\n-----END PGP MESSAGE-----\n"
    assert identify(Document(armoured)) == "openpgp"
    assert read_all(openpgp.read, armoured).documents == [document]
    extraction = extract_file("mail.txt", b"see this\n\n" + armoured)
    assert (extraction.status, extraction.parts[-1].text) == (Status.COMPLETE, "The word is Rosenquist")


@pytest.mark.parametrize("tag", [1, 3, 9, 18, 20])
def test_a_message_with_an_encrypted_packet_is_encrypted(tag: int) -> None:
    data = packet(tag, bytes(30))
    for one in (data, packet(10, b"PGP") + data, packet(8, b"\2" + zlib.compress(data))):
        with pytest.raises(UnreadableError, match="encrypted"):
            read_all(openpgp.read, one)
    armoured = b"-----BEGIN PGP MESSAGE-----\n\n" + base64.encodebytes(data) + b"-----END PGP MESSAGE-----\n"
    assert identify(Document(armoured)) == "encrypted"


@given(st.binary(max_size=300))
def test_parsing_any_packets_ends(data: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        read_all(openpgp.read, data)


def test_an_encrypted_file_is_reported() -> None:
    with pytest.raises(UnreadableError, match="encrypted"):
        read_all(encrypted.read, b"-----BEGIN PGP MESSAGE-----")


def test_strings_of_an_unknown_format_are_read_and_this_is_reported() -> None:
    data = (
        b"\x00\x01" * 50 + b"Rosenquist one" + b"\xff\x00\x01" + "Rosenquist two".encode("utf-16-le") + b"\x00\x00\x02"
    )
    sink = read_all(binary.read, data)
    assert sink.limits == ["unknown format, only strings read"]
    assert "Rosenquist one" in sink.everything()
    assert "Rosenquist two" in sink.everything()


def test_strings_across_block_boundaries_are_complete() -> None:
    word = b"Rosenquist-at-the-edge"
    data = bytes((1 << 20) - 10) + word + bytes(100)
    assert word.decode() in read_all(binary.read, data).everything()


def test_the_digest_after_a_content_is_not_part_of_it() -> None:
    digested = bytes.fromhex("06092a864886f70d010705")
    content = der(0x30, DATA, der(0xA0, der(0x04, b"words of the content")))
    digest = der(0x04, bytes(range(200, 220)))
    signed_ = der(0x30, digested, der(0xA0, der(0x30, content, digest)))
    assert [document.data for document in read_all(pkcs7.read, signed_).documents] == [b"words of the content"]
    words = der(0x30, digested, der(0xA0, der(0x30, content, der(0x04, b"Rosenquist as a digest"))))
    assert read_all(pkcs7.read, words).texts == [("Rosenquist as a digest", "digest")]


def test_a_web_archive_with_white_space_before_the_colons_is_a_message() -> None:
    head = b"From : <Saved by an editor>\nSubject : \nMIME-Version : 1.0\nContent-Type : text/html\n"
    archive = head + b"Content-Transfer-Encoding : quoted-printable\n\n<p>219-=\n09-9999</p>\n"
    (document,) = read_all(text.read, archive).documents
    assert (document.declared_type, document.data) == ("message/rfc822", archive.replace(b" :", b":"))
    assert read_all(text.read, b"From : Anna\nSubject : words\n\nmore\n").documents == []
