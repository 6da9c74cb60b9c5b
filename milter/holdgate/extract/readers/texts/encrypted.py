"""Completely encrypted documents, recognised by their signature.

Sources: OpenPGP (RFC 9580), openssl(1), age-encryption.org/v1, KeePass (its source, KdbxFile, KdbFile), LUKS (On-Disk
Format Specification, 1.2.3 and 2), BitLocker (cryptsetup's source, bitlk.c), AxCrypt (File Format, 2.0).
"""

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
    holds="OpenPGP, openssl, PKCS #12, age, KeePass, LUKS, BitLocker, AxCrypt",
    read_by="nobody",
    unread="everything: `encrypted`",
    signatures=(
        (0, b"Salted__"),  # openssl enc
        (0, b"age-encryption.org/v1\n"),
        (0, b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5"),  # KeePass 2
        (0, b"\x03\xd9\xa2\x9a\x65\xfb\x4b\xb5"),  # KeePass 1
        (0, b"LUKS\xba\xbe"),
        (3, b"-FVE-FS-"),  # BitLocker
        (0, b"\xc0\xb9\x07\x2e\x4f\x93\xf1\x46\xa0\x15\x79\x2c\xa1\xd9\xe8\x21"),  # AxCrypt
    ),
    recognise=lambda data: data[:2] == b"\x30\x82" and data[4:8] == b"\x02\x01\x03\x30",  # PKCS #12, RFC 7292, 4
    in_text=_encrypted_block,
)
