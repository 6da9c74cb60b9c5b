#!/usr/bin/env bash
# docx2txt 0.9, openpyxl 3.1.5, python-docx 1.2.0, python-pptx 1.0.2, kreuzberg 4.10.4, mammoth 1.13.0, python-calamine 0.9.1, LibreOffice 7.4.7 (Debian 12) as
# readers: Word, Excel and PowerPoint also save as "Strict Open XML" (ISO/IEC 29500-1), which some public bodies ask for. The files have the usual
# suffix, type and parts; only the names of the namespaces differ. What readers make of it cannot be told from the library or the
# vendor: docx2txt returns '' for the document, and kreuzberg '' for the slides, while it reads the document and the sheet. openpyxl opens a
# workbook without a sheet; its warning ("invalid specification for 0") names no reason. Only python-docx and python-pptx fail, with KeyError, and
# the others read all. A search or a DLP filter takes these files for empty. Treat "no text" of a file with word/document.xml, slides or sheets as
# not read, or look for purl.oclc.org/ooxml in its parts first.
#
# Seen:
#   document: docx2txt '', python-docx KeyError, kreuzberg 'card 4111', mammoth 'card 4111', LibreOffice 'card 4111'
#   sheet: openpyxl no sheets, kreuzberg 'card 4111', calamine 'card 4111', LibreOffice 'card 4111'
#   slide: python-pptx KeyError, kreuzberg '', LibreOffice 'card 4111'
set -euo pipefail
dpkg -s libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui >/dev/null # apt install these and python3-venv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check docx2txt==0.9 openpyxl==3.1.5 python-docx==1.2.0 python-pptx==1.0.2 \
  kreuzberg==4.10.4 mammoth==1.13.0 python-calamine==0.9.1 xlsxwriter==3.3.1
cat >"$work/try.py" <<'PYTHON'
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import docx
import docx2txt
import kreuzberg
import mammoth
import openpyxl
import pptx
import python_calamine
import xlsxwriter

WORK = Path(sys.argv[1])
TEXT = "card 4111"
USUAL = "http://schemas.openxmlformats.org/"
STRICT = "http://purl.oclc.org/ooxml/"
NAMES = {
    "wordprocessingml/2006/main": "wordprocessingml/main",
    "spreadsheetml/2006/main": "spreadsheetml/main",
    "presentationml/2006/main": "presentationml/main",
    "drawingml/2006/main": "drawingml/main",
    "officeDocument/2006/relationships": "officeDocument/relationships",
    "officeDocument/2006/extended-properties": "officeDocument/extendedProperties",
    "officeDocument/2006/docPropsVTypes": "officeDocument/docPropsVTypes",
}


def strict(path):
    """Change a file to what "Save as Strict Open XML" writes: other namespaces, and conformance="strict" in the main part."""
    parts = []
    with zipfile.ZipFile(path) as package:
        for name in package.namelist():
            data = package.read(name)
            if name.endswith((".xml", ".rels")):
                text = data.decode()
                for usual, other in NAMES.items():
                    text = text.replace(USUAL + usual, STRICT + other)
                data = re.sub(r"<(w:document|workbook|p:presentation) ", r'<\1 conformance="strict" ', text, count=1).encode()
            parts.append((name, data))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in parts:
            package.writestr(name, data)


def libreoffice(path):
    kind = {".docx": "txt:Text", ".xlsx": "csv", ".pptx": "html:impress_html_Export"}[path.suffix]
    profile = f"-env:UserInstallation=file://{WORK}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", kind, "--outdir", f"{WORK}/out", path]
    subprocess.run(command, check=True, capture_output=True)
    return (WORK / "out" / path.name).with_suffix("." + kind.split(":")[0]).read_text(encoding="utf-8-sig")


def openpyxl_text(path):
    sheets = openpyxl.load_workbook(path).worksheets
    return "".join(str(cell) for sheet in sheets for row in sheet.values for cell in row) if sheets else None


def calamine_text(path):
    book = python_calamine.load_workbook(path)
    return str(book.get_sheet_by_index(0).to_python()[0][0])


def pptx_text(path):
    return "".join(shape.text_frame.text for slide in pptx.Presentation(path).slides for shape in slide.shapes)


def result(reader, path):
    try:
        text = reader(path)
    except KeyError:
        return "KeyError"
    return "no sheets" if text is None else repr(TEXT if TEXT in text else text)


def kreuzberg_text(path):
    return kreuzberg.extract_file_sync(path).content


document = docx.Document()
document.add_paragraph(TEXT)
document.save(WORK / "a.docx")
with xlsxwriter.Workbook(WORK / "b.xlsx") as book:
    book.add_worksheet().write(0, 0, TEXT)
slides = pptx.Presentation()
slides.slides.add_slide(slides.slide_layouts[5]).shapes.title.text = TEXT
slides.save(WORK / "c.pptx")
readers = {
    "document a.docx": {
        "docx2txt": docx2txt.process,
        "python-docx": lambda path: "".join(paragraph.text for paragraph in docx.Document(path).paragraphs),
        "kreuzberg": kreuzberg_text,
        "mammoth": lambda path: mammoth.extract_raw_text(path.open("rb")).value,
        "LibreOffice": libreoffice,
    },
    "sheet b.xlsx": {
        "openpyxl": openpyxl_text,
        "kreuzberg": kreuzberg_text,
        "calamine": calamine_text,
        "LibreOffice": libreoffice,
    },
    "slide c.pptx": {"python-pptx": pptx_text, "kreuzberg": kreuzberg_text, "LibreOffice": libreoffice},
}
for title, group in readers.items():
    kind, name = title.split()
    path = WORK / name
    for reader in group.values():
        assert result(reader, path) == repr(TEXT), name
    strict(path)
    print(f"{kind}:", ", ".join(f"{name} {result(reader, path)}" for name, reader in group.items()))
PYTHON
"$work/venv/bin/python" -W ignore "$work/try.py" "$work" | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
document: docx2txt '', python-docx KeyError, kreuzberg 'card 4111', mammoth 'card 4111', LibreOffice 'card 4111'
sheet: openpyxl no sheets, kreuzberg 'card 4111', calamine 'card 4111', LibreOffice 'card 4111'
slide: python-pptx KeyError, kreuzberg '', LibreOffice 'card 4111'
SEEN
