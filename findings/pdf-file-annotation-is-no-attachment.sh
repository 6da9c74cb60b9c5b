#!/usr/bin/env bash
# pikepdf 10.18.0, pypdf 7.1.1, pypdfium2 5.15.2 (PDFium 159.0.8149), PyMuPDF 2.0: "the attachments of a PDF" are in each
# of the four only those of the document's name tree (EmbeddedFiles). A file in a FileAttachment annotation (ISO 32000-2,
# 12.5.6.15), the pin that a reader clicks, is in none of the lists. All four have it in the annotations of its page.
#
# Seen:
#   pikepdf 0, pypdf 0, PDFium 0, PyMuPDF 0
#   in the annotation: b'name,number\r\n'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pikepdf==10.18.0 pypdf==7.1.1 pypdfium2==5.15.2 pymupdf==2.0
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import io

import pikepdf
import pymupdf
import pypdfium2
from pikepdf import Array, Dictionary, Name
from pypdf import PdfReader

made, file = pikepdf.new(), io.BytesIO()
page = made.add_blank_page()
specification = pikepdf.AttachedFileSpec(made, b"name,number\r\n", filename="list.csv")
pin = Dictionary(Type=Name.Annot, Subtype=Name.FileAttachment, Rect=[72, 700, 92, 720], FS=specification.obj)
page.Annots = Array([made.make_indirect(pin)])
made.save(file)

with pikepdf.open(file) as by_pikepdf, pymupdf.open(stream=file.getvalue()) as by_pymupdf:
    by_pypdf, by_pdfium = PdfReader(file), pypdfium2.PdfDocument(file.getvalue())
    print(
        f"pikepdf {len(by_pikepdf.attachments)}, pypdf {len(by_pypdf.attachments)}, "
        f"PDFium {by_pdfium.count_attachments()}, PyMuPDF {by_pymupdf.embfile_count()}"
    )
    shown = by_pymupdf[0]
    print("in the annotation:", next(shown.annots()).get_file())
PYTHON
diff "$work/seen" - <<'SEEN'
pikepdf 0, pypdf 0, PDFium 0, PyMuPDF 0
in the annotation: b'name,number\r\n'
SEEN
