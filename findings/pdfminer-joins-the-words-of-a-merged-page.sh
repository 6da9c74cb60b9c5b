#!/usr/bin/env bash
# pdfminer.six 20260107, pikepdf 10.18.0, reportlab 5.1.0 as the writer, Python 3.11: when a page is put onto another, as with a
# letterhead or several pages on a sheet, its content becomes a form XObject (ISO 32000-2, 8.10). extract_text() of
# pdfminer.six does not analyse the layout of forms: it joins all their letters, cells of a table and lines alike, without a
# space or line break. Two columns of numbers become one number, and no word boundary is left for a search. pypdf and
# PDFium return the same text as before. LAParams(all_texts=True) makes pdfminer.six analyse forms too; its
# documentation says "if layout analysis should be performed on text in figures", and a merged page is no figure for its reader.
#
# Seen:
#   pdfminer.six, page: Card Name 4111 1111 Anna
#   pdfminer.six, page on a letterhead: Letterhead Card4111 1111NameAnna
#   pdfminer.six, all_texts=True: Letterhead Card Name 4111 1111 Anna
#   pypdf, page on a letterhead: Letterhead Card 4111 1111 Name Anna
#   PDFium, page on a letterhead: Letterhead Card 4111 1111 Name Anna
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  pdfminer.six==20260107 pikepdf==10.18.0 reportlab==5.1.0 pypdf==7.1.1 pypdfium2==5.15.2
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import io

import pikepdf
import pypdf
import pypdfium2
from pdfminer.high_level import extract_text
from pdfminer.layout import LAParams
from reportlab.pdfgen.canvas import Canvas


def drawn(*words):
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(595, 842))
    for x, y, word in words:
        canvas.drawString(x, y, word)
    canvas.save()
    return file.getvalue()


letter = drawn((60, 700, "Card"), (200, 700, "4111 1111"), (60, 680, "Name"), (200, 680, "Anna"))
sheet, source = (pikepdf.open(io.BytesIO(data)) for data in (drawn((60, 800, "Letterhead")), letter))
sheet.pages[0].add_overlay(source.pages[0])
file = io.BytesIO()
sheet.save(file)
merged = file.getvalue()


def show(name, text):
    print(f"{name}:", " ".join(text.split()))


show("pdfminer.six, page", extract_text(io.BytesIO(letter)))
show("pdfminer.six, page on a letterhead", extract_text(io.BytesIO(merged)))
show("pdfminer.six, all_texts=True", extract_text(io.BytesIO(merged), laparams=LAParams(all_texts=True)))
show("pypdf, page on a letterhead", pypdf.PdfReader(io.BytesIO(merged)).pages[0].extract_text())
show("PDFium, page on a letterhead", pypdfium2.PdfDocument(merged)[0].get_textpage().get_text_bounded())
PYTHON
diff "$work/seen" - <<'SEEN'
pdfminer.six, page: Card Name 4111 1111 Anna
pdfminer.six, page on a letterhead: Letterhead Card4111 1111NameAnna
pdfminer.six, all_texts=True: Letterhead Card Name 4111 1111 Anna
pypdf, page on a letterhead: Letterhead Card 4111 1111 Name Anna
PDFium, page on a letterhead: Letterhead Card 4111 1111 Name Anna
SEEN
