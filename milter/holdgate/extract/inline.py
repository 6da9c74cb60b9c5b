"""Files inside text: uuencode, yEnc, BinHex 4.0 and bare base64 blocks, which no MIME field announces.

Mail programs and people still paste them, and the standard library decodes none of them in a body. Formats: POSIX.1
`uuencode`, the yEnc draft 1.3, RFC 1741 (BinHex 4.0), RFC 4648 (base64). What is damaged is decoded as far as it goes.
"""

import binascii
import re
import zlib
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from holdgate.extract.fields import base64
from holdgate.extract.format import REGISTRY
from holdgate.extract.identify import OLE

_UU = re.compile(rb"^begin(-base64)? [0-7]{3,4} ([^\r\n]{0,255})\r?\n((?:[^\r\n]{1,100}\r?\n)*)", re.MULTILINE)
_YENC = re.compile(rb"^=ybegin [^\r\n]{0,200}?name=([^\r\n]{0,255})\r?\n(.*?)(?:^=yend|\Z)", re.MULTILINE | re.DOTALL)
_BINHEX = re.compile(rb"converted with BinHex[^\r\n]{0,40}\r?\n\s*:([^:]{20,})", re.IGNORECASE)
_BASE64 = re.compile(
    rb"^(?:[A-Za-z0-9+/]{40,}+\r?\n)*[A-Za-z0-9+/]{40,}+={0,2}(?:\r?\n[A-Za-z0-9+/]++={0,2}\r?$)?", re.MULTILINE
)

INFLATED_BYTES = 20_000_000
"""A block that unpacks to more is no text that a person pasted."""

_BINHEX_ALPHABET = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"
_BASE64_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TO_BASE64 = bytes.maketrans(_BINHEX_ALPHABET, _BASE64_ALPHABET)
_UNSHIFT = bytes((byte - 42) % 256 for byte in range(256))
_ESCAPED = re.compile(rb"=(.)", re.DOTALL)
_REPEATED = re.compile(rb"(.)\x90(.)", re.DOTALL)

# A printable run that random bytes do not show, in ASCII or UTF-16.
_WORDS = re.compile(rb"[\x20-\x7e\t\r\n]{12,}|(?:[\x20-\x7e]\x00){8,}|(?:\x00[\x20-\x7e]){8,}")


def files_in(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name ("" where none is given) and content of each file in a text, in the order of the formats."""
    if b"begin" in text:
        for marked, name, lines in _UU.findall(text):
            yield name.decode("utf-8", "replace"), base64(lines.partition(b"====")[0]) if marked else _uudecode(lines)
        for name, body in _YENC.findall(text):
            yield name.strip().decode("utf-8", "replace"), _ydecode(body)
    if b"BinHex" in text:
        for body in _BINHEX.findall(text):
            yield _binhex(body)
    for block in _BASE64.finditer(text):
        if text.rfind(b"-----BEGIN", max(0, block.start() - 300), block.start()) < 0:
            content = base64(block[0])
            if plausible(content):
                yield "", content
            elif inflated := _inflated(content):
                yield "", inflated


def _inflated(content: bytes) -> bytes:
    """Return what raw deflate or zlib gives, b"" if it is neither; diagram editors store XML so, percent-encoded."""
    for bits in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
        inflate = zlib.decompressobj(bits)
        try:
            unpacked = inflate.decompress(content, INFLATED_BYTES)
        except zlib.error:
            continue
        if inflate.eof and not inflate.unused_data and plausible(unpacked):
            return unquote_to_bytes(unpacked) if unpacked.startswith(b"%3C") else unpacked
    return b""


def plausible(content: bytes) -> bool:
    """Say whether a decoding gave something: a known signature, or words in UTF-8 or UTF-16."""
    if content.startswith((OLE, b"PK\x03\x04")) or _WORDS.search(content) is not None:
        return True
    return any(not offset and content.startswith(signature) for offset, signature, _ in REGISTRY.signatures)


def _uudecode(lines: bytes) -> bytes:
    decoded = bytearray()
    for line in lines.splitlines():
        if line.strip() == b"end":
            break
        # The length byte decides; encoders that padded the line badly are met by cutting to it.
        wanted = ((line[0] - 32 & 63) * 4 + 5) // 3 + 1
        try:
            decoded += binascii.a2b_uu(line[:wanted])
        except binascii.Error:
            continue
    return bytes(decoded)


def _ydecode(body: bytes) -> bytes:
    lines = [line for line in body.replace(b"\r", b"").split(b"\n") if not line.startswith((b"=ypart", b"=yend"))]
    joined = b"".join(line[1:] if line.startswith(b"..") else line for line in lines)
    return _ESCAPED.sub(lambda found: bytes([(found[1][0] - 64) % 256]), joined).translate(_UNSHIFT)


def _binhex(body: bytes) -> tuple[str, bytes]:
    """Undo BinHex 4.0: six-bit code, run lengths, then a header with the name and two forks, the data fork first."""
    packed = base64(bytes(byte for byte in body if byte in _BINHEX_ALPHABET).translate(_TO_BASE64))
    data = _REPEATED.sub(lambda run: run[1] * run[2][0] if run[2][0] else run[1] + b"\x90", packed)
    if not data or len(data) < data[0] + 22:
        return "", data
    length = int.from_bytes(data[data[0] + 12 : data[0] + 16], "big")
    start = data[0] + 22
    return data[1 : 1 + data[0]].decode("mac-roman", "replace"), data[start : start + length]
