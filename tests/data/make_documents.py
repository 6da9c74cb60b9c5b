"""Makes the documents under tests/data/documents with LibreOffice, which the tests themselves do not need.

Run it as `python tests/data/make_documents.py` where `soffice` is installed; it converts the flat OpenDocument files
under tests/data/sources to the formats that only LibreOffice writes here. The files it makes are committed.
"""

import gzip
import subprocess
import sys
import tempfile
from pathlib import Path

DOCUMENTS = Path(__file__).parent / "documents"
SOURCES = Path(__file__).parent / "sources"
FORMATS = {
    "text.fodt": ("odt", "doc:MS Word 97", "rtf", "docx"),
    "sheet.fods": ("ods", "xls:MS Excel 97", "xlsx"),
    "slides.fodp": ("odp", "ppt:MS PowerPoint 97", "pptx"),
}


def main() -> int:
    """Convert every source to its formats."""
    DOCUMENTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, formats in FORMATS.items():
            for target in formats:
                subprocess.run(
                    ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", target,
                     "--outdir", str(DOCUMENTS), str(SOURCES / name)],
                    check=True, timeout=180,
                )  # fmt: skip
    # LibreOffice adds a large preview image to it.
    presentation = DOCUMENTS / "slides.ppt"
    presentation.with_suffix(".ppt.gz").write_bytes(gzip.compress(presentation.read_bytes(), mtime=0))
    presentation.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
