"""Text in languages of printers that is nearly plain: PCL, and the output of troff for its drivers.

Both place each word, and parts of words, with commands between them.
"""

import re

_PCL = re.compile(r"\x1b(?:[&()*%](?P<command>[`-~]?(?:[-+]?[\d.]*[`-~])*[-+]?[\d.]*[@-^])|[0-9A-Z=])")
_RIGHT = re.compile(r"p\+(\d+)X\Z")
_WORD = 15
"""A movement to the right by more PCL units than this is a space; kerning is less."""
# A dash in HP Roman-8, which reads as a letter in Latin-1.
_DASH = re.compile("(?<=\\d)[\xf6\u02c6](?=\\d)")
_TROFF = re.compile(r"x T \S+\n(?:#.*\n)*x res ")


def pcl(text: str) -> str:
    r"""Return the lines that a file of PCL prints; empty for another text.

    >>> pcl("\x1bE\x1b*p300x400YSSN\x1b*p+49X219-\x1b*p-3X09-9999\x1bE")
    'SSN 219-09-9999'
    """
    if not any(sign in text for sign in ("\x1b*p", "\x1b&", "\x1b%0B")):
        return ""
    return "\n".join(line for line in _DASH.sub("-", _PCL.sub(_moved, text)).split("\n") if line.strip())


def _moved(found: re.Match[str]) -> str:
    command = found["command"] or ""
    if found[0][1] != "*" or not command.startswith("p"):
        return ""
    right = _RIGHT.match(command)
    if right:
        return " " if int(right[1][:6]) > _WORD else ""
    return "" if command.startswith("p-") else "\n"


def troff(text: str) -> str:
    r"""Return the words of troff's device-independent output (groff_out(5)); empty for another text.

    >>> troff("x T ps\nx res 72000 1 1\nx init\np1\ntSS\ntN\nwh2500\nt219-\nh10\nt09\nn12000 0\ntend\n")
    'SSN 219-09\nend'
    """
    if not _TROFF.match(text):
        return ""
    pieces: list[str] = []
    for line in text.split("\n"):
        for command in _commands(line):
            pieces.append(command)
    return "".join(pieces).strip()


def _commands(line: str) -> list[str]:
    """Return the text of a line, in which short commands can be in front of others (groff_out(5))."""
    line = line.lstrip()
    found: list[str] = []
    while line:
        kind, rest = line[0], line[1:]
        if kind == "t":
            return [*found, rest]
        if kind in "uxDf#":
            return [*found, rest.partition(" ")[2]] if kind == "u" else found
        if kind == "w":
            found.append(" ")
            line = rest
        elif kind == "c":
            found.append(rest[:1])
            line = rest[1:]
        elif kind in "hvHVsmpnN":
            if kind in "nvV":
                found.append("\n")
            line = rest.lstrip("-0123456789. ")
        elif line[:2].isdigit():
            found.append(line[2:3])
            line = line[3:]
        else:
            return found
    return found
