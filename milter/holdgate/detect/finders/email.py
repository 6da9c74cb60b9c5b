"""E-mail addresses (RFC 5321, RFC 6531), found from their "@" outwards."""

import re
from collections.abc import Iterator
from typing import Final

from holdgate.detect.finders.finder import Dictionaries, Place, Text

_AT: Final = re.compile(rb"@(?=[0Aa?])")
# Matched against the text before the "@" read backwards.
_MAILBOX: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}+")
_DOMAIN: Final = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_](?:[\w-]{0,61}[^\W_])", re.UNICODE)
_PICTURE: Final = re.compile(r"@[1-4]x\.(?:png|jpe?g|gif|webp)\b")
# The user name for fetching sources: "git@host:path" is not a mailbox.
_PROGRAM: Final = "git@"


def find(text: Text, _: Dictionaries) -> Iterator[Place]:
    """Yield each address."""
    content = text.text
    for sign in _AT.finditer(text.mask):
        at = sign.start()
        domain = _DOMAIN.match(content, at + 1)
        if domain is not None:
            mailbox = _MAILBOX.match(content[max(0, at - 64) : at][::-1])
            start = at - len(mailbox[0].rstrip(".'`{|/=*~-")) if mailbox else at
            # "logo@2x.png" is an image for high-resolution screens.
            if _PICTURE.match(content, at):
                continue
            if content[start : at + 1].lower() == _PROGRAM:
                continue
            if start < at and ".." not in content[start:at] and content[at - 1] != ".":
                yield Place(start, domain.end(), content[start : domain.end()].lower())
