"""Masks every match in all parts of a message, or refuses and names the part where that is impossible.

A part without a match is not changed. After each change the part is read and searched again, and its bytes are searched
for the values. In the end the whole message is read again (`change`): what a reader decodes, such as a file in a text,
is not always what was masked. The change is refused if a value may remain.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from email.header import Header
from itertools import chain

from holdgate.extract import charset, zip_file
from holdgate.extract.budget import Budget, LimitReachedError
from holdgate.extract.fields import words
from holdgate.extract.identify import identify
from holdgate.extract.reading import Document
from holdgate.rewrite import archives, entity, image, package, pdf, pdf_bytes, remains, rtf
from holdgate.rewrite.entity import Entity, RefusedError
from holdgate.rewrite.finder import Finder
from holdgate.rewrite.markup import hidden, masked
from holdgate.rewrite.numbers import digits_of, spelled

_PACKAGES = ("ooxml", "odf", "zip")
_PLAIN = ("text", "csv", "calendar", "card")
_FOLDED = ("calendar", "card")
_XML_TEXTS = ("xml", "office-xml")
_NOT_FREE = re.compile(
    r"(?:resent-)?(?:from|sender|to|cc|bcc|reply-to|date|message-id)|return-path|delivered-to|received|in-reply-to"
    r"|references|mime-version|content-.*|dkim-.*|arc-.*|x-(?:holdgate|netskope)-.*|authentication-results|list-.*"
)
# The lines that divide a calendar or card into components (RFC 5545, 3.6).
_FRAME = re.compile(r"^(?:BEGIN|END):[A-Za-z-]+\r?$", re.MULTILINE)
# A property, its parameters, and its value; some have HTML, such as the X-ALT-DESC of Outlook.
_PROPERTY = re.compile(r"""^((?:[^":\r\n]|"[^"\r\n]*")*+:)(.*)""", re.MULTILINE)
_HAS_PAGE = re.compile(r""";FMTTYPE="?text/html"?[;:]""", re.IGNORECASE)
_DELIMITER = re.compile(rb"^--.*$", re.MULTILINE)
_DEPTH = 6


def redact(root: Entity, finder: Finder, budget: Budget, depth: int = 0) -> None:
    """Mask a message in place; it is in as many files as `depth` says. Raises RefusedError."""
    for one in root.walk():
        _names(one, finder)
        _fields(one, finder)
        _require_no_number(one, finder)
        if one.pieces:
            for piece in one.pieces:
                if isinstance(piece, bytes) and finder.spans(charset.decode(_DELIMITER.sub(b"", piece))):
                    raise RefusedError(one.content_type, "format")
        elif one.inner is None:
            _leaf(one, finder, budget, depth)


def _require_no_number(one: Entity, finder: Finder) -> None:
    """Raise RefusedError if a header field that programs write contains a known number: a sender can write it too.

    So is a field whose name contains one.
    """
    numbers = digits_of(finder.known)
    for name, whole in one.fields:
        if next(spelled(name, numbers), None):
            raise RefusedError(name, "not removed")
        if _NOT_FREE.fullmatch(name) and next(spelled(words(whole.partition(b":")[2]), numbers), None):
            raise RefusedError(name, "not removed")


def _leaf(one: Entity, finder: Finder, budget: Budget, depth: int) -> None:
    name = one.names[0] if one.names else one.content_type
    data = one.decoded()
    if one.content_type.startswith("text/") or (one.charset and not one.names):
        kind = identify(Document(data, name if one.names else "", one.content_type, one.charset))
        if kind in (*_PLAIN, "html", *_XML_TEXTS):
            _text_leaf(one, name, kind, charset.decode(data, one.charset), finder, budget)
            return
    new = _file(name, data, finder, budget, depth)
    if new != data:
        one.replace(new)


def _text_leaf(one: Entity, name: str, kind: str, text: str, finder: Finder, budget: Budget) -> None:
    new = _masked_text(text, kind, finder)
    # Read once more, as a file: what a reader decodes can be in another place than what was masked.
    written = new.encode("utf-8", "replace")
    if kind == "html" and finder.check("part.html", b"\xef\xbb\xbf" + written)[1]:
        raise RefusedError(name, "not removed")
    _require_gone(name, written, finder, kind, budget)
    if new != text:
        kind_and_subtype = one.content_type.encode("ascii", "replace")
        one.replace(written, kind_and_subtype + b"; charset=utf-8")
    elif finder.spans(text):
        raise RefusedError(name, "not removed")


def _masked_text(text: str, kind: str, finder: Finder) -> str:
    if kind == "html":
        return masked(text, finder.spans, finder.values, is_html=True)
    if kind in _XML_TEXTS:
        return masked(text, finder.spans, finder.values, known=finder.known)
    if kind in _FOLDED:
        text = re.sub(r"\r?\n[ \t]", "", text)
        text = _PROPERTY.sub(
            lambda line: (
                line[1] + masked(line[2], finder.spans, finder.values, is_html=True)
                if _HAS_PAGE.search(line[1])
                else line[0]
            ),
            text,
        )
        frame = {place for line in _FRAME.finditer(text) for place in range(*line.span())}
        new = hidden(text, finder.spans(text))
        return "".join(old if place in frame else one for place, (old, one) in enumerate(zip(text, new, strict=True)))
    return hidden(text, finder.spans(text))


def _file(name: str, data: bytes, finder: Finder, budget: Budget, depth: int) -> bytes:
    """Return a file without its matches; unchanged if it has none. Raises RefusedError."""
    try:
        budget.check_time()
    except LimitReachedError as error:
        raise RefusedError(name, "too long") from error
    short = name.rpartition(" › ")[2]
    is_whole, is_found = (finder.seen.get(short) if not depth else None) or finder.check(short, data)
    if not is_whole and not is_found and not depth:
        raise RefusedError(name, "not read")
    kind = identify(Document(data, short))
    if not is_found:
        _require_gone(name, data, finder, kind, budget)  # a reader does not see all bytes
        return data

    def inside(member: str, content: bytes) -> bytes:
        return _file(member, content, finder, budget, depth + 1)

    if kind in _PACKAGES and depth < _DEPTH:
        new = package.rewrite(data, name, kind, finder.spans, finder.values, finder.known, inside, budget)
    elif kind == "pdf" and depth < _DEPTH:
        new = pdf.rewrite(data, name, finder, inside, budget)
    elif kind == "message" and depth < _DEPTH:
        new = _message(data, name, finder, budget, depth + 1)
    elif kind == "rtf" and depth < _DEPTH:
        new = rtf.rewrite(data, name, finder, inside)
    elif kind == "compressed" and depth < _DEPTH:
        new = archives.rewrite_compressed(data, name, inside, budget)
    elif kind == "archive" and depth < _DEPTH:
        new = archives.rewrite_tar(data, name, finder.values, inside, budget)
    elif kind == "image":
        new = image.rewrite(data, name, finder.spans)
    elif kind in (*_PLAIN, "html", *_XML_TEXTS):
        text = package.xml_text(data, name) if kind in _XML_TEXTS else charset.decode(data)
        new_text = _masked_text(text, kind, finder)
        # A UTF-8 byte order mark has precedence over a charset that the file may declare.
        is_marked = kind not in _XML_TEXTS and not new_text.isascii()
        new = new_text.encode("utf-8-sig" if is_marked else "utf-8", "replace")
    else:
        raise RefusedError(name, "format")
    is_whole, is_found = finder.check(short, new)
    if is_found or not is_whole:
        raise RefusedError(name, "not removed")
    _require_gone(name, new, finder, kind, budget)
    return new


def _message(data: bytes, name: str, finder: Finder, budget: Budget, depth: int) -> bytes:
    """Return a message that is a file without its matches, with its line ends. Raises RefusedError."""
    ends = data.count(b"\r\n")
    if ends not in (0, data.count(b"\n")):
        raise RefusedError(name, "format")
    try:
        root = entity.read(data.replace(b"\r\n", b"\n"), budget)
        redact(root, finder, budget, depth)
    except RefusedError as error:
        raise RefusedError(f"{name} › {error.part}" if error.part else name, error.why) from error
    finder.signatures.extend(entity.broken_signatures(root))
    return root.written().replace(b"\n", b"\r\n") if ends else root.written()


def _require_gone(name: str, data: bytes, finder: Finder, kind: str, budget: Budget) -> None:
    """Refuse a file that still contains a value, in its bytes or in those of a member, in UTF-8 or UTF-16.

    A number is found whatever separates its digits. In text, HTML and XML, what is coded there is searched too. An
    archive that cannot be read, or is too large when unpacked, is refused.
    """
    is_left = remains.search_for(tuple(finder.known))
    is_text = finder.known and kind in ("html", *_PLAIN, *_XML_TEXTS)
    # Each search counts for itself: a file is unpacked again for the archive that it is in.
    unpacking = Budget(budget.limits)
    try:
        for content in chain(_contents(data, 0, unpacking), remains.written_out(data) if is_text else ()):
            budget.check_time()
            if is_left(content):
                raise RefusedError(name, "not removed")
    except LimitReachedError as error:
        raise RefusedError(name, "too long") from error
    except zip_file.ERRORS as error:
        raise RefusedError(name, "not read") from error


def _contents(data: bytes, depth: int, budget: Budget) -> Iterator[bytes]:
    """Yield a file and the files packed in it. Raises LimitReachedError, and what zipfile raises."""
    yield data
    if data.startswith(b"%PDF-"):
        yield from pdf_bytes.unpacked(data, budget)
    if data[:4] == b"PK\x03\x04" and depth < _DEPTH:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                budget.spend_entry()
                budget.check_entry(entry.compress_size, entry.file_size)
                budget.spend_bytes(entry.file_size)
                yield from _contents(archive.read(entry), depth + 1, budget)


def _names(one: Entity, finder: Finder) -> None:
    """Rename an attachment whose name contains a match."""
    if not any(finder.spans(name) for name in one.names):
        return
    if one.pieces:
        raise RefusedError(one.content_type, "format")
    extension = re.search(r"\.[A-Za-z0-9]{1,5}$", one.names[0])
    name = f"attachment{extension[0] if extension else ''}".encode()
    kind = one.content_type.encode("ascii", "replace")
    text = b"; charset=" + one.charset.encode("ascii", "replace") if one.charset else b""
    kept = [
        pair for pair in one.fields if pair[0] not in ("content-type", "content-disposition", "content-description")
    ]
    one.fields = [
        *kept,
        ("content-type", b"Content-Type: %s%s\n" % (kind, text)),
        ("content-disposition", b'Content-Disposition: attachment; filename="%s"\n' % name),
    ]
    one.names = [name.decode()]
    one.touch()


def _fields(one: Entity, finder: Finder) -> None:
    """Mask the header fields that people write."""
    for number, (name, whole) in enumerate(one.fields):
        if _NOT_FREE.fullmatch(name):
            continue
        text = words(whole.partition(b":")[2])
        spans = finder.spans(text)
        if spans:
            written = Header(hidden(text, spans), "utf-8" if not text.isascii() else "us-ascii", header_name=name)
            start = whole.partition(b":")[0]
            one.fields[number] = (name, start + b": " + written.encode(linesep="\n").encode() + b"\n")
            one.touch()
