"""Redacted documents open in LibreOffice with the same number of pages, and no masked value is visible."""

import shutil
import subprocess
from pathlib import Path

import pypdf
import pytest

from holdgate.extract.readers.pdf import pdf
from tests.data import planted
from tests.support.redaction import DOCUMENTS, SECRET, attachment, letter, redacted
from tests.support.sink import read_all

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("soffice") is None, reason="needs Debian's libreoffice-writer, -calc, -impress"),
]

_PATIENCE = 240


def documents() -> dict[str, bytes]:
    found = {name: (DOCUMENTS / name).read_bytes() for name in ("text.docx", "text.odt", "sheet.xlsx", "sheet.ods")}
    found |= {name: (DOCUMENTS / name).read_bytes() for name in ("slides.pptx", "slides.odp", "text.rtf")}
    # Of the same writers, LibreOffice prints neither the Word document nor, in minutes, the workbook, as they were.
    made = {"made.pptx": planted.presentation}
    return found | {name: build()[0] for name, build in made.items()}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a PDF of each document as it was, and as it is redacted. One start of LibreOffice."""
    directory = tmp_path_factory.mktemp("documents")
    for name, data in documents().items():
        (directory / f"old-{name}").write_bytes(data)
        (directory / f"new-{name}").write_bytes(attachment(redacted(letter(name, data)).content))
    profile = directory / "profile"
    command = ["soffice", f"-env:UserInstallation=file://{profile}", "--headless", "--convert-to", "pdf"]
    files = sorted(str(path) for path in directory.glob("*-*.*"))
    for file in files:
        # Two files of one stem become one PDF.
        target = directory / "pages" / Path(file).name
        subprocess.run([*command, "--outdir", target, file], check=True, capture_output=True, timeout=_PATIENCE)
    return directory / "pages"


@pytest.mark.parametrize("name", sorted(documents()))
def test_a_redacted_document_has_the_same_number_of_pages(pages: Path, name: str) -> None:
    (old,) = (pages / f"old-{name}").glob("*.pdf")
    (new,) = (pages / f"new-{name}").glob("*.pdf")
    counts = [len(pypdf.PdfReader(path).pages) for path in (old, new)]
    assert counts[0] == counts[1] > 0
    shown = [read_all(pdf.read, path.read_bytes()).everything() for path in (old, new)]
    assert [bool(SECRET.search(text)) for text in shown] == [True, False]
