"""Runs of base 85 without marks around them, in the alphabets of RFC 1924, ZeroMQ's Z85 and Ascii85.

Python's base64.b85encode and a85encode and online converters write no marks. Almost any run can be decoded, so one
counts only if its first bytes are text, a known file or zlib's header: those of a web address hardly ever are.
Sources: RFC 1924; 32/Z85 of ZeroMQ; the PostScript Language Reference, 3rd edition, 3.13.3 (Ascii85).
"""

import re
from base64 import a85decode, b85decode
from collections.abc import Callable, Iterator

from holdgate.extract.identify import OLE

_RFC_1924 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
_Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_FROM_Z85 = bytes.maketrans(_Z85, _RFC_1924)
_HEAD = 20
"""Characters of a run that show what it is: 16 bytes."""
_ZLIB = 0x78
_QUOTE = b" \t>"
_FILES = (OLE, b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\x89PNG", b"\xff\xd8\xff")
_SIGNS = frozenset(b"!#$%&()*;<>?@[]^`{|}~,\"'")
_FEWEST_SIGNS = 4
"""So many different signs show a run that is no word, address or base64."""
_BEGINNING = 100
_LABEL = re.compile(rb"[\"'=:]")
_LONGEST_LABEL = 40


_VISIBLE = bytes(65 if 33 <= code < 127 else 32 for code in range(256))
_SHORTEST = b"A" * 40


def _runs(alphabet: bytes) -> re.Pattern[bytes]:
    """Return a pattern for runs of 40 characters that go on in the following lines."""
    one = b"[%b]" % re.escape(alphabet)
    return re.compile(rb"(?<!%b)%b{40,}+(?:\r?\n[ \t>]{0,3}%b{5,}+(?=[ \t]{0,3}\r?(?:\n|\Z)))*" % (one, one, one))


def _z85(run: bytes) -> bytes:
    return b85decode(run.translate(_FROM_Z85))


_CODES: tuple[tuple[re.Pattern[bytes], Callable[[bytes], bytes]], ...] = (
    (_runs(_RFC_1924), b85decode),
    (_runs(_Z85), _z85),
    (_runs(bytes(range(33, 118)) + b"z"), a85decode),
)


def contents(text: bytes) -> Iterator[bytes]:
    """Yield the decoded content of each run that is text, a file or packed by zlib."""
    places = list(_places(text))
    for pattern, decode in _CODES:
        reached = 0
        for start, end in places:
            found = pattern.search(text, max(start, reached), end) if end > reached else None
            if found is None or len(_SIGNS.intersection(found[0][:_BEGINNING])) < _FEWEST_SIGNS:
                continue
            found = pattern.match(text, found.start())
            assert found is not None
            reached = found.end()
            quoted = text[text.rfind(b"\n", 0, found.start()) + 1 : found.start()]
            for run in _pieces(found[0] if quoted.strip(_QUOTE) else found[0].replace(b"\n" + quoted, b"\n")):
                if _is_readable(_decoded(run[:_HEAD], decode)):
                    lines = run.translate(None, b"\r \t").split(b"\n")
                    # The last line may be a word of the text after the run.
                    yield _decoded(b"".join(lines), decode) or _decoded(b"".join(lines[:-1]), decode)
                    break


def _places(text: bytes) -> Iterator[tuple[int, int]]:
    """Yield the first and last place of long stretches of visible characters that have some of the signs."""
    mask = text.translate(_VISIBLE) + b" "
    start = mask.find(_SHORTEST)
    while start >= 0:
        end = mask.find(b" ", start)
        if len(_SIGNS.intersection(text[start : start + _BEGINNING + _LONGEST_LABEL])) >= _FEWEST_SIGNS:
            yield start, end
        start = mask.find(_SHORTEST, end)


def _pieces(run: bytes) -> Iterator[bytes]:
    """Yield a run, and what is after each mark of a label or a quotation at its beginning."""
    yield run
    for mark in _LABEL.finditer(run, 0, _LONGEST_LABEL):
        yield run[mark.end() :].rstrip(b"\"',;")


def _decoded(run: bytes, decode: Callable[[bytes], bytes]) -> bytes:
    try:
        return decode(run)
    except ValueError:
        return b""


def _is_readable(head: bytes) -> bool:
    if len(head) < _HEAD * 4 // 5:
        return False
    if head.startswith(_FILES) or (head[0] == _ZLIB and int.from_bytes(head[:2], "big") % 31 == 0):
        return True
    text = head.decode("utf-8", "ignore")
    return len(text.encode("utf-8")) >= len(head) - 3 and all(
        letter.isprintable() or letter in "\t\r\n" for letter in text
    )
