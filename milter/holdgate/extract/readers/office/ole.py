"""Reads compound files of any kind: old Office documents, messages, encrypted packages, and embedded documents.

A storage's streams show which reader it needs ([MS-CFB] gives them names, each format's specification lists them). What
no other reader reads is read here: property sets, packaged files, embedded objects, macros, and the strings of unknown
streams.
"""

import struct

from holdgate.extract.extents import documents
from holdgate.extract.format import Format
from holdgate.extract.readers.office import chunks, excel, hangul, msg, powerpoint, word
from holdgate.extract.readers.office.compound import Storage, Within, open_compound
from holdgate.extract.readers.office.decryption import decrypted
from holdgate.extract.readers.office.office_art import pictures
from holdgate.extract.readers.office.ole_package import read_package
from holdgate.extract.readers.office.property_set import read_properties
from holdgate.extract.readers.office.vba import read_module
from holdgate.extract.readers.openxml import ooxml
from holdgate.extract.readers.pictures import metafile
from holdgate.extract.readers.texts.byte_strings import strings
from holdgate.extract.reading import Document, Sink, UnreadableError

READERS = (
    ("worddocument", word.read_storage),
    ("workbook", excel.read_storage),
    ("book", excel.read_storage),
    ("powerpoint document", powerpoint.read_storage),
    ("__properties_version1.0", msg.read_storage),
    (hangul.STREAM, hangul.read_storage),
)
# Documents of which the main text or strings are read: the storages that identify them (streams, for Works).
PUBLISHER, PROJECT, WORKS = ("quill",), ("   1", "   19", "   112", "   114"), ("mn0", "matost")
IN_PART = {
    "publication: only text and strings read": PUBLISHER,
    "project: only strings read": PROJECT,
    "old document: only strings read": WORKS,
}
PROPERTY_SETS = frozenset({"\x05summaryinformation", "\x05documentsummaryinformation"})
# Class names, presentation hints and protection data for programs.
PROGRAM_STREAMS = frozenset(
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
# Streams that contain only strings: links, equations, names of macro projects, forms, sizes of objects.
STRING_STREAMS = frozenset(
    {"\x01ole", "equation native", "project", "\x03vbframe", "f", "o", "\x03eprint", "properties_stream"}
)
PICTURE = "picture of an object"
OLD_METAFILE = b"\x01\x00\x09\x00\x00\x03"
CONTROLS = "".join(map(chr, range(32)))
BROKEN = (struct.error, IndexError, ValueError, KeyError, OverflowError)


def read(document: Document, sink: Sink) -> None:
    """Read a compound file; raise UnreadableError("encrypted") or ("damaged") if nothing can be read."""
    root = open_compound(document, sink)
    if "encryptedpackage" in root:
        inside = decrypted(document, root.read("encryptioninfo"), sink)
        sink.signal("encrypted with the default password")
        if inside.startswith(b"PK"):
            ooxml.read(Document(inside, document.name), sink)
        else:
            sink.embedded(inside, document.name)
        return
    failure: UnreadableError | None = None
    try:
        _read_main(root, sink)
    except UnreadableError as error:
        failure = error
    if failure is not None and str(failure) == "encrypted":
        try:
            inside = decrypted(document, b"", sink)
        except UnreadableError:
            for name in sorted(PROPERTY_SETS & set(root.untaken())):
                read_properties(root.read(name), sink)
            raise
        sink.signal("encrypted with the default password")
        root, failure = open_compound(Document(inside), sink), None
        _read_main(root, sink)
    understood = _read_rest(root, sink, 0)
    for reason, names in IN_PART.items():
        if failure is None and any(root.storage(name) or (name in WORKS and name in root) for name in names):
            sink.limited(reason)
            return
    if failure is not None:
        raise failure
    if not understood and not any(stream in root for stream, _ in READERS):
        sink.limited("unknown format, only strings read")


def read_storage(storage: Storage, sink: Sink, depth: int) -> None:
    """Read a storage, nested `depth` storages deep, with all streams and storages in it."""
    if depth > sink.budget.limits.archive_depth:
        sink.limited("nested too deeply")
        return
    try:
        _read_main(storage, sink)
    except UnreadableError as error:
        sink.limited(str(error))
    _read_rest(storage, sink, depth)


def _read_main(storage: Storage, sink: Sink) -> None:
    """Have the reader of its format read a storage, if it has one."""
    for stream, reader in READERS:
        if stream in storage and stream not in storage.taken:
            try:
                reader(storage, sink)
            except BROKEN:
                sink.limited("damaged")
                _strings(storage.read(stream), sink, "remains")


def _read_rest(storage: Storage, sink: Sink, depth: int) -> bool:
    """Read the streams that no reader has read, and the storages inside; return whether the streams are known."""
    understood = True
    for name in storage.untaken():
        try:
            understood &= _read_stream(storage, name, sink)
        except BROKEN:
            sink.limited("damaged stream")
    for inner in storage.storages():
        place = _place(inner)
        read_storage(inner, Within(sink, place) if place else sink, depth + 1)
    return understood


def _place(storage: Storage) -> str:
    """Return a storage's name for people, "" if it only groups others."""
    name = storage.name.lower()
    if name.startswith("_vba_project") or name in ("vba", "macros", "objectpool", "\x06dataspaces"):
        return ""
    if name == "_sx_db_cur":
        return "pivot table"
    return "embedded object"


def _read_stream(storage: Storage, name: str, sink: Sink) -> bool:
    """Read a stream that no format's reader has read; return whether its kind is known."""
    if name in PROGRAM_STREAMS or name.startswith("__srp_"):
        return True
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
    elif storage.name.lower() == "_sx_db_cur":
        excel.read_stream(data, sink)
    elif name == "contents" and data.startswith(chunks.MARKS):
        end = 0
        for start, end_of_text, text in sorted(chunks.texts(data)):
            _strings(data[end:start], sink, "stream CONTENTS", narrow=False)
            sink.text(text)
            end = max(end, end_of_text)
        _strings(data[end:], sink, "stream CONTENTS", narrow=False)
    elif name.startswith("\x02olepres"):
        _read_presentation(data, sink)
    else:
        _strings(data, sink, f"stream {storage.names[name].strip(CONTROLS)}")
        return name in STRING_STREAMS or not data
    return True


def _read_presentation(data: bytes, sink: Sink) -> None:
    """Read the metafile that shows an object ([MS-OLEDS] 2.3.4), or the strings of another form."""
    enhanced, old = data.find(b" EMF"), data.find(OLD_METAFILE)
    start = enhanced - 40 if enhanced >= 40 else old
    if start >= 0:
        metafile.read(Document(data[start:]), Within(sink, PICTURE))
    else:
        _strings(data, sink, PICTURE)


def _strings(data: bytes, sink: Sink, place: str, narrow: bool = True) -> None:
    """Pass on the strings of unknown data."""
    for text in strings(data, narrow=narrow):
        sink.text(text, place)


_DRAWN = "letters that are drawn as shapes (`drawing not read`)"
_WORD = "application/msword"
_EXCEL = "application/vnd.ms-excel"
_POWERPOINT = "application/vnd.ms-powerpoint"
_READ_BY = "Holdgate, olefile"

FORMATS = (
    Format(
        kind="word",
        read=read,
        claims=documents.of_compound,
        holds="doc",
        read_by=_READ_BY,
        unread=_DRAWN,
        ole_streams=("worddocument",),
        extensions="doc dot",
        types=_WORD,
    ),
    Format(
        kind="excel",
        read=read,
        claims=documents.of_compound,
        holds="xls",
        read_by=_READ_BY,
        unread=_DRAWN,
        ole_streams=("workbook", "book"),
        extensions="xls xlt xlm",
        types=_EXCEL,
    ),
    Format(
        kind="powerpoint",
        read=read,
        claims=documents.of_compound,
        holds="ppt",
        read_by=_READ_BY,
        unread=_DRAWN,
        ole_streams=("powerpoint document", "pp97_dualstorage"),
        extensions="ppt pot pps",
        types=_POWERPOINT,
    ),
    Format(
        kind="msg",
        read=read,
        claims=documents.of_compound,
        holds="Outlook messages",
        read_by=_READ_BY,
        unread="",
        ole_streams=("__properties_version1.0",),
        extensions="msg",
    ),
    Format(
        kind="publisher",
        read=read,
        claims=documents.of_compound,
        holds="pub of Publisher",
        read_by=_READ_BY,
        unread="everything but text, properties, pictures and strings: `publication: only text and strings read`",
        ole_streams=PUBLISHER,
        extensions="pub",
        types="application/x-mspublisher application/vnd.ms-publisher",
    ),
    Format(
        kind="project",
        read=read,
        claims=documents.of_compound,
        holds="mpp of Project",
        read_by=_READ_BY,
        unread="everything but properties and strings: `project: only strings read`",
        ole_streams=PROJECT,
        extensions="mpp mpt",
        types="application/vnd.ms-project",
    ),
    Format(
        kind="works",
        read=read,
        claims=documents.of_compound,
        holds="wps of Works, versions 4 and later",
        read_by=_READ_BY,
        unread="everything but text, properties and strings: `old document: only strings read`",
        ole_streams=WORKS,
        extensions="wps wpt",
        types="application/vnd.ms-works",
    ),
    Format(
        kind="hwp",
        read=read,
        claims=documents.of_compound,
        holds="hwp of Hangul, version 5",
        read_by=_READ_BY,
        unread="documents with a password, which are `encrypted`",
        ole_streams=(hangul.STREAM,),
        extensions="hwp hwt",
        types="application/x-hwp application/haansofthwp application/vnd.hancom.hwp",
    ),
    Format(
        kind="ole",
        read=read,
        claims=documents.of_compound,
        holds="other compound files, encrypted Office files",
        read_by=f"{_READ_BY}, msoffcrypto-tool",
        unread="encrypted files with a password of their own, which are `encrypted`",
        extensions=f"{ooxml.FORMAT.extensions} doc dot xls xlt xlm ppt pot pps",
        types=f"{ooxml.FORMAT.types} {_WORD} {_EXCEL}",
    ),
)
