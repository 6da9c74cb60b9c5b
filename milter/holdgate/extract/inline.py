"""Files inside text: uuencode, yEnc, BinHex 4.0, Ascii85, base64, dumps, and bytes in JSON.

Mail programs and people still paste them, and the standard library decodes none of them in a body. Formats: POSIX.1
`uuencode`, the yEnc draft 1.3, RFC 1741 (BinHex 4.0), RFC 4648 (base64). Damaged data is decoded as far as possible. A
run of base64 inside a line (JSON, data URIs, attributes, addresses) is a file only if it has a known signature, or can
be unpacked: detection decodes plain text itself.
"""

import binascii
import json
import re
import zlib
from base64 import a85decode
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from holdgate.extract import armour, base85, dumps, listed
from holdgate.extract.fields import base64
from holdgate.extract.format import REGISTRY
from holdgate.extract.identify import OLE
from holdgate.extract.readers.texts import byte_strings
from holdgate.extract.reading import Sink

# Quoted or indented, each line begins with the same marks: a length of 0 to 30 bytes can look like one of them.
_UU = re.compile(
    rb"^((?:[ \t]*>){0,9}[ \t]{0,9})begin(-base64)? [0-7]{3,4} ([^\r\n]{0,255})\r?\n((?:\1[^\r\n]{1,100}\r?\n)*)",
    re.MULTILINE,
)
_YENC = re.compile(rb"^=ybegin [^\r\n]{0,200}?name=([^\r\n]{0,255})\r?\n(.*?)(?:^=yend|\Z)", re.MULTILINE | re.DOTALL)
_BINHEX = re.compile(rb"converted with BinHex[^\r\n]{0,40}\r?\n\s*:([^:]{20,})", re.IGNORECASE)
_ASCII85 = re.compile(rb"<~([!-uz\s]{20,}+)~>")
# A block can begin inside a line. Its further lines can be folded (RFC 5545, 3.1; RFC 2849) or quoted.
_BASE64 = re.compile(
    rb"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{40,}+(?:\r?\n[ \t>]{0,3}[A-Za-z0-9+/]{40,}+)*"
    rb"(?:\r?\n[ \t>]{0,3}[A-Za-z0-9+/]++={0,2}(?=\r?$)|={0,2})",
    re.MULTILINE,
)
_HEX = re.compile(rb"(?:0?[xX])?((?:[0-9A-Fa-f]{2})+)")  # as databases write bytes
_MASK = bytes(65 if chr(code).isascii() and (chr(code).isalnum() or chr(code) in "+/_-") else 32 for code in range(256))
_LONG_RUN = b"A" * 40
_FROM_URL = bytes.maketrans(b"-_", b"+/")
_URL_PIECE = re.compile(rb"[-_]+")
_ESCAPED_SIGNS = re.compile(rb"%2[BbFf]|%3[Dd]")
_SOME_SIGNS = 3
# A drawing in PNG and SVG files of Excalidraw: bytes as the characters of a JSON string (its data/encode.ts).
_BYTE_STRING = re.compile(
    rb'"encoding": ?"bstring", ?"compressed": ?(true|false), ?"encoded": ?("(?:[^"\\]|\\.)*+")', re.DOTALL
)

ENCODED_NAME = "encoded block"
INFLATED_BYTES = 20_000_000
"""A block that unpacks to more is not text that a person pasted."""

_BINHEX_ALPHABET = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"
_BASE64_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TO_BASE64 = bytes.maketrans(_BINHEX_ALPHABET, _BASE64_ALPHABET)
_UNSHIFT = bytes((byte - 42) % 256 for byte in range(256))
_ESCAPED = re.compile(rb"=(.)", re.DOTALL)
_REPEATED = re.compile(rb"(.)\x90(.)", re.DOTALL)

# A printable run that does not occur in random bytes, in ASCII or UTF-16.
_WORDS = re.compile(rb"[\x20-\x7e\t\r\n]{12,}|(?:[\x20-\x7e]\x00){8,}|(?:\x00[\x20-\x7e]){8,}")


def files_in(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name ("" if none is given) and content of each file in a text, in the order of the formats."""
    if b"begin" in text:
        for quoted, marked, name, lines in _UU.findall(text):
            lines = lines.replace(b"\n" + quoted, b"\n").removeprefix(quoted) if quoted else lines
            yield name.decode("utf-8", "replace"), base64(lines.partition(b"====")[0]) if marked else _uudecode(lines)
        for name, body in _YENC.findall(text):
            yield name.strip().decode("utf-8", "replace"), _ydecode(body)
    if b"BinHex" in text:
        for body in _BINHEX.findall(text):
            yield _binhex(body)
    if b"<~" in text:
        for block in _ASCII85.findall(text):
            yield from _worthy(_from_ascii85(block))
    for content in base85.contents(text):
        if unpacked := _inflated(content):
            yield "", unpacked
        else:
            yield from _worthy(content)
    yield from _byte_strings(text)
    for content in listed.contents(text, is_file):
        yield "", content
    for content in dumps.contents(text):
        # Of other bytes, the dump itself is all that a person reads in them.
        if shown := content if is_file(content) else "\n".join(byte_strings.strings(content)).encode():
            yield "", shown
    yield from _base64_files(text)


def read_files(text: str | bytes, sink: Sink) -> None:
    """Pass on the files inside a text."""
    for name, content in files_in(text if isinstance(text, bytes) else text.encode("utf-8", "replace")):
        sink.budget.spend_entry()
        sink.budget.spend_bytes(len(content))
        sink.embedded(content, name or ENCODED_NAME)


def _base64_files(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the decoded content of blocks and runs of base64 and of long runs of hexadecimal digits."""
    if len(_ESCAPED_SIGNS.findall(text)) >= _SOME_SIGNS:
        text = unquote_to_bytes(text)
    if b"\\" in text:  # as JSON may write it
        text = text.replace(b"\\/", b"/").replace(b"\\r", b"").replace(b"\\n", b"\n")
    if _LONG_RUN not in text.translate(_MASK):
        return
    blocks = armour.starts(text)  # which `texts.blocks` reads
    for found in _BASE64.finditer(text):
        if found.start() in blocks:
            continue
        block = found[0]
        if (digits := _HEX.fullmatch(block)) and is_file(content := bytes.fromhex(digits[1].decode("ascii"))):
            yield "", content
            continue
        content = base64(block.translate(_FROM_URL))
        starts_line = not found.start() or text[found.start() - 1] in b"\r\n"
        if not is_file(content) and (b"-" in block or b"_" in block):
            content = base64(max(_URL_PIECE.split(block), key=len))
        if is_file(content) or (starts_line and plausible(content)):
            yield "", content
        elif inflated := _inflated(content):
            yield "", inflated
        else:
            yield from _byte_strings(content)


def _byte_strings(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what JSON objects with bytes in a string contain. In base64 each character is one byte, elsewhere UTF-8."""
    if b'"bstring"' not in text:
        return
    for packed, string in _BYTE_STRING.findall(text):
        try:
            quoted = string.decode("utf-8")
        except UnicodeDecodeError:
            quoted = string.decode("latin-1")
        try:
            content: bytes = json.loads(quoted, strict=False).encode("latin-1")
        except ValueError:
            continue
        if packed == b"true":
            content = _inflated(content)
        if content:
            yield "", content


def _worthy(content: bytes) -> Iterator[tuple[str, bytes]]:
    if plausible(content):
        yield "", content


def _from_ascii85(block: bytes) -> bytes:
    try:
        return a85decode(block)
    except ValueError:
        return b""


def _inflated(content: bytes) -> bytes:
    """Return inflated raw deflate or zlib data, b"" if it is neither; diagram editors store XML this way."""
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
    """Return whether a decoding succeeded: its result has a known signature, or words in UTF-8 or UTF-16."""
    return is_file(content) or _WORDS.search(content) is not None


def is_file(content: bytes) -> bool:
    """Return whether bytes begin with a known signature."""
    if content.startswith((OLE, b"PK\x03\x04")):
        return True
    return any(not offset and content.startswith(signature) for offset, signature, _ in REGISTRY.signatures)


def _uudecode(lines: bytes) -> bytes:
    decoded = bytearray()
    for line in lines.splitlines():
        if line.strip() == b"end":
            break
        # The length byte decides; incorrect padding of some encoders is cut off.
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
    """Decode BinHex 4.0: six-bit code, run lengths, then a header with the name and two forks, the data fork first."""
    packed = base64(bytes(byte for byte in body if byte in _BINHEX_ALPHABET).translate(_TO_BASE64))
    data = _REPEATED.sub(lambda run: run[1] * run[2][0] if run[2][0] else run[1] + b"\x90", packed)
    if not data or len(data) < data[0] + 22:
        return "", data
    length = int.from_bytes(data[data[0] + 12 : data[0] + 16], "big")
    start = data[0] + 22
    return data[1 : 1 + data[0]].decode("mac-roman", "replace"), data[start : start + length]
