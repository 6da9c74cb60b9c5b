"""Keys and tokens with a check of their own, and criteria that distinguish a token from an example of its format."""

import base64
import binascii
import json
import zlib
from collections import Counter
from math import log2

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Words in placeholders for a token.
_MADE_UP = (
    "example",
    "xxxx",
    "your",
    "placehold",
    "changeme",
    "redacted",
    "dummy",
    "....",
    "****",
    "1234567890abcdef",
)


def random(value: str) -> bool:
    """Whether a token looks random (at least three bits per character) and is not made up."""
    lowered = value.lower()
    if any(word in lowered for word in _MADE_UP):
        return False
    counts = Counter(value[4:] or value)
    total = sum(counts.values())
    return -sum(count / total * log2(count / total) for count in counts.values()) >= 3


def credentials(value: str) -> bool:
    """Whether the last word of a field looks random; with Basic, a name and a password (RFC 7617)."""
    last = value.rpartition(" ")[2]
    if not random(f"    {last}"):
        return False
    try:
        return "basic" not in value.lower() or b":" in base64.b64decode(last, validate=True)
    except (binascii.Error, ValueError):
        return False


def crc_token(value: str) -> bool:
    """Whether the last six characters are the CRC-32 in base 62 of the 30 before them.

    GitHub, "Behind GitHub's new authentication token formats" (2021); npm uses the same scheme.
    """
    _, _, rest = value.rpartition("_")
    if len(rest) != 36:
        return random(value)
    number = zlib.crc32(rest[:30].encode("ascii", "replace"))
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits.rjust(6, "0") == rest[30:]


def json_web_token(value: str) -> bool:
    """Whether the first of three parts is a JSON header that names an algorithm (RFC 7519)."""
    header = value.partition(".")[0]
    try:
        found = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except (binascii.Error, ValueError):
        return False
    return isinstance(found, dict) and "alg" in found


def connection(value: str) -> bool:
    """Whether a URL contains a password, and not a placeholder (RFC 3986 section 3.2.1)."""
    credentials = value.partition("://")[2].rpartition("@")[0]
    password = credentials.partition(":")[2]
    lowered = password.lower()
    return len(password) > 2 and not password.startswith(("$", "{", "<", "%")) and lowered not in (
        "password", "pass", "passwd", "secret", "changeme", "xxx", "***",
    )  # fmt: skip
