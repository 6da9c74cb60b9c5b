"""The input and output of a reader: a document in, texts with places and embedded documents out.

A reader is a function ``read(document, sink)`` for one format. It writes text as soon as it finds it, so that text
before a crash, a limit or damage is kept. It does not identify embedded documents: it passes them to ``sink.embedded``,
and `extract.extractor` finds the reader by the content.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from holdgate.extract.budget import Budget

BODY_NAME = "message body (HTML)"
"""The name of the body in message files, whose readers treat it as a separate document."""

SIGNED_NAME = "signed block"
"""The name of a signed block in a text: it is text of the body, not a file."""


class UnreadableError(Exception):
    """A document cannot be read; the argument is the reason in a few words ("encrypted", "damaged")."""


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes to read, with the container's information about them.

    `name` is the file name as the sender wrote it, "" if none. `declared_type` is a MIME type in lower case, or "".
    `charset` is the declared charset, or "". `depth` is the number of containers around it: 0 for a body or an
    attachment. `joins_lines` is true if a line that ends in a space continues in the next one, without that space.
    """

    data: bytes
    name: str = ""
    declared_type: str = ""
    charset: str = ""
    depth: int = 0
    joins_lines: bool = False


class Sink(Protocol):
    """Receives what a reader finds. Each method can raise LimitReachedError; do not catch it."""

    budget: Budget

    def text(self, text: str, place: str = "") -> None:
        """Add text at `place`. Texts of one part are joined by a line break.

        So a reader joins runs of one paragraph or cell itself, and passes on complete paragraphs, cells or rows.
        """

    def cells(self, texts: Sequence[str], places: Sequence[str]) -> None:
        """Add many texts, each with its place: the cells of a table."""

    def embedded(self, data: bytes, name: str = "", declared_type: str = "", charset: str = "") -> None:
        """Add a document inside this one: an attachment, a member, an OLE object, an image."""

    def limited(self, reason: str) -> None:
        """Report that something in this part stays unread, and continue: "2 encrypted members", "image not read"."""

    def signal(self, signal: str) -> None:
        """Report what policy may want to know: "type mismatch", "macro", "ambiguous MIME: duplicate boundary"."""


Reader = Callable[[Document, Sink], None]
