"""URLs with a user and a password before the host: "postgresql://app:s3cr3t-9@db.corp.example" (RFC 3986, 3.2.1)."""

import re
from collections.abc import Iterator
from typing import Final

from holdgate.detect.finders.finder import Dictionaries, Place, Text

# Maximum distance of the "@" from "://".
_REACH: Final = 200
_SCHEME: Final = re.compile(r"(?:jdbc:)?[a-z][a-z+]{2,11}\Z")
_REST: Final = re.compile(r"://[^\s:/@\"<>]{1,64}:[^\s/@\"<>]{3,128}@[A-Za-z0-9.\-]{1,253}(?::\d{1,5})?")


def find(text: Text, _: Dictionaries) -> Iterator[Place]:
    """Yield each such URL."""
    content = text.text
    sign = content.find("://")
    while sign >= 0:
        if content.find("@", sign, sign + _REACH) >= 0:
            scheme = _SCHEME.search(content, max(0, sign - 17), sign)
            rest = _REST.match(content, sign)
            if scheme is not None and rest is not None:
                yield Place(scheme.start(), rest.end(), content[scheme.start() : rest.end()])
        sign = content.find("://", sign + 3)
