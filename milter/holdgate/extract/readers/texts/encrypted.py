"""Documents encrypted as a whole, known by their signature: OpenPGP (RFC 9580), openssl(1)."""

from holdgate.extract.format import Format
from holdgate.extract.reading import Document, Sink, UnreadableError


def read(document: Document, sink: Sink) -> None:
    """Raise UnreadableError: nobody but the key's owner reads it."""
    raise UnreadableError("encrypted")


_PGP = b"-----BEGIN PGP MESSAGE-----"  # RFC 9580, 6.2

FORMAT = Format(
    kind="encrypted",
    read=read,
    holds="OpenPGP, openssl, PKCS #12",
    read_by="nobody",
    unread="everything: `encrypted`",
    signatures=((0, b"Salted__"), (0, _PGP)),  # openssl enc
    recognise=lambda data: data[:2] == b"\x30\x82" and data[4:8] == b"\x02\x01\x03\x30",  # PKCS #12, RFC 7292, 4
    in_text=lambda head: _PGP in head[:200],
)
