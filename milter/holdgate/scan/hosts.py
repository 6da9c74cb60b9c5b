"""The hosts that the links in a text lead to."""

import re
import unicodedata
from collections.abc import Iterable

from holdgate.mask import MASK

MOST = 500
"""So many hosts of a message are told apart; a further one is MANY, which is no host."""
MANY = MASK

# Browsers take a backslash for a slash, and any number of them after the scheme (WHATWG URL, 4.4). What comes before
# the host, to the last "@", is a user's name.
_LINK = re.compile(
    r"(?:https?:[/\\]*|(?<![\w:/\\])[/\\]{2})([^\s/\\?#\"'<>]{1,300})|(?<![\w.@])(www\.[^\s/\\?#\"'<>@:]{1,250})", re.I
)
_PORT = re.compile(r":\d*$")
_END = ".,;:!)]}>…”’»*"


def hosts_of(texts: Iterable[str]) -> list[str]:
    """Return the hosts of all links, in lower case, in their order, each once; Unicode names as IDNA maps them."""
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
    # IDNA takes other full stops for dots (RFC 3490, 3.1), and compatible characters for one another (UTS #46).
    host = unicodedata.normalize("NFKC", host).replace("。", ".").casefold()
    return _PORT.sub("", host.rstrip(_END.replace("]", "") if host.startswith("[") else _END)).rstrip(".")
