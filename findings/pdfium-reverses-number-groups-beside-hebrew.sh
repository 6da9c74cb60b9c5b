#!/usr/bin/env bash
# pypdfium2 5.15.2 (PDFium 159.0.8149.0), pypdf 7.1.1, Python 3.11, with python-docx 1.2.0 and LibreOffice 7.4.7 (Debian 12) as
# the writer: in a line of Hebrew, a number that is kept from left to right (isolates U+2066 and U+2069) is drawn as
# "4111 1111 1111 1234". PDFium returns its groups in the reverse order, for it undoes the bidirectional algorithm on what
# is drawn, although the writer had switched that off for the number. An IBAN becomes "999 … 62IL", its first four
# characters turned round as well. Hyphens keep a number together, and pypdf keeps the order of the page (here without the
# spaces). The check digit of a number in groups fails, so a search has to try both orders.
#
# Seen:
#   PDFium: 1234 1111 1111 4111
#   PDFium: 4111-1111-1111-1234
#   PDFium: 999 9999 0009 0000 0108 62IL
#   pypdf: 4111111111111234
#   pypdf: 4111-1111-1111-1234
#   pypdf: IL62 0108 0000 0009 9999 999
set -euo pipefail
export PYTHONIOENCODING=utf-8
soffice --version >/dev/null # apt install libreoffice-writer-nogui fonts-dejavu-core
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pypdfium2==5.15.2 pypdf==7.1.1 python-docx==1.2.0
cat >"$work/write.py" <<'PYTHON'
import sys

import docx
from docx.oxml import OxmlElement

document = docx.Document()
for number in "4111 1111 1111 1234", "4111-1111-1111-1234", "IL62 0108 0000 0009 9999 999":
    paragraph = document.add_paragraph()
    paragraph._p.get_or_add_pPr().append(OxmlElement("w:bidi"))
    run = paragraph.add_run(f"\u05de\u05e1\u05e4\u05e8 \u2066{number}\u2069 \u05e9\u05dc\u05d9")
    run._r.get_or_add_rPr().append(OxmlElement("w:rtl"))
document.save(sys.argv[1])
PYTHON
"$work/venv/bin/python" "$work/write.py" "$work/hebrew.docx"
soffice "-env:UserInstallation=file://$work/profile" --headless --convert-to pdf --outdir "$work" "$work/hebrew.docx" >/dev/null 2>&1
"$work/venv/bin/python" - "$work/hebrew.pdf" <<'PYTHON' | tee "$work/seen"
import re
import sys

import pypdf
import pypdfium2

for name, text in (
    ("PDFium", pypdfium2.PdfDocument(sys.argv[1])[0].get_textpage().get_text_bounded()),
    ("pypdf", pypdf.PdfReader(sys.argv[1]).pages[0].extract_text()),
):
    for line in text.splitlines():
        if number := re.sub("[^0-9A-Z -]", "", line).strip():
            print(f"{name}: {number}")
PYTHON
diff "$work/seen" - <<'SEEN'
PDFium: 1234 1111 1111 4111
PDFium: 4111-1111-1111-1234
PDFium: 999 9999 0009 0000 0108 62IL
pypdf: 4111111111111234
pypdf: 4111-1111-1111-1234
pypdf: IL62 0108 0000 0009 9999 999
SEEN
