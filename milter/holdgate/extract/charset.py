"""Bytes to characters: the encodings in which a text may be, most reliable first.

The order was measured (25 encodings, three lengths each): byte order mark, strict UTF-8, UTF-16 and UTF-32 by the
pattern of their NUL bytes, the declared charset, a detector, and Windows-1252, which accepts anything. Codecs are
loaded once, with this module: a charset name in a message never causes an import.
"""

import binascii
import codecs
import contextlib
import re
from encodings.aliases import aliases

from holdgate.extract.charset_models import detect

SHORT = 2_000
"""Up to this many bytes the detector is unreliable, so the declared and the detected reading are both kept."""

SAMPLE = 100_000
"""How many bytes the detector uses."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# Python treats these as text encodings; mail does not use them, and decoding some is not linear.
_NOT_CHARSETS = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}

# Names that mail and the Web use beyond Python's aliases (WHATWG Encoding Standard, section 4.2).
_MAIL_NAMES = {
    "x_sjis": "cp932",
    "shift_jis": "cp932",
    "windows_31j": "cp932",
    "ks_c_5601_1987": "cp949",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x_gbk": "gb18030",
    "big5": "big5hkscs",
    "x_x_big5": "big5hkscs",
    "iso_8859_1": "cp1252",
    "latin_1": "cp1252",
    "latin1": "cp1252",
    "iso_8859_8_i": "iso8859-8",
    "iso_8859_8_e": "iso8859-8",
    "x_mac_roman": "mac-roman",
    "macintosh": "mac-roman",
    "x_user_defined": "cp1252",
    "x_unknown": "",
    "unicode_1_1_utf_7": "utf-7",
    "unicode": "utf-16-le",
    "utf_16": "utf-16-le",
    "utf_32": "utf-32-le",
}

# In UTF-7, characters below U+0600 begin with "A", and each takes 16 bits.
_SHIFT = re.compile(r"\+(A[A-Za-z0-9+/]{2,}-?)")
_HIGHEST = "\u0600"
_BETWEEN = " -./@"
"""Characters inside numbers and addresses."""

# Seven-bit encodings that look like ASCII: valid UTF-8 does not exclude them.
_SEVEN_BIT = {"utf-7", "hz", "iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_2004", "iso2022_jp_3"}
_SEVEN_BIT |= {"iso2022_jp_ext", "iso2022_kr"}


def _load() -> dict[str, str]:
    """Map each charset name of Python, with `-` as `_`, to the codec's name, and load all codecs."""
    names: dict[str, str] = {}
    for alias, codec in aliases.items():
        if codec not in _NOT_CHARSETS:
            with contextlib.suppress(LookupError, UnicodeError):
                bytes(4).decode(codec)
                names[alias] = names[codec] = codecs.lookup(codec).name
    names.update({mail: codecs.lookup(codec).name if codec else "" for mail, codec in _MAIL_NAMES.items()})
    return names


def codec_of(charset: str) -> str:
    """Return the codec for a charset name as mail writes it, "" for an unknown one.

    >>> codec_of("ISO-8859-1"), codec_of("GB2312"), codec_of("zlib")
    ('cp1252', 'gb18030', '')
    """
    return _CODECS.get(charset.strip(" \t\"'").lower().replace("-", "_").replace(" ", "_").replace(".", "_"), "")


_CODECS = _load()


def decode(data: bytes, declared: str = "") -> str:
    """Return the most reliable reading of `data`."""
    return readings(data, declared)[0]


def readings(data: bytes, declared: str = "") -> list[str]:
    """Return the plausible readings of `data`, the most reliable first; never raises, never empty.

    `declared` is the charset that the container names, unchanged.
    """
    for bom, codec in _BOMS:
        if data.startswith(bom):
            return [data[len(bom) :].decode(codec, "replace")]
    codec = codec_of(declared)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        if codec in _SEVEN_BIT:
            return _distinct([data.decode(codec, "replace"), text])
        if "\0" in text and (wide := wide_codec(data)):
            return _distinct([data.decode(wide, "replace"), text])
        return _distinct([text, without_shifts(text)]) if "+A" in text else [text]
    if wide := wide_codec(data):
        return _distinct([data.decode(wide, "replace"), *_single(data, codec)])
    return _single(data, codec)


def without_shifts(text: str) -> str:
    """Return a text with its UTF-7 shifts decoded (RFC 2152); unchanged if none hides a character of a number or word.

    Only shifts whose characters are all Latin, Greek, Cyrillic or Hebrew are decoded: a telephone number gives others.

    >>> without_shifts("SSN +ADIAMQA5-09-9999, tel. +49301234567-")
    'SSN 21909-9999, tel. +49301234567-'
    """
    pieces = _SHIFT.split(text)
    decoded = [_unshifted(piece) for piece in pieces[1::2]]
    if not any(
        letter.isascii() and (letter.isalnum() or letter in _BETWEEN) for letters in decoded for letter in letters
    ):
        return text
    pieces[1::2] = [letters or f"+{piece}" for letters, piece in zip(decoded, pieces[1::2], strict=True)]
    return "".join(pieces)


def _unshifted(shift: str) -> str:
    """Return the text of a shift, "" if it is not a shift."""
    coded = shift.removesuffix("-")
    try:
        letters = binascii.a2b_base64(coded + "=" * (-len(coded) % 4)).decode("utf-16-be")
    except (ValueError, UnicodeDecodeError):
        return ""
    plain = all(letter in "\t\r\n" or (letter.isprintable() and letter < _HIGHEST) for letter in letters)
    return letters if plain else ""


def wide_codec(data: bytes) -> str:
    """Return the UTF-16 or UTF-32 codec that the NUL bytes in the first 4,000 bytes indicate, or "".

    Text in the Latin script has a NUL in each second byte of UTF-16 and in three of four of UTF-32.
    """
    sample = data[:4_000]
    if len(sample) < 4 or b"\0" not in sample:
        return ""
    quarter = len(sample) // 4
    nuls = [sample[index::4].count(0) for index in range(4)]
    if nuls[1] + nuls[2] + nuls[3] > 2.4 * quarter and nuls[0] < 0.2 * quarter and nuls[3] > 0.9 * quarter:
        return "utf-32-le"
    if nuls[0] + nuls[1] + nuls[2] > 2.4 * quarter and nuls[3] < 0.2 * quarter and nuls[0] > 0.9 * quarter:
        return "utf-32-be"
    even, odd = nuls[0] + nuls[2], nuls[1] + nuls[3]
    if odd > 0.4 * 2 * quarter and even < 0.1 * 2 * quarter:
        return "utf-16-le"
    if even > 0.4 * 2 * quarter and odd < 0.1 * 2 * quarter:
        return "utf-16-be"
    return ""


def _single(data: bytes, declared: str) -> list[str]:
    """Read bytes that are not valid UTF-8: as declared, as detected, and both if the text is short."""
    found: list[str] = []
    if declared and declared != "ascii":
        text = data.decode(declared, "replace")
        if text.count("\ufffd") * 50 <= len(text):
            found.append(text)
    if not found or len(data) <= SHORT:
        detected = codec_of(detect(data[:SAMPLE]))
        if detected and detected != declared:
            found.append(data.decode(detected, "replace"))
    guessed = not declared and len(data) <= SHORT
    if guessed or not found or found[-1].count("\ufffd") * 50 > len(found[-1]):
        found.append(data.decode("cp1252", "replace"))
    return _distinct(found)


def _distinct(texts: list[str]) -> list[str]:
    return list(dict.fromkeys(texts))
