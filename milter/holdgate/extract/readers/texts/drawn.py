"""Drawings that a text makes of characters: QR codes and letters of block elements, signs or coloured spaces.

Programs print codes in terminals and mails in this way (qrencode -t UTF8, -t ANSI). Each is passed on as an image.
"""

import re
from collections.abc import Iterator

_SIGNS = frozenset(" \u2588\u2580\u2584#*\xa0")
_ATTRIBUTES = re.compile(r"\x1b\[([\d;]*)m")
_FEWEST_LINES, _SHORTEST, _LONGEST, _MOST_LINES = 10, 10, 400, 400
_INK = 60
"""This many characters with ink may be a code or letters."""
_PIXELS = 4
"""The side of a module in the image."""
_LIGHT = frozenset({7, 15, 231, *range(250, 256)})

Cell = tuple[int, int]
Row = list[Cell]


def drawings(text: str) -> Iterator[bytes]:
    """Yield the drawings in a text, each as an image (Netpbm, P4)."""
    if not ("\u2588" in text or "##" in text or "* *" in text or "\x1b[" in text):
        return
    rows: list[str] = []
    for line in [*text.split("\n"), ""]:
        plain = _ATTRIBUTES.sub("", line.rstrip("\r")) if "\x1b[" in line else line.rstrip("\r")
        if _SHORTEST <= len(plain) <= _LONGEST and _SIGNS.issuperset(plain) and len(rows) < _MOST_LINES:
            rows.append(line.rstrip("\r"))
            continue
        if len(rows) >= _FEWEST_LINES and (image := _image(rows)):
            yield image
        rows = []


def _image(lines: list[str]) -> bytes:
    """Return lines as an image; empty if they have almost no ink."""
    rows = [_cells(line) for line in lines]
    width = max(map(len, rows))
    ink = sum(upper or lower for row in rows for upper, lower in row)
    if ink < _INK or ink == sum(map(len, rows)):
        return b""
    # A sign is a module if some runs have an odd length; otherwise two signs, which are about as wide as high, are one.
    single = not any("\u2580" in line or "\u2584" in line for line in lines) and not _all_even(rows)
    pixels: list[list[int]] = []
    for row in rows:
        padded = row + [(0, 0)] * (width - len(row))
        pixels.append([upper for upper, _ in padded])
        if not single:
            pixels.append([lower for _, lower in padded])
    margin = [[0] * (width + 8)] * 4
    framed = [*margin, *([0] * 4 + line + [0] * 4 for line in pixels), *margin]
    body = b"".join(_packed(line) * _PIXELS for line in framed)
    return b"P4\n%d %d\n" % (len(framed[0]) * _PIXELS, len(framed) * _PIXELS) + body


def _packed(line: list[int]) -> bytes:
    bits = "".join(str(pixel) * _PIXELS for pixel in line)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _all_even(rows: list[Row]) -> bool:
    """Whether all runs of equal cells have an even length."""
    return all(row[at] == row[at + 1] for row in rows for at in range(0, len(row) - 1, 2))


def _cells(line: str) -> Row:
    """Return the upper and lower half of each character: 1 for ink."""
    row: Row = []
    ink, paper = 1, 0
    at = 0
    for attributes in [*_ATTRIBUTES.finditer(line), None]:
        for sign in line[at : attributes.start() if attributes else len(line)]:
            upper = ink if sign in "\u2588\u2580#*" else paper
            lower = ink if sign in "\u2588\u2584#*" else paper
            row.append((upper, lower))
        if attributes:
            ink, paper = _colours(attributes[1], ink, paper)
            at = attributes.end()
    return row


def _colours(attributes: str, ink: int, paper: int) -> tuple[int, int]:
    """Return whether ink and paper are dark after attributes of a terminal (ECMA-48, 8.3.117; xterm's 256 colours)."""
    codes = [int(code[:4] or 0) for code in attributes.split(";")]
    if len(codes) >= 3 and codes[0] in (38, 48) and codes[1] == 5:
        dark = int(codes[2] not in _LIGHT)
        return (dark, paper) if codes[0] == 38 else (ink, dark)
    for code in codes:
        if code == 0:
            ink, paper = 1, 0
        elif code in (37, 97, 30, 90):
            ink = int(code in (30, 90))
        elif code in (47, 107, 40, 100):
            paper = int(code in (40, 100))
    return ink, paper
