"""Extracts files from OLE's wrappers: Packager objects and OLE 1 objects.

Follows [MS-OLEDS] 2.2.5 (EmbeddedObject) and 2.3.6 (OLENativeStream); the inside of a package is the Packager's own
layout: a label, a path, a temporary path, the file.
"""

import re
import struct

from holdgate.extract.reading import Sink

FOLDERS = re.compile(r"[\\/]")
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def read_package(data: bytes, sink: Sink) -> None:
    """Pass on the file in a package with its names; `data` begins after the size of the native data."""
    try:
        at = 2
        names: list[str] = []
        for _ in range(2):
            end = data.index(b"\0", at)
            names.append(data[at:end].decode("cp1252", "replace"))
            at = end + 1
        (length,) = struct.unpack_from("<I", data, at + 4)
        names.append(data[at + 8 : at + 8 + length].split(b"\0")[0].decode("cp1252", "replace"))
        at += 8 + length
        (size,) = struct.unpack_from("<I", data, at)
        content = data[at + 4 : at + 4 + size]
    except (struct.error, ValueError):
        sink.embedded(data, "embedded object")
        return
    if len(content) < size:
        sink.limited("damaged embedded object")
    for name in dict.fromkeys(names):
        sink.text(name, "embedded object")
    sink.embedded(content, FOLDERS.split(names[1] or names[0])[-1])


def read_object(data: bytes, sink: Sink) -> None:
    """Pass on the content of an OLE 1 object, or all of it if its frame is not understood."""
    try:
        at = 8
        names: list[str] = []
        for _ in range(3):
            (length,) = struct.unpack_from("<I", data, at)
            names.append(data[at + 4 : at + 4 + length].rstrip(b"\0").decode("cp1252", "replace"))
            at += 4 + length
        (size,) = struct.unpack_from("<I", data, at)
        content = data[at + 4 : at + 4 + size]
    except struct.error:
        content, names = b"", []
    for name in names[1:]:
        sink.text(name, "embedded object")
    if names and names[0] == "Package" and content:
        read_package(content, sink)
        return
    found = data.find(COMPOUND)
    sink.embedded(content or (data[found:] if found >= 0 else data), "embedded object")
