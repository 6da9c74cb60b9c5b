"""What a reader is given and what it gives back: a document in, texts with places and embedded documents out.

A reader is a function ``read(document, sink)`` for one format. It writes text as it finds it, so that what was read
before a crash, a limit or damage still counts, and it never decides what an embedded document is: it hands it to
``sink.embedded`` and the recursion in `extract.extractor` finds the reader by the content.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from holdgate.extract.budget import Budget

BODY_NAME = "message body (HTML)"
"""What a reader of messages that are files calls the body, which they keep like a document of its own."""

SIGNED_NAME = "signed block"
"""What the reader of text calls a block that was signed: text of the body, and no file."""


class UnreadableError(Exception):
    """A document cannot be read; the argument is the reason in a few words ("encrypted", "damaged")."""


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes to read, with what their container says of them.

    `name` is the file name as the sender wrote it, "" if none. `declared_type` is a MIME type in lower case, or "".
    `charset` is the declared charset, or "". `depth` counts containers round it: 0 for a body or an attachment.
    """

    data: bytes
    name: str = ""
    declared_type: str = ""
    charset: str = ""
    depth: int = 0


class Sink(Protocol):
    """Takes what a reader finds. Each method may raise LimitReachedError; let it pass."""

    budget: Budget

    def text(self, text: str, place: str = "") -> None:
        """Take text that stands at `place`. Texts of one part are joined by a line break.

        So a reader joins runs of one paragraph or cell itself, and hands over whole paragraphs, cells or rows.
        """

    def cells(self, texts: Sequence[str], places: Sequence[str]) -> None:
        """Take many texts, each with its place: the cells of a table."""

    def embedded(self, data: bytes, name: str = "", declared_type: str = "", charset: str = "") -> None:
        """Take a document that stands inside this one: an attachment, a member, an OLE object, a picture."""

    def limited(self, reason: str) -> None:
        """Say that something of this part stays unread, and go on: "2 encrypted members", "image not read"."""

    def signal(self, signal: str) -> None:
        """Report what policy may want to know: "type mismatch", "macro", "ambiguous MIME: duplicate boundary"."""


Reader = Callable[[Document, Sink], None]
