"""Certificates, alone and in PEM: their strings are text, their keys and signatures limit nothing."""

import base64
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from holdgate.extract.readers.texts import certificate, der, text
from tests.support.pdf_writer import simple_pdf
from tests.support.sink import read_all

NAME = "Ann Example 219-09-9999"
ADDRESS = "ann@corp.example"


def made(encoding: Encoding, request: bool = False, extension: bytes = b"a note: 4111 1111 1111 1111") -> bytes:
    """Return a self-signed certificate, or a request for one."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, NAME), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Größe AG")]
    )
    alternative = x509.SubjectAlternativeName([x509.RFC822Name(ADDRESS)])
    other = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), extension)
    builder: x509.CertificateSigningRequestBuilder | x509.CertificateBuilder
    if request:
        builder = x509.CertificateSigningRequestBuilder().subject_name(names)
    else:
        start = datetime.datetime(2026, 1, 1)
        builder = x509.CertificateBuilder().subject_name(names).issuer_name(names).serial_number(7)
        builder = builder.not_valid_before(start).not_valid_after(start + datetime.timedelta(days=9))
        builder = builder.public_key(key.public_key())
    builder = builder.add_extension(alternative, critical=False).add_extension(other, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(encoding)


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
@pytest.mark.parametrize("request_", [False, True])
def test_names_and_extensions_are_read(encoding: Encoding, request_: bool) -> None:
    extraction = extract_file("a.crt", made(encoding, request_))
    everything = "\n".join(part.text for part in extraction.parts).split("\n")
    for found in (NAME, "Größe AG", ADDRESS, "a note: 4111 1111 1111 1111"):
        assert found in everything
    assert extraction.status is Status.COMPLETE
    assert not extraction.signals


def test_a_large_extension_is_reported() -> None:
    sink = read_all(certificate.read, made(Encoding.DER, extension=bytes(certificate.LARGEST + 1)))
    assert sink.limits == [certificate.NOT_READ]


def test_several_certificates_give_one_text() -> None:
    sink = read_all(text.read, made(Encoding.PEM) * 3)
    assert len(sink.places_of(NAME)) == 1
    assert not sink.documents


def test_data_after_a_certificate_is_read() -> None:
    extraction = extract_file("a.crt", made(Encoding.DER) + simple_pdf("words after it"))
    assert any("words after it" in part.text for part in extraction.parts)


def armoured(label: str, content: bytes) -> bytes:
    return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label.encode(), base64.encodebytes(content), label.encode())


@pytest.mark.parametrize("label", ["CERTIFICATE", "PUBLIC KEY", "NOTE"])
def test_a_document_under_any_label_is_passed_on(label: str) -> None:
    document = simple_pdf("words in armour")
    extraction = extract_file("a.pem", armoured(label, document))
    assert any("words in armour" in part.text for part in extraction.parts)


def test_a_text_under_the_label_of_a_certificate_is_passed_on() -> None:
    assert [one.data for one in read_all(text.read, armoured("CERTIFICATE", b"a line of words" * 9)).documents] == [
        b"a line of words" * 9
    ]


@pytest.mark.parametrize(
    "label", ["RSA PRIVATE KEY", "PGP PUBLIC KEY BLOCK", "PGP SIGNATURE", "DH PARAMETERS", "X509 CRL"]
)
def test_keys_and_signatures_are_not_a_limitation(label: str) -> None:
    sink = read_all(text.read, armoured(label, b"\x30\x82\x01\x00" + bytes(range(256))))
    assert (sink.limits, sink.documents) == ([], [])


def test_a_block_without_an_end_ends_at_the_next_block() -> None:
    first = armoured("CERTIFICATE", made(Encoding.DER)).partition(b"-----END")[0]
    sink = read_all(text.read, first + armoured("NOTE", simple_pdf("words")))
    assert sink.places_of(NAME) == ["certificate"]
    assert len(sink.documents) == 1


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_exception(data: bytes) -> None:
    read_all(certificate.read, b"0\x82\x01\x00" + data)
    assert all(isinstance(one, str) for one in der.texts(data))


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_a_large_value_that_is_not_text_limits_a_certificate(encoding: Encoding) -> None:
    data = made(encoding, extension=b"\x01\xfe" * 6_000)
    (part,) = extract_file("a.crt", data).parts
    assert (part.status, part.reason) == (Status.LIMITED, certificate.NOT_READ)


PACKED = base64.encodebytes(simple_pdf("4111 1111 1111 1111"))


@pytest.mark.parametrize(
    "content",
    [
        b"-----BEGIN CMS-----\n-----\n" + PACKED + b"-----END CMS-----\n",
        b"-----BEGIN NOTE-----\n-----\n" + PACKED + b"-----END NOTE-----\n",
        b"-----BEGIN of the file-----\n" + PACKED,
        b"-----BEGIN NOTE-----\nAAAA\n-----END NOTE-----\n" + PACKED,
        b"-----BEGIN NOTE-----\nHere it is:\n\n" + PACKED,
    ],
)
def test_a_line_similar_to_the_start_of_a_block_does_not_hide_a_file(content: bytes) -> None:
    assert any("4111 1111 1111 1111" in part.text for part in extract_file("a.txt", content).parts)
