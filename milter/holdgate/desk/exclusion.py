"""Reads "NOT TO 2, 3": the first line of a sender's reply that sends their message, but not to these recipients.

The rest of the reply is read as next to an approving word, so that a question or a condition leaves the decision open.
"""

import re
from collections.abc import Sequence
from functools import cache

from holdgate.desk.language.catalogue import Catalogue, languages, mark
from holdgate.desk.vocabulary import fold

WORD = mark("NOT TO")
_SIGNS = re.compile(r"^[\s*_\"'`“”„«»]+|[\s*_\"'`“”«».]+$")
_BETWEEN = re.compile(r"[\s,;]+")
_APPROVE = "approve"


def excluded(text: str, recipients: Sequence[str]) -> tuple[list[str], str] | None:
    """Return the recipients that a text leaves out, and the text as an approval; None if it leaves out none.

    `recipients` are numbered from 1. A line that names anyone else leaves out nobody and decides nothing.
    """
    first, _, rest = text.lstrip().partition("\n")
    line = _SIGNS.sub("", first)
    named = next((line[len(word) :] for word in _words() if _begins(line, word)), None)
    if named is None:
        return None
    known = {str(number): one for number, one in enumerate(recipients, 1)} | {one.lower(): one for one in recipients}
    chosen = [one.strip("<>") for one in _BETWEEN.split(named.lstrip(": ").lower()) if one]
    if not chosen or not all(one in known for one in chosen):
        return None
    left_out = {known[one] for one in chosen}
    return [one for one in recipients if one in left_out], f"{_APPROVE}\n{rest}"


def _begins(line: str, word: str) -> bool:
    return fold(line[: len(word)]) == fold(word) and line[len(word) : len(word) + 1] in (" ", ":")


@cache
def _words() -> tuple[str, ...]:
    """Return the words in all languages: a reply can be in another language than the request."""
    return tuple(dict.fromkeys(Catalogue(language).text(WORD) for language in languages()))
