#!/usr/bin/env bash
# pypdf 7.1.1, pdfminer.six 20260107, PyMuPDF 2.0 (MuPDF 1.28.5), pypdfium2 5.15.2 (PDFium 159.0.8149.0), Python 3.11: the
# text of a marked sequence with ActualText (ISO 32000-2, 14.9.4), as writers of tagged PDF use it for hyphens, ligatures
# and symbols. Two of the four return what is drawn and never the ActualText; two return the ActualText and never what is
# drawn. None returns both, and none says that there is another text. A program that searches a document for what a
# person sees, and for what a screen reader says, needs two engines, or the page without its marks.
#
# Seen:
#   pypdf: ['440', 'end']
#   pdfminer.six: ['440', 'end']
#   PyMuPDF: ['four four oh', 'end']
#   PDFium: ['four four oh', 'end']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pypdf==7.1.1 pdfminer.six==20260107 pymupdf==2.0 pypdfium2==5.15.2
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import io

import pdfminer.high_level
import pymupdf
import pypdf
import pypdfium2

CONTENT = b"""/Span <</ActualText (four four oh)>> BDC
BT /F 12 Tf 20 120 Td (440) Tj ET
EMC
BT /F 12 Tf 20 90 Td (end) Tj ET"""
OBJECTS = (
    b"<</Type/Catalog/Pages 2 0 R>>",
    b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
    b"<</Length %d>>stream\n%s\nendstream" % (len(CONTENT), CONTENT),
    b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
)
data, table = b"%PDF-1.7\n", b"0000000000 65535 f \n"
for number, value in enumerate(OBJECTS, 1):
    table += b"%010d 00000 n \n" % len(data)
    data += b"%d 0 obj\n%s\nendobj\n" % (number, value)
data += b"xref\n0 6\n%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (table, len(data))

texts = {
    "pypdf": pypdf.PdfReader(io.BytesIO(data)).pages[0].extract_text(),
    "pdfminer.six": pdfminer.high_level.extract_text(io.BytesIO(data)),
    "PyMuPDF": pymupdf.open(stream=data).load_page(0).get_text(),
    "PDFium": pypdfium2.PdfDocument(data)[0].get_textpage().get_text_range(),
}
for engine, text in texts.items():
    print(f"{engine}: {[line for line in text.splitlines() if line.strip()]}")
PYTHON
diff "$work/seen" - <<'SEEN'
pypdf: ['440', 'end']
pdfminer.six: ['440', 'end']
PyMuPDF: ['four four oh', 'end']
PDFium: ['four four oh', 'end']
SEEN
