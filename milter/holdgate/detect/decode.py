"""Text inside text: runs of base64, base32, hexadecimal and other encodings that decode to something readable.

`normal` decodes the escapes that are common in mail (percent, backslash-u, entities); this module decodes complete
runs. Depth and amount are limited: a run is decoded once, its result can contain another layer, up to MOST_LAYERS.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from itertools import product
from typing import Final

from holdgate.detect.finders.finder import BITS, PAIRS, Text
from holdgate.detect.match import Span

TOO_MUCH: Final = "too much encoded text"
MOST_LAYERS: Final = 3
MOST_RUNS: Final = 64
MOST_DECODED: Final = 1_000_000
_SAME: Final = bytes(98 if code in b"0Aa+/_" else code for code in range(256))
_LEAST: Final = 15
_PROSE: Final = 12
# How many characters of a run show whether it is encoded text: a multiple of what any code needs for some bytes.
_BEGINNING: Final = 4_800
_LEAST_RUN: Final = b"b" * _LEAST
_RUN: Final = re.compile(rb"b+={0,6}(?:\r?\n[ >]{0,4}b{14,}={0,2})*(?:\r?\n[ >]{0,4}b{2,}=*)?")
# The searches begin with a plain byte, which `re` finds many times faster than a class or a repeat.
_SPACED: Final = re.compile(rb"00(?:[ ,;:]{1,2}0[0Aa]){6,}")
_BITS: Final = re.compile(b"0" * 8 + rb"(?:[ ,]?0{8}){6,}")
_HEX: Final = re.compile(r"(?:0x)?((?:[0-9a-f]{2}){6,}+|(?:[0-9A-F]{2}){6,}+)")
_BINARY: Final = re.compile(r"0[01]{7}(?:[ ,]?0[01]{7})+")
_CODES: Final = re.compile(r"(?:3[2-9]|[4-8]\d|90)(?:[ ,;]{1,2}(?:3[2-9]|[4-8]\d|90))+")
_SPACED_HEX: Final = re.compile(r"[2-7][0-9A-Fa-f](?:[ ,;:]{1,2}[2-7][0-9A-Fa-f])+")
_BASE32: Final = re.compile(r"[A-Z2-7]{16,}={0,6}")
_BASE32_HEX: Final = re.compile(r"[0-9A-V]{16,}={0,6}|[0-9a-v]{16,}={0,6}")
_CODE: Final = re.compile(r"[A-Za-z0-9+/_]{16}")
_READABLE: Final = bytes([9, 10, 13, *range(32, 127), *range(128, 256)])
_WHITE: Final = re.compile(r"[\s>]+")
_LEAST_DIGITS: Final = 5


def find(content: Text, limits: list[str]) -> Iterator[tuple[int, int, str, str]]:
    """Yield (start, end, decoded text, name of the encoding) for each run that decodes to text that can hold data.

    Runs beyond the limits are not decoded, and TOO_MUCH is added to `limits` unless their beginning cannot be text.
    """
    text, mask = content.text, content.mask
    left = MOST_DECODED
    # At least seven pairs: three of them adjacent, or four spans of one or two.
    spaced = content.signs & PAIRS or content.numbers >= 4
    runs = 0
    for spans, decoders in (
        (_runs(mask), _DECODERS),
        (map(_span, _SPACED.finditer(mask)) if spaced else (), _SPACED_DECODERS),
        (map(_span, _BITS.finditer(mask)) if content.signs & BITS else (), _BIT_DECODERS),
    ):
        for start, end in spans:
            raw = text[start:end]
            if len(raw) > left or runs >= MOST_RUNS:
                if decoders is not _DECODERS or _begins_telling(raw):
                    limits.append(TOO_MUCH)
                    return
                continue
            # The line after the last full one may already be prose.
            shorter = [raw[: raw.rindex("\n")].rstrip()] if "\n" in raw else []
            for coded, (name, decode) in product([raw, *shorter], decoders):
                plain = decode(coded)
                if plain is not None and telling(plain):
                    left -= len(coded)
                    runs += 1
                    yield start, start + len(coded), plain, name
                    break


def _span(found: re.Match[bytes]) -> Span:
    return found.span()


def _runs(mask: bytes) -> Iterator[Span]:
    """Yield the long runs of letters and digits that may be base64, base32 or hexadecimal."""
    same = mask.translate(_SAME)
    start = same.find(_LEAST_RUN)
    while start >= 0:
        head = mask[start : start + _LEAST]
        if head.islower() and b"0" not in head:
            # Words and paths. If code begins here after all, it is found without these characters: for base64, complete
            # groups are skipped.
            start = same.find(_LEAST_RUN, start + _PROSE)
            continue
        run = _RUN.match(same, start)
        assert run is not None
        if _coded(mask[start : run.end()]):
            yield run.span()
        start = same.find(_LEAST_RUN, run.end())


def _coded(mask: bytes) -> bool:
    """Whether a run looks encoded: it mixes kinds of characters, and contains no long word."""
    if len(mask) < 100 and b"aaaaaaa" in mask:
        return False
    kinds = (b"A" in mask) + (b"a" in mask) + (b"0" in mask)
    return kinds > 1 or (b"0" in mask and len(mask) % 2 == 0)


def _begins_telling(raw: str) -> bool:
    """Whether a run that is too long to be decoded begins like text that can hold data: most long ones are images."""
    beginning = _compact(raw)[:_BEGINNING]
    return any(plain is not None and telling(plain) for plain in (decode(beginning) for _, decode in _DECODERS))


def telling(plain: str) -> bool:
    """Whether decoded text can hold data: it is readable, and has an address, digits, or another layer."""
    if not plain or sum(map(str.isprintable, plain)) + plain.count("\n") + plain.count("\t") < 0.95 * len(plain):
        return False
    return sum(map(str.isdigit, plain)) >= _LEAST_DIGITS or "@" in plain or _CODE.search(plain) is not None


def _text(data: bytes) -> str | None:
    if b"\0" in data[:4]:
        try:
            return data.decode("utf-16-le" if data[1:2] == b"\0" else "utf-16-be")
        except UnicodeDecodeError:
            return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        # Text that was cut in the middle of a character is still text.
        return data[: error.start].decode("utf-8") if error.reason == "unexpected end of data" else None


def _compact(raw: str) -> str:
    return _WHITE.sub("", raw) if "\n" in raw else raw


def _hex(raw: str) -> str | None:
    found = _HEX.fullmatch(_compact(raw))
    return _text(bytes.fromhex(found[1])) if found else None


def _base64(raw: str) -> str | None:
    # Most long words are not encoded: their first characters decode to control bytes.
    try:
        head = binascii.a2b_base64(raw[:12].replace("_", "/"))
    except (binascii.Error, ValueError):
        return None
    if head.translate(None, _READABLE) and b"\0" not in head[:2]:
        return None
    raw = _compact(raw).rstrip("=").replace("-", "+").replace("_", "/")
    if len(raw) % 4 == 1:
        return None
    try:
        return _text(base64.b64decode(raw + "=" * (-len(raw) % 4), validate=True))
    except (binascii.Error, ValueError):
        return None


def _base32(raw: str) -> str | None:
    return _decoded32(raw, _BASE32, base64.b32decode)


def _base32_hex(raw: str) -> str | None:
    return _decoded32(raw, _BASE32_HEX, base64.b32hexdecode)


def _decoded32(raw: str, pattern: re.Pattern[str], decode: Callable[[str], bytes]) -> str | None:
    raw = _compact(raw)
    if not pattern.fullmatch(raw):
        return None
    raw = raw.rstrip("=").upper()
    try:
        return _text(decode(raw + "=" * (-len(raw) % 8)))
    except (binascii.Error, ValueError):
        return None


def _spaced_hex(raw: str) -> str | None:
    return _text(bytes.fromhex("".join(re.findall(r"\w\w", raw)))) if _SPACED_HEX.fullmatch(raw) else None


def _codes(raw: str) -> str | None:
    return "".join(chr(int(code)) for code in re.findall(r"\d\d", raw)) if _CODES.fullmatch(raw) else None


def _binary(raw: str) -> str | None:
    return _text(bytes(int(bits, 2) for bits in re.findall(r"[01]{8}", raw))) if _BINARY.fullmatch(raw) else None


_Decoders = tuple[tuple[str, Callable[[str], str | None]], ...]
_DECODERS: _Decoders = (("hexadecimal", _hex), ("base32", _base32), ("base32hex", _base32_hex), ("base64", _base64))
_SPACED_DECODERS: _Decoders = (("character codes", _codes), ("hexadecimal", _spaced_hex))
_BIT_DECODERS: _Decoders = (("binary", _binary),)
CODES: Final = frozenset(name for some in (_DECODERS, _SPACED_DECODERS, _BIT_DECODERS) for name, _ in some)
