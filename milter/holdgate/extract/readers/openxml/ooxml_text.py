"""Reads the XML of one part of an Office document: paragraphs with their runs joined, and attributes that hold text.

Follows ECMA-376-1:2016 (ISO/IEC 29500-1) 17.3 (paragraphs and runs), 17.13 (annotations and revisions), 17.16
(fields), 17.5.2 (content controls), 21.1 (DrawingML text), 22.1 (math), and part 3, 10.2 (alternate content).
The same reader serves Word, PowerPoint and drawing parts, because their paragraphs are all `p` with runs of `t`.
"""

import re
from collections.abc import Callable

from holdgate.extract.readers.openxml.revisions import (
    CHOICE,
    DELETED,
    FALLBACK,
    HIDDEN,
    INSERTED,
    STRUCK,
    Pieces,
    joined,
    views,
)
from holdgate.extract.readers.openxml.xstring import spellings
from holdgate.extract.readers.texts.expat import local
from holdgate.extract.readers.texts.xml_plan import (
    END,
    FULL,
    NO_ATTRIBUTES,
    START,
    TEXT,
    VALUE,
    Cells,
    Selection,
    flags,
)
from holdgate.extract.reading import Sink

# The last is Visio's ([MS-VSDX], Text_Type), a complete text that contains marks for its formats.
RUN_TEXT = frozenset({"t", "delText", "Text"})
FIELD_CODES = frozenset({"instrText", "delInstrText"})
# Character data of these is a measure or position, never text.
MEASURES = frozenset({"posOffset", "align", "pctWidth", "pctHeight", "pctPosHOffset", "pctPosVOffset", "binData"})
# Attributes with these names contain text that a person wrote, in any element.
_ATTRIBUTES = """
    alias alt author caption command comment connection connectionString dataField descr description displayName
    displayText dsn error errorTitle fmla fullName href initials instr keywords label macro name odcFile prompt
    promptTitle query screenTip sourceFile sql src string subject tag Target target text title tooltip
    totalsRowLabel uniqueName url userId userName v value
"""
TEXT_ATTRIBUTES = frozenset(_ATTRIBUTES.split())
# `val` is text in these elements and formatting in all others.
_VALUES = """
    alias aliases attachedSchema attr author category connectString customFilter dataSource default docVar
    filter helpText inputCells keywords listEntry listItem lvlText mappedName name query result src statusText
    subject tag tblCaption tblDescription title udl
"""
TEXT_VALUES = frozenset(_VALUES.split())
# Lists of style names that Word generates, fonts, switches, marks in Visio's texts.
_ATTRIBUTES_IGNORED = "compatSetting cp ext extLst font latentStyles lsdException pp rFonts tp"
ATTRIBUTES_IGNORED = frozenset(_ATTRIBUTES_IGNORED.split())
# Word's names for styles (ECMA-376-1, 17.7.4: latent styles, and those of characters that belong to a paragraph's). No
# person wrote them, and "Header Char" looks like a person's name.
_STYLES = """
    annotation reference|annotation subject|annotation text|Balloon Text|Bibliography|Block Text|Body Text|
    Body Text First Indent|Body Text Indent|Book Title|caption|Closing|Colorful Grid|Colorful List|
    Colorful Shading|Comment Reference|Comment Subject|Comment Text|Dark List|Date|Default Paragraph Font|
    Document Map|E-mail Signature|Emphasis|endnote reference|endnote text|envelope address|envelope return|
    FollowedHyperlink|footer|footnote reference|footnote text|Grid Table|header|heading|HTML Preformatted|
    Hyperlink|index|index heading|Intense Emphasis|Intense Quote|Intense Reference|Light Grid|Light List|
    Light Shading|line number|List|List Bullet|List Continue|List Number|List Paragraph|List Table|macro|
    Macro Text|Medium Grid|Medium List|Medium Shading|Mention|Message Header|No List|No Spacing|Normal|
    Normal Indent|Normal Table|Normal \\(Web\\)|Note Heading|page number|Placeholder Text|Plain Table|
    Plain Text|Quote|Revision|Salutation|Signature|Strong|Subtitle|Subtle Emphasis|Subtle Reference|Table Grid|
    table of authorities|table of figures|Table Theme|Title|toa heading|toc|TOC Heading|Unresolved Mention
"""
_STYLE = re.compile(
    rf"(?:{re.sub(chr(10) + ' *', '', _STYLES)})(?: [1-9])?(?: (?:Light|Dark|Colorful))?(?: Accent [1-6])?(?: Char)?",
    re.IGNORECASE,
)


class PartText:
    """Passes the text of one XML part to the sink: an expat handler.

    `everything` reads all attributes. `lenient` is true for kinds of parts that are often malformed, such as Excel's
    VML.
    """

    def __init__(self, sink: Sink, place: str = "", everything: bool = False, lenient: bool = False):
        self.sink = sink
        self.place = place
        self.everything = everything
        self.lenient = lenient
        self.pieces: Pieces = []
        self.stack: list[Pieces] = []
        self.codes: list[str] = []
        self.plain: list[str] = []
        self.leaf = ""
        self.inserted = self.deleted = 0
        self.hidden = self.struck = False
        self.alternates: list[set[str]] = []
        self.choice = self.fallback = 0
        self.places: list[str] = []
        self.known: dict[str, bool] = {}
        self.cells: Cells | None = None
        self.wanted = _ALL_ATTRIBUTES if everything else _TEXT

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        if self.plain:
            self.flush_plain()
        if name in RUN_TEXT or name in FIELD_CODES:
            self.leaf = name
            return
        action = STARTS.get(name)
        if action:
            action(self, attributes)
        if attributes and name not in ATTRIBUTES_IGNORED:
            self.read_attributes(name, attributes)

    def end(self, name: str) -> None:
        """Process an end tag."""
        if name == self.leaf:
            self.leaf = ""
            if name == "Text":
                self.flush()
            return
        if self.plain:
            if name in MEASURES:
                self.plain.clear()
            else:
                self.flush_plain()
        action = ENDS.get(name)
        if action:
            action(self)

    def data(self, text: str) -> None:
        """Process character data."""
        if self.leaf in FIELD_CODES:
            self.codes.append(text)
        elif self.leaf:
            self.add(text)
        elif not text.isspace():
            self.plain.append(text)

    def add(self, text: str) -> None:
        """Add a piece to the open paragraph."""
        flags = (INSERTED if self.inserted else 0) | (DELETED if self.deleted else 0) | (HIDDEN if self.hidden else 0)
        if self.struck:
            flags |= STRUCK
        if self.alternates:
            flags |= (CHOICE if self.choice else 0) | (FALLBACK if self.fallback else 0)
        self.pieces.append((flags, text))

    def emit(self, text: str, what: str = "") -> None:
        """Pass on `text`, unless it is a fallback that repeats the preferred form."""
        text = text.strip()
        if not text:
            return
        if self.alternates:
            if self.fallback and text in self.alternates[-1]:
                return
            self.alternates[-1].add(text)
        for spelled in spellings(text):
            self.sink.text(spelled, joined(self.place, *self.places, what))

    def flush_plain(self) -> None:
        """Pass on character data outside runs."""
        text = "".join(self.plain)
        self.plain.clear()
        self.emit(text)

    def flush(self) -> None:
        """Pass on the open paragraph: in its current form, before revisions, and as it is seen."""
        pieces = self.pieces
        if pieces:
            self.pieces = []
            for text, what in views(pieces):
                self.emit(text, what)
        if self.codes:
            code = "".join(self.codes)
            self.codes = []
            self.emit(code, "field code")

    def finish(self) -> None:
        """Pass on the remaining text when the part ends, complete or truncated."""
        self.flush_plain()
        self.flush()
        while self.stack:
            self.pieces = self.stack.pop()
            self.flush()

    def read_attributes(self, name: str, attributes: dict[str, str]) -> None:
        """Pass on the attributes that contain text."""
        known = self.known
        for key, value in attributes.items():
            wanted = known.get(key)
            if wanted is None:
                plain = key[key.find(":") + 1 :]
                wanted = (self.everything or plain in TEXT_ATTRIBUTES) and not key.startswith("xmlns")
                known[key] = wanted
            if wanted or (name in TEXT_VALUES and key.endswith("val") and not _is_style(name, value)):
                self.emit(value)

    def is_read(self, name: str, attribute: str) -> bool:
        """Return whether an attribute of an element is passed on; both names have no prefix."""
        if name in ATTRIBUTES_IGNORED or name in RUN_TEXT or name in FIELD_CODES:
            return False
        listed = self.everything or attribute in TEXT_ATTRIBUTES
        return listed or (name in TEXT_VALUES and attribute.endswith("val"))


def _is_style(name: str, value: str) -> bool:
    return name == "name" and _STYLE.fullmatch(value) is not None


def _begin_paragraph(reader: PartText, _: dict[str, str]) -> None:
    reader.stack.append(reader.pieces)
    reader.pieces = []


def _end_paragraph(reader: PartText) -> None:
    reader.flush()
    if reader.stack:
        reader.pieces = reader.stack.pop()


def _begin_run(reader: PartText, _: dict[str, str]) -> None:
    reader.hidden = reader.struck = False


def _is_on(attributes: dict[str, str]) -> bool:
    return local(attributes).get("val", "1") not in ("0", "false", "off")


def _hide(reader: PartText, attributes: dict[str, str]) -> None:
    reader.hidden = _is_on(attributes)


def _strike(reader: PartText, attributes: dict[str, str]) -> None:
    reader.struck = reader.struck or _is_on(attributes)


def _symbol(reader: PartText, attributes: dict[str, str]) -> None:
    """Add a character of a symbol font; by 17.3.3.30 they can be at U+F000 and higher."""
    try:
        code = int(local(attributes).get("char", ""), 16)
    except ValueError:
        return
    reader.add(chr(code & 0xFF if 0xF000 <= code <= 0xF0FF else code) if 0x20 <= code <= 0xFFFF else "")


def _begin_comment(reader: PartText, attributes: dict[str, str]) -> None:
    author = local(attributes).get("author", "")
    reader.places.append(f"comment by {author}" if author else "comment")


def _begin_note(kind: str) -> Callable[[PartText, dict[str, str]], None]:
    def begin(reader: PartText, _: dict[str, str]) -> None:
        reader.places.append(kind)

    return begin


def _end_place(reader: PartText) -> None:
    reader.flush()
    if reader.places:
        reader.places.pop()


def _insert(reader: PartText, _: dict[str, str]) -> None:
    reader.inserted += 1


def _inserted(reader: PartText) -> None:
    reader.inserted = max(0, reader.inserted - 1)


def _delete(reader: PartText, _: dict[str, str]) -> None:
    reader.deleted += 1


def _deleted(reader: PartText) -> None:
    reader.deleted = max(0, reader.deleted - 1)


def _begin_alternates(reader: PartText, _: dict[str, str]) -> None:
    reader.alternates.append(set())


def _end_alternates(reader: PartText) -> None:
    if reader.alternates:
        shown = reader.alternates.pop()
        if reader.alternates:
            reader.alternates[-1] |= shown


def _begin_choice(reader: PartText, _: dict[str, str]) -> None:
    reader.choice += 1


def _end_choice(reader: PartText) -> None:
    reader.choice = max(0, reader.choice - 1)


def _begin_fallback(reader: PartText, _: dict[str, str]) -> None:
    reader.fallback += 1


def _end_fallback(reader: PartText) -> None:
    reader.fallback = max(0, reader.fallback - 1)


def _adding(text: str) -> Callable[[PartText, dict[str, str]], None]:
    def add(reader: PartText, _: dict[str, str]) -> None:
        reader.add(text)

    return add


STARTS: dict[str, Callable[[PartText, dict[str, str]], None]] = {
    "p": _begin_paragraph,
    "r": _begin_run,
    "vanish": _hide,
    "webHidden": _hide,
    "specVanish": _hide,
    "strike": _strike,
    "dstrike": _strike,
    "sym": _symbol,
    "tab": _adding("\t"),
    "ptab": _adding("\t"),
    "br": _adding("\n"),
    "cr": _adding("\n"),
    "noBreakHyphen": _adding("-"),
    "ins": _insert,
    "moveTo": _insert,
    "del": _delete,
    "moveFrom": _delete,
    "comment": _begin_comment,
    "footnote": _begin_note("footnote"),
    "endnote": _begin_note("endnote"),
    "txbxContent": _begin_note("text box"),
    "AlternateContent": _begin_alternates,
    "Choice": _begin_choice,
    "Fallback": _begin_fallback,
}
ENDS: dict[str, Callable[[PartText], None]] = {
    "p": _end_paragraph,
    "ins": _inserted,
    "moveTo": _inserted,
    "del": _deleted,
    "moveFrom": _deleted,
    "comment": _end_place,
    "footnote": _end_place,
    "endnote": _end_place,
    "txbxContent": _end_place,
    "AlternateContent": _end_alternates,
    "Choice": _end_choice,
    "Fallback": _end_fallback,
}


ELEMENTS = flags(
    (RUN_TEXT | FIELD_CODES, START | END | TEXT),
    (STARTS, START),
    ({"vanish", "webHidden", "specVanish", "strike", "dstrike", "sym", "comment"}, FULL),
    (ENDS, END),
    (MEASURES, END),
    (ATTRIBUTES_IGNORED, NO_ATTRIBUTES),
    (TEXT_VALUES, VALUE),
)
_TEXT = Selection(ELEMENTS, TEXT_ATTRIBUTES)
_ALL_ATTRIBUTES = Selection(ELEMENTS, every_attribute=True)
