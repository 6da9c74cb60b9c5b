"""A message to its texts and leaf parts: subject, free text of the headers, and each decoded leaf part with its names.

A message that passes the strict reading (`lint`) has one meaning, which is used. One with doubts is also read by the
standard library's parser and by `rescue`, and the text of all readings is searched. `policy.default` of the standard
library is quadratic in hostile headers, so only `compat32` is used, on parts that `lint` has counted before.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.feedparser import BytesFeedParser
from email.message import Message as StandardMessage
from email.policy import compat32

from holdgate.extract import lint, rescue
from holdgate.extract.budget import Budget, LimitReachedError
from holdgate.extract.fields import names, words
from holdgate.extract.headers import HeaderText
from holdgate.extract.reading import Document

_CHUNK = 1 << 16
# A line of base64 that must be the last one.
_PADDED = re.compile(rb"^(?:[A-Za-z0-9+/]{4}){5,}[A-Za-z0-9+/]{2}[A-Za-z0-9+/=]=\r?$", re.MULTILINE)
_PADDING = re.compile(rb"=\r?$", re.MULTILINE)
# Quoted-printable escapes of all but punctuation and spaces: letters, digits, markup, controls, non-ASCII bytes.
_HIDES = re.compile(rb"=[ \t]?(?:26|3[0-9CEce]|[46][1-9A-Fa-f]|[57][0-9Aa]|7[Ff]|[0189A-Fa-f][0-9A-Fa-f])")
_DECLARED = re.compile(rb"\bboundary\s*=\s*(?:\"([^\"\r\n]*)\"|([^\s\";]*))", re.IGNORECASE)

# A part of these types is incomplete: the rest is in other messages (RFC 2046, 5.2.2) or on a server (5.2.3).
_ELSEWHERE = {
    "message/partial": "message/partial: the rest is in other messages",
    "message/external-body": "message/external-body: the content is elsewhere",
}


@dataclass(slots=True)
class Leaf:
    """A decoded leaf part; `names` are all file names that its fields give it.

    `kind` is set for another reading, `whole` if that is the complete message as one text. `attached` is true if a
    field requests to show it as a file (RFC 2183, 2.2).
    """

    document: Document
    names: list[str] = field(default_factory=list)
    kind: str = ""
    whole: bool = False
    attached: bool = False


@dataclass(slots=True)
class Mail:
    """The contents of a message, and its unread parts, each in a few words.

    `subjects` are those of its Subject fields that differ, `fields` all fields of its header and of its parts' headers.
    """

    subjects: dict[str, None] = field(default_factory=dict)
    fields: HeaderText = field(default_factory=HeaderText)
    leaves: list[Leaf] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def subject(self) -> str:
        """The subjects, one a line."""
        return "\n".join(self.subjects)

    @property
    def headers(self) -> dict[str, None]:
        """Lines of the fields that people write, and the text around the parts, each once."""
        return self.fields.written


def read_mail(data: bytes, budget: Budget) -> Mail:
    """Read an RFC 5322 message. Raises no exception for any bytes; unread parts are listed in `unread`."""
    mail = Mail()
    strict = lint.read(data, budget)
    _free_text(strict.fields, mail)
    for fields in strict.inner:
        mail.fields.take(fields)
    mail.headers.update(dict.fromkeys(words(text) for text in strict.outside))
    for entity in strict.leaves:
        _add(mail, entity.fields, entity.body, entity.content_type, entity.charset, entity.joins_lines)
    mail.unread += strict.unread
    strictly_read = len(mail.leaves)
    if strict.doubts or strict.unread:
        try:
            _read_otherwise(data, mail, budget, strict_limits=bool(strict.unread))
        except LimitReachedError as error:
            mail.unread.append(str(error))
    texts = [*(leaf.document.data for leaf in mail.leaves[:strictly_read]), *strict.outside]
    divided = _without({one for one in strict.boundaries if not any(one in text for text in texts)}, data)
    # A mail about mail quotes MIME fields. If they separate nothing that was not read, they are only quoted.
    quoted = (
        set(strict.doubts) <= lint.MAY_BE_QUOTED
        and not mail.unread
        and not _HIDES.search(divided)
        and not _divided(mail.leaves, strictly_read)
    )
    if quoted:
        del mail.leaves[strictly_read:]
        if undone := _lines_undone(divided, mail.leaves):
            mail.leaves.append(Leaf(Document(undone), kind="text", whole=True))
    for doubt in () if quoted else strict.doubts:
        mail.signals.append(f"ambiguous MIME: {doubt}")
        mail.unread.append(f"ambiguous MIME: {doubt}")
    mail.unread = list(dict.fromkeys(mail.unread))
    return mail


def _without(boundaries: set[bytes], data: bytes) -> bytes:
    """Return a message without boundaries that it declares: these are not encoded, whatever they look like.

    The caller excludes those that a text contains: the sender chooses them, and they could be encoded there.
    """
    known = {boundary for boundary in boundaries if b"=" in boundary}
    if not known:
        return data
    return _cut(data, sorted((*_delimiters(known, data), *_declarations(known, data))))


def _cut(data: bytes, spans: Iterable[tuple[int, int]]) -> bytes:
    """Return the data without spans, which are in ascending order."""
    kept: list[bytes] = []
    end = 0
    for start, stop in spans:
        kept.append(data[end:start])
        end = max(end, stop)
    return b"".join((*kept, data[end:]))


def _unpadded(data: bytes) -> bytes:
    """Return the data without lines of base64 that end with padding, which looks like a soft line break."""
    lines = (_PADDED.match(data, data.rfind(b"\n", 0, end.start()) + 1) for end in _PADDING.finditer(data))
    return _cut(data, (line.span() for line in lines if line is not None))


def _delimiters(known: set[bytes], data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the lines that are delimiters, without their ends. Lines are found by bytes: a message is mostly base64."""
    for place in _places(b"\n--", b"\n" + data):
        line_end = data.find(b"\n", place)
        line = data[place:] if line_end < 0 else data[place:line_end]
        text = line[2:].rstrip(b" \t\r")
        if text in known or text.removesuffix(b"--") in known:
            yield place, place + len(line)


def _declarations(known: set[bytes], data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the parameters that declare a boundary."""
    end = 0
    for place in _places(b"boundary", data.lower()):
        found = _DECLARED.match(data, place) if place >= end else None
        if found is not None:
            end = found.end()
            if (found[1] or found[2]) in known:
                yield place, end


def _places(word: bytes, data: bytes) -> Iterator[int]:
    place = data.find(word)
    while place >= 0:
        yield place
        place = data.find(word, place + len(word))


def _lines_undone(data: bytes, leaves: list[Leaf]) -> bytes:
    """Return the lines that appear only after decoding quoted-printable, as a recipient could read them.

    Lines of a text that is encoded so, and was read as such, are not among them.
    """
    plain, *undone = rescue.whole(_unpadded(data))
    if not undone:
        return b""
    known = set(plain.splitlines())
    for leaf in leaves:
        if leaf.document.declared_type.startswith("text/"):
            known.update(leaf.document.data.splitlines())
    return b"\n".join(line for text in undone for line in text.splitlines() if line not in known)


def _divided(leaves: list[Leaf], strictly_read: int) -> bool:
    """Return whether another reading found a part or decoded something; the message as one text is neither."""
    known = {leaf.document.data for leaf in leaves[:strictly_read]}
    others = (leaf for leaf in leaves[strictly_read:] if not leaf.whole)
    return any(leaf.document.data.replace(b"\r\n", b"\n") not in known for leaf in others)


def _read_otherwise(data: bytes, mail: Mail, budget: Budget, strict_limits: bool) -> None:
    """Add what the standard library's parser and the rescue find in addition to the strict reading."""
    known = {leaf.document.data for leaf in mail.leaves}
    # Beyond the limits of the strict reading, the standard parser would be slow too: only the rescue continues there.
    if not strict_limits:
        try:
            _read_standard(data, mail, budget, known)
        except LimitReachedError:
            raise
        except Exception as error:
            # The standard parser raises any exception that a hostile header causes; the rescue needs no header.
            mail.unread.append(f"standard parser failed: {type(error).__name__}")
    for text in rescue.whole(data):
        if text not in known:
            known.add(text)
            mail.leaves.append(Leaf(Document(text), kind="text", whole=True))
    for kind, content in rescue.decoded(data, budget):
        if content not in known:
            known.add(content)
            mail.leaves.append(Leaf(Document(content), kind=kind))


def _read_standard(data: bytes, mail: Mail, budget: Budget, known: set[bytes]) -> None:
    """Add the leaves that the standard library's parser finds."""

    def new_part(**_: object) -> StandardMessage:
        budget.check_time()
        return StandardMessage(policy=compat32)

    parser: BytesFeedParser[StandardMessage] = BytesFeedParser(new_part, policy=compat32)
    for start in range(0, len(data), _CHUNK):
        parser.feed(data[start : start + _CHUNK])
    for part in parser.close().walk():
        payload = None if part.is_multipart() else part.get_payload(decode=True)
        if isinstance(payload, bytes) and payload not in known:
            known.add(payload)
            fields = [
                (name.lower(), str(value).encode("utf-8", "surrogateescape") + b"\n") for name, value in part.items()
            ]
            _free_text(fields, mail)
            declared = str(part.get_param("charset") or "")
            joins_lines = str(part.get_param("delsp")).lower() == "yes"
            _add(mail, fields, payload, part.get_content_type(), declared, joins_lines)


def _free_text(fields: list[tuple[str, bytes]], mail: Mail) -> None:
    """Keep the subject and all other fields."""
    for name, value in fields:
        if name == "subject" and (subject := words(value)):
            mail.subjects[subject] = None
    mail.fields.take((name, value) for name, value in fields if name != "subject")


def _add(
    mail: Mail, fields: list[tuple[str, bytes]], body: bytes, content_type: str, charset: str, joins_lines: bool
) -> None:
    """Add a leaf part with all its names."""
    found: list[str] = []
    attached = False
    for name, value in fields:
        if name == "content-disposition":
            attached = attached or value.lstrip().lower().startswith(b"attachment")
        if name in ("content-disposition", "content-type"):
            found[:0] = [spelled for spelled in names(value) if spelled not in found]
    if content_type in _ELSEWHERE:
        mail.unread.append(_ELSEWHERE[content_type])
        mail.signals.append(content_type)
    document = Document(body, found[0] if found else "", content_type, charset, joins_lines=joins_lines)
    mail.leaves.append(Leaf(document, found, attached=attached))
