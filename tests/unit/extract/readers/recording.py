"""A sink that keeps everything that a reader passes to it, for tests of readers."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from types import ModuleType

from holdgate.extract.budget import Budget, Limits
from holdgate.extract.reading import Document


class RecordingSink:
    """Keeps texts with their places, embedded documents by name, and remarks."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.budget = Budget(limits or Limits())
        self.texts: list[tuple[str, str]] = []
        self.documents: list[tuple[str, bytes]] = []
        self.reasons: list[str] = []
        self.signals: list[str] = []

    def text(self, text: str, place: str = "") -> None:
        self.budget.spend_characters(len(text))
        self.texts.append((text, place))

    def cells(self, texts: Sequence[str], places: Sequence[str]) -> None:
        for text, place in zip(texts, places, strict=True):
            self.text(text, place)

    def embedded(self, data: bytes, name: str = "", declared_type: str = "", charset: str = "") -> None:
        self.documents.append((name, data))

    def limited(self, reason: str) -> None:
        self.reasons.append(reason)

    def signal(self, signal: str) -> None:
        self.signals.append(signal)

    def place_of(self, wanted: str) -> str | None:
        """Return the place of the first text that holds `wanted`, None if none does."""
        return next((place for text, place in self.texts if wanted in text), None)

    def whole(self) -> str:
        """Return all text, joined as the parts of a message are."""
        return "\n".join(text for text, _ in self.texts)


def read(reader: ModuleType, data: bytes, name: str = "", limits: Limits | None = None) -> RecordingSink:
    """Let `reader` read `data` into a fresh sink."""
    sink = RecordingSink(limits)
    reader.read(Document(data, name), sink)
    return sink


def packed(parts: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP file with the given members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name)
            info.filename, info.compress_type = name, method
            archive.writestr(info, content)
    return stream.getvalue()
