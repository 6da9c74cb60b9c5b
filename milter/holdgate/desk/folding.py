"""The policy for the header of mail that Holdgate writes, which keeps each space of a subject or a name.

`email.policy.SMTP` loses a space where it begins another encoded-word (Python 3.11, python/cpython issue 92081). Later
versions could put two encoded-words side by side, which RFC 2047 forbids and Yahoo refuses (issue 144156).
"""

from email.header import Header
from email.policy import EmailPolicy
from email.utils import quote
from typing import Any

# Octets in a line, without CRLF (RFC 2047, section 2: 76; RFC 5322, 2.1.1: 78).
_LINE_LENGTH = 76


class NoticePolicy(EmailPolicy):
    """Like `EmailPolicy`, but text beyond ASCII in a header field is encoded as a whole."""

    def fold(self, name: str, value: Any) -> str:
        """Return a field as lines with line ends."""
        return self._encoded(name, value) or super().fold(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Return a field as lines with line ends, in bytes."""
        return self._encoded(name, value).encode("ascii") or super().fold_binary(name, value)

    def _encoded(self, name: str, value: Any) -> str:
        """Return a field with text beyond ASCII, "" for another one, and where SMTPUTF8 takes it as it is."""
        text = str(value)
        if self.utf8 or text.isascii():
            return ""
        if not hasattr(value, "addresses"):
            body = _words(name, text, self.linesep)
        elif all(one.addr_spec.isascii() for one in value.addresses):
            separator = f",{self.linesep} "
            body = separator.join(_address(name, one, self.linesep) for one in value.addresses)
        else:
            return ""
        return f"{name}: {body}{self.linesep}"


SMTP = NoticePolicy(linesep="\r\n", max_line_length=_LINE_LENGTH)
"""For mail that is sent over SMTP."""


def _words(name: str, text: str, linesep: str) -> str:
    return Header(text, "utf-8", header_name=name, maxlinelen=_LINE_LENGTH).encode(splitchars="", linesep=linesep)


def _address(name: str, address: Any, linesep: str) -> str:
    if not address.display_name:
        return str(address.addr_spec)
    shown = address.display_name
    written = f'"{quote(shown)}"' if shown.isascii() else _words(name, shown, linesep)
    return f"{written} <{address.addr_spec}>"
