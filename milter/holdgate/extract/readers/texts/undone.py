"""Readings of a text that programs wrote for programs: terminal codes undone, and the runs of a line in JSON joined.

A captured terminal has codes of colour inside words (ECMA-48), and letters struck twice for bold (nroff). Editors and
OCR services keep each run or word of a line as a string of its own in JSON.
"""

import re
from itertools import pairwise

_CODES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,300}(?:\x07|\x1b\\)|[()*+][0-9A-Z]|[=>78cDEHMZ])")
_STRUCK = re.compile(r"[^\n]\x08")
# Fields that hold a piece of text in editors (Quill, Slate, ProseMirror), OCR services and pandoc.
_PIECE = re.compile(r'"(insert|text|Text|word|content|Content|description|c)"\s*:\s*"((?:[^"\\]|\\.){1,80})"')
_MOST_BETWEEN = 3_000
"""Characters between two pieces of one line: what a service says of a word."""
# A piece with white space or a dash at its end is no word: it joins what is next to it.
_IS_RUN = re.compile(r"\s|^[-.]|[-.]$")
_DIGIT = re.compile(r"\d")
_LABELS = 4
"""So many pieces before a number may say what it is."""


def terminal(text: str) -> str:
    r"""Return the lines that differ with terminal codes and overstriking undone.

    >>> terminal("plain\na \x1b[1m1\x1b[0m-2\nbb\bb")
    'a 1-2\nbb'
    """
    if "\x1b" not in text and "\b" not in text:
        return ""
    lines = (line for line in text.split("\n") if "\x1b" in line or "\b" in line)
    return "\n".join(_STRUCK.sub("", _CODES.sub("", line)) for line in lines)


def runs(text: str) -> list[str]:
    """Return the pieces of text in JSON that stand side by side and may be one number, joined to lines.

    >>> runs('[{"insert": "SSN 219-"}, {"insert": "09", "bold": true}, {"insert": "-9999"}]')
    ['SSN 219-09-9999']
    >>> runs('[{"text": "Card"}, {"text": "4111"}, {"text": "1111"}]')
    ['Card 4111 1111']
    """
    if not text.startswith(("{", "[")):
        text = text.lstrip()
        if not text.startswith(("{", "[")):
            return []
    found: dict[str, list[re.Match[str]]] = {}
    for piece in _PIECE.finditer(text):
        found.setdefault(piece[1], []).append(piece)
    joined: list[str] = []
    for pieces in found.values():
        joined += ("".join(line) if any(map(_IS_RUN.search, line)) else " ".join(line) for line in _lines(pieces))
    return joined


def _lines(pieces: list[re.Match[str]]) -> list[list[str]]:
    """Group pieces where a number may go on from one to the next, with some before it."""
    lines: list[list[str]] = []
    last = -2
    for index, (before, piece) in enumerate(pairwise(pieces)):
        near = piece.start() - before.end() <= _MOST_BETWEEN
        if not near or not _DIGIT.search(before[2][-8:] + piece[2][:8]) or before[2].endswith("\\n"):
            continue
        if index == last + 1:
            lines[-1].append(piece[2])
        else:
            start = max(0, index - _LABELS)
            lines.append([each[2] for each in pieces[start : index + 2]])
        last = index
    return [line for line in lines if sum(map(len, _DIGIT.findall("".join(line)))) >= _LABELS * 2]
