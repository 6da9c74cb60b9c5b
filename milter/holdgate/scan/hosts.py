"""The hosts of the links in a text."""

import re
import unicodedata
from collections.abc import Iterable

from holdgate.mask import MASK

MOST = 500
"""Maximum number of different hosts in a message; further ones are reported as MANY, which is not a host."""
MANY = MASK

# Browsers treat a backslash as a slash, and accept any number of them after the scheme (WHATWG URL, 4.4). Text before
# the host, up to the last "@", is user information.
_LINK = re.compile(
    r"(?:https?:[/\\]*|(?<![\w:/\\])[/\\]{2})([^\s/\\?#\"'<>]{1,300})|(?<![\w.@])(www\.[^\s/\\?#\"'<>@:]{1,250})", re.I
)
_PORT = re.compile(r":\d*$")
_END = ".,;:!)]}>…”’»*"


def hosts_of(texts: Iterable[str]) -> list[str]:
    """Return the hosts of all links, in lower case and in order, each once; Unicode names mapped as in IDNA."""
    found: dict[str, None] = {}
    for text in texts:
        for match in _LINK.finditer(text):
            host = _host(match[1] or match[2])
            if "." in host or host.startswith("["):
                if len(found) >= MOST:
                    return [*found, MANY]
                found[host] = None
    return list(found)


def _host(authority: str) -> str:
    host = authority.rpartition("@")[2]
    # IDNA treats other full stops as dots (RFC 3490, 3.1), and compatibility characters as equal (UTS #46).
    host = unicodedata.normalize("NFKC", host).replace("。", ".").casefold()
    return _PORT.sub("", host.rstrip(_END.replace("]", "") if host.startswith("[") else _END)).rstrip(".")
