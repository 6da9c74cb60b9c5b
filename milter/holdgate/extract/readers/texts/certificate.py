"""X.509 certificates (RFC 5280) and requests for them (RFC 2986) in DER: names, addresses and other strings."""

import re

from holdgate.extract.extents import documents
from holdgate.extract.format import Format
from holdgate.extract.readers.texts import der
from holdgate.extract.reading import Document, Sink

LARGEST = 10_000
"""A key, a signature or an extension of more bytes is not an ordinary one."""
NOT_READ = "unknown data in a certificate"
# A sequence (of two lengths) that begins with one that begins with a version: [0] INTEGER, or INTEGER and a name.
_BEGINNING = re.compile(
    rb"0(?:[\x00-\x7f]|\x81.|\x82..)0(?:[\x00-\x7f]|\x81.|\x82..)(?:\xa0\x03\x02\x01[\0-\2]\x02|\x02\x01\0\x30)",
    re.DOTALL,
)


def read(document: Document, sink: Sink) -> None:
    """Pass on the strings; large values that are no strings make the part `limited`."""
    sink.budget.check_time()
    if has_unknown(document.data):
        sink.limited(NOT_READ)
    for text in der.texts(document.data):
        sink.text(text)


def has_unknown(data: bytes) -> bool:
    """Return whether a certificate has a value that is too large for what belongs there."""
    return any(len(value) > LARGEST for _, value in der.primitives(data))


def is_certificate(data: bytes) -> bool:
    """Return whether bytes begin like a certificate or a request for one."""
    return _BEGINNING.match(data) is not None


FORMAT = Format(
    kind="certificate",
    read=read,
    claims=documents.of_der,
    holds="certificates and requests for them (X.509, PKCS #10) in DER",
    read_by="Holdgate",
    unread=f"values of more than 10,000 bytes that are no text (`{NOT_READ}`)",
    recognise=is_certificate,
    extensions="cer crt der csr p10",
    types="application/pkix-cert application/x-x509-ca-cert application/x-x509-user-cert application/pkcs10",
)
