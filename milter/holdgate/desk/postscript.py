"""Finds what a person wrote below a signature, or below and between quoted lines: a condition may be there.

Quoted lines are known by their marks. Where a quotation has none, as below Outlook's header block, nothing tells it
from the person's own text, and nothing below is read.
"""

import re
from collections.abc import Callable, Iterator, Sequence

# Marks before quoted lines: ">", "|", "Bob>" and the like; HTML's quotations get one in `scan.letter`.
MARKED = re.compile(r"\s*(?:[>|│┃»›]|&gt;|[A-Za-z]{0,3}>)")
# "PS:", "P.S.", "P.-S.", "P.D." (Spanish), "NB", "N.B."
_POSTSCRIPT = re.compile(
    r"\s*[*_]{0,2}(?:p\.?\s?p?\.?-?\s?s\b|p\.?\s?d\b|n\.?\s?b\b|post\s?script\w*)[.:\s,*–-]", re.IGNORECASE
)
_SIGNATURE = re.compile(r"\s*--\s*$")
# A quoted line of this many characters may go on in the next line, without a mark, where a program wrapped it.
_WRAPPED = 55


def find(lines: Sequence[str], end: int, never_ends: Callable[[Sequence[str], int], bool]) -> Iterator[str]:
    """Yield the paragraphs of own text from line `end` on, where the new text was found to end.

    `never_ends` says whether all below a line is quoted.
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
