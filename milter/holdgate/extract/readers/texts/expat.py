"""Passes XML to a handler, with entity declarations refused and depth and time limited.

The scanner in C, if there is one (see `xml_plan`), reads plain XML; expat reads the rest.

The handler gets names without their namespace prefix. Documents of Office and ODF differ in prefixes and, in strict
form, in namespace names, but no local name has two meanings that must be read differently.
"""

import re
from collections.abc import Iterator
from typing import Protocol
from xml.parsers import expat

from holdgate.extract.budget import Budget
from holdgate.extract.readers.texts import xml_plan
from holdgate.extract.reading import Sink, UnreadableError
from holdgate.extract.references import unescaped

# How many bytes expat gets at a time: few at first, more with every step, so that an endless token is not scanned again
# and again (CVE-2023-52425).
CHUNK = 1 << 16
LARGEST_CHUNK = 1 << 23
BREAKING = re.compile(r"</?(?:[\w.-]+:)?(?:p|h|br|tr|tc|row|si|c|v|comment)(?:\s[^<>]*)?/?>")
TAG = re.compile(r"<[^<>]*>?")
PROLOGUE = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)*", re.DOTALL)
ROOT = re.compile(rb"<(?:[^\s<>/:]+:)?([^\s<>/:!?]+)[\s/>]")
ROOT_WITHIN = 65_536
LONGEST_TAG = 4_096


class Handler(Protocol):
    """Processes what is found; `name` has no prefix, the keys of `attributes` are unchanged.

    Tags that `wanted` does not request may be passed or not.
    """

    wanted: xml_plan.Selection

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Process a start tag."""

    def end(self, name: str) -> None:
        """Process an end tag."""

    def data(self, text: str) -> None:
        """Process character data."""


class _LocalNames(dict[str, str]):
    """Names without their prefixes, each computed once."""

    def __missing__(self, name: str) -> str:
        self[name] = plain = name[name.find(":") + 1 :]
        return plain


def feed(data: bytes, handler: Handler, budget: Budget, cells: xml_plan.Cells | None = None) -> int:
    """Parse `data` and return how many of its bytes were understood: all of them unless it is malformed.

    If `cells` are given, simple cells can be passed to them instead of the handler.

    Raises UnreadableError for entity declarations and for nesting beyond the limit, before either costs anything.
    """
    read = depth = 0
    if xml_plan.xml_scan is not None:
        scan = xml_plan.xml_scan.Scan(
            handler.wanted.plan, data, budget.limits.xml_depth, handler.start, handler.end, handler.data, cells
        )
        while scan.run(LARGEST_CHUNK):
            budget.check_time()
        if scan.finished:
            return len(data)
        read, depth = scan.position, scan.depth
    return _feed_expat(data, handler, budget, read, depth)


def _feed_expat(data: bytes, handler: Handler, budget: Budget, read: int = 0, depth: int = 0) -> int:
    """Parse `data`, of which the handler has had `read` bytes, up to the end of a tag inside `depth` elements."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    names = _LocalNames()
    deepest = budget.limits.xml_depth
    handle_start, handle_end = handler.start, handler.end

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > deepest:
            raise UnreadableError("XML nested too deeply")
        handle_start(names[name], attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        handle_end(names[name])

    def refuse(*_: object) -> None:
        raise UnreadableError("XML declares entities")

    parser.EntityDeclHandler = refuse
    try:
        for chunk in chunks(data[:read]):
            parser.Parse(chunk, False)
            budget.check_time()
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = handler.data
        for chunk in chunks(data[read:]):
            parser.Parse(chunk, False)
            budget.check_time()
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError):
        parser.buffer_text = False  # Passes on the text that was still buffered.
        return max(0, min(parser.ErrorByteIndex, len(data) - 1))
    return len(data)


def chunks(data: bytes) -> Iterator[bytes]:
    """Yield `data` in pieces that grow."""
    offset, size = 0, CHUNK
    while offset < len(data):
        yield data[offset : offset + size]
        offset += size
        size = min(2 * size, LARGEST_CHUNK)


def read_part(
    data: bytes,
    handler: Handler,
    sink: Sink,
    place: str = "",
    lenient: bool = False,
    cells: xml_plan.Cells | None = None,
) -> None:
    """Parse a part of a document; if malformed, its tags are removed instead, which is reported unless `lenient`."""
    data = data.lstrip() if data[:1].isspace() else data
    most = sink.budget.limits.xml_bytes
    if len(data) > most:
        sink.limited("XML part too large")
        data = data[:most]
    reason = "" if lenient else "malformed XML"
    try:
        understood = feed(data, handler, sink.budget, cells)
    except UnreadableError as error:
        understood, reason = 0, str(error)
    if understood < len(data) and data[understood:].strip(b"\0 \t\r\n"):
        if reason:
            sink.limited(reason)
        tag = data.rfind(b"<", max(0, understood - LONGEST_TAG), understood)
        if tag >= 0 and data.find(b">", tag, understood) < 0:
            understood = tag
        for line in stripped(data[understood:]):
            sink.text(line, place)


def local(attributes: dict[str, str]) -> dict[str, str]:
    """Return `attributes` without prefixes in their names; a prefixed one overrides the same name without prefix."""
    if ":" not in "".join(attributes):
        return attributes
    plain = {name: value for name, value in attributes.items() if ":" not in name}
    return plain | {name[name.find(":") + 1 :]: value for name, value in attributes.items() if ":" in name}


def root_name(data: bytes) -> str:
    """Return the local name of the root element, "" if `data` is not XML."""
    head = data[:ROOT_WITHIN]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or head[:2] in (b"<\0", b"\0<"):
        head = decode(head).encode("utf-8", "replace")
    head = head.removeprefix(b"\xef\xbb\xbf")
    prologue = PROLOGUE.match(head)
    match = ROOT.match(head, prologue.end() if prologue else 0)
    return match.group(1).decode("utf-8", "replace") if match else ""


def decode(data: bytes) -> str:
    """Return XML bytes as characters without parsing them: UTF-16 if they look like it, else UTF-8."""
    if data[:2] == b"\xff\xfe" or data[:2] == b"<\0":
        return data.decode("utf-16-le", "replace")
    if data[:2] == b"\xfe\xff" or data[:2] == b"\0<":
        return data.decode("utf-16-be", "replace")
    return data.decode("utf-8", "replace")


def stripped(data: bytes) -> Iterator[str]:
    """Yield the lines of text between the tags of malformed XML, in linear time."""
    text = BREAKING.sub("\n", decode(data))
    for line in TAG.sub("", text).split("\n"):
        line = unescaped(line).strip()
        if line:
            yield line
