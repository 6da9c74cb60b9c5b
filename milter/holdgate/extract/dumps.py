"""Bytes that a text shows as digits: dumps in any base, Intel HEX, S-records and binary patches of Git.

People paste the output of xxd(1), hexdump(1), od(1), tcpdump(1), Wireshark and PowerShell into mail. A number that goes
on in the next line is divided there, and the column of letters shows it only in part. Sources: the manual pages;
"Hexadecimal Object File Format Specification" (Intel, 1988); srec(5); Git's diff-format and base85.c.
"""

import re
import zlib
from base64 import b85decode
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

LONGEST_LINE = 64
"""A line of a dump shows at most this many bytes."""
INFLATED_BYTES = 20_000_000
"""A binary patch that unpacks to more is read up to there."""

# Each begins with a line feed, which is found faster than a beginning of a line.
_DUMP = re.compile(
    rb"\n[ \t>]*(?:0x)?([0-9A-Fa-f]{4,16})(:?)[ \t]+([0-9A-Fa-f]{2}(?![0-9A-Za-z]{9})[^\r\n]{0,400})\r?(?=\n|\Z)"
)
_SHORTEST_LINE = 4
# hexdump(1) and od -x show words of two bytes in the order of a PC, and write no colon.
_WORDS = re.compile(rb"[0-9A-Fa-f]{4}(?: {1,4}[0-9A-Fa-f]{4})+ *")
_DIGITS = re.compile(rb"[0-9A-Fa-f]{2,8}")
_BETWEEN = re.compile(rb"[ \t-]{0,3}")
_LONG_WORDS = re.compile(rb"[0-9A-Fa-f]{8}(?: {1,4}[0-9A-Fa-f]{8})* *(?: {2}.*)?", re.DOTALL)
# The bases of offsets: that of most programs, of od(1), and of od -A d.
_BASES = (16, 8, 10)
# The numbers of od -b, od without options, od -t u1 and od -t d1, and xxd -b, and the bytes that one shows.
_OTHER_NUMBERS = (
    (re.compile(rb"([0-3][0-7]{2})(?:[ \t]+|\Z)"), 8, 1),
    (re.compile(rb"([01][0-7]{5})(?:[ \t]+|\Z)"), 8, 2),
    (re.compile(rb"(-?\d{1,3})(?:[ \t]+|\Z)"), 10, 1),
    (re.compile(rb"([01]{8})(?:[ \t]+|\Z)"), 2, 1),
)
# od -c and od -a: each byte takes four columns, as a character, a name or an octal number.
_COLUMN = rb"(?:   [!-~]|    |  \\[0abfnrtv]|  (?:sp|nl|ht|cr)| [0-3][0-7]{2})"
_COLUMNS = re.compile(rb"(?:\n[ \t>]{0,12}(?:[0-9A-Fa-f]{6,16})?%b{1,32} {0,3}\r?(?=\n)){2,}" % _COLUMN)
_COLUMNS_LINE = re.compile(rb"\n[ \t>]{0,12}?(?:[0-9A-Fa-f]{6,16})?(%b{1,32}) {0,3}\r?(?=\n)" % _COLUMN)
_SPACES = bytes(32 if code == 32 else 65 for code in range(256))
_FOUR_COLUMNS = b"   A   A   A   A"
_NAMED = {b"sp": 32, b"nl": 10, b"ht": 9, b"cr": 13}
_ESCAPED = {b"\\0": 0, b"\\a": 7, b"\\b": 8, b"\\f": 12, b"\\n": 10, b"\\r": 13, b"\\t": 9, b"\\v": 11}
_INTEL = re.compile(rb"(?:\n[ \t>]*:[0-9A-Fa-f]{10,600}[ \t]*\r?(?=\n)){2,}+")
_MOTOROLA = re.compile(rb"(?:\n[ \t>]*S[0-35-9][0-9A-Fa-f]{6,512}[ \t]*\r?(?=\n)){2,}+")
_INTEL_RECORD = re.compile(rb":([0-9A-Fa-f]+)")
_MOTOROLA_RECORD = re.compile(rb"S([0-9])([0-9A-Fa-f]+)")
_ADDRESS_BYTES = {b"1": 2, b"2": 3, b"3": 4}
# A text without what may stand between the digits, each digit as 0: every dump has a line that begins with ten of them.
_DIGITS_ONLY = bytes(48 if chr(code) in "0123456789abcdefABCDEF" else 10 if code == 10 else 46 for code in range(256))
_BESIDE_DIGITS = b" \t>:-xXS"
_TEN = b"\n0000000000"
_PATCH = re.compile(rb"^(?:literal|delta) \d{1,12}\r?\n((?:[A-Za-z][!-~]{5,65}\r?\n)+)", re.MULTILINE)


def contents(text: bytes) -> Iterator[bytes]:
    """Yield the bytes that each dump, object file and patch in a text shows."""
    lines = b"\n%b\n" % text
    if _TEN in lines.translate(_DIGITS_ONLY, _BESIDE_DIGITS):
        yield from _dumps(lines)
        for found in _INTEL.finditer(lines):
            yield b"".join(map(_intel, _INTEL_RECORD.findall(found[0])))
        for found in _MOTOROLA.finditer(lines):
            yield b"".join(_motorola(*record) for record in _MOTOROLA_RECORD.findall(found[0]))
    if _FOUR_COLUMNS in text.translate(_SPACES):
        yield from _columns(lines)
    if b"GIT binary patch" in text:
        for lines in _PATCH.findall(text):
            yield _patched(lines)


# -- hex dumps ---------------------------------------------------------------------------------------------------------


class _Line(NamedTuple):
    offset: bytes
    colon: bytes
    rest: bytes


def _dumps(text: bytes) -> Iterator[bytes]:
    """Yield what runs of at least two lines show whose offsets grow by the number of bytes in a line."""
    run: list[_Line] = []
    end = 0
    for found in _DUMP.finditer(text):
        if run and found.start() != end:
            yield from _shown(run)
            run = []
        run.append(_Line(*found.groups()))
        end = found.end()
    yield from _shown(run)


def _shown(run: list[_Line]) -> Iterator[bytes]:
    """Yield the bytes that a run of lines shows, nothing if it is no dump."""
    if len(run) < 2:
        return
    if shown := next(filter(None, (_in_base(run, base, _row) for base in _BASES)), b""):
        if not any(line.colon for line in run) and all(_WORDS.fullmatch(line.rest) for line in run):
            shown = _swapped(shown, 2)
        yield shown
        if all(_LONG_WORDS.fullmatch(line.rest) for line in run[:-1]):  # xxd -e, od -t x4
            yield _swapped(shown, 4)
    for numbers, base, size in _OTHER_NUMBERS:

        def row(rest: bytes, most: int) -> bytes:
            return _numbers_row(rest, most, numbers, base, size)  # noqa: B023 (used in this turn only)

        if shown := next(filter(None, (_in_base(run, offsets, row) for offsets in _BASES)), b""):
            yield shown


def _swapped(shown: bytes, size: int) -> bytes:
    return b"".join(shown[at : at + size][::-1] for at in range(0, len(shown), size))


def _in_base(run: list[_Line], base: int, row_of: Callable[[bytes, int], bytes]) -> bytes:
    """Return the bytes of a run whose offsets are in this base; each line but the last one shows all up to the next."""
    steps = _steps(run, base)
    rows = [row_of(line.rest, step) for line, step in zip(run, steps, strict=False)]
    is_whole = all(len(row) == step for row, step in zip(rows[:-1], steps, strict=False))
    return b"".join(rows) if is_whole and rows and rows[-1] else b""


def _numbers_row(rest: bytes, most: int, numbers: re.Pattern[bytes], base: int, size: int) -> bytes:
    """Return the bytes that the numbers at the beginning of a line show, at most so many; words are little-endian."""
    row = b""
    position = 0
    while len(row) < most and (number := numbers.match(rest, position)):
        row += (int(number[1], base) & (256**size - 1)).to_bytes(size, "little")
        position = number.end()
    return row[:most]


def _steps(run: list[_Line], base: int) -> list[int]:
    """Return how many bytes each line shows (the last one: at most), [] if the offsets in this base do not fit."""
    try:
        offsets = [int(line.offset, base) for line in run]
    except ValueError:
        return []
    steps = [after - before for before, after in pairwise(offsets)]
    return [*steps, steps[-1]] if all(_SHORTEST_LINE <= step <= LONGEST_LINE for step in steps) else []


def _row(rest: bytes, most: int) -> bytes:
    """Return the bytes that the digits at the beginning of a line show, at most so many."""
    row = b""
    position = 0
    while len(row) < most and (digits := _DIGITS.match(rest, position)):
        if len(digits[0]) % 2 or len(row) + len(digits[0]) // 2 > most:
            break
        row += bytes.fromhex(digits[0].decode("ascii"))
        between = _BETWEEN.match(rest, digits.end())
        assert between is not None
        position = between.end()
        if position == digits.end():
            break
    return row


def _columns(text: bytes) -> Iterator[bytes]:
    """Yield what od -c and od -a print: each byte in four columns."""
    for run in _COLUMNS.finditer(text):
        shown = bytearray()
        for line in _COLUMNS_LINE.finditer(run[0] + b"\n"):
            for at in range(0, len(line[1]), 4):
                sign = line[1][at : at + 4].strip()
                code = _NAMED.get(sign, _ESCAPED.get(sign, -1))
                if code < 0:
                    code = sign[0] if len(sign) == 1 else int(sign, 8) if sign else 32
                shown.append(code & 0xFF)
        yield bytes(shown)


# -- object files and patches ------------------------------------------------------------------------------------------


def _intel(digits: bytes) -> bytes:
    """Return the data of a record: length, address (2), type, data, checksum. Only records of type 0 have data."""
    fields = bytes.fromhex(digits.decode("ascii")) if len(digits) % 2 == 0 else b""
    return fields[4 : 4 + fields[0]] if len(fields) > 4 and fields[3] == 0 else b""


def _motorola(kind: bytes, digits: bytes) -> bytes:
    """Return the data of a record: length of the rest, address (2 to 4 bytes), data, checksum."""
    if kind not in _ADDRESS_BYTES or len(digits) % 2:
        return b""
    fields = bytes.fromhex(digits.decode("ascii"))
    return fields[1 + _ADDRESS_BYTES[kind] : fields[0]]


def _patched(lines: bytes) -> bytes:
    """Return the unpacked content of a patch: each line has its length as a letter, then base 85 as in RFC 1924."""
    packed: list[bytes] = []
    for line in lines.split():
        length = line[0] - 64 if line[0] <= 90 else line[0] - 70
        try:
            packed.append(b85decode(line[1:])[:length])
        except ValueError:
            break
    try:
        return zlib.decompressobj().decompress(b"".join(packed), INFLATED_BYTES)
    except zlib.error:
        return b""
