"""Reads documents of Hancom's word processor Hangul in a ZIP package: HWPX.

Follows KS X 6101 (OWPML): sections with paragraphs of runs. A run has uniform formatting, so a word or a number can be
in several runs. `readers.office.hangul` reads older documents.
"""

import posixpath
import re
from collections.abc import Collection, Iterator

from holdgate.extract.extents import archives
from holdgate.extract.format import Format
from holdgate.extract.readers.archives.zip_package import ZipPackage
from holdgate.extract.readers.openxml.revisions import DELETED, INSERTED, Pieces, joined, views
from holdgate.extract.readers.pictures import image
from holdgate.extract.readers.texts import expat
from holdgate.extract.readers.texts.xml_plan import END, NAMED, START, TEXT, Selection, flags
from holdgate.extract.reading import Document, Sink, UnreadableError

_ROOTS = frozenset({"sec", "head", "masterPage", "history"})
_PREVIEW = "preview/prvtext.txt"
_CELLS_AND_LINES = re.compile(r"[\r\n<>]+")
_CHARACTERS = {"lineBreak": "\n", "tab": "\t", "nbSpace": "\xa0", "fwSpace": " ", "hyphen": "-"}
_REVISIONS = {"insertBegin": INSERTED, "deleteBegin": DELETED}
_REVISED = {"insertEnd": INSERTED, "deleteEnd": DELETED}
_PLACES = {
    "header": "header",
    "footer": "footer",
    "footNote": "footnote",
    "endNote": "endnote",
    "hiddenComment": "comment",
    "masterPage": "master",
    "caption": "caption",
    "shapeComment": "description of an object",
    "script": "equation",
    "parameters": "field",
    "metaTag": "document properties",
}
# Text outside the paragraphs: of equations, of text above other text, of fields.
_OWN_TEXT = frozenset({"script", "shapeComment", "mainText", "subText", "stringParam", "integerParam", "metaTag"})
_ATTRIBUTES = frozenset({"text", "title", "href", "author", "displayText", "selectedValue", "userName", "command"})
_NAMES = frozenset({"bookmark", "fieldBegin", "style", "trackChangeAuthor", "edit", "comboBox", "listBox"})
_WANTED = Selection(
    flags(
        (["p", "t", *_OWN_TEXT], START | END | TEXT),
        (_PLACES, START | END),
        ((*_CHARACTERS, *_REVISIONS, *_REVISED), START),
        (_NAMES, START | NAMED),
    ),
    _ATTRIBUTES,
)


def read(document: Document, sink: Sink) -> None:
    """Read a package. Raises UnreadableError("encrypted") if its manifest says so."""
    package = ZipPackage(document.data, sink)
    parts = {member.path: package.read(member) or b"" for member in package.members}
    if any(b"encryption-data" in data for path, data in parts.items() if path.lower() == "meta-inf/manifest.xml"):
        raise UnreadableError("encrypted")
    shown: set[str] = set()
    for path, data in parts.items():
        if data and expat.root_name(data) in _ROOTS:
            handler = _Text(sink, shown)
            expat.read_part(data, handler, sink)
            handler.finish()
        elif data and path.lower() not in ("mimetype", _PREVIEW) and not image.read_thumbnail(path, data, sink):
            sink.embedded(data, posixpath.basename(path))
    for path, data in parts.items():
        if path.lower() == _PREVIEW:
            for line in preview_lines(data.decode("utf-8", "replace"), shown):
                sink.text(line, "preview")


def preview_lines(preview: str, shown: Collection[str]) -> Iterator[str]:
    """Yield the lines of a preview that are not in the text `shown`, which the preview normally repeats.

    The cells of a table are in angle brackets. The last line may be cut.
    """
    for line in _CELLS_AND_LINES.split(preview):
        if line.strip() and line not in shown:
            yield line


class _Text:
    """Passes on the paragraphs of one part, and adds their lines to `shown`: an expat handler."""

    def __init__(self, sink: Sink, shown: set[str]):
        self.sink = sink
        self.wanted = _WANTED
        self._shown = shown
        self._flags = 0
        # The open texts, from outer to inner: a paragraph can contain a table with its own paragraphs.
        self._open: list[tuple[str, Pieces]] = []
        self._places: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""
        if name in _CHARACTERS:
            self._add(_CHARACTERS[name])
        elif name in _REVISIONS:
            self._flags |= _REVISIONS[name]
        elif name in _REVISED:
            self._flags &= ~_REVISED[name]
        elif name == "p" or name in _OWN_TEXT:
            self._open.append((name, []))
        if name in _PLACES:
            self._places.append(name)
        for key, value in attributes.items():
            plain = key.rpartition(":")[2]
            if value.strip() and (plain in _ATTRIBUTES or (plain == "name" and name in _NAMES)):
                self.sink.text(value, self._place())

    def end(self, name: str) -> None:
        """Process an end tag."""
        if self._open and name == self._open[-1][0]:
            self._close()
        if self._places and name == self._places[-1]:
            self._places.pop()

    def data(self, text: str) -> None:
        """Process character data."""
        if self._open:
            self._add(text)
        elif text.strip():
            self.sink.text(text, self._place())

    def finish(self) -> None:
        """Pass on the remaining text if a part is truncated."""
        while self._open:
            self._close()

    def _add(self, text: str) -> None:
        if self._open:
            self._open[-1][1].append((self._flags, text))

    def _close(self) -> None:
        _, pieces = self._open.pop()
        for text, what in views(pieces) if pieces else ():
            if text.strip():
                self._shown.update(text.split("\n"))
                self.sink.text(text, joined(self._place(), what))

    def _place(self) -> str:
        return joined(*(_PLACES[name] for name in self._places))


def _in_zip(directory: bytes, data: bytes) -> bool:
    if data[30:38] == b"mimetype" and b"application/hwp+zip" in data[38:80]:
        return True
    return b"Contents/header.xml" in directory and b"Contents/section0.xml" in directory


FORMAT = Format(
    kind="hwpx",
    read=read,
    claims=archives.of_zip,
    holds="hwpx of Hangul",
    read_by="Holdgate, expat",
    unread="",
    in_zip=_in_zip,
    extensions="hwpx",
    types="application/hwp+zip application/vnd.hancom.hwpx application/haansofthwpx",
)
