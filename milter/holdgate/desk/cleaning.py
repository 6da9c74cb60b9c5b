"""Makes text from outside safe to show in mail or on a page."""

from typing import Any

from markupsafe import Markup


class Lines(str):
    """Text that is already clean: `clean` keeps its line feeds and no-break spaces."""

    __slots__ = ()


class Shown(Markup):
    """The same as HTML."""

    __slots__ = ()


def clean(value: Any) -> Any:
    """Replace every non-printable character by a space; a value that is not text is returned unchanged."""
    if not isinstance(value, str) or isinstance(value, Lines | Shown) or value.isprintable():
        return value
    cleaned = "".join(c if c.isprintable() else " " for c in value)
    return Markup(cleaned) if isinstance(value, Markup) else cleaned


def keep_lines(value: str) -> str:
    """Clean text but keep its line feeds: the filter `lines`, which must be the last one."""
    return Lines("\n".join(clean(line) for line in value.split("\n")))
