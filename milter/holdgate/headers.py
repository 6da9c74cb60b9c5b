"""The headers that only Holdgate writes. Copies in an incoming message are removed before Holdgate adds its own."""

import re
from collections.abc import Callable, Iterable, Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.utils import getaddresses

INSPECTED = "X-Netskope-Inspected"
ACTION = "X-Netskope-Action"
STATUS = "X-Holdgate-Status"
INCIDENT = "X-Holdgate-Incident"
SEAL = "X-Holdgate-Seal"
ROUTE = "X-Holdgate-Route"
HELD = "X-Holdgate-Held"
# On a message that a moderator approved with changes, while it is in the hold queue: a secret token that identifies it.
CHANGED = "X-Holdgate-Changed"
# On a message that a program sends in the place of a held one: incident and token, which the milter checks and keeps.
REPLACES = "X-Holdgate-Replaces"
# Only on a reply that the milter accepts for the desk: the token with which the desk finds the reply's sender.
REPLY = "X-Holdgate-Reply"

ALL = (INSPECTED, ACTION, STATUS, INCIDENT, SEAL, ROUTE, HELD, CHANGED, REPLACES)

SIGNATURES = frozenset({"dkim-signature", "dkim2-signature", "domainkey-signature", "x-google-dkim-signature"})
"""Fields with a domain's signature of a message (RFC 6376, draft-ietf-dkim-dkim2-spec), in lower case."""

AUTOMATIC = (
    "auto-submitted",
    "precedence",
    "x-precedence",
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-response",
    "x-autoreply-from",
    "x-mail-autoreply",
)
"""Fields by which automatic replies are recognised, in lower case: RFC 3834, and what older programs write."""
_UNANSWERED = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})

# A header field as Postfix reads it (is_header_buf): a name of printable ASCII, then optional white space, then a
# colon.
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)


def fields(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and value of each field at the beginning of a message, as `split` reads it."""
    yield from split(content)[0]


def split(content: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """Return name and value of each field of a message (LF or CRLF line ends), and its body. Never raises an error.

    The value is the bytes after the colon, with LF before each continuation line. The header ends where Postfix ends
    it:
    at the first line that is neither a field nor a continuation. If that line is not empty, the body begins with it.
    """
    found: list[bytes] = []
    place = 0
    while place < len(content):
        end = content.find(b"\n", place) + 1 or len(content)
        line = content[place:end].removesuffix(b"\n").removesuffix(b"\r")
        if found and line[:1] in (b" ", b"\t"):
            found[-1] += b"\n" + line
        elif _FIELD.match(line) is not None:
            found.append(line)
        else:
            place = place if line else end
            break
        place = end
    return [_parted(field) for field in found], content[place:]


def first(content: bytes, name: str) -> str | None:
    """Return the first field with this name (in any case), read by `decode`, or None if the header has none."""
    return next((decode(value) for known, value in fields(content) if known.lower() == name.lower()), None)


def is_automatic(values: Callable[[str], Iterable[str]]) -> bool:
    """Return whether a program answered, or wrote to a list: RFC 3834, section 5, and what older programs write.

    `values` returns the values of a field of `AUTOMATIC`.
    """
    submitted, precedence, x_precedence, *others = AUTOMATIC
    return (
        any(value.split(";")[0].strip().lower() != "no" for value in values(submitted))
        or any(value.strip().lower() in _UNANSWERED for name in (precedence, x_precedence) for value in values(name))
        or any(True for name in others for _ in values(name))
    )


def _parted(field: bytes) -> tuple[str, bytes]:
    match = _FIELD.match(field)
    assert match is not None
    return match[1].decode("ascii"), match[2]


def decode(value: bytes | str) -> str:
    """Return a header field's value as text: unfolded, with encoded words (RFC 2047) decoded. Never raises an error.

    Raw bytes are read as UTF-8 (RFC 6532). Malformed encoded words are not changed.
    """
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    text = " ".join(text.split())
    if "=?" not in text:
        return text
    try:
        decoded = str(make_header(decode_header(text)))
    except (ValueError, LookupError, HeaderParseError):
        return text
    return decoded.encode("utf-8", "replace").decode()


def addresses(values: Iterable[str]) -> list[str]:
    """Return the addresses in fields such as From and To, as they are written there.

    Debian's Python, and 3.13, read fields strictly: getaddresses() counts the commas, also those in a comment, as in
    "anna@corp.example (Doe, Anna)" (RFC 5322, 3.2.2), and then returns no address of any field. So each field is read
    by itself, without its comments.
    """
    found = [pair for value in values for pair in getaddresses([_without_comments(value)])]
    return [address for _, address in found if "@" in address]


def _without_comments(value: str) -> str:
    """Return a field's value with a space for each comment; as it is if a comment or a quoted string does not end."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for letter in value:
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = quoted or depth > 0
        elif letter == '"' and not depth:
            quoted = not quoted
        elif letter == "(" and not quoted:
            depth += 1
        elif letter == ")" and depth:
            depth -= 1
            if not depth:
                kept.append(" ")
            continue
        if not depth:
            kept.append(letter)
    return value if depth or quoted else "".join(kept)
