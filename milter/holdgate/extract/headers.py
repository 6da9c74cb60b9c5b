"""Header fields to text: what people write and read in them, and the contents of those that programs write.

A recipient can have every field shown, and mail programs show names and comments of addresses. So all fields are text.
But in ids, routes, dates and types that programs write, a number that looks personal usually is not: in these, only
certain matches count (see `Part.trace`). Their comments are for people, so all matches count in comments.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from holdgate.extract.fields import extended, words

# Fields with addresses, names and comments (RFC 5322, 3.4).
_ADDRESSES = re.compile(
    r"(?:resent-)?(?:from|sender|to|cc|bcc|reply-to)|return-path|delivered-to|envelope-to|errors-to|mail-followup-to"
    r"|disposition-notification-to|return-receipt-to|x-(?:original-to|sender|envelope-.*|beenthere|received)|apparently-to"
)
# Fields with routes, dates, tokens and types: needed for delivery, or written by programs.
_TRACE = re.compile(
    r"(?:resent-)?(?:date|message-id)|received|in-reply-to|references|mime-version"
    r"|content-(?:type|transfer-encoding|disposition|id|location|length|language|md5|duration|features)"
    r"|(?:x-google-)?dkim-.*|domainkey-.*|arc-.*|(?:x-)?authentication-.*|received-spf|autocrypt.*|feedback-id"
    r"|x-(?:holdgate|netskope)-.*|x-(?:ms|exchange|gm|google|forefront|microsoft|mimecast|spam|virus|amavis)-.*"
    r"|x-(?:originating-ip|mailer|priority|msmail-priority|mimeole|mailman-.*|status|uidl?|loop|list.*|authenticated-.*"
    r"|sent-by)|list-.*|thread-index|precedence|auto-submitted|user-agent|importance|priority|sensitivity"
    r"|disposition-notification-.*|lines|status|accept-language|delivery-date|require-tls.*|path|xref|nntp-.*",
)
_TYPES = frozenset({"content-type", "content-disposition"})
# A personal number has at least this many digits.
_FEWEST_DIGITS = 6

# A correct date without a comment cannot contain anything else (RFC 5322, 3.3).
_DATE = re.compile(rb"\s*(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d(?::\d\d)? [+-]\d{4}\s*")
_ROUTE = re.compile(r"<[^<>]*>")
_ADDRESS = re.compile(r'(?:"[^"]*"|(?<![^\s<>(),:;"@])[^\s<>(),:;"@]++)@[^\s<>(),:;"]+')
_MARKS = re.compile(r'[\\"(),:;<>]+')
# A comment, with at most one nested comment; what programs write in comments (routes, literals, addresses, versions);
# and what may be a personal number.
_COMMENT = re.compile(r"\(((?:[^()]|\([^()]*\))*)\)")
_MACHINE = re.compile(r"<[^<>]*>|\[[^\[\]]*\]|\b(?!\d{4}(?:\.\d{4}){3}\b)\d{1,5}(?:\.\d{1,5}){3}\b")
_RUN = re.compile(rf"\d(?:[ .-]?\d){{{_FEWEST_DIGITS - 1}}}")
_PARAMETER = re.compile(
    r"""(?<![\w!#$&'*.+-])([\w!#$&'*.+-]+?)(\*\d+)?(\*)?\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;\n]*))"""
)


@dataclass(slots=True)
class HeaderText:
    """The text of one or more headers: `written` and `trace` are lines, each once, as "name: text"."""

    written: dict[str, None] = field(default_factory=dict)
    trace: dict[str, None] = field(default_factory=dict)

    def take(self, fields: Iterable[tuple[str, bytes]]) -> None:
        """Add fields, with their names in lower case."""
        for name, value in fields:
            kind = _kind(name)
            if kind == "trace" and (_is_short_of_digits(name, value) or _DATE.fullmatch(value)):
                continue
            text = words(value)
            if kind == "free":
                if text or _digits(name) >= _FEWEST_DIGITS:
                    self.written[f"{name}: {text}"] = None
                continue
            if kind == "addresses" and (shown := shown_of(text)):
                self.written[f"{name}: {shown}"] = None
            elif kind == "trace":
                for comment in _comments_of(text):
                    self.written[f"{name}: {comment}"] = None
            for spelled in dict.fromkeys((text, *(_joined(text) if name in _TYPES else ()))):
                if _digits(line := f"{name}: {spelled}") >= _FEWEST_DIGITS:
                    self.trace[line] = None


@lru_cache(4096)
def _kind(name: str) -> str:
    if _ADDRESSES.fullmatch(name):
        return "addresses"
    return "trace" if _TRACE.fullmatch(name) else "free"


def _is_short_of_digits(name: str, value: bytes) -> bool:
    """Return whether a field has too few digits for a match, and no encoding that could hide digits."""
    plain = value.isascii() and b"=?" not in value
    return plain and len(value) - len(value.translate(None, b"0123456789")) + _digits(name) < _FEWEST_DIGITS


def _digits(text: str) -> int:
    return sum(map(str.isdecimal, text))


def shown_of(text: str) -> str:
    """Return the text that a mail program shows of addresses: names and comments, without quotes and backslashes."""
    left = _ADDRESS.sub(" ", _ROUTE.sub(" ", text))
    return " ".join(_MARKS.sub(" ", left.replace("\\", "")).split())


def _comments_of(text: str) -> Iterable[str]:
    """Yield the comments of a field in which people can write a number, without programs' typical comments."""
    if "(" in text:
        for comment in _COMMENT.findall(text):
            left = " ".join(word for word in _MACHINE.sub(" ", comment).split() if "@" not in word)
            if _RUN.search(left):
                yield left


def _joined(text: str) -> Iterable[str]:
    """Yield the values of all parameters, decoded and joined from their pieces (RFC 2231), as one line.

    If the pieces are not in the order of their numbers, there are two lines: in written order, and in numeric order.
    """
    values: dict[str, list[tuple[int, str]]] = {}
    for name, number, star, quoted, plain in _PARAMETER.findall(text):
        value = re.sub(r"\\(.)", r"\1", quoted) or plain.strip()
        value = extended(value.encode("utf-8", "replace")) if star else value
        values.setdefault(name.lower(), []).append((int(number[1:10] or 0), value))
    if values:
        yield "; ".join(f"{name}={''.join(value for _, value in pieces)}" for name, pieces in values.items())
        for pieces in values.values():
            pieces.sort(key=lambda piece: piece[0])
        yield "; ".join(f"{name}={''.join(value for _, value in pieces)}" for name, pieces in values.items())
