#!/usr/bin/env bash
# pypdf 7.1.1, pdfminer.six 20260107, pypdfium2 5.15.2 (PDFium 159.0.8149.0), PyMuPDF 2.0 (MuPDF 1.28.5), pdftotext 25.03.0 (Debian 13), Python 3.11, with
# reportlab 5.1.0 and pikepdf 10.18.0 as the writers: three ways to keep text off a page that a person sees, and which engine
# returns it. A layer that is off (optional content, ISO 32000-2, 8.11), as in drawings, forms in several languages and marks of a draft: pypdf,
# pdfminer.six and PDFium return its text; MuPDF and Poppler do not, although one click shows it. Outside of the page's CropBox, where a
# "cropped" page keeps it: only MuPDF leaves it out. Cut by a clipping path, as a cell that is too narrow: MuPDF returns the letters that are
# seen, so that a number of 16 digits is a number of six; the others return all. PDFium draws no layer that is off: what it
# shows and what it returns differ. No result tells that there is more, or that a part is not seen.
#
# Seen:
#   layer that is off: pypdf all, pdfminer.six all, PDFium all, MuPDF nothing, pdftotext nothing
#   outside of the CropBox: pypdf all, pdfminer.six all, PDFium all, MuPDF nothing, pdftotext all
#   clipped: pypdf all, pdfminer.six all, PDFium all, MuPDF '411111', pdftotext all
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
import re
import subprocess

import pikepdf
import pymupdf
import pypdf
import pypdfium2
from pdfminer.high_level import extract_text
from reportlab.pdfgen.canvas import Canvas

NUMBER = "4111111111111111"


def page(name):
    canvas = Canvas(name)
    canvas.drawString(72, 700, "Title")
    return canvas


def layer(name):
    canvas = page(name)
    canvas._code.append("/OC /layer BDC")
    canvas.drawString(72, 600, NUMBER)
    canvas._code.append("EMC")
    canvas.save()
    with pikepdf.open(name, allow_overwriting_input=True) as document:
        group = document.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.OCG, Name="Draft"))
        settings = pikepdf.Dictionary(OFF=[group], Order=[group])
        document.Root.OCProperties = pikepdf.Dictionary(OCGs=[group], D=settings)
        document.pages[0].Resources.Properties = pikepdf.Dictionary(layer=group)
        document.save()


def crop(name):
    canvas = page(name)
    canvas.drawString(72, 100, NUMBER)
    canvas.save()
    with pikepdf.open(name, allow_overwriting_input=True) as document:
        document.pages[0].CropBox = [0, 500, 595, 842]
        document.save()


def clip(name):
    canvas = page(name)
    path = canvas.beginPath()
    path.rect(72, 590, 40, 30)
    canvas.saveState()
    canvas.clipPath(path, stroke=0)
    canvas.drawString(72, 600, NUMBER)
    canvas.restoreState()
    canvas.save()


def shown(text):
    assert "Title" in text
    digits = "".join(re.findall(r"\d+", text))
    return {NUMBER: "all", "": "nothing"}.get(digits, repr(digits))


for kind, write in {"layer that is off": layer, "outside of the CropBox": crop, "clipped": clip}.items():
    name = "root/page.pdf"
    write(name)
    command = ["chroot", "root", "pdftotext", "/page.pdf", "-"]
    texts = {
        "pypdf": pypdf.PdfReader(name).pages[0].extract_text(),
        "pdfminer.six": extract_text(name),
        "PDFium": pypdfium2.PdfDocument(name)[0].get_textpage().get_text_range(),
        "MuPDF": pymupdf.open(name)[0].get_text(),
        "pdftotext": subprocess.run(command, capture_output=True, text=True, check=True).stdout,
    }
    print(f"{kind}:", ", ".join(f"{engine} {shown(text)}" for engine, text in texts.items()))
PYTHON
venv/bin/python try.py | tee seen
diff seen - <<'SEEN'
layer that is off: pypdf all, pdfminer.six all, PDFium all, MuPDF nothing, pdftotext nothing
outside of the CropBox: pypdf all, pdfminer.six all, PDFium all, MuPDF nothing, pdftotext all
clipped: pypdf all, pdfminer.six all, PDFium all, MuPDF '411111', pdftotext all
SEEN
