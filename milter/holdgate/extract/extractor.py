"""The driver: a message or a file in, all its parts with text, place and status out.

Content decides the reader; what a reader hands back as embedded is read the same way, in any nesting. A reader that
runs into a limit leaves its part `limited`, one that fails leaves it `failed`, and what was read before still counts:
nothing unread is ever `complete`.
"""

import time
from dataclasses import replace

from holdgate.extract import identify, mime
from holdgate.extract.budget import Budget, LimitReachedError, Limits
from holdgate.extract.part import Extraction, Part, Status
from holdgate.extract.readers import html, image, ooxml, pdf, text
from holdgate.extract.readers import zip as zip_reader
from holdgate.extract.reading import Document, Reader, UnreadableError

READERS: dict[str, Reader] = {
    "html": html.read,
    "image": image.read,
    "ooxml": ooxml.read,
    "pdf": pdf.read,
    "text": text.read,
    "zip": zip_reader.read,
}
"""The reader of each kind of document that `identify` tells apart. A message is read by the driver itself."""

_BODIES = {"text/plain": "message body", "text/html": "message body (HTML)"}
_SEVERITY = {Status.COMPLETE: 0, Status.LIMITED: 1, Status.FAILED: 2}


def extract_message(data: bytes | memoryview, limits: Limits = Limits()) -> Extraction:  # noqa: B008 (frozen)
    """Read an RFC 5322 message as it went over the wire, with CRLF or LF line ends. Raises nothing."""
    reading = _Reading(limits)
    reading.read(Document(bytes(data), declared_type="message/rfc822"), "", "message")
    return reading.result()


def extract_file(name: str, data: bytes, limits: Limits = Limits()) -> Extraction:  # noqa: B008 (frozen)
    """Read a document of any kind, an .eml with its parts among them. Raises nothing."""
    reading = _Reading(limits)
    document = Document(data, name)
    kind = identify.identify(document)
    reading.read(document, "" if kind == "message" else _shown(name) or "document", kind)
    return reading.result()


class _Reading:
    """What the parts of one message share: the budget, the parts read so far and the signals."""

    def __init__(self, limits: Limits) -> None:
        self.budget = Budget(limits)
        self.extraction = Extraction()

    def read(self, document: Document, name: str, kind: str = "") -> None:
        """Read a document and all that is in it as parts called `name`."""
        kind = kind or identify.identify(document)
        if disagreement := identify.mismatch(document, kind):
            self.signal(disagreement)
        if kind == "message":
            self._read_message(document, name)
        else:
            self._read_with(READERS.get(kind), kind, document, name)

    def _read_with(self, reader: Reader | None, kind: str, document: Document, name: str) -> None:
        sink = PartSink(self, Part(name, kind), document.depth)
        limits = self.budget.limits
        self.budget.begin_part()
        try:
            if reader is None:
                raise UnreadableError("no reader for this format")
            if document.depth > limits.archive_depth:
                raise LimitReachedError("nested too deeply")
            reader(document, sink)
        except LimitReachedError as error:
            sink.limited(str(error))
        except UnreadableError as error:
            sink.failed(str(error))
        except RecursionError:
            sink.limited("nested too deeply")
        except Exception as error:
            # The message of a foreign exception may quote the document: its type alone is safe to show.
            sink.failed(f"reader failed: {type(error).__name__}")
        sink.finish()

    def _read_message(self, document: Document, name: str) -> None:
        mail = mime.read_mail(document.data, self.budget)
        for signal in mail.signals:
            self.signal(signal)
        self._plain(_below(name, "subject"), mail.subject, [])
        given = [f"attachment name: {given}" for leaf in mail.leaves for given in leaf.names]
        self._plain(_below(name, "headers"), "\n".join([*mail.headers, *given]), mail.unread)
        depth = document.depth + 1 if name else 0
        doubtful = 0
        for number, leaf in enumerate(mail.leaves, 1):
            inner = leaf.document
            if leaf.doubtful:
                doubtful += 1
                label = f"other reading {doubtful}"
            elif leaf.names:
                label = _shown(leaf.names[0]) or f"attachment {number}"
            elif inner.declared_type in _BODIES:
                label = _BODIES[inner.declared_type]
            else:
                label = f"attachment {number} ({inner.declared_type})"
            self.read(replace(inner, depth=depth), _below(name, label))

    def _plain(self, name: str, value: str, unread: list[str]) -> None:
        if value or unread:
            sink = PartSink(self, Part(name, "mime"), 0)
            sink.text(value)
            for reason in unread:
                sink.limited(reason)
            sink.finish()

    def signal(self, signal: str) -> None:
        """Keep a signal once."""
        if signal not in self.extraction.signals:
            self.extraction.signals.append(signal)

    def result(self) -> Extraction:
        """Sum up: the worst status, and the first reason for it with its part's name."""
        worst = max(self.extraction.parts, key=lambda part: _SEVERITY[part.status], default=None)
        if worst is not None and worst.status is not Status.COMPLETE:
            self.extraction.status = worst.status
            self.extraction.reason = f"{worst.name}: {worst.reason}"
        return self.extraction


class PartSink:
    """The sink that one part's reader writes to."""

    def __init__(self, reading: _Reading, part: Part, depth: int) -> None:
        self.budget = reading.budget
        self._reading = reading
        self._part = part
        self._depth = depth
        self._texts: list[str] = []
        self._length = 0
        self._reasons: list[str] = []
        reading.extraction.parts.append(part)

    def text(self, text: str, place: str = "") -> None:
        """Take a text, as much of it as the budget allows."""
        if not text:
            return
        self.budget.check_time()
        budget = self.budget
        allowed = budget.limits.text_characters - budget.characters
        if len(text) > allowed:
            text = text[: max(0, allowed)]
        places = self._part.places
        if (places[-1][1] if places else "") != place:
            places.append((self._length, place))
        self._texts.append(text)
        self._length += len(text) + 1
        budget.spend_characters(len(text))
        if len(text) == allowed:
            raise LimitReachedError("too much text")

    def embedded(self, data: bytes, name: str = "", declared_type: str = "", charset: str = "") -> None:
        """Read a document inside this one, on a clock of its own."""
        budget = self.budget
        budget.check_time()
        budget.spend_entry()
        document = Document(data, name, declared_type, charset, self._depth + 1)
        clock, started = budget.part_deadline, time.monotonic()
        self._reading.read(document, _below(self._part.name, _shown(name) or "embedded document"))
        budget.part_deadline = min(budget.deadline, clock + time.monotonic() - started)

    def limited(self, reason: str) -> None:
        """Mark the part as not wholly read."""
        if self._part.status is Status.COMPLETE:
            self._part.status = Status.LIMITED
        self._reasons.append(reason)

    def failed(self, reason: str) -> None:
        """Mark the part as unread, or unread from some point on."""
        self._part.status = Status.FAILED
        self._reasons.insert(0, reason)

    def signal(self, signal: str) -> None:
        """Keep a signal of this message."""
        self._reading.signal(signal)

    def finish(self) -> None:
        """Put the part together."""
        self._part.text = "\n".join(self._texts)
        self._part.reason = ", ".join(dict.fromkeys(self._reasons))


def _shown(name: str) -> str:
    """Return a sender's file name fit to be shown: printable, without line breaks, not too long."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name[:200]).split())


def _below(name: str, inner: str) -> str:
    return f"{name} › {inner}" if name else inner
