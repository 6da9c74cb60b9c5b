"""The strict reading of a message: a message without violations has one meaning for every program.

MIME parsers differ as soon as a message violates the rules ("Inbox Invasion", CCS 2024;
draft-chen-email-mime-ambiguity-defense). So the rules are checked on the raw bytes while the message is parsed by them.
A message without a doubt is thereby read; one with doubts is also read in all other ways.
Rules: RFC 5322 (2.2, 2.3), RFC 2045 (5.1, 6), RFC 2046 (5.1, 5.2). Each step is linear in the message's size.
"""

import binascii
import re
from dataclasses import dataclass, field

from holdgate.extract.budget import Budget, LimitReachedError
from holdgate.extract.fields import FIELD, base64, parameters

ENCODINGS = frozenset({"7bit", "8bit", "binary", "quoted-printable", "base64"})

INSIDE_A_LEAF, AT_THE_START = "MIME fields inside a leaf", "MIME field at the start of a body"
MAY_BE_QUOTED = frozenset({INSIDE_A_LEAF, AT_THE_START})
"""Doubts that also arise from text in which a person writes about mail, or quotes it."""

LONGEST_FIELD = 8_192
"""The standard library parses the parameters of a field in quadratic time; the longest name of a file needs 2,300."""

_STRUCTURAL = frozenset({"content-type", "content-transfer-encoding", "content-disposition", "mime-version"})
_HEADERS_INSIDE = frozenset(
    {"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers", "message/partial"}
    | {"message/external-body"}
)
_NOT_LETTERS = re.compile(r"[^a-z]")
_LOOKALIKES = frozenset(_NOT_LETTERS.sub("", name) for name in _STRUCTURAL)
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
# RFC 2046, 5.1.1; and the @ of old servers, which must be quoted or is a doubt of its own.
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=?@ -]{0,69}[0-9A-Za-z'()+_,./:=?@-]$")
_MIME_LINE = re.compile(rb"(?:^|\n)[ \t]*content-(?:type|transfer-encoding|disposition)[ \t]*:", re.IGNORECASE)
# Fields of which one is a MIME field: at the start of a body, or after a line that could be a delimiter.
_FIELDS = rb"(?:[!-9;-~]+[ \t]*:.*\n(?:[ \t].*\n)*){0,20}?[ \t]*(?:content-[a-z-]+|mime-version)[ \t]*:"
_BODY_START = re.compile(rb"\s*+" + _FIELDS, re.IGNORECASE)
_INNER_PART = re.compile(rb"^[ \t]*--.*\n" + _FIELDS, re.IGNORECASE | re.MULTILINE)
_FOLDED_FIELD = re.compile(rb"\n[ \t]+(?:content-(?:type|transfer-encoding|disposition)|mime-version)[ \t]*:", re.I)
_BLANK_FOLD = re.compile(rb"\n[ \t]+\n")
# What a decoder could decode: an escape, a line of base64, the beginning of uuencode or yEnc.
_MAY_BE_ENCODED = re.compile(rb"=(?:[0-9A-Fa-f]{2}|\n)|^[A-Za-z0-9+/]{4,}={0,2}$|^begin |^=y", re.MULTILINE)
_BAD_ESCAPE = re.compile(rb"=(?![0-9A-Fa-f]{2}|\n|\Z)|[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(slots=True)
class Entity:
    """A leaf part of the MIME tree: its fields (lower-case name, unchanged value), type and decoded body.

    `joins_lines` is as in `Document`: format=flowed; delsp=yes (RFC 3676, 4).
    """

    fields: list[tuple[str, bytes]]
    content_type: str = "text/plain"
    charset: str = ""
    body: bytes = b""
    joins_lines: bool = False


@dataclass(slots=True)
class Reading:
    """The result of the strict reading; `doubts` is empty if the message has only one meaning.

    `inner` contains the fields of every part, `outside` the text before the first and after the last part of a
    multipart. `boundaries` are those that its parts declare. `unread` names limits that were reached.
    """

    fields: list[tuple[str, bytes]] = field(default_factory=list)
    leaves: list[Entity] = field(default_factory=list)
    inner: list[list[tuple[str, bytes]]] = field(default_factory=list)
    outside: list[bytes] = field(default_factory=list)
    boundaries: set[bytes] = field(default_factory=set)
    doubts: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def read(data: bytes, budget: Budget) -> Reading:
    """Read a message, with all lines ending in CRLF or all in LF. Raises no exception."""
    reading = Reading()
    doubts = reading.doubts
    if b"\r" in data:
        lines = data.count(b"\r\n")
        if data.count(b"\r") != lines:
            doubts.append("bare CR")
        if data.count(b"\n") != lines:
            doubts.append("bare LF")
        data = data.replace(b"\r\n", b"\n")
    if b"\0" in data:
        doubts.append("NUL")
    try:
        _StrictReader(reading, budget).entity(data, 0, ())
    except LimitReachedError as error:
        reading.unread.append(str(error))
    reading.doubts = list(dict.fromkeys(doubts))
    return reading


class _StrictReader:
    """Parses entities and records each doubt."""

    def __init__(self, reading: Reading, budget: Budget) -> None:
        self.reading = reading
        self.budget = budget
        self.parts = 0

    def report_doubt(self, reason: str) -> None:
        self.reading.doubts.append(reason)

    def entity(self, data: bytes, depth: int, outer: tuple[bytes, ...], default: str = "text/plain") -> None:
        """Read the header and the body of a message or of a part; `default` is its type if it names none."""
        limits = self.budget.limits
        self.parts += 1
        if self.parts > limits.mime_parts:
            raise LimitReachedError("too many MIME parts")
        if depth > limits.mime_depth:
            raise LimitReachedError("MIME nested too deeply")
        self.budget.check_time()
        fields, body = self.header(data, top=not depth)
        if depth:
            self.reading.inner.append(fields)
        else:
            self.reading.fields = fields
        entity = Entity(fields, default)
        encoding, boundary = self.structure(entity)
        if encoding not in ENCODINGS and not _MAY_BE_ENCODED.search(body):
            encoding = "8bit"  # old programs name encodings that do not exist ("8-bit", a charset) and write plain text
        elif encoding not in ENCODINGS:
            self.report_doubt("unknown content-transfer-encoding")
        kind = entity.content_type
        if kind.startswith("multipart/"):
            if encoding in ("base64", "quoted-printable"):
                self.report_doubt("encoded multipart")
            if boundary:
                default = "message/rfc822" if kind == "multipart/digest" else "text/plain"  # RFC 2046, 5.1.5
                self.multipart(body, boundary, depth, outer, default)
                return
            self.report_doubt("multipart without boundary")
        elif boundary:
            self.report_doubt("boundary without multipart")
        # A message in UTF-8 can be encoded (RFC 6532, 3.7), one in ASCII must not be (RFC 2046, 5.2.1).
        if kind == "message/rfc822" and encoding in ("base64", "quoted-printable"):
            self.report_doubt("encoded message")
        entity.body = self.decoded(body, encoding, kind)
        self.reading.leaves.append(entity)

    def header(self, data: bytes, top: bool) -> tuple[list[tuple[str, bytes]], bytes]:
        """Split off the fields of an entity; each value keeps its folds."""
        fields: list[tuple[str, bytes]] = []
        position = 0
        if top and data.startswith(b"From "):  # an mbox separator that was not removed
            position = data.find(b"\n") + 1 or len(data)
        while found := FIELD.match(data, position):
            name, value = found.groups()
            fields.append((name.decode("ascii").lower(), value))
            position = found.end()
        if position > self.budget.limits.header_bytes:
            raise LimitReachedError("header too large")
        if _BLANK_FOLD.search(data, 0, position):
            self.report_doubt("blank continuation line")
        if _FOLDED_FIELD.search(data, 0, position):
            self.report_doubt("MIME field in a continuation line")
        if data.startswith(b"\n", position):
            body = data[position + 1 :]
        else:
            body = data[position:]
            if body:
                self.report_doubt("header syntax" if top or position else "part without a header")
        return fields, body

    def structure(self, entity: Entity) -> tuple[str, bytes]:
        """Check the fields that define the MIME structure; return transfer encoding and boundary."""
        encoding, boundary = "7bit", b""
        seen: set[str] = set()
        for name, value in entity.fields:
            if name not in _STRUCTURAL:
                if "content" in name or "mime" in name:
                    self.lookalike(name)
                continue
            if name in seen:
                self.report_doubt(f"duplicate {name}")
                continue
            seen.add(name)
            if len(value) > LONGEST_FIELD:
                self.reading.unread.append("header field too long")
            if _CONTROL.search(value):
                self.report_doubt(f"control character in {name}")
            if name == "content-type":
                boundary = self.content_type(entity, value)
            elif name == "content-transfer-encoding":
                encoding = value.strip().decode("latin-1").lower()
                if b"\n" in value[:-1]:
                    self.report_doubt("folded content-transfer-encoding")
            elif name == "content-disposition":
                if not parameters(value)[2]:
                    self.report_doubt("content-disposition syntax")
            elif not value.lstrip().startswith(b"1.0"):
                self.report_doubt("unknown MIME-Version")
        return encoding, boundary

    def lookalike(self, name: str) -> None:
        """Record a name that a lenient program could treat as one of the structural fields."""
        letters = _NOT_LETTERS.sub("", name)
        if letters in _LOOKALIKES or any(
            letters.startswith(wanted) or (letters.endswith(wanted) and not name.startswith("x-"))
            for wanted in _LOOKALIKES
        ):
            self.report_doubt("look-alike field name")

    def content_type(self, entity: Entity, value: bytes) -> bytes:
        """Check a Content-Type, fill in the entity's type and charset, and return the boundary."""
        kind, found, sound = parameters(value)
        if not sound or "/" not in kind:
            self.report_doubt("content-type syntax")
        if value.startswith((b"\n", b" \n", b"\t\n")):
            self.report_doubt("content-type begins with a fold")
        entity.content_type = kind if "/" in kind else "text/plain"
        keys = [key for key, _ in found]
        entity.joins_lines = any(key == "delsp" and content.lower() == b"yes" for key, content in found)
        if len(keys) != len(set(keys)):
            self.report_doubt("duplicate parameter")
        boundary = b""
        for key, content in found:
            if key == "charset":
                entity.charset = content.decode("latin-1")
            elif key == "boundary":
                boundary = content
                if not _BOUNDARY.match(content) or content.startswith(b"'"):
                    self.report_doubt("odd boundary")
            elif key.startswith("boundary"):
                self.report_doubt("split boundary")
        if not boundary and "boundary" in keys:
            self.report_doubt("empty boundary")
        if b"=?" in boundary or (b"boundary" in value.lower() and not boundary):
            self.report_doubt("odd boundary")
        return boundary

    def multipart(self, body: bytes, boundary: bytes, depth: int, outer: tuple[bytes, ...], default: str) -> None:
        """Split a multipart at its delimiter lines (RFC 2046, 5.1.1) and read each part."""
        for other in outer:
            if boundary.startswith(other) or other.startswith(boundary):
                self.report_doubt("boundary used twice")
                break
        self.reading.boundaries.add(boundary)
        delimiter = b"--" + boundary
        starts: list[tuple[int, int, bool]] = []
        position = 0 if body.startswith(delimiter) else body.find(b"\n" + delimiter) + 1 or -1
        while position >= 0:
            end = body.find(b"\n", position)
            end = len(body) if end < 0 else end
            rest = body[position + len(delimiter) : end].rstrip(b" \t")
            footer = rest[2:] if rest.startswith(b"--") else b""
            if footer and not _MAY_BE_ENCODED.search(body, position + len(delimiter) + 2):
                self.reading.outside.append(footer)  # a list's footer, after the last delimiter without a line end
            elif rest not in (b"", b"--"):
                self.report_doubt("text after a delimiter")
            starts.append((position, end, rest == b"--" or bool(footer)))
            if len(starts) > self.budget.limits.mime_parts:
                raise LimitReachedError("too many MIME parts")
            position = body.find(b"\n" + delimiter, end) + 1 or -1
        if body.count(delimiter) != len(starts):
            self.report_doubt("boundary outside a delimiter line")
        if not body.strip():
            return
        if not starts:
            self.report_doubt("no delimiter")
            self.reading.outside.append(body)
            return
        self.around(body[: starts[0][0]])
        closed = [index for index, (_, _, closing) in enumerate(starts) if closing]
        if not closed:
            self.report_doubt("no closing delimiter")
        elif closed[0] != len(starts) - 1 or not closed[0]:
            self.report_doubt("delimiter after the closing one" if closed[0] else "no part")
        for index, (_, end, closing) in enumerate(starts):
            following = starts[index + 1][0] - 1 if index + 1 < len(starts) else len(body)
            content = body[end + 1 : max(following, end + 1)]
            if closing:
                self.around(content)
            else:
                self.entity(content, depth + 1, (*outer, boundary), default)

    def around(self, text: bytes) -> None:
        """Keep the text before or after the parts, and record a doubt if it looks like a part."""
        if text.strip():
            self.reading.outside.append(text)
            if _MIME_LINE.search(text):
                self.report_doubt("MIME fields outside a part")

    def decoded(self, body: bytes, encoding: str, kind: str) -> bytes:
        """Decode the transfer encoding, and record where decoders would differ."""
        if kind not in _HEADERS_INSIDE and encoding != "base64":
            if _BODY_START.match(body):
                self.report_doubt(AT_THE_START)
            elif _INNER_PART.search(body):
                self.report_doubt(INSIDE_A_LEAF)
        self.budget.spend_bytes(len(body))
        if encoding == "base64":
            try:
                return binascii.a2b_base64(body.translate(None, b"\n"), strict_mode=True)
            except binascii.Error:
                if body.strip():
                    self.report_doubt("base64 syntax")
                return base64(body)
        if encoding == "quoted-printable":
            if _BAD_ESCAPE.search(body):
                self.report_doubt("quoted-printable syntax")
            return binascii.a2b_qp(body)
        return body
