"""Text in a PDF that no page shows and no other function reads: private streams, comments, names, patterns, glyphs.

Only text in which a person could have written a number is passed on, and only if it was not read elsewhere. Follows ISO
32000-1: 7.2.3 (comments), 7.3.5 (names), 7.3.8 (streams), 9.10.3 (ToUnicode).
"""

import re
from collections.abc import Iterable, Iterator

from holdgate.extract import inline
from holdgate.extract.identify import OLE
from holdgate.extract.readers.pdf.pdf_document import Strings
from holdgate.extract.readers.texts import byte_strings
from holdgate.extract.written import digits, is_written

STREAM_PLACE, SYNTAX_PLACE = "stream that no page shows", "document syntax"
FONT_DIFFERS = "a font shows other digits than its text has"

_FEWEST_DIGITS = 8
_SAMPLE = 20_000
# Files of which the content is read, not only what is written in their bytes: fonts and images are none of these.
_FILE = (b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"%PDF-", OLE)
_COMPARED = 200_000_000
"""Characters of text with which others are compared, in all: a tenth of a second."""
# Objects and references.
_READ = re.compile(rb"/Type\s*/(?:ObjStm|XRef)\b")
_OBJECTS = re.compile(rb"\s*\d{1,10}\s+\d{1,10}\s")
_IMAGE = re.compile(rb"/Subtype\s*/Image\b")
_FUNCTION = re.compile(rb"/FunctionType\b")
_BINARY = re.compile(rb"[^\x20-\x7e\s]")
# Operators of functions (ISO 32000-1, 7.10.5).
_CALCULATION = re.compile(
    rb"\b(?:abs|add|atan|ceiling|cos|cvi|cvr|div|exp|floor|idiv|ln|log|mod|mul|neg|round|sin|sqrt|sub|truncate|and"
    rb"|bitshift|eq|false|ge|gt|le|lt|ne|not|or|true|xor|if|ifelse|copy|dup|exch|index|pop|roll)\b"
)
_WORD = re.compile(rb"[A-Za-z]{3}")
# A font names its makers, with their telephone numbers: TrueType, OpenType, CFF, Type 1.
_FONT_FILE = (b"\0\1\0\0", b"true", b"ttcf", b"OTTO", b"\1\0\4", b"%!PS-AdobeFont", b"%!FontType")
# What a page draws: text, matrices, rectangles, objects. In it, words are operators, names and strings.
_OPERATOR = re.compile(
    rb"[)>\]]\s{0,9}T[jJ]\b|(?:[-+\d.]{1,20}\s{1,9}){6}cm\b|(?:[-+\d.]{1,20}\s{1,9}){4}re\b|/[^\s/]{1,80}\s{1,9}(?:Do|gs)\b"
)
_STRING = re.compile(rb"\([^()\\]*+(?:\\.[^()\\]*+)*\)|<[0-9A-Fa-f\s]*+>")
_BEGINS = re.compile(rb"\bobj\b|\bxref\b|\btrailer\b|<<")
_ENDS = re.compile(rb"%[^\r\n]*+|\bendstream\b")
_DRAWN = re.compile(rb"/[^\s/<>\[\](){}%]+|\b(?:scn|SCN|BDC|BMC|EMC)\b")
_RUN = re.compile(rb"[\x20-\x7e]{9,}+")
_COMMENT = re.compile(rb"^%([\x20-\x7e\x80-\xff]{9,}+)", re.MULTILINE)
_NAME = re.compile(rb"/([^\s/<>\[\](){}%]{9,}+)")
_CODE = re.compile(rb"#([0-9A-Fa-f]{2})")

_FONT = re.compile(rb"/ToUnicode\s+(\d{1,10})\s+\d{1,5}\s+R")
_STANDARD = re.compile(rb"/(?:WinAnsi|MacRoman|Standard)Encoding\b")
_BASE_FONT = re.compile(rb"/BaseFont\s*/(?:Helvetica|Times|Courier)\b")
_PAIR = re.compile(rb"<(3[0-9])>\s*<([0-9A-Fa-f]{4})>")
_RANGE = re.compile(rb"<([0-9A-Fa-f]{2})>\s*<([0-9A-Fa-f]{2})>\s*<([0-9A-Fa-f]{4})>")
_OBJECT_BYTES = 2_000
_SECTION = re.compile(rb"beginbf(char|range)\b")


class Unseen:
    """Passes on such text of one document."""

    def __init__(self, strings: Strings) -> None:
        self.strings = strings
        self.shown = ""
        self.left = _COMPARED

    def read_stream(self, data: bytes, literals: Iterable[str]) -> None:
        """Read the content of a stream, whose strings are `literals`."""
        for text in literals:
            self.add(text, STREAM_PLACE)
        is_drawing = _OPERATOR.search(data) is not None
        for run in _RUN.finditer(data):
            if not is_drawing:
                self.add(run[0].decode("ascii"), STREAM_PLACE)
            elif undrawn := _undrawn(run[0]):
                self.add(undrawn, STREAM_PLACE)
        if b"\0" in data:  # as digits in UTF-16 have
            for text in byte_strings.strings(data, narrow=False):
                self.add(text, STREAM_PLACE)
            for text in byte_strings.strings(data, narrow=False, big_endian=True):
                self.add(text, STREAM_PLACE)
        if data.startswith(_FILE):
            self.strings.add_file(data, STREAM_PLACE)
        elif not is_drawing and not is_binary(data):
            for _, content in inline.files_in(data):
                self.strings.add_file(content, STREAM_PLACE)

    def read_syntax(self, region: bytes) -> None:
        """Read the comments and names in a piece of PDF syntax, and text that is not in an object."""
        for piece in region.split(b"endobj"):
            begin = _BEGINS.search(piece)
            for run in _RUN.finditer(_ENDS.sub(b"\n", piece[: begin.start() if begin else len(piece)])):
                if outside := _undrawn(run[0]):
                    self.add(outside, SYNTAX_PLACE)
        for comment in _COMMENT.findall(region):
            self.add(comment.decode("utf-8", "replace"), SYNTAX_PLACE)
        for name in _NAME.findall(region):
            if b"#" in name or len(name) - len(name.translate(None, b"0123456789")) >= _FEWEST_DIGITS:
                plain = _CODE.sub(lambda code: bytes((int(code[1], 16),)), name)
                self.add(plain.decode("utf-8", "replace"), SYNTAX_PLACE)

    def add(self, text: str, place: str) -> None:
        """Pass on a text if a person could have written it, unless it is part of a text that was read before.

        It is not compared with all of them if that takes too long: then it may be passed on twice.
        """
        if digits(text) < _FEWEST_DIGITS or not is_written(text):
            return
        if not self.shown:
            self.shown = "\n".join(self.strings.seen)
        if len(self.shown) <= self.left:
            self.left -= len(self.shown)
            if text.strip() in self.shown:
                return
        self.strings.add_new(text, place)


def _undrawn(run: bytes) -> str:
    """Return a line without strings, names and operators, "" if no word is left."""
    if _WORD.search(run) is None:
        return ""
    rest = _DRAWN.sub(b" ", _STRING.sub(b" ", run))
    return rest.decode("ascii") if _WORD.search(rest) else ""


def has_objects(dictionary: bytes) -> bool:
    """Return whether a stream is said to have objects or references by its dictionary."""
    return _READ.search(dictionary) is not None


def begins_objects(head: bytes) -> bool:
    """Return whether a stream begins as one of objects (7.5.7): with pairs of numbers."""
    return _OBJECTS.match(head) is not None


def is_image(dictionary: bytes) -> bool:
    """Return whether a stream is said to be an image by its dictionary."""
    return _IMAGE.search(dictionary) is not None


def is_binary(content: bytes) -> bool:
    """Return whether bytes are not only ASCII text.

    >>> is_binary(b"her number\\n"), is_binary(b"\\xff\\xff")
    (False, True)
    """
    return _BINARY.search(content) is not None


def is_of_a_program(dictionary: bytes, content: bytes) -> bool:
    """Return whether a stream is the program of a font, or a function without any word that is not an operator.

    >>> is_of_a_program(b"<< >>", b"true, her number"), is_of_a_program(b"<< >>", b"true\\0\\n\\0\\x80\\0\\3cmap")
    (False, True)
    """
    if _FUNCTION.search(dictionary):
        return _WORD.search(_CALCULATION.sub(b"", content)) is None
    return content.startswith(_FONT_FILE) and len(_BINARY.findall(content[:_SAMPLE])) * 7 > len(content[:_SAMPLE])


def deceptive_fonts(region: bytes) -> Iterator[int]:
    """Yield the numbers of the ToUnicode streams of fonts whose encoding is a standard one, in a piece of syntax."""
    for font in _FONT.finditer(region):
        first, last = max(0, font.start() - _OBJECT_BYTES), font.end() + _OBJECT_BYTES
        start = max(region.rfind(b"endobj", first, font.start()), region.rfind(b">>\n<<", first, font.start()), first)
        end = region.find(b"endobj", font.end(), last)
        whole = region[start : end if end >= 0 else last]
        if _STANDARD.search(whole) or (_BASE_FONT.search(whole) and b"/FontDescriptor" not in whole):
            yield int(font[1])


def changes_digits(cmap: bytes) -> bool:
    """Return whether a ToUnicode map gives a digit's code another character.

    >>> changes_digits(b"1 beginbfchar <35> <0036> endbfchar")
    True
    >>> changes_digits(b"1 beginbfrange <20> <7e> <0020> endbfrange")
    False
    """
    begins = list(_SECTION.finditer(cmap))
    for number, begin in enumerate(begins):
        section = cmap[begin.end() : begins[number + 1].start() if number + 1 < len(begins) else len(cmap)]
        if begin[1] == b"char":
            if any(int(code, 16) != int(character, 16) for code, character in _PAIR.findall(section)):
                return True
        elif any(_moves(*map(_number, found)) for found in _RANGE.findall(section)):
            return True
    return False


def _number(written: bytes) -> int:
    return int(written, 16)


def _moves(first: int, last: int, character: int) -> bool:
    """Return whether a range with a digit in it begins with another character than its first code."""
    return first <= 0x39 and last >= 0x30 and first != character
