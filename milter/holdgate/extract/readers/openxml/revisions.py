"""Shows a paragraph with tracked changes, hidden text and alternate content in each way a person can see it."""

import re
from collections.abc import Iterable, Iterator

INSERTED, DELETED, HIDDEN, CHOICE, FALLBACK, STRUCK = 1, 2, 4, 8, 16, 32
# A struck piece between the digits of a number.
_DIVIDED = re.compile("\\d[-./ \xa0]{0,2}\0+[-./ \xa0]{0,2}\\d")

Pieces = list[tuple[int, str]]


def views(pieces: Pieces) -> Iterator[tuple[str, str]]:
    """Yield the text in its current form and, if they differ, before revision, without hidden text, as old programs
    show it, and without struck digits if they are inside a number.

    Each is followed by its description: "" for the first. A piece is its flags and its text.
    >>> list(views([(0, "4111 "), (DELETED, "2222"), (INSERTED, "1111")]))
    [('4111 1111', ''), ('4111 2222', 'before revision')]
    >>> list(views([(0, "4111 "), (STRUCK, "2222"), (0, "1111")]))
    [('4111 22221111', ''), ('4111 1111', 'without struck text')]
    >>> list(views([(0, "4111 "), (CHOICE, "2222"), (FALLBACK, "1111")]))
    [('4111 2222', ''), ('4111 1111', 'without alternate content')]
    """
    seen = 0
    for flags, _ in pieces:
        seen |= flags
    fallback: str | None = None
    if seen & CHOICE and seen & FALLBACK:
        fallback = _without(pieces, DELETED | CHOICE)
        pieces = [piece for piece in pieces if not piece[0] & FALLBACK]
    now = _without(pieces, DELETED)
    yield now, ""
    if fallback is not None and fallback != now:
        yield fallback, "without alternate content"
    if seen & (DELETED | INSERTED):
        before = _without(pieces, INSERTED)
        if before != now:
            yield before, "before revision"
    if seen & HIDDEN:
        visible = _without(pieces, DELETED | HIDDEN)
        if visible != now:
            yield visible, "without hidden text"
    if seen & STRUCK:
        marked = "".join("\0" if flags & STRUCK else text for flags, text in pieces if not flags & DELETED)
        if _DIVIDED.search(marked):
            yield marked.replace("\0", ""), "without struck text"


def joined(*places: str) -> str:
    """Return the name of a place inside a place: "slide 3, chart"."""
    return ", ".join(filter(None, places))


def _without(pieces: Iterable[tuple[int, str]], unwanted: int) -> str:
    return "".join([text for flags, text in pieces if not flags & unwanted])
