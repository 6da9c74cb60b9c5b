"""Documents of several writers, with a token in each place, are read completely."""

import gzip
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from holdgate.extract.readers.office import ole, rtf
from holdgate.extract.readers.openxml import odf, office_xml, ooxml
from tests.data import planted
from tests.unit.extract.readers.recording import RecordingSink, read

DOCUMENTS = Path(planted.__file__).parent / "documents"
# What LibreOffice does not carry over into a format, so that no reader could find it there.
LOST = {
    "sheet.xls": {"tokenformula"},
    "sheet.xlsx": {planted.CARD},
    "slides.odp": {"tokenmaster"},
    "slides.ppt.gz": {"tokenmaster", "tokenalttitle", "tokenalttext"},
    "slides.pptx": {"tokenmaster", "tokenalttitle", "tokenalttext"},
    "text.rtf": {"tokenalttitle", "tokenshape"},
    "text.doc": {"tokenalttitle", "tokenalttext"},
}
READERS = {"odt": odf, "ods": odf, "odp": odf, "rtf": rtf, "doc": ole, "xls": ole, "ppt": ole}
SOURCES = {"text": "text.fodt", "sheet": "sheet.fods", "slides": "slides.fodp"}


def reader_of(data: bytes) -> ModuleType | None:
    return ooxml if data.startswith(b"PK") else ole if data.startswith(b"\xd0\xcf\x11\xe0") else None


def all_text(sink: RecordingSink) -> str:
    """Return the text of a document and of Office documents inside it."""
    texts = [sink.whole()]
    for name, data in sink.documents:
        texts.append(name)
        if reader := reader_of(data):
            texts.append(all_text(read(reader, data, name)))
    return "\n".join(texts)


@pytest.mark.parametrize("build", [planted.word_document, planted.workbook, planted.presentation])
def test_every_token_of_python_writers_is_found(build: Callable[[], tuple[bytes, list[str]]]) -> None:
    data, tokens = build()
    sink = read(ooxml, data)
    text = all_text(sink)
    assert [token for token in tokens if token not in text] == []
    assert sink.reasons == []


@pytest.mark.parametrize("name", ["text.fodt", "sheet.fods", "slides.fodp"])
def test_every_token_of_flat_documents_is_found(name: str) -> None:
    data, tokens = planted.source(name)
    sink = read(office_xml, data)
    text = sink.whole()
    assert [token for token in (*tokens, planted.CARD) if token not in text] == []
    assert sink.reasons == []


@pytest.mark.parametrize("path", sorted(DOCUMENTS.iterdir()), ids=lambda path: path.name)
def test_every_token_of_libreoffice_is_found(path: Path) -> None:
    kind = path.name.split(".")[1]
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    _, tokens = planted.source(SOURCES[path.name.split(".")[0]])
    sink = read(READERS.get(kind, ooxml), data)
    text = all_text(sink)
    expected = {*tokens, planted.CARD} - LOST.get(path.name, set())
    assert sorted(token for token in expected if token not in text) == []
    assert sink.reasons == []


@pytest.mark.parametrize("name", ["text.odt", "text.docx", "text.doc", "text.rtf"])
def test_revisions_are_joined_before_and_after(name: str) -> None:
    kind = name.split(".")[1]
    text = read(READERS.get(kind, ooxml), (DOCUMENTS / name).read_bytes()).whole()
    assert "revised 4111 1111 3333 3333 end" in text
    assert "revised 4111 1111 2222 2222 end" in text
