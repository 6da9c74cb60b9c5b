"""Strings in which characters are written as `_xHHHH_` (ECMA-376-1, 22.9.2.19, ST_Xstring; 22.4.2, variant types)."""

import re

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_CONTROL = re.compile(r"_x00[01][0-9A-Fa-f]_")
_HALF = re.compile(r"[\ud800-\udfff]")


def unescaped(text: str) -> str:
    """Return a string as a person sees it. Half of a surrogate pair becomes U+FFFD.

    >>> unescaped("one_x000D__x0032__x005F_x0033_ _x33_")
    'one\\r2_x0033_ _x33_'
    """
    if "_x" not in text:
        return text
    shown = _ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)), text)
    if _HALF.search(shown):
        shown = shown.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return shown


def spellings(text: str) -> tuple[str, ...]:
    """Return a text as a program may show it: some decode these characters in all texts, others in some or none.

    >>> spellings("536_x002D_90"), spellings("one_x000D_two")
    (('536_x002D_90', '536-90'), ('one\\rtwo',))
    """
    if "_x" not in text:
        return (text,)
    shown = unescaped(text)
    if shown == text:
        return (text,)
    return (shown,) if not _ESCAPED.search(_CONTROL.sub("", text)) else (text, shown)
