"""Decodes streams of a PDF by their filters (ISO 32000-1, 7.4), except those of images.

PDFium only decodes the streams that it draws.
"""

import binascii
import re
import struct
import zlib
from base64 import a85decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass

DAMAGED, TOO_LARGE, NOT_DECODED = "damaged", "stream too large", "filter not decoded"

_NAME_CODE = re.compile(rb"#([0-9A-Fa-f]{2})")
_FILTER = re.compile(rb"/Filter(?![A-Za-z0-9])\s*(\[[^\]]*\]?|/[A-Za-z0-9]+|null\b|)")
_SYNTAX = re.compile(rb"\\.|[()%\r\n]|<<|>>", re.DOTALL)
_NAME = re.compile(rb"/([A-Za-z0-9]+)")
_IMAGE = frozenset(("CCF", "CCITTFaxDecode", "DCT", "DCTDecode", "JBIG2Decode", "JPXDecode"))
_PREDICTED = re.compile(rb"/Predictor\s+(?:[2-9]|1\d)\b(?!\s+\d+\s+R\b)")
_PERHAPS_PREDICTED = re.compile(rb"/(?:DecodeParms|DP|Predictor)\s+\d+\s+\d+\s+R\b")
_ELSEWHERE = re.compile(rb"/Filter\s+\d+\s+\d+\s+R\b")
_LATE = re.compile(rb"/EarlyChange\s+0\b")
_SPACE = b" \t\r\n\f\0"
_BASE_85 = re.compile(rb"(?:z|[!-u]{5}){1,4000}|[!-u]{2,4}\Z|[\s\S]")
_PIECE = 16_384
_ZERO_GROUP = 33 * (85**4 + 85**3 + 85**2 + 85 + 1)
_CLEAR, _END = 256, 257


def filters(dictionary: bytes) -> list[str]:
    """Return the names of a stream's filters in the order of their decoding.

    A filter that is another object counts as FlateDecode, by far the most frequent.

    >>> filters(b"<< /F#69lter [/A85 /FlateDecode] /Length 9 >>")
    ['A85', 'FlateDecode']
    >>> filters(b"<< /Filter 5 0 R >>"), filters(b"<< /Length 9 >>")
    (['FlateDecode'], [])
    >>> filters(b"<< /Filter /A85 % /Filter []\\n /DP << /Filter [] >> /K (/Filter []) >>")
    ['A85']
    """
    entries = _FILTER.findall(_own_entries(_plain(dictionary))) or _FILTER.findall(_plain(dictionary))
    if not entries or entries[-1] == b"null":
        return []
    return [name.decode() for name in _NAME.findall(entries[-1])] or ([] if b"[" in entries[-1] else ["FlateDecode"])


@dataclass(frozen=True, slots=True)
class Decoded:
    """The content of a stream, and the reason why it is not complete, "" if it is."""

    content: bytes
    reason: str = ""


def decode(data: bytes, dictionary: bytes, most: int, spend: Callable[[int], None]) -> Decoded:
    """Decode the data of a stream to at most `most` bytes; of damaged data, the part before the damage.

    Data in ASCII that the filter cannot decode at all is text with a wrong name, and returned unchanged.
    `spend` gets the length of each decoded piece, and can stop the work by an exception.
    """
    reason = ""
    dictionary = _plain(dictionary)
    for name in filters(dictionary):
        if name not in _DECODERS:
            if name in _IMAGE and data.isascii():
                return Decoded(data[:most])
            is_image = name in _IMAGE and b"/Width" in dictionary
            return Decoded(b"", "" if is_image else NOT_DECODED)
        content = bytearray()
        try:
            for piece in _DECODERS[name](data, _LATE.search(dictionary) is None):
                spend(len(piece))
                content += piece
                if len(content) > most:
                    reason = TOO_LARGE
                    break
        except (ValueError, zlib.error):
            reason = reason or (NOT_DECODED if _ELSEWHERE.search(dictionary) else DAMAGED)
            if not content and data.isascii():
                return Decoded(data[:most], reason)
        data = bytes(content)
    if len(data) > most:
        reason = TOO_LARGE
    elif _PREDICTED.search(dictionary) or (_PERHAPS_PREDICTED.search(dictionary) and not data.isascii()):
        reason = reason or NOT_DECODED
    return Decoded(data[:most], reason)


def _own_entries(dictionary: bytes) -> bytes:
    """Return a dictionary without comments, strings and the dictionaries in it (7.2.3, 7.3.4)."""
    kept: list[bytes] = []
    position = depth = strings = 0
    in_comment = False
    for token in _SYNTAX.finditer(dictionary):
        if depth == 1 and not strings and not in_comment:
            kept.append(dictionary[position : token.start()])
        position = token.end()
        sign = token[0]
        if in_comment:
            in_comment = sign not in (b"\r", b"\n")
        elif strings or sign == b"(":
            strings += (sign == b"(") - (sign == b")")
        elif sign == b"%":
            in_comment = True
        elif sign in (b"<<", b">>"):
            depth += 1 if sign == b"<<" else -1
            kept.append(b" ")
        elif depth == 1:
            kept.append(sign)
    return b"".join(kept)


def _plain(dictionary: bytes) -> bytes:
    if b"#" not in dictionary:
        return dictionary
    return _NAME_CODE.sub(lambda code: bytes((int(code[1], 16),)), dictionary)


def _inflated(data: bytes, _early: bool) -> Iterator[bytes]:
    inflate = zlib.decompressobj()
    for start in range(0, len(data), _PIECE):
        rest = data[start : start + _PIECE]
        while rest:
            before = inflate.copy()
            try:
                yield inflate.decompress(rest, 64 * _PIECE)
            except zlib.error:
                yield from (before.decompress(rest[at : at + 1]) for at in range(len(rest)))
            rest = inflate.unconsumed_tail
        if inflate.eof:
            break


def _from_hexadecimal(data: bytes, _early: bool) -> Iterator[bytes]:
    digits = data.partition(b">")[0].translate(None, _SPACE)
    yield binascii.unhexlify(digits + b"0" * (len(digits) % 2))


def _from_ascii85(data: bytes, _early: bool) -> Iterator[bytes]:
    for piece in _BASE_85.finditer(data.partition(b"~>")[0].translate(None, _SPACE)):
        characters = piece[0].replace(b"z", b"!!!!!")
        yield a85decode(piece[0]) if len(characters) % 5 else _from_groups(characters)


def _from_groups(characters: bytes) -> bytes:
    """Decode complete groups of five characters (7.4.3), in a sixth of the time of base64.a85decode."""
    groups = zip(*(characters[place::5] for place in range(5)), strict=True)
    numbers = [(((a * 85 + b) * 85 + c) * 85 + d) * 85 + e - _ZERO_GROUP for a, b, c, d, e in groups]
    if max(numbers) >> 32:
        raise ValueError("a group of Ascii85 is too large")
    return struct.pack(f">{len(numbers)}I", *numbers)


def _from_runs(data: bytes, _early: bool) -> Iterator[bytes]:
    """Yield the pieces of RunLengthDecode (7.4.5)."""
    at = 0
    while at < len(data) and (length := data[at]) != 128:
        if length < 128:
            yield data[at + 1 : at + 2 + length]
            at += 2 + length
        else:
            yield data[at + 1 : at + 2] * (257 - length)
            at += 2


def _from_lzw(data: bytes, early: bool) -> Iterator[bytes]:
    """Yield the pieces of LZWDecode (7.4.4): codes of 9 to 12 bits, lengthened one code early by default."""
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
        if code == _END:
            break
        entry = table[code] if code < len(table) else last + last[:1]
        if last and len(table) < 4096:
            table.append(last + entry[:1])
        yield entry
        last = entry
        width = min(12, (len(table) + early).bit_length())


def _from_crypt(data: bytes, _early: bool) -> Iterator[bytes]:
    """Yield the data: what an empty password decrypts is decrypted before (7.6.5)."""
    yield data


_DECODERS: dict[str, Callable[[bytes, bool], Iterator[bytes]]] = {
    "ASCII85Decode": _from_ascii85,
    "A85": _from_ascii85,
    "ASCIIHexDecode": _from_hexadecimal,
    "AHx": _from_hexadecimal,
    "Crypt": _from_crypt,
    "FlateDecode": _inflated,
    "Fl": _inflated,
    "LZWDecode": _from_lzw,
    "LZW": _from_lzw,
    "RunLengthDecode": _from_runs,
    "RL": _from_runs,
}
