"""Reads "NOT TO" and recipients: the first line of a reply that approves a message, but not to these recipients.

Mail programs wrap long lines, so the list ends with the first line that has another word. The rest of the reply is read
as next to an approving word, so that a question or a condition leaves the decision open. So does another recipient who
is named there: they could have been meant too.
"""

import re
from collections.abc import Collection, Sequence
from functools import cache

from holdgate.desk.decision import decide
from holdgate.desk.language.catalogue import Catalogue, languages, mark
from holdgate.desk.vocabulary import fold
from holdgate.mask import mask_numbers
from holdgate.quarantine.incident import Answer

WORD = mark("NOT TO")
_SIGNS_BEFORE = re.compile(r"^[\s*_\"'`“”„«»]+")
_SIGNS_AFTER = re.compile(r"(?<![\s*_\"'`“”«».])[\s*_\"'`“”«».]++$")
_BETWEEN = re.compile(r"[\s,;]+")
_NUMBER = re.compile(r"(?<![\w.,:/-])\d{1,4}(?![\w:/-]|[.,]\d)")
# What Outlook makes of an address in its plain text.
_LINK = re.compile(r"<mailto:([^\s<>,;]++)>", re.IGNORECASE)


def excluded(
    text: str, recipients: Sequence[str], *, numbered: bool = True, own: Collection[str] = ()
) -> tuple[list[str], str] | None:
    """Return the recipients that a text leaves out, and the text as an approval; None if it leaves out none.

    `recipients` are in the incident's form, and if `numbered` they can be named by their numbers from 1. An approving
    word can stand before the line's word. A line that names anyone else leaves out nobody and decides nothing. `own`
    are addresses of the person who writes, in lower case, which a signature has.
    """
    lines = _LINK.sub(_unlinked, text.lstrip()).split("\n")
    begin = _begin(_SIGNS_AFTER.sub("", _SIGNS_BEFORE.sub("", lines[0])))
    if begin is None:
        return None
    approval, first = begin
    known = {one.lower(): one for one in recipients}
    if numbered:
        known |= {str(number): one for number, one in enumerate(recipients, 1)}
    left_out = _all_of(first, known)
    if not left_out:
        return None
    end = 1
    while end < len(lines) and (more := _all_of(lines[end], known)):
        left_out |= more
        end += 1
    rest = "\n".join(lines[end:])
    if _names_others(rest, {word: one for word, one in known.items() if one not in left_out and word not in own}):
        return None
    return [one for one in dict.fromkeys(recipients) if one in left_out], f"{approval}\n{rest}"


def _unlinked(link: re.Match[str]) -> str:
    """Return nothing for a link to the address before it, and any other link unchanged."""
    address = link[1].lower()
    before = link.string[max(link.start() - len(address), 0) : link.start()].lower()
    return "" if before == address and "@" in address[1:-1] else link[0]


def _begin(line: str) -> tuple[str, str] | None:
    """Return the approval at the beginning of a line, and its text after the word "NOT TO"; None without that word."""
    for start in (0, *(match.end() for match in re.finditer(r"\s+", line))):
        for word, approve in _words().items():
            if fold(line[start : start + len(word)]) == fold(word) and line[start + len(word) :][:1] in (" ", ":"):
                before = line[:start].rstrip(" ,")
                return (before or approve, line[start + len(word) :].lstrip(": ")) if _approves(before) else None
    return None


def _approves(before: str) -> bool:
    """Return whether a text is nothing, or only an approving word, which can name a change."""
    found = decide(before)
    return not before or (found.choice is Answer.APPROVE and not found.rest.strip())


def _names_others(rest: str, others: Collection[str]) -> bool:
    """Return whether a text has one of these addresses or numbers, in lower case."""
    text = mask_numbers(rest).lower()
    numbers = set(_NUMBER.findall(text))
    return any(one in text if "@" in one else one in numbers for one in others)


def _all_of(line: str, known: dict[str, str]) -> set[str]:
    """Return the recipients in a line, none if it has another word."""
    words = [one.strip("<>").lower() for one in _BETWEEN.split(line.strip().rstrip(".")) if one]
    found = {known.get(mask_numbers(one)) for one in words}
    return set() if None in found else {one for one in found if one is not None}


@cache
def _words() -> dict[str, str]:
    """Return the words in all languages, each with an approving word: a reply can be in any."""
    known = [Catalogue(language).text for language in languages()]
    return {text(WORD): text(mark("APPROVE")) for text in known}
