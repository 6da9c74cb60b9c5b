"""Reads compound files of any kind: old Office documents, messages, encrypted packages, and what stands inside them.

Which reader a storage needs is told by its streams ([MS-CFB] gives them names, each format's specification says which).
What no reader has taken is read here: property sets, packaged files, embedded objects, macros, and
of streams that nobody knows the strings.
"""

import io
import re
import struct

import msoffcrypto

from holdgate.extract.readers import excel, msg, ooxml, powerpoint, word
from holdgate.extract.readers.byte_strings import strings
from holdgate.extract.readers.compound import Storage, Within, open_compound
from holdgate.extract.readers.office_art import pictures
from holdgate.extract.readers.ole_package import read_package
from holdgate.extract.readers.property_set import read_properties
from holdgate.extract.readers.vba import read_module
from holdgate.extract.reading import Document, Sink, UnreadableError

# Office opens a file with this password without asking for one ([MS-OFFCRYPTO] 2.3.7.7 names it for workbooks).
DEFAULT_PASSWORD = "VelvetSweatshop"
# Rounds of key derivation that are worth spending on it; Office writes 50,000 or 100,000.
MOST_ROUNDS = 1_000_000
ROUNDS = re.compile(rb'spinCount="(\d+)"')
READERS = (
    ("worddocument", word.read_storage),
    ("workbook", excel.read_storage),
    ("book", excel.read_storage),
    ("powerpoint document", powerpoint.read_storage),
    ("__properties_version1.0", msg.read_storage),
)
PROPERTY_SETS = frozenset({"\x05summaryinformation", "\x05documentsummaryinformation"})
# Class names, presentation hints and protection data that programs write for each other.
PLUMBING = frozenset(
    {"\x01compobj", "\x03objinfo", "\x03linkinfo", "\x06dataspaces", "encryptioninfo", "_vba_project", "projectwm"}
)
SIGNATURES = (
    b"PK\x03\x04",
    b"%PDF-",
    b"\xd0\xcf\x11\xe0",
    b"{\\rtf",
    b"\x89PNG\r\n",
    b"\xff\xd8\xff",
    b"GIF8",
    b"Rar!",
)
CONTROLS = "".join(map(chr, range(32)))
BROKEN = (struct.error, IndexError, ValueError, KeyError, OverflowError)


def read(document: Document, sink: Sink) -> None:
    """Read a compound file; raise UnreadableError("encrypted") or ("damaged") where nothing can be read."""
    root = open_compound(document, sink)
    if "encryptedpackage" in root:
        decrypted = _decrypted(document, root.read("encryptioninfo"))
        sink.signal("encrypted with the default password")
        if decrypted.startswith(b"PK"):
            ooxml.read(Document(decrypted, document.name), sink)
        else:
            sink.embedded(decrypted, document.name)
        return
    failure: UnreadableError | None = None
    try:
        _read_main(root, sink)
    except UnreadableError as error:
        failure = error
    if failure is not None and str(failure) == "encrypted":
        try:
            decrypted = _decrypted(document, b"")
        except UnreadableError:
            for name in PROPERTY_SETS & set(root.untaken()):
                read_properties(root.read(name), sink)
            raise
        sink.signal("encrypted with the default password")
        root, failure = open_compound(Document(decrypted), sink), None
        _read_main(root, sink)
    _read_rest(root, sink, 0)
    if failure is not None:
        raise failure


def read_storage(storage: Storage, sink: Sink, depth: int) -> None:
    """Read a storage that stands `depth` storages deep in another, with all streams and storages in it."""
    if depth > sink.budget.limits.archive_depth:
        sink.limited("nested too deeply")
        return
    try:
        _read_main(storage, sink)
    except UnreadableError as error:
        sink.limited(str(error))
    _read_rest(storage, sink, depth)


def _read_main(storage: Storage, sink: Sink) -> None:
    """Let the reader of its format read a storage, if it has one."""
    for stream, reader in READERS:
        if stream in storage and stream not in storage.taken:
            try:
                reader(storage, sink)
            except BROKEN:
                sink.limited("damaged")
                _strings(storage.read(stream), sink, "remains")


def _read_rest(storage: Storage, sink: Sink, depth: int) -> None:
    """Read the streams that no reader has taken, and the storages inside."""
    for name in storage.untaken():
        try:
            _read_stream(storage, name, sink)
        except BROKEN:
            sink.limited("damaged stream")
    for inner in storage.storages():
        place = _place(inner)
        read_storage(inner, Within(sink, place) if place else sink, depth + 1)


def _place(storage: Storage) -> str:
    """Name what a storage is to a person, "" where it only groups others."""
    name = storage.name.lower()
    if name.startswith("_vba_project") or name in ("vba", "macros", "objectpool", "\x06dataspaces"):
        return ""
    if name == "_sx_db_cur":
        return "pivot table"
    return "embedded object"


def _read_stream(storage: Storage, name: str, sink: Sink) -> None:
    """Read a stream that no format's reader has taken."""
    if name in PLUMBING or name.startswith("__srp_"):
        return
    data = storage.read(name)
    if name in PROPERTY_SETS or name.startswith("\x05"):
        read_properties(data, sink)
    elif name == "\x01ole10native":
        read_package(data[4:], sink)
    elif name == "package" or data.startswith(SIGNATURES):
        sink.embedded(data, "" if name == "package" else storage.names[name])
    elif name in ("pictures", "data"):
        for picture, kind in pictures(data, sink):
            sink.embedded(picture, kind)
        _strings(data, sink, "field or object", narrow=False)
    elif storage.name.lower() == "vba":
        if name != "dir":
            read_module(data, storage.names[name], sink)
    else:
        _strings(data, sink, f"stream {storage.names[name].strip(CONTROLS)}")


def _strings(data: bytes, sink: Sink, place: str, narrow: bool = True) -> None:
    """Hand over the strings of bytes that are not understood."""
    for text in strings(data, narrow=narrow):
        sink.text(text, place)


def _decrypted(document: Document, information: bytes) -> bytes:
    """Open a file with the default password, or raise UnreadableError("encrypted")."""
    if any(int(count[:12]) > MOST_ROUNDS for count in ROUNDS.findall(information)):
        raise UnreadableError("encrypted")
    out = io.BytesIO()
    try:
        file = msoffcrypto.OfficeFile(io.BytesIO(document.data))
        file.load_key(password=DEFAULT_PASSWORD)
        file.decrypt(out)
    except Exception as error:  # whatever goes wrong, the file stays closed, and that is what is reported
        raise UnreadableError("encrypted") from error
    return out.getvalue()
