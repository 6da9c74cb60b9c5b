"""A sink that keeps everything a reader passes to it, and spends the budget as the recursion does."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from holdgate.extract.budget import Budget
from holdgate.extract.reading import Document, Reader


@dataclass(slots=True)
class KeepingSink:
    """Keeps texts with their places, embedded documents, limits and signals, in order."""

    budget: Budget = field(default_factory=Budget)
    texts: list[tuple[str, str]] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)

    def text(self, text: str, place: str = "") -> None:
        self.budget.spend_characters(len(text))
        self.texts.append((text, place))

    def cells(self, texts: Sequence[str], places: Sequence[str]) -> None:
        for text, place in zip(texts, places, strict=True):
            self.text(text, place)

    def embedded(self, data: bytes, name: str = "", declared_type: str = "", charset: str = "") -> None:
        self.documents.append(Document(data, name, declared_type, charset, 1))

    def limited(self, reason: str) -> None:
        self.limits.append(reason)

    def signal(self, signal: str) -> None:
        self.signals.append(signal)

    def places_of(self, word: str) -> list[str]:
        return [place for text, place in self.texts if word in text]

    def everything(self) -> str:
        """Return all texts and the bytes of embedded documents as one string."""
        return "\n".join([text for text, _ in self.texts] + [kept.data.decode("latin-1") for kept in self.documents])


def read_all(reader: Reader, data: bytes, name: str = "") -> KeepingSink:
    """Run a reader over `data` and return the sink."""
    sink = KeepingSink()
    reader(Document(data, name), sink)
    return sink
