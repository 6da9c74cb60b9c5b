"""Decodes what a PDF contains besides its pages, to search it for values: streams, strings and names.

Section numbers are those of ISO 32000-1:2008.
"""

import binascii
import re
from collections.abc import Iterator

from holdgate.extract.budget import Budget
from holdgate.extract.readers.pdf import pdf_filters, pdf_strings

_STREAM_BYTES = 100_000_000
# Streams without text: images, and programs of fonts.
_NO_TEXT = re.compile(rb"/(?:Image|FontFile\d?|Length1|DCT(?:Decode)?|JPX(?:Decode)?|JBIG2Decode|CCITTFaxDecode)\b")
_OCTAL = re.compile(rb"\\([0-7]{1,3})")
_CONTINUED = re.compile(rb"\\(?:\r\n|\r|\n)")
_NAME_CODE = re.compile(rb"#([0-9A-Fa-f]{2})")
_HEXADECIMAL = re.compile(rb"<([0-9A-Fa-f \t\r\n\f\0]{2,})>")
_SPACE = b" \t\r\n\f\0"


def unpacked(content: bytes, budget: Budget) -> Iterator[bytes]:
    """Yield the streams of a document decoded, and what its strings and names spell, also those in streams.

    Raises LimitReachedError.
    """
    syntax, streams = pdf_strings.split(content)
    for region in syntax:
        yield from _spelled_out(region)
    for stream in streams:
        packed = content[stream.start : stream.end]
        data = pdf_filters.decode(packed, stream.dictionary, _STREAM_BYTES, budget.spend_bytes).content or packed
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
    digits = data.translate(None, _SPACE)
    return binascii.unhexlify(digits + b"0" * (len(digits) % 2))
