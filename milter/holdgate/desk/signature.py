"""Finds where a comment may be followed by a signature without the line "-- ": names, titles, a company.

A signature is lines of words that begin with capitals and end without a full stop. Prose ends in punctuation, continues
in lower case, or is a list.
"""

import re
from collections.abc import Sequence

from holdgate.desk.vocabulary import is_polite, is_remark

_SENTENCE_END = re.compile(r"[.!?…。！？;:)][\"'”»’*_]*\s*$")
_LIST = re.compile(r"\s*(?:[-*•–]|\d{1,2}[.)])\s+\S")
_WORD = re.compile(r"[^\W\d_][^\W_]*(?:['’.-][^\W_]+)*\.?")
_INITIAL = re.compile(
    r"(?:^|\s)(?:(?:[^\W\d_]{1,3}\.){2,}|[^\W\d_]\.|Dr\.|Dipl\.\S*|Ing\.|Prof\.|Mag\.|Ph\.?D\.?)(?=\s|$|,)"
)
# Lower-case words in names and titles.
_PARTICLE = re.compile(
    r"of|the|and|for|at|in|von|zu|zur|und|für|van|de[rnl]?|du|la|le|et|en|el|y|della|d[ai]|e|dos?|das|i"
)
_WRAPPED = 55
_SIGNATURE_LINES = 4
# Separators between the parts of a one-line signature.
_PARTS = re.compile(r"\s[|·•]\s")


def cut(text: str) -> tuple[str, bool]:
    """Return the beginning of a text that is clearly not a signature, and whether the rest may be a signature or text.

    A last paragraph that has only names and titles is certainly a signature.
    """
    lines = text.split("\n")
    first = next((number for number in range(1, len(lines)) if _may_be_signature(lines, number)), None)
    if first is None:
        return text, False
    above = lines[first - 1]
    apart = all(is_polite(word) for word in _WORD.findall(above)) or _thanks(lines[first])
    rest = lines[first:]
    certain = apart and len(rest) <= _SIGNATURE_LINES and all(is_name(line) for line in rest)
    while first > 1 and not _WORD.search(lines[first - 1]):
        first -= 1
    return "\n".join(lines[:first]), not certain


def is_name(line: str) -> bool:
    """Return whether a line is only a name, a title or a company."""
    line = _INITIAL.sub("", line)
    words = _words(line)
    lower = [word for word in words if word[0].islower() and not _PARTICLE.fullmatch(word)]
    return (
        0 < len(words) <= 8
        and not lower
        and all(word[0].isalpha() for word in words)
        and not re.search(r"[\d@:/.!?]", line)
    )


def _may_be_signature(lines: Sequence[str], number: int) -> bool:
    line = lines[number].strip()
    words = _words(line)
    if all(is_remark(word) for word in words) or _LIST.match(line):
        return False
    if _PARTS.search(line):
        return True
    capital = [word for word in words if word[0].isupper() or word[0].lower() == word[0].upper()]
    lower = [word for word in words if word not in capital and not _PARTICLE.fullmatch(word)]
    if lower and not _is_title(capital, lower):
        return False
    before = lines[number - 1].strip()
    if len(before) >= _WRAPPED and words[0] not in capital:
        return False
    if _SENTENCE_END.search(line):
        return bool(_INITIAL.search(line)) and len(words) <= 6
    return not (words[0].islower() and before)


def _words(line: str) -> list[str]:
    """Return the words of a line, without thanks at its beginning."""
    words = _WORD.findall(line)
    while words and is_polite(words[0]):
        del words[0]
    return words


def _thanks(line: str) -> bool:
    return len(_words(line)) < len(_WORD.findall(line))


def _is_title(capital: Sequence[str], lower: Sequence[str]) -> bool:
    """Return whether a line is a title ("Sales manager, Corp") and not a sentence: few words, most with capitals."""
    return len(capital) > len(lower) and len(capital) + len(lower) <= 5
