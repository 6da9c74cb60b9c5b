"""Opens compound files as storages with streams, at a limited cost.

Follows [MS-CFB] 2.6 (directory), with olefile. A storage can contain a complete document, as for an embedded object or
a message inside a message. So readers of the old Office formats get a `Storage`, not a file.
"""

import struct
from collections.abc import Iterator, Sequence

import olefile
from olefile.olefile import OleDirectoryEntry

from holdgate.extract import ole_file
from holdgate.extract.budget import LimitReachedError
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink, UnreadableError

# Exceptions of olefile for damaged files, in addition to its own errors, which are OSErrors.
DAMAGE = (OSError, ArithmeticError, LookupError, ValueError, TypeError, AttributeError, RecursionError, struct.error)
STORAGES = (olefile.STGTY_STORAGE, olefile.STGTY_ROOT)


class Storage:
    """One storage: its streams and storages by lower-case name, and which of its streams have been read."""

    def __init__(self, file: olefile.OleFileIO, entry: OleDirectoryEntry, path: list[str], sink: Sink):
        self.file = file
        self.path = path
        self.size = file._filesize
        self.sink = sink
        self.name = path[-1] if path else ""
        self.class_id = str(entry.clsid or "")
        self.sizes: dict[str, int] = {}
        self.sectors: dict[str, int] = {}
        self.names: dict[str, str] = {}
        self.taken: set[str] = set()
        self._inner: dict[str, OleDirectoryEntry | Storage] = {}
        for kid in entry.kids:
            if kid.entry_type == olefile.STGTY_STREAM:
                self.sizes[kid.name.lower()] = kid.size
                self.names[kid.name.lower()] = kid.name
                self.sectors[kid.name.lower()] = kid.isectStart
            elif kid.entry_type in STORAGES:
                self._inner[kid.name.lower()] = kid

    def __contains__(self, name: str) -> bool:
        return name.lower() in self.sizes

    def storage(self, name: str) -> "Storage | None":
        """Return the storage `name` inside this one, always the same object."""
        inner = self._inner.get(name.lower())
        if inner is not None and not isinstance(inner, Storage):
            inner = self._inner[name.lower()] = Storage(self.file, inner, [*self.path, inner.name], self.sink)
        return inner

    def storages(self) -> Iterator["Storage"]:
        """Yield the storages inside this one."""
        for name in self._inner:
            inner = self.storage(name)
            if inner is not None:
                yield inner

    def untaken(self) -> list[str]:
        """Return the lower-case names of the streams that have not been read."""
        return [name for name in self.sizes if name not in self.taken]

    def read(self, name: str) -> bytes:
        """Return the bytes of a stream; b"" if it is absent or unreadable, which is reported to the sink."""
        name = name.lower()
        if name not in self.sizes:
            return b""
        self.taken.add(name)
        budget = self.sink.budget
        budget.check_time()
        budget.spend_entry()
        try:
            if self.sizes[name] > self.size:
                raise LimitReachedError("damaged stream")
            budget.check_entry(self.sizes[name], self.sizes[name])
        except LimitReachedError as error:
            self.sink.limited(str(error))
            return b""
        try:
            data = ole_file.stream(self.file, self.sectors[name], self.sizes[name])
        except DAMAGE:
            self.sink.limited("damaged stream")
            return b""
        if len(data) < self.sizes[name]:
            self.sink.limited("damaged stream")
        budget.spend_bytes(len(data))
        return data


def open_compound(document: Document, sink: Sink) -> Storage:
    """Return the root storage of a compound file; if it cannot be opened, pass on its strings.

    Raises UnreadableError("damaged") then.
    """
    try:
        file = ole_file.opened(document.data)
        return Storage(file, file.root, [], sink)
    except DAMAGE as error:
        for text in strings(document.data):
            sink.text(text, "remains")
        raise UnreadableError("damaged") from error


class Within:
    """A sink for a document inside another: the same sink, with the place of the document before all places."""

    def __init__(self, sink: Sink, place: str):
        self.sink = sink
        self.place = place
        self.budget = sink.budget

    def text(self, text: str, place: str = "") -> None:
        """Pass on text."""
        self.sink.text(text, f"{self.place}, {place}" if place else self.place)

    def cells(self, texts: Sequence[str], places: Sequence[str]) -> None:
        """Pass on many texts."""
        self.sink.cells(texts, [f"{self.place}, {place}" if place else self.place for place in places])

    def embedded(self, data: bytes, name: str = "", declared_type: str = "", charset: str = "") -> None:
        """Pass on an embedded document."""
        self.sink.embedded(data, name, declared_type, charset)

    def limited(self, reason: str) -> None:
        """Report an unread part."""
        self.sink.limited(reason)

    def signal(self, signal: str) -> None:
        """Report an observation."""
        self.sink.signal(signal)
