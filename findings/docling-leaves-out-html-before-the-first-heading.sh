#!/usr/bin/env bash
# docling 2.143.0 (docling-slim, docling-core 2.104.0, Python 3.11): export_to_markdown(), export_to_text(), export_to_html() and the chunkers return one of
# four layers of a document, the body, and its readers sort content into the others by rules of their own. In HTML, all that comes before the
# first <h1> to <h6> is "furniture": a letter with a heading "Terms" at its end loses its address, its text and its tables. Without that heading, all
# is there. In Excel, a hidden sheet and the comments of cells are in other layers, in PowerPoint the speaker's notes, in Word headers,
# footers and comments. There is no warning, and docling's reader of mail does not do it (infer_furniture=False), so the same HTML reads
# differently as a file. An index, a language model or a DLP search of the export gets no sign of it. The JSON has all. Pass
# included_content_layers=set(ContentLayer), and HTMLBackendOptions(infer_furniture=False). Docs of the option: "Infer all the content
# before the first header as furniture."; its default is True (docling issues 1865 and 2487).
#
# Seen:
#   HTML without a heading: missing nothing
#   HTML with a heading at the end: missing letter, table
#   Excel: missing hidden sheet, comment
#   PowerPoint: missing notes
#   Word: missing header, comment
#   with all layers: missing nothing
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check "docling-slim[format-html,format-docx,format-xlsx,format-pptx]==2.143.0" \
  docling-core==2.104.0 openpyxl==3.1.5 python-docx==1.2.0 python-pptx==1.0.2
cat >"$work/try.py" <<'PYTHON'
import sys
from pathlib import Path

import docx
import openpyxl
import pptx
from docling.backend.html_backend import HTMLDocumentBackend
from docling.backend.msexcel_backend import MsExcelDocumentBackend
from docling.backend.mspowerpoint_backend import MsPowerpointDocumentBackend
from docling.backend.msword_backend import MsWordDocumentBackend
from docling.datamodel.base_models import InputFormat
from docling.datamodel.document import InputDocument
from docling_core.types.doc import ContentLayer
from openpyxl.comments import Comment

WORK = Path(sys.argv[1])
HTML = "<html><body><p>the letter</p><table><tr><td>the table</td><td>4111</td></tr></table>%s<p>the end</p></body></html>"


def converted(name, kind, backend):
    return InputDocument(path_or_stream=WORK / name, format=kind, backend=backend)._backend.convert()


def missing(words, text):
    return ", ".join(word for word in words if f"the {word}" not in text) or "nothing"


(WORK / "one.html").write_text(HTML % "")
(WORK / "two.html").write_text(HTML % "<h2>Terms</h2>")
book = openpyxl.Workbook()
book.active["A1"] = "the sheet"
book.active["A1"].comment = Comment("the comment", "Anna")
hidden = book.create_sheet("more")
hidden["A1"] = "the hidden sheet"
hidden.sheet_state = "hidden"
book.save(WORK / "book.xlsx")
slides = pptx.Presentation()
slide = slides.slides.add_slide(slides.slide_layouts[5])
slide.shapes.title.text = "the title"
slide.notes_slide.notes_text_frame.text = "the notes"
slides.save(WORK / "slides.pptx")
document = docx.Document()
paragraph = document.add_paragraph("the text")
document.sections[0].header.paragraphs[0].text = "the header"
document.add_comment(paragraph.runs, text="the comment", author="Anna")
document.save(WORK / "document.docx")

html = ("letter", "table", "end")
complete = True
for title, words, name, kind, backend in (
    ("HTML without a heading", html, "one.html", InputFormat.HTML, HTMLDocumentBackend),
    ("HTML with a heading at the end", html, "two.html", InputFormat.HTML, HTMLDocumentBackend),
    ("Excel", ("sheet", "hidden sheet", "comment"), "book.xlsx", InputFormat.XLSX, MsExcelDocumentBackend),
    ("PowerPoint", ("title", "notes"), "slides.pptx", InputFormat.PPTX, MsPowerpointDocumentBackend),
    ("Word", ("text", "header", "comment"), "document.docx", InputFormat.DOCX, MsWordDocumentBackend),
):
    found = converted(name, kind, backend)
    print(f"{title}: missing {missing(words, found.export_to_markdown())}")
    layers = found.export_to_markdown(included_content_layers=set(ContentLayer))
    complete = complete and missing(words, layers) == "nothing"
print("with all layers: missing", "nothing" if complete else "something")
PYTHON
"$work/venv/bin/python" -W ignore "$work/try.py" "$work" 2>"$work/errors" | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
HTML without a heading: missing nothing
HTML with a heading at the end: missing letter, table
Excel: missing hidden sheet, comment
PowerPoint: missing notes
Word: missing header, comment
with all layers: missing nothing
SEEN
