#!/usr/bin/env bash
# pikepdf 10.18.0, pypdf 7.1.1, pypdfium2 5.15.2 (PDFium 159.0.8149): "the attachments of a PDF" are in each of the three only
# those of the document's name tree (EmbeddedFiles). A file in a FileAttachment annotation (ISO 32000-2, 12.5.6.15), the pin
# on a page that a reader clicks, is in none of the lists. All three have it among the annotations of its page.
#
# Seen:
#   pikepdf 0, pypdf 0, PDFium 0
#   in the annotation: b'name,number\r\n'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pikepdf==10.18.0 pypdf==7.1.1 pypdfium2==5.15.2
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import io

import pikepdf
import pypdfium2
from pikepdf import Array, Dictionary, Name
from pypdf import PdfReader

made, file = pikepdf.new(), io.BytesIO()
page = made.add_blank_page()
specification = pikepdf.AttachedFileSpec(made, b"name,number\r\n", filename="list.csv")
pin = Dictionary(Type=Name.Annot, Subtype=Name.FileAttachment, Rect=[72, 700, 92, 720], FS=specification.obj)
page.Annots = Array([made.make_indirect(pin)])
made.save(file)

listed, by_pypdf = pikepdf.open(file).attachments, PdfReader(file)
by_pdfium = pypdfium2.PdfDocument(file.getvalue())
print(f"pikepdf {len(listed)}, pypdf {len(by_pypdf.attachments)}, PDFium {by_pdfium.count_attachments()}")
print("in the annotation:", by_pypdf.pages[0]["/Annots"][0].get_object()["/FS"]["/EF"]["/F"].get_data())
PYTHON
diff "$work/seen" - <<'SEEN'
pikepdf 0, pypdf 0, PDFium 0
in the annotation: b'name,number\r\n'
SEEN
