"""Decodes what a PDF contains besides its pages, to search it for values: streams, strings and names.

Section numbers are those of ISO 32000-1:2008.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Iterator

from holdgate.extract.budget import Budget
from holdgate.extract.readers.pdf import pdf_strings

_STREAM_BYTES = 100_000_000
_FILTERS = re.compile(rb"/(ASCII85|A85|ASCIIHex|AHx|Flate|Fl|LZW|RunLength|RL)(?:Decode)?\b")
# Streams without text: images, and programs of fonts.
_NO_TEXT = re.compile(rb"/(?:Image|FontFile\d?|Length1|DCT(?:Decode)?|JPX(?:Decode)?|JBIG2Decode|CCITTFaxDecode)\b")
_OCTAL = re.compile(rb"\\([0-7]{1,3})")
_CONTINUED = re.compile(rb"\\(?:\r\n|\r|\n)")
_NAME_CODE = re.compile(rb"#([0-9A-Fa-f]{2})")
_HEXADECIMAL = re.compile(rb"<([0-9A-Fa-f \t\r\n\f\0]{2,})>")
_SPACE = b" \t\r\n\f\0"
_CLEAR, _END = 256, 257


def unpacked(content: bytes, budget: Budget) -> Iterator[bytes]:
    """Yield the streams of a document decoded, and what its strings and names spell, also those in streams.

    Raises LimitReachedError.
    """
    syntax, streams = pdf_strings.split(content)
    for region in syntax:
        yield from _spelled_out(region)
    for stream in streams:
        data = content[stream.start : stream.end]
        # Without a name that is written here, the filter may be another object or an escaped name.
        for name in _FILTERS.findall(stream.dictionary) or (b"Flate",):
            try:
                data = _DECODERS[name](data)
            except (ValueError, zlib.error, IndexError):
                break
            budget.spend_bytes(len(data))
            budget.check_time()
        yield data
        if not _NO_TEXT.search(stream.dictionary):
            yield from _spelled_out(data)


def _spelled_out(syntax: bytes) -> Iterator[bytes]:
    """Yield a piece of syntax without the escapes of its strings (7.3.4) and names (7.3.5), and hexadecimal strings."""
    if b"\\" in syntax:
        yield _OCTAL.sub(lambda code: bytes([int(code[1], 8) & 255]), _CONTINUED.sub(b"", syntax))
    if b"#" in syntax:
        yield _NAME_CODE.sub(lambda code: bytes([int(code[1], 16)]), syntax)
    if found := _HEXADECIMAL.findall(syntax):
        yield b"\n".join(_from_hexadecimal(digits) for digits in found)


def _from_hexadecimal(data: bytes) -> bytes:
    digits = data.partition(b">")[0].translate(None, _SPACE)
    return binascii.unhexlify(digits + b"0" * (len(digits) % 2))


def _from_ascii85(data: bytes) -> bytes:
    return base64.a85decode(data.partition(b"~>")[0].translate(None, _SPACE))


def _inflated(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, _STREAM_BYTES)


def _from_runs(data: bytes) -> bytes:
    """Decode RunLengthDecode (7.4.5)."""
    out = bytearray()
    at = 0
    while at < len(data) and (length := data[at]) != 128 and len(out) < _STREAM_BYTES:
        if length < 128:
            out += data[at + 1 : at + 2 + length]
            at += 2 + length
        else:
            out += data[at + 1 : at + 2] * (257 - length)
            at += 2
    return bytes(out)


def _from_lzw(data: bytes) -> bytes:
    """Decode LZWDecode with its default parameters (7.4.4): codes of 9 to 12 bits, lengthened one code early."""
    out = bytearray()
    table = [bytes((value,)) for value in range(256)] + [b"", b""]
    bits, count, width, last = 0, 0, 9, b""
    for value in data:
        bits, count = bits << 8 | value, count + 8
        if count < width:
            continue
        count -= width
        code, bits = bits >> count, bits & (1 << count) - 1
        if code == _CLEAR:
            del table[258:]
            width, last = 9, b""
            continue
        if code == _END or len(out) > _STREAM_BYTES:
            break
        entry = table[code] if code < len(table) else last + last[:1]
        if last and len(table) < 4096:
            table.append(last + entry[:1])
        out += entry
        last = entry
        width = min(12, (len(table) + 1).bit_length())
    return bytes(out)


_DECODERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"ASCII85": _from_ascii85,
    b"A85": _from_ascii85,
    b"ASCIIHex": _from_hexadecimal,
    b"AHx": _from_hexadecimal,
    b"Flate": _inflated,
    b"Fl": _inflated,
    b"LZW": _from_lzw,
    b"RunLength": _from_runs,
    b"RL": _from_runs,
}
