"""Text inside text: runs of base64, base32, hexadecimal and other codes that decode to something readable.

Escapes that a reader meets in mail anyhow (percent, backslash-u, entities) are undone by `normal`; here are whole runs.
Depth and amount are bounded: a run is decoded once, its result may hold one more layer, and so on to MOST_LAYERS.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator

MOST_LAYERS = 3
MOST_RUNS = 64
MOST_DECODED = 1_000_000
_SAME = bytes(
    98
    if chr(code) in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
    else code
    if code < 128
    else 0
    for code in range(256)
)
_RUN = re.compile(rb"b{14,}={0,6}(?:\r?\n[ >]{0,4}b{14,}={0,2})*")
_HEX = re.compile(r"(?:0x)?((?:[0-9a-f]{2}){6,}|(?:[0-9A-F]{2}){6,})", re.IGNORECASE)
_SPACED_HEX = re.compile(r"(?<![0-9A-Fa-f])[2-7][0-9A-Fa-f](?:[ :,-](?:0x|\\x)?[2-7][0-9A-Fa-f]){6,}(?![0-9A-Fa-f])")
_BINARY = re.compile(r"(?<![01])0[01]{7}(?:[ ,]?0[01]{7}){6,}(?![01])")
_CODES = re.compile(r"(?<!\d)(?:3[2-9]|4\d|5[0-7])(?:[ ,;]{1,2}(?:3[2-9]|4\d|5[0-7])){8,}(?!\d)")
_BASE32 = re.compile(r"[A-Z2-7]{16,}={0,6}")
_WHITE = re.compile(r"[\s>]+")
_LEAST_DIGITS = 5


def find(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Yield (start, end, decoded text, name of the code) for each run in `text` that decodes to text with digits."""
    left = MOST_DECODED
    runs = 0
    same = text.encode("ascii", "replace").translate(_SAME)
    for found in _RUN.finditer(same):
        start, end = found.span()
        raw = text[start:end]
        if len(raw) > left or runs >= MOST_RUNS:
            return
        for name, decode in _DECODERS:
            plain = decode(raw)
            if plain is not None and telling(plain):
                left -= len(raw)
                runs += 1
                yield start, end, plain, name
                break
    for name, pattern, decode in _PATTERNS:
        for spelled in pattern.finditer(text):
            plain = decode(spelled[0])
            if plain is not None and telling(plain) and runs < MOST_RUNS:
                runs += 1
                yield spelled.start(), spelled.end(), plain, name


def telling(plain: str) -> bool:
    """Whether decoded text can hold data: readable, and with an address, digits, or another layer."""
    if not plain or sum(map(str.isprintable, plain)) + plain.count("\n") + plain.count("\t") < 0.95 * len(plain):
        return False
    return sum(map(str.isdigit, plain)) >= _LEAST_DIGITS or "@" in plain or len(plain) > 24


def _text(data: bytes) -> str | None:
    if b"\0" in data[:4]:
        try:
            return data.decode("utf-16-le" if data[1:2] == b"\0" else "utf-16-be")
        except UnicodeDecodeError:
            return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _hex(raw: str) -> str | None:
    found = _HEX.fullmatch(_WHITE.sub("", raw))
    return _text(bytes.fromhex(found[1])) if found else None


def _base64(raw: str) -> str | None:
    raw = _WHITE.sub("", raw).rstrip("=").replace("-", "+").replace("_", "/")
    if len(raw) % 4 == 1:
        return None
    try:
        return _text(base64.b64decode(raw + "=" * (-len(raw) % 4), validate=True))
    except (binascii.Error, ValueError):
        return None


def _base32(raw: str) -> str | None:
    raw = _WHITE.sub("", raw)
    if not _BASE32.fullmatch(raw):
        return None
    raw = raw.rstrip("=")
    try:
        return _text(base64.b32decode(raw + "=" * (-len(raw) % 8)))
    except (binascii.Error, ValueError):
        return None


def _spaced_hex(raw: str) -> str | None:
    return _text(bytes.fromhex("".join(re.findall(r"[2-7][0-9A-Fa-f]", raw.replace("0x", " ").replace("\\x", " ")))))


def _binary(raw: str) -> str | None:
    return _text(bytes(int(octet, 2) for octet in re.findall(r"[01]{8}", raw)))


def _codes(raw: str) -> str | None:
    return "".join(chr(int(code)) for code in re.findall(r"\d\d", raw))


_Decode = Callable[[str], str | None]
_DECODERS: tuple[tuple[str, _Decode], ...] = (("hexadecimal", _hex), ("base32", _base32), ("base64", _base64))
_PATTERNS: tuple[tuple[str, re.Pattern[str], _Decode], ...] = (
    ("hexadecimal", _SPACED_HEX, _spaced_hex),
    ("binary", _BINARY, _binary),
    ("character codes", _CODES, _codes),
)
