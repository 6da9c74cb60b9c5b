"""The limits for reading one message, over all its parts: a hostile file uses them up and ends as `limited`."""

import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one message. Sizes in bytes, times in seconds, text in characters.

    The values follow the limits of amavis, ClamAV and Postfix, and measured needs of real mail.
    """

    mime_depth: int = 20
    mime_parts: int = 1_000
    header_bytes: int = 1_000_000
    archive_depth: int = 8
    entries: int = 5_000
    entry_bytes: int = 100_000_000
    total_bytes: int = 300_000_000
    ratio: int = 100
    ratio_from_bytes: int = 10_000_000
    xml_depth: int = 300
    xml_bytes: int = 50_000_000
    cells: int = 3_000_000
    pdf_pages: int = 2_000
    text_characters: int = 50_000_000
    part_seconds: float = 10.0
    message_seconds: float = 30.0


class LimitReachedError(Exception):
    """A limit of `Limits` was reached; the argument is the reason in a few words, without content."""


@dataclass(slots=True)
class Budget:
    """The remainder of `Limits` for one message. All readers use the same budget."""

    limits: Limits = field(default_factory=Limits)
    expanded_bytes: int = 0
    entries: int = 0
    characters: int = 0
    cells: int = 0
    deadline: float = 0.0
    part_deadline: float = 0.0

    def __post_init__(self) -> None:
        self.deadline = self.part_deadline = time.monotonic() + self.limits.message_seconds

    def begin_part(self) -> None:
        """Start the clock of a part."""
        self.part_deadline = min(self.deadline, time.monotonic() + self.limits.part_seconds)

    def check_time(self) -> None:
        """Raise LimitReachedError if the time of the part or the message is used up. Call it in every long loop."""
        if time.monotonic() > self.part_deadline:
            raise LimitReachedError("time limit")

    def check_entry(self, packed: int, unpacked: int) -> None:
        """Refuse an archive member by the sizes in the archive's directory, before any of it is unpacked."""
        limits = self.limits
        if unpacked > limits.entry_bytes:
            raise LimitReachedError("member too large")
        if unpacked > limits.ratio_from_bytes and unpacked > limits.ratio * max(packed, 1):
            raise LimitReachedError("compression ratio")

    def spend_entry(self) -> None:
        """Count one member of an archive or one stream of a container."""
        self.entries += 1
        if self.entries > self.limits.entries:
            raise LimitReachedError("too many members")

    def spend_bytes(self, count: int) -> None:
        """Count bytes that were unpacked or decoded."""
        self.expanded_bytes += count
        if self.expanded_bytes > self.limits.total_bytes:
            raise LimitReachedError("total size")

    def spend_characters(self, count: int) -> None:
        """Count characters of text passed to detection."""
        self.characters += count
        if self.characters > self.limits.text_characters:
            raise LimitReachedError("too much text")

    def spend_cells(self, count: int) -> None:
        """Count cells of spreadsheets."""
        self.cells += count
        if self.cells > self.limits.cells:
            raise LimitReachedError("too many cells")
