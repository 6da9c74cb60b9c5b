"""Finds text that a person wrote below a signature, or below and between quoted lines: it may contain a condition.

Quoted lines are recognised by their marks. A quotation without marks, as below Outlook's header block, cannot be
distinguished from the person's own text, so nothing below it is read.
"""

import re
from collections.abc import Callable, Iterator, Sequence

# Marks before quoted lines: ">", "|", "Bob>" and the like; `scan.letter` adds one to HTML's quotations.
MARKED = re.compile(r"\s*(?:[>|│┃»›]|&gt;|[A-Za-z]{0,3}>)")
# "PS:", "P.S.", "P.-S.", "P.D." (Spanish), "NB", "N.B."
_POSTSCRIPT = re.compile(
    r"\s*[*_]{0,2}(?:p\.?\s?p?\.?-?\s?s\b|p\.?\s?d\b|n\.?\s?b\b|post\s?script\w*)[.:\s,*–-]", re.IGNORECASE
)
_SIGNATURE = re.compile(r"\s*--\s*$")
# A quoted line of this many characters may continue in the next line without a mark, if a program wrapped it.
_WRAPPED = 55


def find(lines: Sequence[str], end: int, never_ends: Callable[[Sequence[str], int], bool]) -> Iterator[str]:
    """Yield the paragraphs of the person's text after line `end`, where the new text was found to end.

    `never_ends` returns whether everything below a line is quoted.
    """
    own: list[str] = []
    signed = end < len(lines) and not MARKED.match(lines[end])
    continued = False
    for number in range(end, len(lines)):
        line = lines[number]
        if MARKED.match(line):
            signed, continued = False, len(line) >= _WRAPPED
            yield from _paragraph(own)
        elif not line.strip():
            continued = False
            yield from _paragraph(own)
        elif never_ends(lines, number):
            break
        elif _SIGNATURE.match(line):
            signed = True
            yield from _paragraph(own)
        elif _POSTSCRIPT.match(line):
            signed = False
            own.append(_POSTSCRIPT.sub("", line, count=1))
        elif not signed and not continued:
            own.append(line)
    yield from _paragraph(own)


def _paragraph(own: list[str]) -> Iterator[str]:
    text = "\n".join(own).strip()
    own.clear()
    if text:
        yield text
