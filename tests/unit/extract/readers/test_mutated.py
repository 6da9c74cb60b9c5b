"""Damaged documents of every format raise only the two errors that readers may raise."""

import gzip
import os
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.budget import LimitReachedError
from holdgate.extract.readers.office import ole, rtf
from holdgate.extract.readers.openxml import odf, office_xml, ooxml
from holdgate.extract.reading import UnreadableError
from tests.data import planted
from tests.unit.extract.readers.recording import read

DOCUMENTS = Path(planted.__file__).parent / "documents"
DEFAULT_CORPORA = Path(__file__).parents[5] / "shared" / "corpora"
CORPORA = Path(os.environ.get("HOLDGATE_CORPORA", DEFAULT_CORPORA))
READERS = {
    "text.doc": ole, "sheet.xls": ole, "slides.ppt.gz": ole, "text.docx": ooxml, "sheet.xlsx": ooxml,
    "slides.pptx": ooxml,
    "text.odt": odf, "sheet.ods": odf, "slides.odp": odf, "text.rtf": rtf, "text.fodt": office_xml,
}  # fmt: skip
UNUSUAL_BYTES = [b"\0" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f", b"\1\0\0\0", b"\0\0\1\0", b"\x80", b"<", b"{", b'"']


@cache
def document(name: str) -> bytes:
    folder = planted.SOURCES if name.endswith(".fodt") else DOCUMENTS
    data = (folder / name).read_bytes()
    # The large preview after the streams of the presentation is omitted.
    return gzip.decompress(data)[:40_000] if name.endswith(".gz") else data


# One reader of binary records and one of XML; the others read files of the same kinds.
QUICK = ("text.doc", "text.odt")


@pytest.mark.parametrize(
    "name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in READERS if name not in QUICK)]
)
@given(st.data())
def test_only_the_two_errors_are_raised(name: str, data: st.DataObject) -> None:
    mutant = bytearray(document(name))
    for _ in range(data.draw(st.integers(0, 8))):
        at = data.draw(st.integers(0, len(mutant) - 1))
        unusual = data.draw(st.one_of(st.sampled_from(UNUSUAL_BYTES), st.binary(min_size=1, max_size=8)))
        mutant[at : at + len(unusual)] = unusual
    if data.draw(st.booleans()):
        del mutant[data.draw(st.integers(0, len(mutant))) :]
    with suppress(UnreadableError, LimitReachedError):
        read(READERS[name], bytes(mutant))


@pytest.mark.slow
def test_documents_of_other_programs_are_read() -> None:
    """At least 99 in 100 unencrypted documents of the shared corpus are read, with some text or object in them."""
    folder = CORPORA / "documents"
    if not folder.is_dir():
        pytest.skip("no corpus of documents next to the checkout (HOLDGATE_CORPORA)")
    unread, total = [], 0
    for path in sorted(folder.rglob("*.*")):
        data = path.read_bytes()
        reader = ooxml if data.startswith(b"PK") else ole if data.startswith(b"\xd0\xcf\x11\xe0") else None
        if reader is None:
            continue
        total += 1
        try:
            sink = read(reader, data, path.name)
            if not sink.texts and not sink.documents:
                unread.append(path.name)
        except UnreadableError as error:
            if str(error) != "encrypted":
                unread.append(path.name)
    assert total > 100
    assert len(unread) * 100 <= total, unread
