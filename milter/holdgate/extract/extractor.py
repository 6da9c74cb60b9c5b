"""The driver: reads a message or a file into parts with text, place and status.

The content decides which reader is used. Embedded documents that a reader finds are read in the same way, to any depth.
A part is `limited` if its reader reaches a limit, and `failed` if its reader fails. Text that was read before is kept.
Nothing unread is ever `complete`.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate

from holdgate.extract import formats, identify, mime
from holdgate.extract.budget import Budget, LimitReachedError, Limits
from holdgate.extract.format import Format
from holdgate.extract.part import Attachment, Extraction, Part, Role, Status
from holdgate.extract.readers.texts import binary, html
from holdgate.extract.reading import BODY_NAME, SIGNED_NAME, Document, Sink, UnreadableError
from holdgate.mask import cut, mask_unsearched_text

_PLAIN = {"text/plain": "text", "text/html": "html"}
_BODIES = {"text/plain": "message body", "text/html": "message body (HTML)"}
# A leaf part without a type is text/plain (RFC 2045, 5.2).
_BODY_TYPES = {"", *_BODIES, "text/enriched", "text/richtext", "text/x-amp-html", "text/calendar", "text/watch-html"}
UNDECLARED = "the reader does not declare what it leaves unread"
NO_END = "damaged, where it ends is not known"
UNCLAIMED = "outside the file's structure"
UNCLAIMED_BYTES = 32
"""This much, without padding, is more than a stray line end, a checksum or a signature of a tool."""
_PADDING = b"\0 \t\r\n\xff"
_BETWEEN = "; "
_SEVERITY = {Status.COMPLETE: 0, Status.LIMITED: 1, Status.FAILED: 2}


def extract_message(data: bytes | memoryview, limits: Limits = Limits()) -> Extraction:  # noqa: B008 (frozen)
    """Read an RFC 5322 message in its transmitted form, with CRLF or LF line ends. Raises no exception."""
    reading = _Reading(limits)
    reading.read(Document(bytes(data), declared_type="message/rfc822"), "", "message", Role.BODY)
    return reading.result()


def extract_file(name: str, data: bytes, limits: Limits = Limits()) -> Extraction:  # noqa: B008 (frozen)
    """Read a document of any kind, including an .eml file with its parts. Raises no exception."""
    reading = _Reading(limits)
    document = Document(data, name)
    kind = _kind_of(document)
    if kind == "message":
        reading.read(document, "", kind, Role.BODY)
    else:
        reading.read(document, _shown(name) or "document", kind)
    return reading.result()


def extract_plain(data: bytes, limits: Limits = Limits()) -> Extraction | None:  # noqa: B008 (frozen)
    """Read a message whose leaf parts are only plain text and ordinary HTML; return None for any other.

    Only the readers of these two run, so a process that calls only this never runs a parser of documents. Raises no
    exception.
    """
    reading = _PlainReading(limits)
    reading.read(Document(data, declared_type="message/rfc822"), "", "message", Role.BODY)
    return None if reading.is_beyond else reading.result()


class _Reading:
    """What the parts of one message share: the budget, the parts and documents read so far, and the signals."""

    def __init__(self, limits: Limits) -> None:
        self.budget = Budget(limits)
        self.extraction = Extraction()
        self._messages = 0
        self._seen: set[tuple[int, int]] = set()

    def read(self, document: Document, name: str, kind: str = "", role: Role = Role.ATTACHMENT) -> None:
        """Read a document and everything in it as parts called `name`.

        Raises LimitReachedError if the message has too many parts, and RecursionError if the stack is too short even to
        report it: the reader of the enclosing document then reports it.
        """
        limits = self.budget.limits
        if len(self.extraction.parts) > limits.entries + limits.mime_parts:
            raise LimitReachedError("too many parts")
        kind = kind or _kind_of(document)
        if disagreement := identify.mismatch(document, kind):
            self.signal(disagreement)
        if role is not Role.BODY:
            size = len(document.data)
            self.extraction.attachments.append(Attachment(name, kind, size, role is Role.MEMBER))
        if kind != "message":
            self._read_with(formats.REGISTRY.formats[kind], document, name, role)
        elif self._messages > limits.mime_depth:
            self._plain(_below(name, "headers"), "", ["messages nested too deeply"])
        else:
            self._messages += 1
            try:
                self._read_message(document, name)
            finally:
                self._messages -= 1

    def read_once(self, document: Document, name: str, role: Role) -> None:
        """Read a document unless the same bytes were read: an archive may contain itself, or one file many times."""
        key = (len(document.data), hash(document.data))
        if key not in self._seen:
            self._seen.add(key)
            self.read(document, name, role=role)

    def _read_with(self, format_: Format, document: Document, name: str, role: Role) -> None:
        sink = PartSink(self, Part(name, format_.kind, size=len(document.data)), document.depth, role)
        self.budget.begin_part()
        try:
            if document.depth > self.budget.limits.archive_depth:
                raise LimitReachedError("nested too deeply")
            format_.read(document, sink)
            if format_.unread is None:
                sink.limited(UNDECLARED)
            if format_.claims is not None:
                self._read_unclaimed(document.data, format_.claims, sink)
        except LimitReachedError as error:
            sink.limited(str(error))
        except UnreadableError as error:
            sink.failed(str(error))
        except RecursionError:
            sink.limited("nested too deeply")
        except Exception as error:
            # The message of an unknown exception can quote the document, so only its type is shown.
            sink.failed(f"reader failed: {type(error).__name__}")
        if sink.unread:
            self._read_strings(document, sink)
        sink.finish()

    def _read_unclaimed(self, data: bytes, claims: Callable[[bytes], list[tuple[int, int]]], sink: "PartSink") -> None:
        """Pass on the data that the structure of a format does not describe, except padding."""
        try:
            spans = sorted(claims(data))
        except Exception:  # a library's exception, or any that damage causes
            sink.limited(NO_END)
            return
        end = 0
        for start, following in (*spans, (len(data), len(data))):
            piece = data[end:start] if start > end else b""
            if len(piece.strip(_PADDING)) > UNCLAIMED_BYTES:
                sink.budget.spend_bytes(len(piece))
                sink.embedded(piece, UNCLAIMED)
            end = max(end, following)

    def _read_strings(self, document: Document, sink: "PartSink") -> None:
        """Keep the strings in a document whose reader failed without any text."""
        try:
            binary.read_strings(document.data, sink)
        except LimitReachedError as error:
            sink.limited(str(error))

    def _read_message(self, document: Document, name: str) -> None:
        try:
            mail = mime.read_mail(document.data, self.budget)
        except Exception as error:
            sink = PartSink(self, Part(_below(name, "message"), "mime"), document.depth, Role.BODY)
            sink.failed(f"reader failed: {type(error).__name__}")
            self._read_strings(document, sink)
            sink.finish()
            return
        for signal in mail.signals:
            self.signal(signal)
        if not name:  # it is the outermost document
            self.extraction.subject = mail.subject
        self._plain(_below(name, "subject"), mail.subject, [])
        names = [f"attachment name: {given}" for leaf in mail.leaves for given in leaf.names]
        self._plain(_below(name, "headers"), "\n".join([*mail.headers, *names]), mail.unread)
        self._plain(_below(name, "technical headers"), "\n".join(mail.fields.trace), [], trace=True)
        for number, leaf in enumerate(mail.leaves, 1):
            inner = replace(leaf.document, depth=document.depth)
            if leaf.kind:
                label = f"other reading {number}"
            elif leaf.names:
                label = _shown(leaf.names[0]) or f"attachment {number}"
            else:
                label = _BODIES.get(inner.declared_type, f"attachment {number} ({inner.declared_type})")
            role = Role.BODY if _is_body(leaf) else Role.MEMBER if name else Role.ATTACHMENT
            try:
                self.read(inner, _below(name, label), leaf.kind, role)
            except LimitReachedError as error:
                self._plain(_below(name, "other parts"), "", [str(error)])
                return
            except RecursionError:
                # The inner levels had too little stack even to report it: this one, or the next outer one, has enough.
                self._plain(_below(name, label), "", ["nested too deeply"])

    def _plain(self, name: str, value: str, unread: list[str], *, trace: bool = False) -> None:
        """Add a part that needs no reader."""
        if value or unread:
            sink = PartSink(self, Part(name, "mime", trace=trace), 0, Role.BODY)
            try:
                sink.text(value)
            except LimitReachedError as error:
                sink.limited(str(error))
            for reason in unread:
                sink.limited(reason)
            sink.finish()

    def signal(self, signal: str) -> None:
        """Add a signal once."""
        if signal not in self.extraction.signals:
            self.extraction.signals.append(signal)

    def result(self) -> Extraction:
        """Return the result with the worst status, and the first reason for it with its part's name, numbers masked."""
        worst = max(self.extraction.parts, key=lambda part: _SEVERITY[part.status], default=None)
        if worst is not None and worst.status is not Status.COMPLETE:
            self.extraction.status = worst.status
            self.extraction.reason = f"{mask_unsearched_text(worst.name)}: {worst.reason.partition(_BETWEEN)[0]}"
        return self.extraction


class _PlainReading(_Reading):
    """Reads plain text and ordinary HTML only; `is_beyond` is true if there was anything else."""

    is_beyond = False

    def read(self, document: Document, name: str, kind: str = "", role: Role = Role.ATTACHMENT) -> None:
        """Read the message and its bodies; only record that there is another document."""
        if not name and kind == "message":
            super().read(document, name, kind, role)
        elif self.is_beyond or kind or document.name or role is not Role.BODY:
            self.is_beyond = True
        elif plain := _plain_kind(document):
            super().read(document, name, plain, role)
        else:
            self.is_beyond = True

    def _read_with(self, format_: Format, document: Document, name: str, role: Role) -> None:
        """Read a text, or HTML that needs no third-party library."""
        if format_.kind == "html":
            pages = html.ordinary(document)
            if pages is None:
                self.is_beyond = True
                return

            def write(_: Document, sink: Sink) -> None:
                for page, passages in pages:
                    html.write(page, sink)
                    html.look(passages, sink)

            format_ = replace(format_, read=write)
        super()._read_with(format_, document, name, role)

    def read_once(self, document: Document, name: str, role: Role) -> None:
        """Ignore a file inside a text."""
        self.is_beyond = True


class PartSink:
    """The sink to which the reader of one part writes."""

    def __init__(self, reading: _Reading, part: Part, depth: int, role: Role) -> None:
        self.budget = reading.budget
        self._role = role
        self._reading = reading
        self._part = part
        self._depth = depth
        self._allowed = reading.budget.limits.text_characters
        self._texts: list[str] = []
        self._length = 0
        self._places = part.places
        self._place = ""
        self._reasons: list[str] = []
        self._embedded = False
        reading.extraction.parts.append(part)

    def text(self, text: str, place: str = "") -> None:
        """Add text, as far as the budget allows."""
        if not text:
            return
        budget = self.budget
        budget.check_time()
        length = len(text)
        if length > self._allowed - budget.characters:
            text = text[: max(0, self._allowed - budget.characters)]
            self._take(text, len(text), place)
            raise LimitReachedError("too much text")
        self._take(text, length, place)

    def cells(self, texts: Sequence[str], places: Sequence[str]) -> None:
        """Add many texts, each with its place, as far as the budget allows."""
        self.budget.check_time()
        sizes = list(map(len, texts))
        if self.budget.characters + sum(sizes) > self.budget.limits.text_characters or not all(sizes):
            for text, place in zip(texts, places, strict=True):
                self.text(text, place)
            return
        # No Python code per text: a sheet can have a million.
        *starts, self._length = accumulate(map((1).__add__, sizes), initial=self._length)
        self._places.extend(zip(starts, places, strict=True))
        self._place = places[-1] if places else self._place
        self._texts.extend(texts)
        self.budget.spend_characters(sum(sizes))

    def _take(self, text: str, length: int, place: str) -> None:
        if place != self._place:
            self._places.append((self._length, place))
            self._place = place
        self._texts.append(text)
        self._length += length + 1
        self.budget.characters += length

    def embedded(self, data: bytes, name: str = "", declared_type: str = "", charset: str = "") -> None:
        """Read a document inside this one, with its own time limit; its name is text of this part."""
        budget = self.budget
        budget.check_time()
        self.text(name, "name of an embedded file")
        self._embedded = True
        if data:
            document = Document(data, name, declared_type, charset, self._depth + 1)
            clock, started = budget.part_deadline, time.monotonic()
            label = _below(self._part.name, _shown(name) or "embedded document")
            self._reading.read_once(document, label, self._role_of(name, declared_type))
            budget.part_deadline = min(budget.deadline, clock + time.monotonic() - started)

    def _role_of(self, name: str, declared_type: str) -> Role:
        """Return the role of a document inside this one."""
        if name == BODY_NAME and declared_type == "text/html":
            return Role.BODY
        if self._role is Role.BODY and name:  # encoded in the text, as with uuencode
            return Role.BODY if name == SIGNED_NAME else Role.ATTACHMENT
        return Role.MEMBER

    def limited(self, reason: str) -> None:
        """Mark the part as not completely read."""
        if self._part.status is Status.COMPLETE:
            self._part.status = Status.LIMITED
        self._reasons.append(reason)

    def failed(self, reason: str) -> None:
        """Mark the part as unread, or unread from some point on."""
        self._part.status = Status.FAILED
        self._reasons.insert(0, reason)

    def signal(self, signal: str) -> None:
        """Add a signal of this message."""
        self._reading.signal(signal)

    @property
    def unread(self) -> bool:
        """Return whether the reader failed without passing anything on, for a reason other than a missing key."""
        failed = self._part.status is Status.FAILED and "encrypted" not in self._reasons
        return failed and not self._texts and not self._embedded

    def finish(self) -> None:
        """Complete the part."""
        self._part.text = "\n".join(self._texts)
        self._part.reason = _BETWEEN.join(dict.fromkeys(self._reasons))


def _is_body(leaf: mime.Leaf) -> bool:
    """Return whether a leaf part is text that a mail program shows as the message, and not a file."""
    if leaf.kind:  # another reading of bytes that are ambiguous
        return leaf.kind == "text"
    return not leaf.names and not leaf.attached and leaf.document.declared_type in _BODY_TYPES


def _plain_kind(document: Document) -> str:
    """Return the kind of a leaf part that is plain text or HTML by its type and its content, "" for any other.

    Containers are not opened.
    """
    kind = _PLAIN.get(document.declared_type, "")
    if not kind or document.data.startswith((identify.OLE, b"PK")) or not identify.is_text(document.data):
        return ""
    return kind if _kind_of(document) == kind else ""


def _kind_of(document: Document) -> str:
    """Identify a document; if that fails, it is read as bytes of an unknown format."""
    try:
        return identify.identify(document)
    except Exception:
        return "binary"


def _shown(name: str) -> str:
    """Return a sender's file name in a form that is safe to show: printable, without line breaks, not too long."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in cut(name, 200)).split())


def _below(name: str, inner: str) -> str:
    return f"{name} › {inner}" if name else inner
