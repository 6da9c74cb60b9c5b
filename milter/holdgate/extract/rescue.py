"""Reads a message with doubts in every plausible way: what any mail program could show is in one of these readings.

The readings ignore MIME structure: they are the unchanged message, the message with quoted-printable decoded, and each
span that decodes as base64 to something. So it does not matter which header, boundary or padding a program trusts.
"""

import re
from collections.abc import Iterator

from holdgate.extract.budget import Budget
from holdgate.extract.fields import base64
from holdgate.extract.identify import identify
from holdgate.extract.inline import plausible
from holdgate.extract.reading import Document

_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\t\n\r")
_SOFT_BREAK = re.compile(rb"=[ \t]*(?:\r\n|\n\r|\r|\n|\Z)")
ESCAPE = re.compile(rb"=[ \t]?([0-9A-Fa-f]{2})")
_LINE_END = re.compile(rb"\r\n|\n\r|\r|\n|\0")
_BLANK_LINES = re.compile(rb"[\r\n\0]{5,}")
_NOT_CONTENT = re.compile(rb"--|[!-9;-~]+[ \t]*:|$")
# Only from where a run begins: from each of its characters, a long line would take quadratic time.
_ENCODED = re.compile(rb"(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{60,}+={0,2}\r?\n){3,}+")
_PADDING = re.compile(rb"=+")
_JUNK = re.compile(rb"[^A-Za-z0-9+/=\s]")


def readings(data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """Yield each plausible reading of a message once, with its kind; linear in the message's size."""
    for text in whole(data):
        yield "text", text
    yield from decoded(data, budget)


def whole(data: bytes) -> Iterator[bytes]:
    """Yield the message as one text, then with quoted-printable decoded; longer spans of base64 are left out."""
    plain = _ENCODED.sub(b"\n", data)
    yield plain
    if b"=" in plain:
        generous = _SOFT_BREAK.sub(b"", plain.translate(None, _CONTROLS))
        yield ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), generous)


def decoded(data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """Yield kind and content of each span that decodes as base64 to something."""
    for chunk in _chunks(data):
        budget.check_time()
        budget.spend_bytes(len(chunk))
        for content in dict.fromkeys(_decodings(chunk)):
            if plausible(content):
                yield identify(Document(content)), content


def _chunks(data: bytes) -> Iterator[bytes]:
    """Yield spans that may be one base64 text: paragraphs, and complete sections between delimiters."""
    paragraph: list[bytes] = []
    section: list[bytes] = []
    for line in [*_LINE_END.split(_BLANK_LINES.sub(b"\n\n", data)), b"--"]:
        if not _NOT_CONTENT.match(line):
            paragraph.append(line)
            continue
        if paragraph:
            yield b"\n".join(paragraph)
            section += paragraph
            paragraph = []
        if line.startswith(b"--"):
            if section:
                yield b"\n".join(section)
            section = []


def _decodings(chunk: bytes) -> Iterator[bytes]:
    """Decode a chunk as different decoders would: skipping invalid characters, with or without stopping at padding."""
    yield base64(chunk)
    if b"=" in chunk.rstrip(b"=\r\n\t "):
        yield b"".join(base64(piece) for piece in _PADDING.split(chunk))
    if 0 < chunk.count(b"\n") < len(chunk) // 4:
        yield b"".join(base64(line) for line in chunk.split(b"\n"))
    if junk := _JUNK.search(chunk):
        yield base64(chunk[: junk.start()])
        yield base64(b"".join(line for line in chunk.split(b"\n") if not _JUNK.search(line)))
