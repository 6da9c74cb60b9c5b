"""Searches a file for values in every form in which its bytes can contain them, as a person with a hex editor would.

Everything that is packed is unpacked, everything that is coded is decoded, over several levels: archives, compressed
and compound files, the streams and strings of a PDF, mail, Base64, hexadecimal digits, quoted-printable, percent signs,
the escapes of RTF, CSS, JavaScript and PDF, character references, and all encodings of Unicode. A value counts as found
whatever separates its letters and digits, with or without markup between them, forwards and backwards.
"""

import base64
import binascii
import bz2
import email
import email.header
import gzip
import html
import io
import lzma
import quopri
import re
import tarfile
import unicodedata
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator

import olefile
import pypdf
from pypdf.generic import (
    ArrayObject,
    ByteStringObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    PdfObject,
    StreamObject,
    TextStringObject,
)

_DEPTH = 7
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}={0,2}")
_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]{16,}")
_ASCII85 = re.compile(rb"<~.*?~>", re.DOTALL)
_TAGS = re.compile(r"<!\[CDATA\[|\]\]>|<[^<>]*>")
_RTF_BYTE = re.compile(r"\\'([0-9A-Fa-f]{2})")
_RTF_UNICODE = re.compile(r"\\u(-?\d+) ?(?:\\'[0-9A-Fa-f]{2}|[^\\{}0-9])?")
_RTF_WORD = re.compile(r"\\[a-z]+-?\d* ?|[{}\r\n]")
_ESCAPES = re.compile(r"\\(?:u\{?([0-9A-Fa-f]{4,6})\}?|x([0-9A-Fa-f]{2})|([0-7]{3})|0{0,4}([2-7][0-9A-Fa-f])\s?)")
_CONTINUED = re.compile(r"\r?\n[ \t]|\\\r?\n|=\r?\n")
_PRINTABLE = re.compile(r"[\t\r\n -~]")
_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_TEXT_STRINGS = re.compile(rb"\((?:[^()\\]|\\.)*\)|<[0-9A-Fa-f\s]+>", re.DOTALL)
_CODECS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-7", "cp037")


def remaining_values(data: bytes, values: Collection[str]) -> list[str]:
    """Return for each value that is left how it is hidden: the steps of decoding, outermost first."""
    wanted = {value: _letters(value) for value in values}
    found: dict[str, None] = {}
    for path, content in _contents("file", data, 0, set()):
        for view, text in _texts(content):
            letters = _letters(text)
            for value, form in wanted.items():
                if form in letters or form[::-1] in letters:
                    found.setdefault(f"{value} in {path}, {view}")
    return list(found)


def _letters(text: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKC", text).casefold() if one.isalnum())


def _contents(path: str, data: bytes, depth: int, seen: set[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the data, and everything that is packed or coded in it."""
    if data in seen or not data:
        return
    seen.add(data)
    yield path, data
    if depth >= _DEPTH:
        return
    for step, unpack in _STEPS:
        try:
            inner = list(unpack(data))
        except Exception:
            continue
        for name, content in inner:
            yield from _contents(f"{path} › {step} {name}".rstrip(), content, depth + 1, seen)


def _texts(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield the texts that the bytes can be: in each encoding, as they are, without markup, and without escapes."""
    for codec in _CODECS:
        for shift in (0, 1) if codec.startswith("utf-16") else (0, 1, 2, 3) if codec.startswith("utf-32") else (0,):
            text = data[shift:].decode(codec, "ignore")
            yield codec, text
            if codec not in ("utf-8", "utf-16-le", "utf-16-be") or not _is_text(text):
                continue
            for view, change in _VIEWS:
                yield f"{codec}, {view}", change(text)


def _is_text(text: str) -> bool:
    """Return whether most characters are printable ASCII: anything else has no markup and no escapes."""
    return len(_PRINTABLE.findall(text)) > 0.7 * len(text)


def _unescaped(text: str) -> str:
    def one(found: re.Match[str]) -> str:
        code = next(digits for digits in found.groups() if digits)
        number = int(code, 8 if found[3] else 16)
        return chr(number) if number <= 0x10FFFF else ""

    return _ESCAPES.sub(one, text)


def _rtf(text: str) -> str:
    text = _RTF_BYTE.sub(lambda found: chr(int(found[1], 16)), text)
    text = _RTF_UNICODE.sub(lambda found: chr(int(found[1]) & 0xFFFF), text)
    return _RTF_WORD.sub("", text)


def _plain(text: str) -> str:
    return html.unescape(_TAGS.sub("", html.unescape(_TAGS.sub("", text))))


_VIEWS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("without markup", _plain),
    ("character references", html.unescape),
    ("escapes", _unescaped),
    ("escapes in markup", lambda text: _unescaped(_plain(text))),
    ("RTF", _rtf),
    ("percent signs", lambda text: urllib.parse.unquote(text, errors="ignore")),
    ("folded lines", lambda text: _CONTINUED.sub("", text)),
    ("encoded words", lambda text: _header(text)),
    ("XML in XML", lambda text: _TAGS.sub("", html.unescape(text))),
)


def _header(text: str) -> str:
    pieces = email.header.decode_header(text) if "=?" in text and len(text) < 100_000 else []
    return "".join(one.decode("latin-1") if isinstance(one, bytes) else one for one, _ in pieces)


# -- compressed data ------------------------------------------------------------------------------------------------


def _zip(data: bytes) -> Iterator[tuple[str, bytes]]:
    if b"PK\x03\x04" not in data:
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        yield "comment", archive.comment
        for entry in archive.infolist():
            yield f"name of {entry.filename}", entry.filename.encode() + b"\n" + entry.comment + entry.extra
            yield entry.filename, archive.read(entry)


def _compressed(data: bytes) -> Iterator[tuple[str, bytes]]:
    for start, unpack in ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress), (b"\xfd7zXZ", lzma.decompress)):
        if data.startswith(start):
            yield "", unpack(data)


def _deflated(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield zlib streams, as far as they can be read, wherever they begin."""
    for found in re.finditer(rb"[\x08\x18\x28\x38\x48\x58\x68\x78][\x01\x5e\x9c\xda]", data):
        try:
            content = zlib.decompressobj().decompress(data[found.start() :], 50_000_000)
        except zlib.error:
            continue
        if len(content) > 3:
            yield f"at {found.start()}", content


def _tar(data: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for entry in archive:
            yield f"header of {entry.name}", repr(entry.get_info()).encode() + repr(entry.pax_headers).encode()
            if file := archive.extractfile(entry):
                yield entry.name, file.read()


def _compound(data: bytes) -> Iterator[tuple[str, bytes]]:
    if data.startswith(olefile.MAGIC):
        with olefile.OleFileIO(io.BytesIO(data)) as file:
            for name in file.listdir(streams=True, storages=True):
                yield "/".join(name), "/".join(name).encode()
                if file.get_type(name) == olefile.STGTY_STREAM:
                    yield "/".join(name), file.openstream(name).read()


def _mail(data: bytes) -> Iterator[tuple[str, bytes]]:
    if not re.match(rb"(?:[A-Za-z-]+:[^\n]*\n(?:[ \t][^\n]*\n)*){2,}\r?\n", data):
        return
    for part in email.message_from_bytes(data).walk():
        yield "fields", "\n".join(_header(str(value)) + "\n" + str(value) for value in part.values()).encode()
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            yield part.get_content_type(), content


def _pdf(data: bytes) -> Iterator[tuple[str, bytes]]:
    if not data.startswith(b"%PDF-"):
        return
    for found in _STREAM.finditer(data):
        yield "stream", found[1]
    reader = pypdf.PdfReader(io.BytesIO(data))
    for number in range(1, int(str(reader.trailer.get("/Size", 1)))):
        try:
            yield from _object(f"object {number}", reader.get_object(number))
        except Exception:
            continue
    for number, page in enumerate(reader.pages):
        yield f"text of page {number}", page.extract_text().encode("utf-8", "replace")
    for name, files in reader.attachments.items():
        yield from ((f"attachment {name}", file) for file in files)


def _object(name: str, item: PdfObject | None, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    if isinstance(item, IndirectObject) or depth > 20:
        return
    if isinstance(item, (TextStringObject, NameObject)):
        yield name, str(item).encode("utf-8", "replace")
    elif isinstance(item, ByteStringObject):
        yield name, bytes(item)
    elif isinstance(item, ArrayObject):
        for one in item:
            yield from _object(name, one, depth + 1)
    elif isinstance(item, DictionaryObject):
        if isinstance(item, StreamObject):
            content = item.get_data()
            yield f"{name}, stream", content
            yield f"{name}, strings", b"".join(_strings(content))
        for key, one in item.items():
            yield f"{name}, key", str(key).encode("utf-8", "replace")
            yield from _object(f"{name} {key}", one, depth + 1)


def _strings(content: bytes) -> Iterator[bytes]:
    """Yield the strings of a content stream without what positions them (ISO 32000-1, 7.3.4)."""
    for found in _TEXT_STRINGS.findall(content):
        if found.startswith(b"<"):
            digits = re.sub(rb"\s", b"", found[1:-1])
            yield binascii.unhexlify(digits + b"0" * (len(digits) % 2))
        else:
            yield re.sub(rb"\\([0-7]{1,3})", lambda code: bytes([int(code[1], 8) & 255]), found[1:-1])


# -- encoded text ---------------------------------------------------------------------------------------------------


def _base64(data: bytes) -> Iterator[tuple[str, bytes]]:
    if not _is_text(data.decode("latin-1")):
        return
    for view in (data, data.translate(None, b" \t\r\n")):
        for found in _BASE64.findall(view):
            digits = found.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
            for shift in range(4):
                run = digits[shift:]
                whole = run[:-1] if len(run) % 4 == 1 else run
                content = base64.b64decode(whole + b"=" * (-len(whole) % 4))
                # A wrong start position gives random bytes, unless it is text. No program writes such a file.
                if not shift or _is_text(content.decode("latin-1")):
                    yield "", content


def _hexadecimal(data: bytes) -> Iterator[tuple[str, bytes]]:
    if not _is_text(data.decode("latin-1")):
        return
    for found in _HEXADECIMAL.findall(data.translate(None, b" \t\r\n")):
        for shift in (0, 1):
            run = found[shift:]
            yield "", bytes.fromhex(run[: len(run) // 2 * 2].decode())


def _others(data: bytes) -> Iterator[tuple[str, bytes]]:
    if re.search(rb"=[0-9A-F]{2}|=\r?\n", data):
        yield "quoted-printable", quopri.decodestring(data)
    for found in _ASCII85.findall(data):
        yield "ASCII85", base64.a85decode(found, adobe=True)


_STEPS: tuple[tuple[str, Callable[[bytes], Iterator[tuple[str, bytes]]]], ...] = (
    ("zip", _zip),
    ("compressed", _compressed),
    ("deflate", _deflated),
    ("tar", _tar),
    ("compound file", _compound),
    ("mail", _mail),
    ("PDF", _pdf),
    ("Base64", _base64),
    ("hexadecimal", _hexadecimal),
    ("coded", _others),
)
