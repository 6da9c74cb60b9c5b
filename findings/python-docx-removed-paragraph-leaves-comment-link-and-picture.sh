#!/usr/bin/env bash
# python-docx 1.2.0 (Python 3.11), LibreOffice 7.4.7 (Debian 12): python-docx has no method to delete a paragraph; its users
# take the element out of the tree. What the paragraph refers to by a relationship or an id is not in that element: the text
# of its comment, the address of its link, and its picture are saved again with the document, and word processors do not
# show them. The API cannot delete a comment either. What LibreOffice writes from the same file has none of the three.
#
# Seen, in the file after the paragraph was removed:
#   python-docx: paragraph False, comment True, link True, picture True
#   saved again by LibreOffice: paragraph False, comment False, link False, picture False
set -euo pipefail
soffice --version >/dev/null # apt install libreoffice-writer-nogui
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check python-docx==1.2.0 pillow==13.0.0
cat >"$work/write.py" <<'PYTHON'
import io
import sys

import docx
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from PIL import Image

document = docx.Document()
document.add_paragraph("a paragraph that stays")
paragraph = document.add_paragraph()
run = paragraph.add_run("a paragraph to remove")
document.add_comment(run, text="words of the comment", author="Anna")
link = OxmlElement("w:hyperlink")
target = "https://corp.example/words-of-the-link"
link.set(qn("r:id"), document.part.relate_to(target, RELATIONSHIP_TYPE.HYPERLINK, is_external=True))
link.append(OxmlElement("w:r"))
paragraph._p.append(link)
picture = io.BytesIO()
Image.effect_noise((40, 40), 90).save(picture, "PNG")
run.add_picture(picture)
saved = io.BytesIO()
document.save(saved)

document = docx.Document(saved)
removed = document.paragraphs[-1]._p
removed.getparent().remove(removed)
document.save(sys.argv[1])
PYTHON
"$work/venv/bin/python" "$work/write.py" "$work/removed.docx"
mkdir "$work/again"
soffice "-env:UserInstallation=file://$work/profile" --headless --convert-to docx --outdir "$work/again" "$work/removed.docx" \
  >/dev/null 2>&1
cat >"$work/look.py" <<'PYTHON'
import sys
import zipfile

with zipfile.ZipFile(sys.argv[2]) as file:
    parts = {name: file.read(name) for name in file.namelist()}
words = {"paragraph": b"a paragraph to remove", "comment": b"words of the comment", "link": b"words-of-the-link"}
seen = [f"{name} {any(text in part for part in parts.values())}" for name, text in words.items()]
seen.append(f"picture {any(name.startswith('word/media/') for name in parts)}")
print(f"{sys.argv[1]}: {', '.join(seen)}")
PYTHON
{
  python3 "$work/look.py" "python-docx" "$work/removed.docx"
  python3 "$work/look.py" "saved again by LibreOffice" "$work/again/removed.docx"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
python-docx: paragraph False, comment True, link True, picture True
saved again by LibreOffice: paragraph False, comment False, link False, picture False
SEEN
