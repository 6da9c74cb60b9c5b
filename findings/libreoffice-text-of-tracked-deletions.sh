#!/usr/bin/env bash
# LibreOffice 7.4.7 (Debian 12), python-docx 1.2.0 as the writer: `soffice --convert-to txt` of a Word document with
# tracked changes writes deleted text as if it were there, joined to what was inserted, and hidden text too. Headers and
# comments are missing. The PDF that the same program makes has the header and the deleted text (struck out, which its
# text layer does not tell), and not the hidden text. So a search in either result finds words that the author took out,
# and misses others, and neither result says so.
#
# Seen:
#   txt: pay 100500 now
#   pdf: in the header / pay 100500
set -euo pipefail
soffice --version >/dev/null # apt install libreoffice-writer-nogui
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check python-docx==1.2.0 pypdfium2==5.15.2
cd "$work"
venv/bin/python - <<'PYTHON'
import docx
from docx.oxml import parse_xml

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
document = docx.Document()
document.sections[0].header.paragraphs[0].text = "in the header"
paragraph = document.add_paragraph("pay ")
for change in (
    f'<w:ins {W} w:id="1" w:author="A"><w:r><w:t>100</w:t></w:r></w:ins>',
    f'<w:del {W} w:id="2" w:author="A"><w:r><w:delText>500</w:delText></w:r></w:del>',
    f'<w:r {W}><w:rPr><w:vanish/></w:rPr><w:t xml:space="preserve"> now</w:t></w:r>',
):
    paragraph._p.append(parse_xml(change))
document.save("letter.docx")
PYTHON
for form in txt pdf; do
    soffice "-env:UserInstallation=file://$work/profile" --headless --convert-to $form letter.docx >/dev/null 2>&1
done
venv/bin/python - <<'PYTHON' | tee seen
from pathlib import Path

import pypdfium2

text = pypdfium2.PdfDocument("letter.pdf")[0].get_textpage().get_text_range()
print("txt:", Path("letter.txt").read_text("utf-8-sig").strip())
print("pdf:", " / ".join(line.strip() for line in text.splitlines()))
PYTHON
diff seen - <<'SEEN'
txt: pay 100500 now
pdf: in the header / pay 100500
SEEN
