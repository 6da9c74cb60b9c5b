"""Completely encrypted documents, recognised by their signature: OpenPGP (RFC 9580), openssl(1)."""

from holdgate.extract import armour
from holdgate.extract.format import Format
from holdgate.extract.readers.texts import openpgp
from holdgate.extract.reading import Document, Sink, UnreadableError


def read(document: Document, sink: Sink) -> None:
    """Raise UnreadableError: only the owner of the key can read it."""
    raise UnreadableError("encrypted")


def _encrypted_block(head: bytes) -> bool:
    if armour.PGP_BEGIN not in head[:200]:
        return False
    return not any(openpgp.is_readable(content) for label, content, _ in armour.blocks_in(head) if label == armour.PGP)


FORMAT = Format(
    kind="encrypted",
    read=read,
    holds="OpenPGP, openssl, PKCS #12",
    read_by="nobody",
    unread="everything: `encrypted`",
    signatures=((0, b"Salted__"),),  # openssl enc
    recognise=lambda data: data[:2] == b"\x30\x82" and data[4:8] == b"\x02\x01\x03\x30",  # PKCS #12, RFC 7292, 4
    in_text=_encrypted_block,
)
