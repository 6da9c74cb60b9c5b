"""Text in characters that show nothing, and in Braille.

Tag characters (U+E0020 to U+E007E) repeat ASCII, and a row of variation selectors can stand for bytes. Programs copy
and decode both, so they are searched separately: the text that is seen may be a number itself. Sources: The Unicode
Standard, 23.4 and 23.9; Braille patterns, 21.1, with the letters and the number sign of English Braille.
"""

import re
from collections.abc import Iterator
from typing import Final

_FEWEST: Final = 6
_LOWEST: Final = "\ufe00"
_TAGS: Final = re.compile(f"[\U000e0020-\U000e007e]{{{_FEWEST},}}")
_SELECTORS: Final = re.compile(f"[\ufe00-\ufe0f\U000e0100-\U000e01ef]{{{_FEWEST},}}")
_TO_ASCII: Final = {0xE0000 + code: code for code in range(0x20, 0x7F)}
_TO_BYTES: Final = {0xFE00 + code: code for code in range(16)} | {0xE0100 + code: code + 16 for code in range(240)}

NUMBER_SIGN: Final = "\u283c"
_LETTERS: Final = dict(zip("⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵", "abcdefghijklmnopqrstuvwxyz", strict=True))
_DIGITS: Final = dict(zip("⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚", "1234567890", strict=True))
_SIGNS: Final = {"⠤": "-", "⠲": ".", "⠂": ",", "⠒": ":", "\u2800": " ", "⠠": "", "⠰": ""}
_IN_NUMBER: Final = frozenset("⠤⠲⠂")
_BRAILLE: Final = re.compile("[\u2800-\u283f]+")


def hidden(text: str) -> Iterator[tuple[int, str]]:
    """Yield where a run of characters that show nothing begins, and its text, which has the same length."""
    if max(text) < _LOWEST:
        return
    for run in _TAGS.finditer(text):
        yield run.start(), run[0].translate(_TO_ASCII)
    for run in _SELECTORS.finditer(text):
        shown = run[0].translate(_TO_BYTES)
        if shown.isprintable():
            yield run.start(), shown


def braille(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield each Braille pattern of a text that has numbers in Braille: its place and its letter or digit."""
    for run in _BRAILLE.finditer(text):
        in_number = False
        for place, pattern in enumerate(run[0], run.start()):
            if pattern == NUMBER_SIGN:
                in_number = True
                yield place, place + 1, ""
                continue
            in_number = in_number and (pattern in _DIGITS or pattern in _IN_NUMBER)
            plain = _DIGITS.get(pattern) if in_number else _LETTERS.get(pattern)
            plain = _SIGNS.get(pattern) if plain is None else plain
            if plain is not None:
                yield place, place + 1, plain
