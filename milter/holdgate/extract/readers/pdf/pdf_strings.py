"""Strings and streams of a PDF for which PDFium has no function, found by scanning the file itself.

PDFium does not report custom keys of the information dictionary, XMP, layer names, signers, form fields without a
widget, or scripts of actions. They are strings (ISO 32000-1, 7.3.4) in the file's objects, or in object streams
(7.5.7). So the file is read once more without following its structure: every string that is text and was not passed on
before is passed on. Object streams, XMP, embedded files and text streams are read, and in other streams what a person
could have written (`pdf_unseen`).
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from holdgate.extract.readers.pdf import pdf_filters, pdf_unseen
from holdgate.extract.readers.pdf.pdf_document import Strings
from holdgate.extract.readers.pictures.xmp import xmp_text
from holdgate.extract.written import is_written

PLACE = "document strings"
MOST_PAGES = 5_000
OBJECT_STREAM_BYTES = 16_000_000
"""Writers put some hundred objects into one object stream: tens of kB."""
TEXT_STREAM_BYTES = 5_000_000
_LONGEST_HEAD = 20_000
"""Most dictionaries of streams are shorter; only for a longer one, all bytes since the last stream are searched."""
# Bytes of an image by which text is recognised.
_HEAD = 4_096

# PDFDocEncoding (Annex D.2) where it differs from Latin-1.
_DOC_ENCODING = dict(zip(range(0x18, 0x20), "˘ˇˆ˙˝˛˚˜", strict=True)) | dict(
    zip(range(0x80, 0x9F), "•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž", strict=True)
)
_DOC_ENCODING[0xA0] = "€"

# Binary values, constants of the format, and names of targets inside the document (12.3.2.3), which nobody sees: they
# are read if a person could have written a number there.
_SKIPPED_KEYS = frozenset(
    b"ID O U OE UE Perms CheckSum Registry Ordering Panose CharSet Lang DA D Dest Names Limits".split()
)
_DATE = re.compile(r"D:(?:19|20)\d\d(?:\d\d){0,5}(?:[-+Z][\d']*)?")
_NAME = re.compile(rb"[A-Za-z0-9]+")
_TOKEN = re.compile(rb"\\.|[()]|<[0-9A-Fa-f\s]*+>", re.S)
_ESCAPE = re.compile(rb"\\(\r\n|[0-7]{1,3}|.)", re.S)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b"", b"\r": b"", b"\r\n": b""}
_NOT_TEXT = re.compile(r"[^\w\s\x20-\x7e]")
_PRINTABLE = re.compile(rb"[\x20-\x7e\s]")
_TEXT_MARKS = (b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf")

_STREAM = re.compile(rb">>\s*+(?:%[^\r\n]{0,200}[\r\n]\s*+)?stream(?:\r\n|\n|\r| )")
_LENGTH = re.compile(rb"/Length\s+(\d+)\s*(?!\s*\d+\s+R)")
_OBJECT = re.compile(rb"(\d{1,10})\s{1,5}\d{1,5}\s{1,5}obj\b")
_PAIRS = re.compile(rb"\s*(?:\d{1,10}\s+\d{1,10}\s+)+")
_PAGE = re.compile(rb"/Type\s{0,5}/Page\b")
_TEXT_REFERENCE = re.compile(rb"/(?:JS|RC|RV|V|DV)\s+(\d{1,10})\s{1,5}\d{1,5}\s{1,5}R")
_FILE_REFERENCES = re.compile(rb"/EF\s{0,5}<<([^>]{0,500})>>")
_REFERENCE = re.compile(rb"(\d{1,10})\s{1,5}\d{1,5}\s{1,5}R")


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream object: its number (-1 if unknown), its dictionary as written, and the place of its bytes."""

    number: int
    dictionary: bytes
    start: int
    end: int


def read_strings(data: bytes, strings: Strings) -> set[int]:
    """Pass on every string, XMP packet, text stream and embedded file of `data` that was not passed on before.

    Returns the numbers of the page objects that are in object streams.
    """
    syntax, streams = split(data)
    budget = strings.sink.budget
    pages: set[int] = set()
    for stream in streams:
        if b"/ObjStm" in stream.dictionary:
            budget.check_time()
            objects = decoded(data, stream, strings, OBJECT_STREAM_BYTES)
            syntax.append(objects)
            pages |= _packed_pages(objects)
    unseen = pdf_unseen.Unseen(strings)
    text_numbers, file_numbers, map_numbers = set[int](), set[int](), set[int]()
    for region in syntax:
        budget.check_time()
        for text in texts(region, budget.check_time):
            strings.add_new(text, PLACE)
        text_numbers.update(int(number) for number in _TEXT_REFERENCE.findall(region))
        unseen.read_syntax(region)
        map_numbers.update(pdf_unseen.deceptive_fonts(region))
        for references in _FILE_REFERENCES.findall(region):
            file_numbers.update(int(number) for number in _REFERENCE.findall(references))
    for stream in streams:
        budget.check_time()
        if b"/Metadata" in stream.dictionary:
            for text in xmp_text(decoded(data, stream, strings)):
                strings.add_new(text, "document properties")
        elif b"/EmbeddedFile" in stream.dictionary or stream.number in file_numbers:
            strings.add_file(decoded(data, stream, strings), "embedded file")
        elif stream.number in text_numbers:
            strings.add_new(string_text(decoded(data, stream, strings, TEXT_STREAM_BYTES)), PLACE)
        else:
            content = _unseen_content(data, stream, strings)
            unseen.read_stream(content, texts(content, budget.check_time))
            if stream.number in map_numbers and pdf_unseen.changes_digits(content):
                strings.sink.limited(pdf_unseen.FONT_DIFFERS)
    return pages


def _packed_pages(objects: bytes) -> set[int]:
    """Return the numbers of the pages in an object stream (7.5.7): pairs of number and offset, then the objects."""
    places = [page.start() for page in _PAGE.finditer(objects)]
    head = _PAIRS.match(objects)
    if not places or head is None:
        return set()
    pairs = [int(number) for number in head[0].split()]
    starts = sorted(zip((head.end() + offset for offset in pairs[1::2]), pairs[::2], strict=False))
    offsets = [start for start, _ in starts]
    return {starts[bisect_right(offsets, place) - 1][1] for place in places}


def split(data: bytes) -> tuple[list[bytes], list[Stream]]:
    """Split a file into the data between streams, and the streams."""
    syntax: list[bytes] = []
    streams: list[Stream] = []
    position = 0
    while match := _STREAM.search(data, position):
        region = data[position : match.start() + 2]
        syntax.append(region)
        head = -1
        number = -1
        near = max(0, len(region) - _LONGEST_HEAD)
        for found in (*_OBJECT.finditer(region, near),) or _OBJECT.finditer(region, 0, near):
            head, number = found.end(), int(found[1])
        dictionary = region[head:] if head >= 0 else region[-2_000:]
        end = _stream_end(data, match.end(), dictionary)
        streams.append(Stream(number, dictionary, match.end(), end))
        position = end
    syntax.append(data[position:])
    return syntax, streams


def page_objects(data: bytes) -> list[int]:
    """Return the numbers of the page objects, in the order of the file, each once.

    Pages in object streams (7.5.7) are not included.
    """
    pages: dict[int, None] = {}
    for page in islice(_PAGE.finditer(data), MOST_PAGES):
        heads = _OBJECT.findall(data, max(0, page.start() - 1_000), page.start())
        pages.update((int(number), None) for number in heads[-1:])
    return list(pages)


def with_page_tree(data: bytes, pages: list[int]) -> bytes:
    """Return a document with a new catalog for the object numbers `pages`; `data` unchanged if there are none.

    PDFium then rebuilds the cross-reference table, as it does for other damage.
    """
    if not pages:
        return data
    kids = " ".join(f"{number} 0 R" for number in pages)
    tree = max(int(number) for number in _OBJECT.findall(data)) + 1
    return (
        data
        + (
            f"\nendstream\nendobj\n{tree} 0 obj\n<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>\nendobj\n"
            f"{tree + 1} 0 obj\n<< /Type /Catalog /Pages {tree} 0 R >>\nendobj\n"
            f"trailer << /Size {tree + 2} /Root {tree + 1} 0 R >>\nstartxref\n0\n%%EOF\n"
        ).encode()
    )


def _stream_end(data: bytes, start: int, dictionary: bytes) -> int:
    """Use /Length if `endstream` follows it, else the next `endstream` or the end of the file."""
    if length := _LENGTH.search(dictionary):
        end = start + int(length[1])
        if data[end : end + 11].lstrip(b"\r\n").startswith(b"endstream"):
            return end
    end = data.find(b"endstream", start)
    return len(data) if end < 0 else end


def decoded(data: bytes, stream: Stream, strings: Strings, most: int = 0, *, is_drawn: bool = False) -> bytes:
    """Return the content of a stream; report if it is not complete.

    One beyond `most` bytes, by default the size of a member, is cut there. With `is_drawn`, damage is not reported:
    PDFium also draws the part before it.
    """
    budget = strings.sink.budget

    def spend(count: int) -> None:
        budget.spend_bytes(count)
        budget.check_time()

    packed = data[stream.start : stream.end]
    found = pdf_filters.decode(packed, stream.dictionary, most or budget.limits.entry_bytes, spend)
    if found.reason and not (is_drawn and found.reason == pdf_filters.DAMAGED):
        strings.sink.limited(found.reason)
    return found.content


def _unseen_content(data: bytes, stream: Stream, strings: Strings) -> bytes:
    """Return the content of a stream in which a person could have written, b"" for pixels, objects, programs."""
    is_image = pdf_unseen.is_image(stream.dictionary)
    if is_image or pdf_unseen.has_objects(stream.dictionary):
        packed = data[stream.start : min(stream.end, stream.start + _HEAD)]
        head = pdf_filters.decode(packed, stream.dictionary, _HEAD, strings.sink.budget.spend_bytes).content
        if pdf_unseen.is_binary(head) or (not is_image and pdf_unseen.begins_objects(head)):
            return b""
    content = decoded(data, stream, strings, is_drawn=True)
    return b"" if pdf_unseen.is_of_a_program(stream.dictionary, content) else content


def texts(region: bytes, check: Callable[[], None] = lambda: None) -> Iterator[str]:
    """Yield the literal and hexadecimal strings in a piece of PDF syntax that are text, in linear time.

    `check` is called regularly and can stop the work by an exception.
    """
    depth = 0
    start = 0
    for count, token in enumerate(_TOKEN.finditer(region)):
        if not count % 4_096:
            check()
        kind = region[token.start()]
        if kind == 0x28:
            depth += 1
            if depth == 1:
                start = token.end()
        elif kind == 0x29 and depth:
            depth -= 1
            if not depth and (text := _text(region, start - 1, _unescape(region[start : token.start()]))):
                yield text
        elif kind == 0x3C and not depth:
            digits = b"".join(token[0][1:-1].split())
            if text := _text(region, token.start(), bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())):
                yield text
    if depth and (text := _text(region, start - 1, _unescape(region[start:]))):
        yield text


def _text(region: bytes, start: int, raw: bytes) -> str:
    """Decode a string at `start` of a region, or return "" if it is not text."""
    if len(raw) < 3:
        return ""
    text = string_text(raw)
    if _key(region, start) in _SKIPPED_KEYS and not is_written(text):
        return ""
    return "" if _DATE.fullmatch(text) or _is_binary(raw, text) else text


def _key(region: bytes, start: int) -> bytes:
    """Return the key of the dictionary entry with the string at `start`, alone or in an array."""
    slash = region.rfind(b"/", max(0, start - 200), start)
    if slash < 0 or b">>" in region[slash:start]:
        return b""
    name = _NAME.match(region, slash + 1)
    return name[0] if name else b""


def _is_binary(raw: bytes, text: str) -> bool:
    """Return whether bytes are a hash, file identifier or signature: a third of random bytes is printable ASCII."""
    if len(_NOT_TEXT.findall(text)) > len(text) // 4:
        return True
    return not raw.startswith(_TEXT_MARKS) and len(_PRINTABLE.findall(raw)) < len(raw) // 2 and not _is_utf8(raw)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _unescape(raw: bytes) -> bytes:
    if b"\\" not in raw:
        return raw
    return _ESCAPE.sub(_unescaped, raw)


def _unescaped(escape: re.Match[bytes]) -> bytes:
    code = escape[1]
    return bytes([int(code, 8) & 255]) if code[0] in b"01234567" else _ESCAPED.get(code, code)


def string_text(raw: bytes) -> str:
    """Decode a text string (7.9.2.2): UTF-16 or UTF-8 by its mark, else UTF-8 if valid, else PDFDocEncoding."""
    if raw.startswith(b"\xfe\xff"):
        return raw[2:].decode("utf-16-be", "replace")
    if raw.startswith(b"\xff\xfe"):
        return raw[2:].decode("utf-16-le", "replace")
    try:
        return raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1").translate(_DOC_ENCODING)
