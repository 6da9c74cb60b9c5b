"""Blocks of base64 between BEGIN and END lines: OpenPGP's ASCII armour and the textual encodings of CMS.

Follows RFC 9580, 6.2 and RFC 7468.
"""

import re
from collections.abc import Iterator

from holdgate.extract.fields import base64

PGP = "PGP MESSAGE"
PGP_BEGIN = b"-----BEGIN PGP MESSAGE-----"
# RFC 7468, 9 and 8; the others are from OpenSSL, older programs and Entrust.
CMS = frozenset({"CMS", "PKCS7", "PKCS #7 SIGNED DATA", "SIGNED MESSAGE", "SMIME"})

_BEGIN = re.compile(rb"^[ \t>]*-----BEGIN ([A-Z0-9 #]{3,30})(?:, PART [0-9/]{1,9})?-----[ \t]*\r?$", re.MULTILINE)
_ARMOUR_HEADER = re.compile(rb"\s*(?:[A-Za-z][A-Za-z -]{1,30}:[^\r\n]*\r?\n)+\s*")
_SPACE = re.compile(rb"[\s>]*")
# A line of hyphens alone ends no block.
_NEXT = re.compile(rb"-----(?:BEGIN|END) ")
_CHECKSUM = re.compile(rb"^=[A-Za-z0-9+/]{4}[ \t]*\r?$", re.MULTILINE)


def blocks_in(text: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield label, content and armour of each block; it may lack its END line."""
    if b"-----BEGIN " not in text:
        return
    for begin in _BEGIN.finditer(text):
        following = _NEXT.search(text, begin.end())
        end = following.start() if following is not None else len(text)
        block = text[begin.end() : end]
        if header := _ARMOUR_HEADER.match(block):
            block = block[header.end() :]
        if checksum := _CHECKSUM.search(block):
            block = block[: checksum.start()]
        yield begin[1].decode("ascii"), base64(block.replace(b">", b"")), text[begin.start() : end]


def starts(text: bytes) -> set[int]:
    """Return where the content of the blocks begins."""
    found = set()
    for begin in _BEGIN.finditer(text) if b"-----BEGIN " in text else ():
        header = _ARMOUR_HEADER.match(text, begin.end())
        space = _SPACE.match(text, begin.end() if header is None else header.end())
        found.add(space.end() if space is not None else begin.end())
    return found


def first_block(text: bytes, *labels: str) -> bytes | None:
    """Return the content of the block that a text begins with if it has one of these labels."""
    begin = _BEGIN.match(text.lstrip())
    if begin is None or begin[1].decode("ascii") not in labels:
        return None
    return next((content for _, content, _ in blocks_in(text)), None)
