"""Masks text in rich text (RTF) in place; control words, and so the layout, stay as they are.

Characters are read as the reader does (extract/readers/office/rtf.py): bytes in the charset of their font, `\\'hh`, and
`\\uN`, whose substitute becomes question marks. Groups whose content is not shown, or is not known, are removed:
properties, data stores, objects, and `\\*` destinations that are not listed here. So is what is outside the document.
"""

import codecs
from collections.abc import Iterator

from holdgate.extract.readers.office.property_set import codec
from holdgate.extract.readers.office.rtf import (
    CHARACTERS,
    CHARSETS,
    HEXADECIMAL,
    MARKUP,
    NOT_HEX,
    PARAGRAPH_ENDS,
    PICTURES,
    PLACES,
    PROPERTIES,
    SYMBOLS,
    TOKEN,
)
from holdgate.extract.readers.openxml.revisions import DELETED, HIDDEN, INSERTED
from holdgate.rewrite.entity import RefusedError
from holdgate.rewrite.finder import Finder, Inside, Spans
from holdgate.rewrite.markup import MASK

# Groups that are removed: no page shows their content.
_REMOVED = frozenset(
    """
    info userprops docvar datastore themedata colorschememapping passwordhash mailmerge generator template objdata
    objclass objname oleclsid fontemb fontfile filetbl rsidtbl revtbl xmlnstbl factoidname hlinkbase private
    """.split()  # noqa: SIM905 (as a list it takes a page)
)
# Destinations after \* that are kept: layout, or text that is masked. All others are removed.
_KEPT = (frozenset(PLACES) | MARKUP | {"pict"}) - _REMOVED | frozenset(
    """
    shppict shpgrp sp background do dptxbxtext picprop cs ts ds listlevel listpicture listoverride pn pnseclvl
    pgdsctbl pgdsc nesttableprops nonesttables defchp defpap ud upr atnref atnicn atnparent atrfstart atrfend
    ftnsep ftnsepc ftncn aftnsep aftnsepc aftncn fname mhtmltag momath momathpara moMath moMathPara mmath mmathPict
    hlloc hlsrc hlfr oldcprops oldpprops oldtprops oldsprops blipuid pnaiu pnaiud
    """.split()  # noqa: SIM905 (as a list it takes a page)
)
_TEXTLESS = HEXADECIMAL | MARKUP
_CODEPAGES = {"mac": 10000, "pc": 437, "pca": 850}
_FLAGS = {"v": HIDDEN, "deleted": DELETED, "revised": INSERTED}
# What a person can see of tracked changes and hidden text (extract/readers/openxml/revisions.py).
_VIEWS = (0, DELETED, INSERTED, DELETED | HIDDEN)

Edit = tuple[int, int, bytes]
"""A replacement: the first byte in the file, the one after the last, and the new bytes."""


class _Group:
    """What a group inherits from the one around it."""

    __slots__ = ("charset", "destination", "flags", "skip", "start", "text")

    def __init__(self, start: int, other: "_Group | None" = None) -> None:
        self.start = start
        self.destination: str = "" if other is None else other.destination
        self.charset: str = "cp1252" if other is None else other.charset
        self.flags: int = 0 if other is None else other.flags
        self.skip: int = 1 if other is None else other.skip
        self.text: _Text = _Text() if other is None else other.text


class _Text:
    """The characters of one destination, each with its flags and the edits that mask it; none for a line end."""

    def __init__(self) -> None:
        self.characters: list[tuple[str, int, list[Edit]]] = []

    def masks(self, spans: Spans) -> Iterator[Edit]:
        """Yield the edits for the letters and digits in the spans of each view."""
        seen = 0
        for _, flags, _ in self.characters:
            seen |= flags
        for unwanted in {view & seen for view in _VIEWS}:
            shown = [one for one in self.characters if not one[1] & unwanted]
            text = "".join(character for character, _, _ in shown)
            for start, end in spans(text):
                for character, _, edits in shown[start:end]:
                    if character.isalnum() or not character.isascii():
                        yield from edits


class _Walker:
    """Reads the tokens once; `edits` removes and replaces, `texts` are to be searched."""

    def __init__(self, data: bytes, name: str, inside: Inside) -> None:
        self._data = data
        self._name = name
        self._inside = inside
        self._groups = [_Group(0)]
        self._fonts: dict[int, str] = {}
        self._font = 0
        self._charset = "cp1252"
        self._decoder: codecs.IncrementalDecoder | None = None
        self._pending: list[Edit] = []
        self._high = ""
        self._high_edits: list[Edit] = []
        self._substitutes = 0
        self._starred = False
        self._picture = ""
        self._digits: list[tuple[int, int, bytes]] = []
        self._removed_until = -1
        self.texts = [self._groups[0].text]
        self.edits: list[Edit] = []

    def walk(self) -> None:
        """Read all tokens up to the end of the document's group. Raises RefusedError if there is none."""
        at = 0
        while (match := TOKEN.match(self._data, at)) is not None:
            at = match.end()
            kind = match.lastindex
            if kind == 2:
                if match[2] == b"{":
                    self._open(match.start())
                elif self._close(at):
                    if at < len(self._data):
                        self.edits.append((at, len(self._data), b"\n"))
                    return
            elif kind == 1:
                self._bytes(match.start(), at)
            elif kind == 5:
                self._byte(int(match[5], 16), match.start(), at)
            elif kind == 6:
                self._symbol(match[6], match.start(), at)
            elif kind is not None:
                number = None if match[4] is None else int(match[4])
                at = self._word(match[3].decode("ascii"), number, match.start(), at)
        raise RefusedError(self._name, "not read")

    # -- groups ---------------------------------------------------------------------------------------------------

    def _open(self, start: int) -> None:
        self._end_bytes()
        self._groups.append(_Group(start, self._groups[-1]))
        self._starred = False
        self._substitutes = 0

    def _close(self, end: int) -> bool:
        """Close a group; return whether it was the document's."""
        self._end_bytes()
        self._substitutes = 0
        if len(self._groups) == 1:
            raise RefusedError(self._name, "not read")
        closed, outer = self._groups.pop(), self._groups[-1]
        if closed.destination == "removed" and outer.destination != "removed":
            self.edits.append((closed.start, end, b""))
        elif closed.destination == "pict" and outer.destination != "pict":
            self._replace_picture()
        return len(self._groups) == 1

    def _enter(self, destination: str, *, has_text: bool = False) -> None:
        self._end_bytes()
        group = self._groups[-1]
        if group.destination == "removed":
            return
        group.destination = destination
        if has_text:
            group.text = _Text()
            self.texts.append(group.text)
        if destination == "pict":
            self._digits, self._picture = [], ""

    def _replace_picture(self) -> None:
        """Have the file of a picture rewritten if it has matches."""
        content = bytes.fromhex(self._hexadecimal())
        new = self._inside(f"{self._name} › {self._picture or 'picture'}", content) if content else content
        if new != content:
            first, *rest = self._digits
            self.edits.append((first[0], first[1], b"\n" + new.hex().encode() + b"\n"))
            self.edits += [(start, end, b"") for start, end, _ in rest]
        self._digits = []

    def _hexadecimal(self) -> str:
        digits = b"".join(one for _, _, one in self._digits).translate(None, NOT_HEX)
        return digits[: len(digits) & ~1].decode("ascii")

    # -- text -----------------------------------------------------------------------------------------------------

    def _bytes(self, start: int, end: int) -> None:
        """Add bytes of text, or the digits of a picture."""
        destination = self._groups[-1].destination
        if destination == "pict":
            self._digits.append((start, end, self._data[start:end]))
        elif self._substitutes or not (destination in _TEXTLESS or destination == "removed"):
            for place in range(start, end):
                self._byte(self._data[place], place, place + 1)

    def _byte(self, value: int, start: int, end: int) -> None:
        """Add a byte of text, which may only be the substitute for the Unicode character before it."""
        group = self._groups[-1]
        if self._substitutes:
            self._substitutes -= 1
            if chr(value).isalnum():
                self.edits.append((start, end, b"?"))
            return
        if group.destination in _TEXTLESS or group.destination == "removed":
            return
        if self._decoder is None:
            self._decoder = codecs.getincrementaldecoder(group.charset)("replace")
        self._pending.append((start, end, MASK.encode()))
        for character in self._decoder.decode(bytes((value,))):
            group.text.characters.append((character, group.flags, self._pending))
            self._pending = []

    def _end_bytes(self) -> None:
        """End a run of bytes in one charset."""
        if self._decoder is not None:
            group = self._groups[-1]
            for character in self._decoder.decode(b"", final=True):
                group.text.characters.append((character, group.flags, self._pending))
            self._decoder, self._pending = None, []

    def _add(self, text: str, edits: list[Edit] | None = None) -> None:
        self._end_bytes()
        group = self._groups[-1]
        if group.destination not in _TEXTLESS and group.destination != "removed":
            group.text.characters += [(character, group.flags, edits or []) for character in text]

    def _symbol(self, symbol: bytes, start: int, end: int) -> None:
        code = symbol[0]
        if code == 0x2A:
            self._starred = True
        elif code in SYMBOLS:
            if self._substitutes:
                self._substitutes -= 1
            elif code in b"{}\\":
                self._byte(code, start, end)
            else:
                self._add(SYMBOLS[code])
        elif code in b"\r\n":
            self._add("\n")

    def _unicode(self, number: int, start: int, end: int) -> None:
        """Add a character given as a signed 16-bit number; a pair of surrogates makes one."""
        self._end_bytes()
        code = number & 0xFFFF if -0x8000 <= number < 0x10000 else 0xFFFD
        ends = self._data[end - 1 : end] == b" "
        edits: list[Edit] = [(start, end, b"\\u%d%s" % (ord(MASK), b" " if ends else b""))]
        self._substitutes = self._groups[-1].skip
        if 0xD800 <= code < 0xDC00:
            self._high, self._high_edits = chr(code), edits
            self._add(" ", edits)
            return
        text = chr(code & 0xFF if 0xF000 <= code <= 0xF0FF else code)
        if 0xDC00 <= code < 0xE000:
            text = (self._high + text).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")[-1:]
            characters = self._groups[-1].text.characters
            if self._high and characters and characters[-1][2] is self._high_edits:
                edits += characters.pop()[2]
            self._high = ""
        self._add(text, edits)

    # -- control words --------------------------------------------------------------------------------------------

    def _word(self, word: str, number: int | None, start: int, end: int) -> int:
        """Process a control word; return where the next token begins."""
        group = self._groups[-1]
        starred, self._starred = self._starred, False
        if word == "bin" and number:
            after = min(end + max(0, number), len(self._data))
            if group.destination == "pict":
                self._digits.append((start, after, self._data[end:after].hex().encode()))
            else:
                self.edits.append((start, after, b""))
            return after
        if word in _REMOVED or (starred and word not in _KEPT):
            self._enter("removed")
        elif word in PARAGRAPH_ENDS:
            self._add("\n")
        elif word == "u" and number is not None:
            self._unicode(number, start, end)
        elif word in CHARACTERS:
            if self._substitutes:
                self._substitutes -= 1
            else:
                self._add(CHARACTERS[word])
        elif word == "uc":
            group.skip = max(0, min(number or 0, 64))
        elif word in _FLAGS:
            self._end_bytes()
            group.flags = group.flags & ~_FLAGS[word] if number == 0 else group.flags | _FLAGS[word]
        elif word == "plain":
            self._end_bytes()
            group.flags = 0
            group.charset = self._fonts.get(0, self._charset)
        elif word in PICTURES:
            self._picture = PICTURES[word]
        elif word in _TEXTLESS:
            self._enter(word)
        elif word in PLACES or word in PROPERTIES or starred:
            self._enter(word, has_text=True)
        else:
            self._use_font(word, number)
        return end

    def _use_font(self, word: str, number: int | None) -> None:
        """Process a word that sets the charset of text or of a font."""
        group = self._groups[-1]
        if word in ("f", "af"):
            self._font = number or 0
            if group.destination != "fonttbl":
                self._end_bytes()
                group.charset = self._fonts.get(self._font, self._charset)
        elif word == "fcharset" and number in CHARSETS:
            self._fonts[self._font] = codec(CHARSETS[number])
        elif word == "cpg" and number:
            self._fonts[self._font] = codec(number)
        elif word == "ansicpg" or word in _CODEPAGES:
            self._end_bytes()
            self._charset = group.charset = codec(_CODEPAGES.get(word, number or 1252))


def rewrite(data: bytes, name: str, finder: Finder, inside: Inside) -> bytes:
    """Return a rich text file without its matches. Raises RefusedError."""
    start = data.find(b"{\\rt")
    walker = _Walker(data[max(start, 0) :], name, inside)
    walker.walk()
    masks = {edit for text in walker.texts for edit in text.masks(finder.spans)}
    return _edited(data[max(start, 0) :], sorted({*walker.edits, *masks}))


def _edited(data: bytes, edits: list[Edit]) -> bytes:
    """Return a file with the edits, which are in order; one inside another is left out."""
    pieces: list[bytes] = []
    position = 0
    for start, end, new in edits:
        if start >= position:
            pieces += [data[position:start], new]
            position = end
    return b"".join([*pieces, data[position:]])
