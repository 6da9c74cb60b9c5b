"""Reads the strings of PostScript and EPS files, and reports that no more was read: a program defines what is drawn.

Follows the PostScript Language Reference, third edition, 3.2 (strings, comments) and 5.3 (glyphshow), and Adobe's
Technical Note 5002 (EPS with a preview). Strings in one array, and consecutive glyph names, are one text, because
programs write kerning between them.
"""

import re
import struct
from collections.abc import Iterator

from holdgate.extract.format import Format
from holdgate.extract.reading import Document, Sink, UnreadableError

NOT_READ = "PostScript: only strings read"

_DOS_EPS = b"\xc5\xd0\xd3\xc6"
_HEADER = struct.Struct("<4s6I")
# For each of them, the file is searched to its end.
_MOST_UNCLOSED = 20
_TOKEN = re.compile(
    rb"(?P<comment>%[^\r\n]*)"
    rb"|(?P<string>\()"
    rb"|<(?P<hex>[0-9A-Fa-f\s]+)>"
    rb"|/(?P<glyph>[A-Za-z][A-Za-z0-9.]{0,30})\s+glyphshow"
    rb"|(?P<open>\[)|(?P<close>\])|\b(?P<move>moveto)\b",
    re.DOTALL,
)
_PARENTHESIS = re.compile(rb"\\.|[()]", re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|.))", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b"", b"\r": b"", b"\r\n": b""}
# Names of the Adobe Glyph List (for New Fonts) that are not the character itself.
_GLYPHS = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "colon": ":", "period": ".", "comma": ",", "hyphen": "-", "minus": "-", "slash": "/", "at": "@",
    "underscore": "_", "parenleft": "(", "parenright": ")", "plus": "+", "semicolon": ";", "numbersign": "#",
    "quotesingle": "'", "ampersand": "&", "asterisk": "*", "percent": "%", "question": "?", "exclam": "!", "less": "<",
    "greater": ">", "equal": "=", "adieresis": "ä", "odieresis": "ö", "udieresis": "ü", "germandbls": "ß",
    "eacute": "é", "egrave": "è", "agrave": "à", "ccedilla": "ç", "ntilde": "ñ",
}  # fmt: skip


def read(document: Document, sink: Sink) -> None:
    """Pass on comments and strings in the order of the file. Raises UnreadableError for an incorrect preview."""
    data = document.data
    if data.startswith(_DOS_EPS):
        data = _program(data, sink)
    pieces: list[bytes] = []
    inside = False
    for kind, content in _tokens(data):
        if kind == "glyph":
            name = content.decode("ascii")
            pieces.append(_GLYPHS.get(name, name if len(name) == 1 else " ").encode())
            continue
        if not inside:
            _flush(pieces, sink)
        if kind == "string":
            pieces.append(_unescaped(content))
        elif kind == "hex":
            digits = content.translate(None, b" \t\r\n\f\0")
            pieces.append(bytes.fromhex((digits + b"0" * (len(digits) & 1)).decode("ascii")))
        elif kind == "comment":
            _flush(pieces, sink)
            sink.text(content.lstrip(b"%!").decode("utf-8", "replace").strip())
        else:
            _flush(pieces, sink)
            inside = kind == "open"
    _flush(pieces, sink)
    sink.limited(NOT_READ)


def _tokens(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield kind and content of each token in `_TOKEN`.

    A parenthesis that nothing closes is skipped, as in binary data. After a few of them, the rest is one string.
    """
    position = unclosed = 0
    while token := _TOKEN.search(data, position):
        kind, position = token.lastgroup or "", token.end()
        if kind != "string":
            yield kind, token[kind]
            continue
        end = _end_of_string(data, position)
        if end < 0:
            unclosed += 1
            if unclosed < _MOST_UNCLOSED:
                continue
            end = len(data)
        yield kind, data[position:end]
        position = end + 1


def _end_of_string(data: bytes, start: int) -> int:
    """Return the place of the parenthesis that closes a string (3.2.2), -1 if there is none."""
    depth = 1
    for found in _PARENTHESIS.finditer(data, start):
        depth += (found[0] == b"(") - (found[0] == b")")
        if depth == 0:
            return found.start()
    return -1


def _flush(pieces: list[bytes], sink: Sink) -> None:
    if pieces:
        sink.budget.check_time()
        text = b"".join(pieces)
        pieces.clear()
        sink.text(text.decode("utf-8" if _is_utf8(text) else "latin-1"))


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _program(data: bytes, sink: Sink) -> bytes:
    """Return the program of an EPS file with a preview, and pass on the preview."""
    if len(data) < _HEADER.size:
        raise UnreadableError("damaged")
    _, start, length, metafile, metafile_length, tiff, tiff_length = _HEADER.unpack_from(data)
    for at, size in ((metafile, metafile_length), (tiff, tiff_length)):
        if at and size:
            sink.embedded(data[at : at + size], "preview")
    program = data[start : start + length]
    if not program:
        raise UnreadableError("damaged")
    return program


def _unescaped(raw: bytes) -> bytes:
    def replace(found: re.Match[bytes]) -> bytes:
        octal, letter = found.groups()
        return bytes([int(octal, 8) & 0xFF]) if octal else _ESCAPED.get(letter, letter)

    return _ESCAPE.sub(replace, raw) if b"\\" in raw else raw


FORMAT = Format(
    kind="postscript",
    read=read,
    holds="PostScript, EPS",
    read_by="Holdgate",
    unread=f"all but strings, glyph names and comments (`{NOT_READ}`)",
    signatures=((0, b"%!PS"), (0, b"\x04%!PS"), (0, _DOS_EPS)),
    extensions="ps eps epsf ai",
    types="application/postscript",
)
