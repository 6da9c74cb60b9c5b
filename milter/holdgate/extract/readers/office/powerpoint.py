"""Reads old PowerPoint presentations: every text atom of every record, of the current and earlier edits.

Follows [MS-PPT]: 2.3.1 (RecordHeader), 2.9.42 and 2.9.43 (text atoms), 2.4.14 (slide lists), 2.13 (record types),
2.10.34 (embedded objects), 2.11.23 (tags, which hold comments), 2.3.2 (CurrentUserAtom), and [MS-ODRAW] 2.3.1 for names
and alternative text of shapes.
"""

import struct
import zlib

from holdgate.extract.budget import LimitReachedError
from holdgate.extract.readers.office import office_art_shapes
from holdgate.extract.readers.office.compound import Storage
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Sink, UnreadableError

DOCUMENT, SLIDE, NOTES, MASTER, HANDOUT = 0x03E8, 0x03EE, 0x03F0, 0x03F8, 0x0FC9
SLIDE_LIST, PERSIST = 0x0FF0, 0x03F3
TEXT_CHARACTERS, TEXT_BYTES, STRING, COMMENT = 0x0FA0, 0x0FA8, 0x0FBA, 0x2EE0
OBJECT_STORAGE, ENCRYPTION = 0x1011, 0x2F14
TAG_DATA = 0x138B
SHAPE_PROPERTIES = (0xF00B, 0xF121, 0xF122)
COMPOUND = b"\xd0\xcf\x11\xe0"
ENCRYPTED_TOKEN = 0xF3D1C4DF
# Fonts, colours, animations, sounds, images: no text that a person wrote.
WITHOUT_TEXT = frozenset({0x0FB7, 0x07F0, 0x07F9, 0x0F9F, 0x07E4, 0x040B})
LISTS = {0: "slide", 1: "master", 2: "notes"}
CONTROL = {0x0D: "\n", 0x0B: "\n", 0x00: None}
DEEPEST = 60


def read_storage(storage: Storage, sink: Sink) -> None:
    """Read the presentation in a storage; raise UnreadableError("encrypted") if it states that."""
    user = storage.read("Current User")
    if len(user) >= 16 and struct.unpack_from("<I", user, 12)[0] == ENCRYPTED_TOKEN:
        raise UnreadableError("encrypted")
    for text in strings(user[8:]):
        sink.text(text, "last editor")
    data = storage.read("PowerPoint Document")
    _Records(data, sink, bool(user)).walk(0, len(data), "", 0)
    office_art_shapes.check(data, sink)


class _Records:
    """Walks the tree of records."""

    def __init__(self, data: bytes, sink: Sink, known_open: bool):
        self.data = data
        self.sink = sink
        self.known_open = known_open

    def walk(self, at: int, end: int, place: str, depth: int) -> None:
        """Read the records between two offsets; a record that extends over its container is cut there."""
        data = self.data
        number = 0
        while at + 8 <= end:
            head, kind, size = struct.unpack_from("<HHI", data, at)
            at += 8
            stop = min(at + size, end)
            if kind in (TEXT_CHARACTERS, STRING):
                self.text(data[at:stop].decode("utf-16-le", "replace"), place)
            elif kind == TEXT_BYTES:
                self.text(data[at:stop].decode("latin-1"), place)
            elif kind == ENCRYPTION and not self.known_open:
                raise UnreadableError("encrypted")
            elif kind == PERSIST:
                number += 1
                place = f"{place.partition(' ')[0]} {number}" if place else ""
            elif kind == OBJECT_STORAGE:
                self.embedded(data[at:stop], head >> 4)
            elif kind in SHAPE_PROPERTIES:
                for text in strings(data[at:stop], narrow=False):
                    self.sink.text(text, f"{place}, shape" if place else "shape")
            elif (head & 0xF == 0xF and kind not in WITHOUT_TEXT) or kind == TAG_DATA:
                if depth < DEEPEST:
                    self.walk(at, stop, self.place(kind, head >> 4, place), depth + 1)
                else:
                    self.sink.limited("nested too deeply")
            at = stop
            self.sink.budget.check_time()

    def place(self, kind: int, instance: int, place: str) -> str:
        """Return the name of the place of a container's contents."""
        if kind == SLIDE_LIST:
            return LISTS.get(instance, "")
        if kind == SLIDE:
            return "slide"
        if kind == COMMENT:
            return f"{place}, comment" if place else "comment"
        return {NOTES: "notes", MASTER: "master", HANDOUT: "handout"}.get(kind, place)

    def text(self, text: str, place: str) -> None:
        """Pass on the text of an atom."""
        text = text.translate(CONTROL).strip()
        if text and not text.startswith("___PPT"):
            self.sink.text(text, place)

    def embedded(self, data: bytes, compressed: int) -> None:
        """Pass on an embedded object: a compound file, compressed or not."""
        if compressed and not data.startswith(COMPOUND):
            try:
                size = struct.unpack_from("<I", data)[0]
                self.sink.budget.check_entry(len(data), size)
                data = zlib.decompressobj().decompress(data[4:], max(1, size))
            except (zlib.error, struct.error, LimitReachedError):
                self.sink.limited("embedded object not read")
                return
            self.sink.budget.spend_bytes(len(data))
        self.sink.embedded(data, "embedded object")
