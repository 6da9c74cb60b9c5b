"""Bytes and characters that a text lists as numbers: arrays in JSON and programs, calls, code points, od(1) -An.

Programs write a file so (`{"type": "Buffer", "data": [72, 101]}`, the output of xxd -i), and a person who copies the
list into a converter reads it. Short lists of digits alone are decoded by detection (`detect.decode`).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

FEWEST = 16
"""A list of fewer numbers is no text that identifies a person."""
FEWEST_OF_FILE = 64
"""By chance, fewer numbers begin as a file does."""

# Stretches of hexadecimal digits and separators are found in a text that has 0 for each of them, which is fast.
_PLAIN = bytes(48 if code in b"0123456789ABCDEFabcdef ,;|\t\r\n" else 120 for code in range(256))
_SHORTEST = b"0" * (3 * FEWEST - 1)
_SEPARATORS = bytes.maketrans(b",;|", b"   ")
_ESCAPES = re.compile(rb"(?<![\\0-7])[\\0-7]{64,}+")
_ESCAPE = re.compile(rb"\\([0-3][0-7]{2})")
_CODE_POINT = re.compile(rb"(?:0[xX]|[Uu]\+|%u|&H)([0-9A-Fa-f]{1,6})(?![0-9A-Fa-f])")
_MARKS = (b"0x", b"0X", b"U+", b"u+", b"%u", b"&H")
_CALL = re.compile(rb"\([ ]?(\d{1,3})[ ]?\)")
_LONGEST = 4
_FORMS: tuple[Callable[[bytes], bool], ...] = (
    lambda number: number.isdigit() and len(number) < _LONGEST,
    lambda number: len(number) == 2,
    lambda number: len(number) == _LONGEST,
)
_MOST_BETWEEN = 24
"""Characters between two numbers: separators, a line end with its indentation, the name of a function."""
_TELLING = re.compile(r"[a-z]{3}|[A-Z]{3}[ :=\"]")
_LEAST_DIGITS = 5
_NAME_ENDS = frozenset(bytes([code]) for code in b"$ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_CONTROLS = bytes([*range(9), 11, 12, *range(14, 32), 127])


def contents(text: bytes, is_file: Callable[[bytes], bool]) -> Iterator[bytes]:
    """Yield what each list of numbers in a text contains, if that is text with digits in it, or a file."""
    for numbers in _lists(text):
        for content in _readings(numbers):
            if _is_telling(content) or (len(content) >= FEWEST_OF_FILE and is_file(content)):
                yield content
                break


def _lists(text: bytes) -> Iterator[Sequence[bytes]]:
    """Yield the numbers of each list, with "0x" before those that the text marks as hexadecimal."""
    for stretch in _stretches(text):
        numbers = stretch.translate(_SEPARATORS).split()
        if b"".join(numbers).isdigit() and max(map(len, numbers)) <= _LONGEST:
            yield numbers
            continue
        # Words of the letters A to F are among them, or longer numbers.
        for is_of_form in _FORMS:
            for is_list, some in groupby(numbers, key=is_of_form):
                if is_list:
                    yield list(some)
    if b"\\" in text:
        for stretch in _ESCAPES.findall(text):
            yield _ESCAPE.findall(stretch)
    if sum(map(text.count, _MARKS)) >= FEWEST:
        yield from _close_together(_CODE_POINT, text, b"0x")
    if text.count(b"(") >= FEWEST:
        yield from _close_together(_CALL, text, b"")


def _stretches(text: bytes) -> Iterator[bytes]:
    """Yield what consists of plain numbers and separators only."""
    mask = text.translate(_PLAIN) + b"x"
    start = mask.find(_SHORTEST)
    while start >= 0:
        end = mask.find(b"x", start)
        yield text[start:end]
        start = mask.find(_SHORTEST, end)


def _close_together(pattern: re.Pattern[bytes], text: bytes, mark: bytes) -> Iterator[list[bytes]]:
    numbers: list[bytes] = []
    end = 0
    for found in pattern.finditer(text):
        if found.start() - end > _MOST_BETWEEN:
            yield numbers
            numbers = []
        end = found.end()
        if mark or text[found.start() - 1 : found.start()] in _NAME_ENDS:
            numbers.append(mark + found[1])
    yield numbers


def _readings(numbers: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the bytes, or the text in UTF-8, of a list in each base in which all its numbers have the right form."""
    if len(numbers) < FEWEST:
        return
    sizes = set(map(len, numbers))
    if numbers[0].startswith(b"0x"):
        yield _decoded(numbers, 16)
        return
    if sizes == {3}:
        yield _decoded(numbers, 8)
    if sizes in ({2}, {4}):
        yield _decoded(numbers, 16)
    if max(sizes) <= 3:
        yield _decoded(numbers, 10)


def _decoded(numbers: Sequence[bytes], base: int) -> bytes:
    """Return bytes if all numbers are some, else code points in UTF-8; b"" if they are neither."""
    try:
        codes = [int(number, base) for number in numbers]
        return bytes(codes) if max(codes) < 256 else "".join(map(chr, codes)).encode("utf-8")
    except (ValueError, OverflowError):
        return b""


def _is_telling(content: bytes) -> bool:
    """Return whether bytes are text with a word and some digits. A table of measurements is hardly ever both."""
    if len(content.translate(None, _CONTROLS)) != len(content):
        return False
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return (
        sum(map(str.isalnum, text)) + sum(map(str.isspace, text)) >= 0.6 * len(text)
        and sum(map(str.isdigit, text)) >= _LEAST_DIGITS
        and (_TELLING.search(text) is not None or not text.isascii())
    )
