"""Replaces the character references of HTML (13.5), also those with more digits than html.unescape accepts."""

import html
import re

# Superfluous zeros, and a number of no character: int() refuses more than 4,300 digits.
_LONG = re.compile(r"(?<=&#)(?:0*[1-9][0-9]{7,}|0+(?=[0-9]))")
_NO_CHARACTER = "9999999"


def unescaped(text: str) -> str:
    """Return a text with its references replaced, as html.unescape does; a number of no character becomes U+FFFD."""
    if "&#" in text:
        text = _LONG.sub(lambda digits: "" if digits[0].strip("0") == "" else _NO_CHARACTER, text)
    return html.unescape(text)
