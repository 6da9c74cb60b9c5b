"""Formats: valid declarations are registered, and invalid ones refused."""

from pathlib import Path

import pytest

from holdgate.extract.extractor import UNDECLARED, extract_file
from holdgate.extract.format import Format, FormatError, Registry
from holdgate.extract.formats import REGISTRY
from holdgate.extract.part import Status
from holdgate.extract.reading import Document, Sink
from holdgate.plugins import PluginError

PAGE = Path(__file__).resolve().parents[3] / "docs/howto/add-a-reader.md"


def read(document: Document, sink: Sink) -> None:
    sink.text(document.data.decode())


def declared(kind: str = "ledger", unread: str | None = "", magic: bytes = b"LEDGER1\n") -> Format:
    signatures = ((0, magic),)
    return Format(
        kind=kind, read=read, holds="books", read_by="a test", unread=unread, signatures=signatures, extensions="led"
    )


@pytest.fixture(name="known")
def _known(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Return the registry of this process; entries that a test adds are removed afterwards."""
    for table in ("formats", "by_extension", "by_type"):
        monkeypatch.setattr(REGISTRY, table, dict(getattr(REGISTRY, table)))
    for table in ("signatures", "ole_streams"):
        monkeypatch.setattr(REGISTRY, table, list(getattr(REGISTRY, table)))
    return REGISTRY


def test_a_declared_format_is_identified_and_read(known: Registry) -> None:
    known.add(declared())
    (part,) = extract_file("book.led", b"LEDGER1\nan entry").parts
    assert (part.reader, part.status, part.text) == ("ledger", Status.COMPLETE, "LEDGER1\nan entry")


def test_a_reader_without_declared_omissions_is_never_complete(known: Registry) -> None:
    known.add(declared(unread=None))
    (part,) = extract_file("book.led", b"LEDGER1\nan entry").parts
    assert (part.status, part.reason) == (Status.LIMITED, UNDECLARED)


def test_a_name_that_only_another_format_has_is_a_signal(known: Registry) -> None:
    known.add(declared())
    assert extract_file("book.pdf", b"LEDGER1\nan entry").signals == ["type mismatch: ledger named .pdf"]
    assert extract_file("book.led", b"LEDGER1\nan entry").signals == []
    assert extract_file("book.led", b"%PDF-1.7").signals == ["type mismatch: pdf named .led"]


@pytest.mark.parametrize(
    ("format_", "why"),
    [
        (declared("pdf"), 'the kind "pdf" is declared twice'),
        (declared("message"), 'the kind "message" is declared twice'),
        (declared(magic=b"%PDF-"), 'the kinds "pdf" and "ledger" declare the same signature'),
    ],
)
def test_a_format_that_is_already_declared_is_refused(known: Registry, format_: Format, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        known.add(format_)


def test_the_module_of_the_documentation_is_added_once(known: Registry, tmp_path: Path) -> None:
    code = PAGE.read_text(encoding="utf-8").partition("```python\n")[2].partition("   ```")[0]
    (tmp_path / "page_ledger.py").write_text("\n".join(line[3:] for line in code.splitlines()), encoding="utf-8")
    known.add_modules(["page_ledger"], str(tmp_path))
    known.add_modules(["page_ledger"], str(tmp_path))
    (part,) = extract_file("book.led", b"LEDGER1\nfirst\nsecond").parts
    assert (part.text, part.places) == ("first\nsecond", [(0, "line 1"), (6, "line 2")])
    assert extract_file("book.led", b"LEDGER1\n\xff").status is Status.FAILED


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        ("FORMATS = 7", "TypeError"),
        ("", "AttributeError"),
        ('FORMATS = ("pdf",)', "must be a tuple"),
        ("raise SystemError", "SystemError"),
    ],
)
def test_a_module_without_a_valid_reader_is_named(known: Registry, tmp_path: Path, code: str, why: str) -> None:
    name = f"site_reader_{abs(hash(code))}"
    (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    with pytest.raises(PluginError, match=f"extract.readers: {name}.*{why}"):
        known.add_modules([name], str(tmp_path))
