"""Reads address cards (vCard) and content lines, which `calendar` uses too.

Follows RFC 6350 3.2 (folding), 3.3 and 3.4 (lines, escaping), 6.2.4 and 6.7.4 to 6.7.6 (images, sounds, keys), and
for versions 2.1 and 3.0 the vCard 2.1 specification's quoted-printable values and RFC 2426.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from contextlib import suppress

from holdgate.extract.format import Format
from holdgate.extract.reading import Document, Sink

LINE_BREAK = re.compile(r"\r\n|\r|\n")
FOLD = re.compile(r"(?:\r\n|\r|\n)[ \t]")
LINE = re.compile(r'((?:[^":]|"[^"]*")*):(.*)', re.DOTALL)
# A writer that folds by bytes cuts a character in two; a reader has to put it together (RFC 5545 3.1).
CUT_CHARACTER = re.compile(rb"(?<=[\x80-\xff])(?:\r\n|\r|\n)[ \t](?=[\x80-\xbf])")
ESCAPE = re.compile(r"\\([\\;,:nN])")
SOFT_BREAK = re.compile(r"=[ \t]*(?:\r\n|\r|\n)")
QUOTED_PRINTABLE = re.compile(r"^[^\r\n:]*;\s*(?:ENCODING=)?QUOTED-PRINTABLE", re.IGNORECASE | re.MULTILINE)
LONGEST_PARAMETERS = 4_096


def read(document: Document, sink: Sink) -> None:
    """Pass on each property of each card, with the card's name as its place."""
    name = ""
    for label, parameters, value in content_lines(document, sink):
        if label == "BEGIN":
            name = ""
        elif label == "FN":
            name = value
        if label not in ("BEGIN", "END", "VERSION"):
            read_property(label, parameters, value, sink, f"card {name}".strip())


def content_lines(document: Document, sink: Sink) -> Iterator[tuple[str, str, str]]:
    """Yield each content line as its name in upper case, its parameters and its value, still escaped."""
    text = decoded(document)
    if QUOTED_PRINTABLE.search(text):
        text = SOFT_BREAK.sub("", text)
    for line in LINE_BREAK.split(FOLD.sub("", text)):
        sink.budget.check_time()
        colon = line.find(":")
        if colon < 0:
            if line.strip():
                sink.text(line.strip())
            continue
        match = LINE.match(line) if '"' in line[:LONGEST_PARAMETERS] and colon < LONGEST_PARAMETERS else None
        head, value = (match[1], match[2]) if match else (line[:colon], line[colon + 1 :])
        label, _, parameters = head.partition(";")
        yield label.rpartition(".")[2].strip().upper(), parameters, value


def read_property(label: str, parameters: str, value: str, sink: Sink, place: str) -> None:
    """Pass on one property: its decoded value, or an image or attachment as a separate document."""
    upper = parameters.upper()
    if value.lower().startswith("data:") and ";base64," in value[:200].lower():
        kind, _, encoded = value[5:].partition(";")
        _embed(encoded.partition(",")[2], label, kind.lower(), sink)
    elif "ENCODING=B" in upper or upper.startswith("BASE64") or ";BASE64" in upper or "BASE64" in upper.split("="):
        _embed(value, label, _parameter(parameters, "FMTTYPE").lower(), sink)
    else:
        if "QUOTED-PRINTABLE" in upper:
            charset = _parameter(parameters, "CHARSET") or "utf-8"
            raw = quopri.decodestring(value.encode("utf-8", "replace"))
            try:
                value = raw.decode(charset)
            except (LookupError, UnicodeDecodeError):
                value = raw.decode("utf-8", "replace")
        if _parameter(parameters, "FMTTYPE").lower() == "text/html":  # X-ALT-DESC of Outlook
            page = _unescaped(value).encode("utf-8", "replace")
            sink.budget.spend_bytes(len(page))
            sink.embedded(page, label.lower(), "text/html", "utf-8")
        sink.text(f"{label}: {_unescaped(value.replace(';', ' ')).strip()}", place)
        for parameter in parameters.split(";"):
            sink.text(parameter.partition("=")[2].strip('"'), place)


def decoded(document: Document) -> str:
    """Return the characters of a text: UTF-8 by its standard, UTF-16 by its mark, else in an old charset."""
    data = document.data
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    with suppress(UnicodeDecodeError):
        return data.decode("utf-8-sig")
    with suppress(UnicodeDecodeError):
        return CUT_CHARACTER.sub(b"", data).decode("utf-8-sig")
    try:
        return data.decode(document.charset or "cp1252", "replace")
    except LookupError:
        return data.decode("cp1252", "replace")


def _unescaped(value: str) -> str:
    """Return the text of a value (RFC 5545, 3.3.11)."""
    return ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def _parameter(parameters: str, name: str) -> str:
    """Return the value of a parameter, "" if it is absent."""
    for parameter in parameters.split(";"):
        key, _, value = parameter.partition("=")
        if key.strip().upper() == name:
            return value.strip().strip('"')
    return ""


def _embed(encoded: str, label: str, kind: str, sink: Sink) -> None:
    """Pass on binary data."""
    try:
        data = base64.b64decode("".join(encoded.split()) + "==")
    except (binascii.Error, ValueError):
        sink.limited(f"damaged {label.lower()[:20]}")
        return
    sink.budget.spend_bytes(len(data))
    sink.embedded(data, label.lower(), kind)


FORMAT = Format(kind="card", read=read, holds="vCard", read_by="Holdgate", unread="", textual=True)
