#!/usr/bin/env bash
# pypdf 7.1.1, pdfminer.six 20260107, pypdfium2 5.15.2 (PDFium 159.0.8149.0), PyMuPDF 2.0 (MuPDF 1.28.5), pdftotext 25.03.0 (Debian 13), Python 3.11, with
# reportlab 5.1.0 as the writer: what a person typed into the fields of a PDF form is drawn on the page, and is not in the
# page's text in three of five engines. extract_text() of pypdf and pdfminer.six, and the text page of PDFium, read the page's content;
# a field is an annotation with an appearance of its own (ISO 32000-2, 12.7). MuPDF and Poppler read both. So a search
# in a filled application form finds the printed questions and no answer. PDFium draws the fields in render() (may_draw_forms), which
# its text then lacks. After flattening, as a printer driver does, all five have them.
#
# Seen:
#   as filled: pypdf no, pdfminer.six no, PDFium no, MuPDF yes, pdftotext yes
#   flattened: pypdf yes, pdfminer.six yes, PDFium yes, MuPDF yes, pdftotext yes
set -euo pipefail
# As root, with: apt install mmdebstrap python3-venv
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pypdf==7.1.1 pdfminer.six==20260107 pypdfium2==5.15.2 PyMuPDF==2.0 \
  pikepdf==10.18.0 reportlab==5.1.0
mmdebstrap --quiet --variant=minbase --include=poppler-utils trixie "$work/root"
cd "$work"
cat >try.py <<'PYTHON'
import subprocess

import pikepdf
import pymupdf
import pypdf
import pypdfium2
from pdfminer.high_level import extract_text
from reportlab.pdfgen.canvas import Canvas

canvas = Canvas("root/filled.pdf")
canvas.drawString(72, 700, "Name and number")
canvas.acroForm.textfield(name="number", x=72, y=660, width=200, height=20, value="ANSWER 4711")
canvas.save()
with pikepdf.open("root/filled.pdf") as document:
    document.flatten_annotations()
    document.save("root/flattened.pdf")
for state in ("filled", "flattened"):
    name = f"root/{state}.pdf"
    command = ["chroot", "root", "pdftotext", f"/{state}.pdf", "-"]
    texts = {
        "pypdf": pypdf.PdfReader(name).pages[0].extract_text(),
        "pdfminer.six": extract_text(name),
        "PDFium": pypdfium2.PdfDocument(name)[0].get_textpage().get_text_range(),
        "MuPDF": pymupdf.open(name)[0].get_text(),
        "pdftotext": subprocess.run(command, capture_output=True, text=True, check=True).stdout,
    }
    assert all("Name and number" in text for text in texts.values())
    found = (f"{engine} {'yes' if 'ANSWER 4711' in text else 'no'}" for engine, text in texts.items())
    print(f"{'as ' if state == 'filled' else ''}{state}:", ", ".join(found))
PYTHON
venv/bin/python try.py | tee seen
diff seen - <<'SEEN'
as filled: pypdf no, pdfminer.six no, PDFium no, MuPDF yes, pdftotext yes
flattened: pypdf yes, pdfminer.six yes, PDFium yes, MuPDF yes, pdftotext yes
SEEN
