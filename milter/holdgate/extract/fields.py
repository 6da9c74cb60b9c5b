"""Header fields as bytes: their values, the parameters of MIME fields, and every name that they give a part.

`parameters` is strict: a violation of RFC 2045 (section 5.1) is a doubt. `names` is lenient: mail programs accept names
in many forms, so all of them are collected (RFC 2231, RFC 2047, broken forms of both).
"""

import binascii
import re
from urllib.parse import unquote_to_bytes

from holdgate.extract import charset

TOKEN = rb"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]+"

FIELD = re.compile(rb"([!-9;-~]+):((?:.*\n)(?:[ \t].*\n)*)")
"""One field with its continuation lines, in text whose lines end in LF."""

_TYPE = re.compile(rb"[ \t\n]*(" + TOKEN + rb"(?:/" + TOKEN + rb")?)[ \t\n]*")
_PARAMETER = re.compile(rb";[ \t\n]*(" + TOKEN + rb')=(?:"((?:[^"\\]|\\.)*)"|(' + TOKEN + rb"))[ \t\n]*")
# A MIME type or an address without its quotes, as old programs write it. No program finds parts by these.
_UNQUOTED = re.compile(
    rb";[ \t\n]*(type|start)=([A-Za-z0-9<][A-Za-z0-9._+/@<>-]{0,200})(?=[ \t\n]*(?:;|$))[ \t\n]*", re.IGNORECASE
)
_END = re.compile(rb";?[ \t\n]*$")
_LOOSE = re.compile(
    rb"""(?:^|[;\s])(?:file)?name(\*?\d{0,4}\*?)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;\n]*))""", re.IGNORECASE
)
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bq])\?([^?]*)\?=", re.IGNORECASE)
_ENCODED_WORD = re.compile(r"(=\?[^?\s]{1,60}\?[bq]\?[^?]*\?=)", re.IGNORECASE)
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?)")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


def parameters(value: bytes) -> tuple[str, list[tuple[str, bytes]], bool]:
    """Parse a Content-Type or Content-Disposition.

    Returns the type in lower case ("" if there is none), the parameters in order with lower-case names, and whether the
    complete value follows the grammar. Quoted values have no quotes and backslashes.
    """
    head = _TYPE.match(value)
    if head is None:
        return "", [], False
    found: list[tuple[str, bytes]] = []
    position = head.end()
    while parameter := _UNQUOTED.match(value, position) or _PARAMETER.match(value, position):
        name, *quotes, plain = parameter.groups()
        quoted = quotes[0] if quotes else None
        if quoted is not None:
            plain = re.sub(rb"\\(.)", rb"\1", quoted) if b"\\" in quoted else quoted
        found.append((name.decode("ascii").lower(), plain))
        position = parameter.end()
    return head[1].decode("ascii").lower(), found, _END.match(value, position) is not None


def names(value: bytes) -> list[str]:
    """Return all names that a Content-Type or Content-Disposition gives a part, in any form."""
    if b"name" not in value.lower():
        return []
    whole: list[str] = []
    segments: list[tuple[int, bytes, bool]] = []
    for suffix, quoted, plain in _LOOSE.findall(value):
        raw = (quoted.replace(b"\\", b"") or plain.strip()).replace(b"\n", b"")
        number = suffix.strip(b"*")
        if number:
            segments.append((int(number), raw, suffix.endswith(b"*")))
        elif suffix:
            whole.append(extended(raw))
        else:
            whole.append(words(raw))
    if segments:
        for order in (segments, sorted(segments, key=lambda segment: segment[0])):
            encoded = any(is_extended for _, _, is_extended in order)
            joined = b"".join(raw for _, raw, _ in order)
            whole.append(extended(joined) if encoded else words(joined))
    return list(dict.fromkeys(filter(None, whole)))


def extended(raw: bytes) -> str:
    """Decode charset'language'percent-encoded (RFC 2231, section 4)."""
    declared, quote, rest = raw.partition(b"'")
    _, second, text = rest.partition(b"'")
    if not (quote and second):
        declared, text = b"", raw
    return charset.decode(unquote_to_bytes(text), declared.decode("ascii", "replace"))


def words(raw: bytes) -> str:
    """Decode a field's value: folds, encoded words (RFC 2047), even malformed ones, raw bytes in any charset."""
    text = raw.decode("ascii") if raw.isascii() else charset.decode(raw, "cp1252")
    if "\n" in text:
        text = _FOLD.sub("", text)
    text = text.strip()
    if "=?" not in text:
        return text
    return _WORD.sub(_word, _rejoined(_BETWEEN_WORDS.sub(r"\1", text)))


def _rejoined(text: str) -> str:
    """Join adjacent encoded words whose base64 is cut within a group of four, which RFC 2047 (section 5) forbids.

    In UTF-16 and UTF-32, each word can have its own byte order mark.
    """
    pieces: list[str] = []
    cut, length = "", 0
    for piece in filter(None, _ENCODED_WORD.split(text)):
        word = _WORD.fullmatch(piece)
        if word is None or word[2] not in "bB" or word[1].lower().startswith(("utf-16", "utf-32")):
            pieces.append(piece)
            cut = ""
            continue
        name = word[1].lower()
        joins = cut == name
        if joins:
            pieces[-1] = pieces[-1][:-2]
            pieces.append(f"{word[3]}?=")
        else:
            pieces.append(piece)
        length = len(word[3]) + (length if joins else 0)
        cut = name if length % 4 and "=" not in word[3] else ""
    return "".join(pieces)


def _word(found: re.Match[str]) -> str:
    """Decode one encoded word; a charset can have a language (RFC 2231, section 5)."""
    declared, encoding, encoded = found.groups()
    raw = encoded.encode("utf-8", "replace")
    raw = base64(raw) if encoding in "bB" else binascii.a2b_qp(raw, header=True)
    return charset.decode(raw, declared.partition("*")[0])


def base64(raw: bytes) -> bytes:
    """Decode base64 like the most lenient program: other characters are skipped, missing padding is added."""
    clean = _NOT_BASE64.sub(b"", raw)
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))
