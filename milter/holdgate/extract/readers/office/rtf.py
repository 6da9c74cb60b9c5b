"""Reads rich text: every destination, known or not, with fields, hidden and revised text, objects and images.

Follows the Rich Text Format Specification 1.9.1: "Conventions of an RTF Reader" (groups, destinations), "Unicode RTF",
"Font Table" (charsets), "Fields", "Objects", "Pictures", "Information Group", "Track Changes". One regular expression
cuts the file into tokens, so that the time is linear in its length for any nesting.
"""

import re
from collections.abc import Callable

from holdgate.extract.format import Format
from holdgate.extract.identify import is_text
from holdgate.extract.inline import is_file
from holdgate.extract.readers.office import rtf_shapes
from holdgate.extract.readers.office.compound import Within
from holdgate.extract.readers.office.ole_package import read_object
from holdgate.extract.readers.office.property_set import codec
from holdgate.extract.readers.openxml.revisions import DELETED, HIDDEN, INSERTED, STRUCK, Pieces, joined, views
from holdgate.extract.readers.pictures import metafile
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink, UnreadableError

TOKEN = re.compile(
    rb"([^\\{}\r\n]+)|([{}])|\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|[\r\n]+|\\", re.DOTALL
)
# Destinations with a text of their own: their names for people.
PLACES = {
    "header": "header", "headerl": "header", "headerr": "header", "headerf": "header",
    "footer": "footer", "footerl": "footer", "footerr": "footer", "footerf": "footer",
    "footnote": "footnote", "annotation": "comment", "atnauthor": "comment", "atnid": "comment", "atndate": "comment",
    "info": "document properties", "userprops": "document properties", "docvar": "document properties",
    "fldinst": "field code", "shptxt": "text box", "shpinst": "shape", "shprslt": "shape", "sn": "shape", "sv": "shape",
    "bkmkstart": "bookmark", "bkmkend": "bookmark", "stylesheet": "styles", "fonttbl": "fonts", "revtbl": "people",
    "objclass": "embedded object", "objname": "embedded object", "xe": "index entry", "tc": "contents entry",
    "htmltag": "HTML", "generator": "document properties", "template": "document properties",
    "formfield": "form field", "ffdeftext": "form field", "ffentrymcr": "form field", "ffexitmcr": "form field",
    "ffhelptext": "form field", "ffstattext": "form field", "ffname": "form field", "ffl": "form field",
    "hlinkbase": "link", "filetbl": "link", "mailmerge": "mail merge", "listtable": "lists", "pntxtb": "lists",
    "pntxta": "lists", "listtext": "lists", "pntext": "lists", "factoidname": "smart tag",
}  # fmt: skip
# Properties, each in its own group.
PROPERTIES = frozenset(
    {
        "title", "subject", "author", "manager", "company", "operator", "category", "keywords", "comment", "doccomm",
        "propname", "staticval", "linkval", "creatim", "revtim", "printim", "buptim",
    }
)  # fmt: skip
HEXADECIMAL = frozenset({"objdata", "pict", "themedata", "colorschememapping", "datastore", "passwordhash", "fontemb"})
# Numbers and bits only.
MARKUP = frozenset(
    {
        "colortbl", "rsidtbl", "blipuid", "panose", "latentstyles", "listoverridetable", "fchars", "lchars", "blipsize",
        "xmlnstbl", "pgptbl", "leveltext", "levelnumbers", "falt", "wgrffmtfilter", "lsdlockedexcept",
    }
)  # fmt: skip
CHARACTERS = {
    "tab": "\t", "line": "\n", "lbr": "\n", "emdash": "—", "endash": "–", "bullet": "•", "lquote": "‘", "rquote": "’",
    "ldblquote": "“", "rdblquote": "”", "emspace": " ", "enspace": " ", "qmspace": " ", "softline": "\n",
}  # fmt: skip
PARAGRAPH_ENDS = frozenset({"par", "cell", "row", "nestcell", "nestrow", "sect", "page", "column", "softpage"})
SYMBOLS = {0x7E: " ", 0x5F: "-", 0x7B: "{", 0x7D: "}", 0x5C: "\\", 0x09: "\t"}
# \fcharset numbers ("Font Table"), as code pages.
CHARSETS = {
    77: 10000, 78: 932, 79: 949, 80: 936, 81: 950, 128: 932, 129: 949, 130: 1361, 134: 936, 136: 950, 161: 1253,
    162: 1254, 163: 1258, 177: 1255, 178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250, 254: 437, 255: 850,
}  # fmt: skip
NOT_HEX = bytes(byte for byte in range(256) if byte not in b"0123456789abcdefABCDEF")
PICTURES = {"pngblip": "picture.png", "jpegblip": "picture.jpeg"}
CHECK_EVERY = 0xFFFF


class State:
    """What a group inherits from the one around it; never changed after a group has been opened with it."""

    __slots__ = ("codec", "destination", "flags", "skip")

    def __init__(self, destination: str, charset: str, skip: int, flags: int):
        self.destination = destination
        self.codec = charset
        self.skip = skip
        self.flags = flags


def read(document: Document, sink: Sink) -> None:
    """Read a rich text file, even if it is damaged or truncated."""
    if b"{\\rt" not in document.data[:1_024]:
        raise UnreadableError("damaged")
    _Rtf(document.data, sink).walk()
    rtf_shapes.check(document.data, sink)


class _Rtf:
    """Processes the tokens with a stack of states and, for destinations inside a paragraph, of texts."""

    def __init__(self, data: bytes, sink: Sink):
        self.data = data
        self.sink = sink
        self.charset = "cp1252"
        self.fonts: dict[int, str] = {}
        self.font = 0
        self.state = State("", self.charset, 1, 0)
        self.stack: list[State] = []
        # Unfinished texts: depth of the group that began each, its place, its pieces.
        self.opened: list[tuple[int, str, Pieces]] = [(0, "", [])]
        self.raw = bytearray()
        self.skipping = 0
        self.starred = False
        self.hexadecimal: list[bytes] = []
        self.picture = ""
        self.high = ""

    def walk(self) -> None:
        """Read all tokens."""
        data, at = self.data, 0
        while at < len(data):
            at = self.run(at)
        self.flush_raw()
        while self.opened:
            self.flush()
            self.opened.pop()

    def run(self, at: int) -> int:
        """Read tokens up to binary data or the end, and return where to continue."""
        for count, match in enumerate(TOKEN.finditer(self.data, at), 1):
            kind = match.lastindex
            if not count & CHECK_EVERY:
                self.sink.budget.check_time()
            if kind == 2:
                if match[2] == b"{":
                    self.stack.append(self.state)
                    self.starred = False
                    self.skipping = 0
                else:
                    self.close()
            elif kind == 1:
                self.characters(match[1])
            elif kind == 5:
                self.characters(bytes((int(match[5], 16),)))
            elif kind == 6:
                self.symbol(match[6])
            elif kind is not None:
                word, number = match[3], match[4]
                if word == b"bin" and number:
                    end = match.end() + max(0, int(number))
                    content = self.data[match.end() : end]
                    if self.state.destination in HEXADECIMAL:
                        self.hexadecimal.append(content.hex().encode())
                    elif is_file(content) or is_text(content):
                        self.sink.embedded(content, "binary data")
                    else:
                        for text in strings(content):
                            self.sink.text(text, "binary data")
                    return end
                self.word(word.decode("ascii"), int(number) if number is not None else None)
        return len(self.data)

    def characters(self, raw: bytes) -> None:
        """Add text bytes; some of them may only be a substitute for the Unicode character before them."""
        if self.skipping:
            skipped = min(self.skipping, len(raw))
            self.skipping -= skipped
            raw = raw[skipped:]
        destination = self.state.destination
        if destination in HEXADECIMAL:
            self.hexadecimal.append(raw)
        elif destination not in MARKUP:
            self.raw += raw

    def symbol(self, symbol: bytes) -> None:
        """Process a control symbol."""
        code = symbol[0]
        if code == 0x2A:
            self.starred = True
        elif code in SYMBOLS:
            if self.skipping:
                self.skipping -= 1
            elif code in b"{}\\":
                self.characters(symbol)
            else:
                self.add(SYMBOLS[code])
        elif code in b"\r\n":
            self.end_paragraph()

    def word(self, word: str, number: int | None) -> None:
        """Process a control word."""
        if word in PARAGRAPH_ENDS:
            self.end_paragraph()
        elif word == "u" and number is not None:
            self.unicode(number)
        elif word in CHARACTERS:
            if self.skipping:
                self.skipping -= 1
            else:
                self.add(CHARACTERS[word])
        elif action := ACTIONS.get(word):
            action(self, number)
        elif word in PLACES or word in PROPERTIES:
            self.begin(word, PLACES.get(word, ""))
        elif word in HEXADECIMAL or word in MARKUP:
            self.flush_raw()
            self.enter(word)
            self.hexadecimal = []
            self.picture = ""
        elif word in PICTURES:
            self.picture = PICTURES[word]
        elif self.starred:
            self.begin(word, "")
        self.starred = False

    def begin(self, word: str, place: str) -> None:
        """Begin a destination with a text of its own."""
        self.flush_raw()
        self.enter(word)
        outer = self.opened[-1][1] if self.opened else ""
        self.opened.append((len(self.stack), place or outer, []))

    def enter(self, destination: str) -> None:
        """Make the open group a destination."""
        state = self.state
        self.state = State(destination, state.codec, state.skip, state.flags)

    def close(self) -> None:
        """Close a group; what it changed ends with it."""
        self.flush_raw()
        self.skipping = 0
        destination = self.state.destination
        depth = len(self.stack)
        while len(self.opened) > 1 and self.opened[-1][0] >= depth:
            self.flush()
            self.opened.pop()
        if self.stack:
            outer = self.stack.pop()
            if destination in HEXADECIMAL and outer.destination != destination:
                self.end_hexadecimal(destination)
            self.state = outer

    def end_hexadecimal(self, destination: str) -> None:
        """Pass on an object or an image."""
        digits = b"".join(self.hexadecimal).translate(None, NOT_HEX)
        self.hexadecimal = []
        content = bytes.fromhex(digits[: len(digits) & ~1].decode("ascii"))
        if not content:
            return
        self.sink.budget.spend_bytes(len(content))
        if destination in ("objdata", "datastore"):
            # A data store is an OLE 1 object too, with Word's custom XML in its compound file ([MSFT-RTF], Data Store).
            read_object(content, self.sink)
        elif destination == "pict" and not self.picture:
            try:
                metafile.read(Document(content), Within(self.sink, "picture"))
            except UnreadableError:
                for text in strings(content):
                    self.sink.text(text, "picture")
        elif destination == "pict":
            self.sink.embedded(content, self.picture)
        elif destination == "themedata":
            self.sink.embedded(content, destination)

    def unicode(self, number: int) -> None:
        """Add a character given as a signed 16-bit number; a pair of surrogates makes one."""
        self.flush_raw()
        code = number & 0xFFFF if -0x8000 <= number < 0x10000 else 0xFFFD
        self.skipping = self.state.skip
        if 0xD800 <= code < 0xDC00:
            self.high = chr(code)
            return
        if 0xDC00 <= code < 0xE000:
            pair = (self.high + chr(code)).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
            self.high = ""
            self.add(pair)
            return
        self.add(chr(code & 0xFF if 0xF000 <= code <= 0xF0FF else code))

    def add(self, text: str) -> None:
        """Add text to the open paragraph."""
        self.flush_raw()
        if self.state.destination not in MARKUP and self.state.destination not in HEXADECIMAL:
            self.opened[-1][2].append((self.state.flags, text))

    def flush_raw(self) -> None:
        """Decode the gathered bytes in the charset of their font."""
        if self.raw:
            text = bytes(self.raw).decode(self.state.codec, "replace")
            self.raw.clear()
            self.opened[-1][2].append((self.state.flags, text))

    def end_paragraph(self) -> None:
        """End the open paragraph."""
        self.flush_raw()
        self.flush()

    def flush(self) -> None:
        """Pass on the unfinished paragraph."""
        _, place, pieces = self.opened[-1]
        if pieces:
            for text, what in views(pieces):
                text = text.strip()
                if text and text != ";":
                    self.sink.text(text, joined(place, what))
            pieces.clear()

    def flag(self, flag: int, number: int | None) -> None:
        """Switch a property of the characters that follow."""
        self.flush_raw()
        state = self.state
        flags = state.flags & ~flag if number == 0 else state.flags | flag
        self.state = State(state.destination, state.codec, state.skip, flags)

    def use_charset(self, charset: str) -> None:
        """Decode the following text in another charset."""
        if charset != self.state.codec:
            self.flush_raw()
            state = self.state
            self.state = State(state.destination, charset, state.skip, state.flags)


def _font(rtf: _Rtf, number: int | None) -> None:
    rtf.font = number or 0
    if rtf.state.destination != "fonttbl":
        rtf.use_charset(rtf.fonts.get(rtf.font, rtf.charset))


def _font_charset(rtf: _Rtf, number: int | None) -> None:
    if number in CHARSETS:
        rtf.fonts[rtf.font] = codec(CHARSETS[number])


def _codepage(rtf: _Rtf, number: int | None) -> None:
    rtf.charset = codec(number or 1252)
    rtf.use_charset(rtf.charset)


def _font_codepage(rtf: _Rtf, number: int | None) -> None:
    if number:
        rtf.fonts[rtf.font] = codec(number)


def _mac(rtf: _Rtf, _: int | None) -> None:
    _codepage(rtf, 10000)


def _pc(rtf: _Rtf, _: int | None) -> None:
    _codepage(rtf, 437)


def _pca(rtf: _Rtf, _: int | None) -> None:
    _codepage(rtf, 850)


def _fallback_length(rtf: _Rtf, number: int | None) -> None:
    state = rtf.state
    rtf.state = State(state.destination, state.codec, max(0, min(number or 0, 64)), state.flags)


def _plain(rtf: _Rtf, _: int | None) -> None:
    rtf.flag(HIDDEN | DELETED | INSERTED | STRUCK, 0)
    rtf.use_charset(rtf.fonts.get(0, rtf.charset) if rtf.fonts else rtf.charset)


def _flagging(flag: int) -> Callable[[_Rtf, int | None], None]:
    def switch(rtf: _Rtf, number: int | None) -> None:
        rtf.flag(flag, number)

    return switch


ACTIONS: dict[str, Callable[[_Rtf, int | None], None]] = {
    "f": _font,
    "af": _font,
    "fcharset": _font_charset,
    "cpg": _font_codepage,
    "ansicpg": _codepage,
    "mac": _mac,
    "pc": _pc,
    "pca": _pca,
    "uc": _fallback_length,
    "plain": _plain,
    "v": _flagging(HIDDEN),
    "deleted": _flagging(DELETED),
    "revised": _flagging(INSERTED),
    "strike": _flagging(STRUCK),
    "striked": _flagging(STRUCK),
}


FORMAT = Format(
    kind="rtf",
    read=read,
    holds="rich text",
    read_by="Holdgate",
    unread="letters that are drawn as shapes (`drawing not read`)",
    signatures=((0, b"{\\rt"),),
    extensions="rtf doc dot",
    types="application/rtf text/rtf application/msword",
)
