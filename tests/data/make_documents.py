"""Makes the documents under tests/data/documents with LibreOffice, which the tests themselves do not need.

Run it as `python tests/data/make_documents.py` where `soffice` is installed; it converts the flat OpenDocument sources in
`planted.py` to the formats that only LibreOffice writes here. The files it makes are committed.
"""

import gzip
import subprocess
import sys
import tempfile
from pathlib import Path

from planted import FLAT_SHEET, FLAT_SLIDES, FLAT_TEXT

DOCUMENTS = Path(__file__).parent / "documents"
SOURCES = {
    "text.fodt": (FLAT_TEXT, ("odt", "doc:MS Word 97", "rtf", "docx")),
    "sheet.fods": (FLAT_SHEET, ("ods", "xls:MS Excel 97", "xlsx")),
    "slides.fodp": (FLAT_SLIDES, ("odp", "ppt:MS PowerPoint 97", "pptx")),
}


def main() -> int:
    """Convert every source to its formats."""
    DOCUMENTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, (source, formats) in SOURCES.items():
            path = Path(folder, name)
            path.write_text(source, encoding="utf-8")
            for target in formats:
                subprocess.run(
                    ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", target,
                     "--outdir", str(DOCUMENTS), str(path)],
                    check=True, timeout=180,
                )  # fmt: skip
    # LibreOffice puts a large preview picture into it.
    presentation = DOCUMENTS / "slides.ppt"
    presentation.with_suffix(".ppt.gz").write_bytes(gzip.compress(presentation.read_bytes(), mtime=0))
    presentation.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
