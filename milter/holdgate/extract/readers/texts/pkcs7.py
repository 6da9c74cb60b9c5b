"""CMS and S/MIME: the mail or file inside an opaque signature, digest or compression; enveloped content is encrypted.

Follows RFC 5652 (Cryptographic Message Syntax) in BER, with indefinite lengths and strings in pieces. The content is a
mail only if it begins with a header field (RFC 8551, 3.1); signed files (CAdES, ETSI EN 319 122) are read as files.
"""

import zlib

from holdgate.extract import identify
from holdgate.extract.extents import documents
from holdgate.extract.format import Format
from holdgate.extract.readers.texts import der
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink, UnreadableError

_ENCRYPTED = {
    bytes.fromhex("2a864886f70d010703"): "encrypted",  # envelopedData
    bytes.fromhex("2a864886f70d010706"): "encrypted",  # encryptedData
    bytes.fromhex("2a864886f70d0109100117"): "encrypted",  # authEnvelopedData, RFC 5083
}
_DATA = bytes.fromhex("2a864886f70d010701")
_OPEN = {
    _DATA,
    bytes.fromhex("2a864886f70d010702"),  # signedData
    bytes.fromhex("2a864886f70d010705"),  # digestedData
    bytes.fromhex("2a864886f70d0109100102"),  # authData
}
_COMPRESSED = bytes.fromhex("2a864886f70d0109100109")  # RFC 3274
# Content types of PKCS #7 and of S/MIME: id-data, and its alternatives (RFC 5652, 5.1; RFC 5911).
_CONTENT_TYPES = (bytes.fromhex("2a864886f70d0107"), bytes.fromhex("2a864886f70d01091001"))
_DIGESTED = bytes.fromhex("2a864886f70d010705")
_LONGEST_DIGEST = 64
_LONGEST_HEADER = 7
"""A tag, and a length in at most six bytes."""
# An object identifier below pkcs-7, in its form at the beginning of a ContentInfo.
_CONTENT_INFO = bytes.fromhex("06092a864886f70d0107")


def read(document: Document, sink: Sink) -> None:
    """Pass on the content. Raises UnreadableError("encrypted") or ("damaged")."""
    kind = b""
    inside = False
    pieces: list[bytes] = []
    for tag, value in der.primitives(document.data):
        sink.budget.check_time()
        if tag == der.OID and not pieces:
            if not kind:
                kind = value
                if kind in _ENCRYPTED:
                    raise UnreadableError("encrypted")
            inside = value.startswith(_CONTENT_TYPES) and (kind == _DATA or value != kind)
        elif inside and tag == der.OCTETS:
            pieces.append(value)
        elif pieces:
            break
    if (kind != _COMPRESSED and kind not in _OPEN) or (kind == _DATA and not pieces):
        raise UnreadableError("damaged")
    if kind == _DIGESTED and len(pieces) > 1 and len(pieces[-1]) <= _LONGEST_DIGEST:
        # The digest follows the content (RFC 5652, 7). It may contain words anyway.
        for text in strings(pieces.pop()):
            sink.text(text, "digest")
    content = b"".join(pieces)
    if kind == _COMPRESSED:
        content = _inflate(content, sink)
    sink.budget.spend_bytes(len(content))
    if content:
        mail = identify.begins_with_field(content)
        sink.embedded(content, "signed content", "message/rfc822" if mail else "")


def _inflate(content: bytes, sink: Sink) -> bytes:
    inflate = zlib.decompressobj()
    most = sink.budget.limits.entry_bytes
    try:
        unpacked = inflate.decompress(content, most + 1)
    except zlib.error as error:
        raise UnreadableError("damaged") from error
    sink.budget.check_entry(len(content), len(unpacked))
    return unpacked


def _recognise(data: bytes) -> bool:
    """Recognise a ContentInfo by its beginning: the signed content can be almost all of it, and text."""
    return data[:1] == b"\x30" and _CONTENT_INFO in data[2 : _LONGEST_HEADER + len(_CONTENT_INFO)]


def _declared(document: Document) -> bool:
    return document.declared_type in ("application/pkcs7-mime", "application/x-pkcs7-mime")


FORMAT = Format(
    kind="pkcs7",
    read=read,
    claims=documents.of_der,
    holds="S/MIME: signed and compressed mail and files (CMS)",
    read_by="Holdgate",
    unread="enveloped content, which is `encrypted`",
    recognise=_recognise,
    recognise_binary=_declared,
)
