#!/usr/bin/env bash
# pypdf 7.1.1: `del writer.pages[i]` takes a page out of the page tree, and PdfWriter.write() still writes the page and its
# content. Viewers show one page; whoever has the file has both. compress_identical_objects(remove_unreferenced=True) does not
# take it out; a new writer that gets the other pages by add_page() does not have it.
#
# Seen:
#   pages shown: 1
#   text of the deleted page in the file: True
#   after remove_unreferenced: True
#   with the other page in a new writer: False
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pypdf==7.1.1 reportlab==4.4.5
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import io

from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen import canvas

file = io.BytesIO()
pages = canvas.Canvas(file, pageCompression=0)
for text in ("a page that stays", "a page that was deleted"):
    pages.drawString(72, 700, text)
    pages.showPage()
pages.save()


def without_second_page(**options):
    writer, out = PdfWriter(clone_from=io.BytesIO(file.getvalue())), io.BytesIO()
    del writer.pages[1]
    if options:
        writer.compress_identical_objects(**options)
    writer.write(out)
    return out.getvalue()


written = without_second_page()
print("pages shown:", len(PdfReader(io.BytesIO(written)).pages))
print("text of the deleted page in the file:", b"that was deleted" in written)
new, out = PdfWriter(), io.BytesIO()
new.add_page(PdfReader(io.BytesIO(file.getvalue())).pages[0])
new.write(out)
print("after remove_unreferenced:", b"that was deleted" in without_second_page(remove_unreferenced=True))
print("with the other page in a new writer:", b"that was deleted" in out.getvalue())
PYTHON
diff "$work/seen" - <<'SEEN'
pages shown: 1
text of the deleted page in the file: True
after remove_unreferenced: True
with the other page in a new writer: False
SEEN
