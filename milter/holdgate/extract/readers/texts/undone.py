"""Readings of text written for programs: without terminal codes or markup, and with lines or the runs in JSON joined.

A captured terminal has colour codes inside words (ECMA-48), and overstruck letters for bold (nroff). Editors and OCR
services store each run or word of a line as a separate string in JSON.
"""

import re
from itertools import pairwise

_CODES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,300}(?:\x07|\x1b\\)|[()*+][0-9A-Z]|[=>78cDEHMZ])")
_PARAMETER = re.compile(r"<param>[^<]{0,200}</param>", re.IGNORECASE)
_LINE_COMMAND = re.compile(r"<(?:nl|np|/?paragraph)>", re.IGNORECASE)
_COMMAND = re.compile(r"</?(?!lt>)[A-Za-z][A-Za-z0-9-]{0,60}>")
# A line that continues, with the marks of a quotation or the extra space of the next one; "-- " begins a signature.
_SOFT_BREAK = re.compile(r"(?<!\n--) \r?\n(?:>+ ?| )?")
_DIVIDED = re.compile(r"\d[^\w\n\0]{0,3}\0[^\w\n\0]{0,3}\d")
_BEFORE, _AFTER = 200, 60
"""Number of characters around a joined number: what may label it."""
# Digits that light markup sets off inside a number: Markdown, BBCode, LaTeX and Texinfo. Which of them are struck out.
_INSIDE = r"([\d .\-/]{1,20})"
_MARKED = re.compile(
    rf"(?P<sign>\*\*\*?|__|~~|`{{1,2}}){_INSIDE}(?P=sign)"
    rf"|\[(?P<tag>b|i|u|s|code|color|size|font)(?:=[^\]\s]{{1,20}})?\]{_INSIDE}\[/(?P=tag)\]"
    rf"|[\\@](?P<command>[a-zA-Z]{{1,12}})\{{{_INSIDE}\}}"
)
_FEWEST_DIGITS = 8
_STRUCK = frozenset(("~~", "s", "sout", "st", "phantom", "hphantom"))
_JOINS = frozenset("0123456789-./")
# Fields with a piece of text in editors (Quill, Slate, ProseMirror), OCR services and pandoc.
_PIECE = re.compile(r'"(insert|text|Text|word|content|Content|description|c)"\s*:\s*"((?:[^"\\]|\\.){1,80})"')
_MOST_BETWEEN = 3_000
"""Maximum number of characters between two pieces of one line: a service's data about a word."""
# A piece with white space or a dash at its end is not a word: it joins the adjacent pieces.
_IS_RUN = re.compile(r"\s|^[-.]|[-.]$")
_DIGIT = re.compile(r"\d")
_LABELS = 4
"""Number of pieces before a number that may label it."""


def terminal(text: str) -> str:
    r"""Return the lines that change without terminal codes and overstriking.

    >>> terminal("plain\na \x1b[1m1\x1b[0m-2\nbb\bb")
    'a 1-2\nbb'
    >>> terminal("a 19\b\b2-3")
    'a 2-3'
    """
    if "\x1b" not in text and "\b" not in text:
        return ""
    lines = (line for line in text.split("\n") if "\x1b" in line or "\b" in line)
    return "\n".join(_typed_over(_CODES.sub("", line)) for line in lines)


def _typed_over(line: str) -> str:
    """Return a line without the characters before a backspace, one for each."""
    if "\b" not in line:
        return line
    kept: list[str] = []
    for character in line:
        if character != "\b":
            kept.append(character)
        elif kept:
            kept.pop()
    return "".join(kept)


def enriched(text: str) -> str:
    """Return a text of the type text/enriched (RFC 1896), or richtext (RFC 1341), without its commands.

    >>> enriched("<bold>41<color><param>red</param>11</color></bold> << a<nl>b")
    '4111 < a\\nb'
    """
    text = _LINE_COMMAND.sub("\n", _PARAMETER.sub("", text.replace("<<", "&lt;")))
    return _COMMAND.sub("", text).replace("<lt>", "<").replace("&lt;", "<")


def flowed(text: str) -> str:
    r"""Return the passages in which a number continues in the next line, joined (RFC 3676, 4: DelSp).

    >>> flowed("her SSN is 536- \n> 90-43 \n> 99.\nand \nmore")
    'her SSN is 536-90-4399.'
    """
    marked = _SOFT_BREAK.sub("\0", text.replace("\0", " "))
    passages: list[tuple[int, int]] = []
    for found in _DIVIDED.finditer(marked):
        start = max(0, found.start() - _BEFORE, marked.rfind("\n", max(0, found.start() - _BEFORE), found.start()) + 1)
        end = marked.find("\n", found.end(), found.end() + _AFTER)
        end = end if end >= 0 else min(len(marked), found.end() + _AFTER)
        if passages and start <= passages[-1][1]:
            passages[-1] = passages[-1][0], end
        else:
            passages.append((start, end))
    return "\n".join(marked[start:end].replace("\0", "") for start, end in passages)


def marked(text: str) -> str:
    r"""Return the passages in which markup sets off digits inside a number, without it, and without struck digits.

    >>> marked("her SSN: 5**36**-90-4399, and **12** more")
    'her SSN: 536-90-4399, and **12** more'
    >>> marked(r"SSN 536~~12~~-90-\textbf{43}99"), marked("12 **34** 56")
    ('SSN 536-90-4399', '')
    """
    passages: list[str] = []
    end = 0
    if not any(sign in text for sign in ("**", "__", "~~", "`", "[/", "{")):
        return ""
    for found in _MARKED.finditer(text):
        if found.start() < end or _JOINS.isdisjoint(
            (text[found.start() - 1 : found.start()], text[found.end() : found.end() + 1])
        ):
            continue
        start = max(0, found.start() - _BEFORE)
        start = max(start, text.rfind("\n", start, found.start()) + 1)
        end = text.find("\n", found.end(), found.end() + _BEFORE)
        end = end if end >= 0 else min(len(text), found.end() + _BEFORE)
        plain = _MARKED.sub(_unmarked, text[start:end])
        if sum(map(str.isdigit, plain)) >= _FEWEST_DIGITS:
            passages.append(plain)
    return "\n".join(passages)


def _unmarked(found: re.Match[str]) -> str:
    text = found.string
    if _JOINS.isdisjoint((text[found.start() - 1 : found.start()], text[found.end() : found.end() + 1])):
        return found[0]
    mark = found["sign"] or found["tag"] or found["command"]
    return "" if mark in _STRUCK else found[2] or found[4] or found[6]


def runs(text: str) -> list[str]:
    """Return the adjacent pieces of text in JSON that may be one number, joined to lines.

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
    """Group pieces where a number may continue from one to the next, with some before it."""
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
