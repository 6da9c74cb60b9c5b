#!/usr/bin/env bash
# python-docx 1.2.0 (Python 3.11), LibreOffice 7.4.7 (Debian 12) for comparison: paragraph.text has only the runs and hyperlinks that are direct
# children of the paragraph. What a person inserted or moved while changes were tracked is missing, although Word and
# LibreOffice show it as part of the text; so is the value of a content control of a form, a smart tag (older Word marks
# names, addresses and phone numbers with them), and a simple field such as a merged address. A paragraph that was written with changes
# tracked is '', and one in a content control is not in document.paragraphs at all. Nothing tells. Programs that read Word
# with python-docx, and that replace placeholders or search, miss what was written last. The documentation of
# Paragraph.text lists what it has, not what it leaves out (python-docx issues 340 and 1123, open, for tracked changes).
#
# Seen:
#   plain: python-docx 'Order 4711', LibreOffice 'Order 4711'
#   tracked insertion: python-docx 'Order ', LibreOffice 'Order 4711'
#   content control: python-docx 'Order ', LibreOffice 'Order 4711'
#   smart tag: python-docx 'Order ', LibreOffice 'Order 4711'
#   simple field: python-docx 'Order ', LibreOffice 'Order 4711'
#   content control around the paragraph: python-docx no paragraph, LibreOffice 'Order 4711'
set -euo pipefail
# apt install libreoffice-writer-nogui python3-venv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check python-docx==1.2.0
cd "$work"
cat >try.py <<'PYTHON'
import subprocess
from pathlib import Path

import docx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

RUN = "<w:r><w:t>4711</w:t></w:r>"
TEXT = '<w:r><w:t xml:space="preserve">Order </w:t></w:r>'
AUTHOR = 'w:id="1" w:author="author" w:date="2026-11-30T10:00:00Z"'
KINDS = {
    "plain": f"<w:p>{TEXT}{RUN}</w:p>",
    "tracked insertion": f"<w:p>{TEXT}<w:ins {AUTHOR}>{RUN}</w:ins></w:p>",
    "content control": f"<w:p>{TEXT}<w:sdt><w:sdtContent>{RUN}</w:sdtContent></w:sdt></w:p>",
    "smart tag": f'<w:p>{TEXT}<w:smartTag w:uri="urn:partner.example" w:element="number">{RUN}</w:smartTag></w:p>',
    "simple field": f'<w:p>{TEXT}<w:fldSimple w:instr=" MERGEFIELD order ">{RUN}</w:fldSimple></w:p>',
    "content control around the paragraph": f"<w:sdt><w:sdtContent><w:p>{TEXT}{RUN}</w:p></w:sdtContent></w:sdt>",
}
for number, (kind, block) in enumerate(KINDS.items()):
    name = f"{number}.docx"
    document = docx.Document()
    body = document.element.body
    tag, rest = block[: block.index(">")], block[block.index(">") :]
    body.insert(0, parse_xml(f"{tag} {nsdecls('w')}{rest}"))
    document.save(name)
    paragraphs = [repr(paragraph.text) for paragraph in docx.Document(name).paragraphs]
    profile = f"-env:UserInstallation=file://{Path.cwd()}/profile"
    subprocess.run(["soffice", profile, "--headless", "--convert-to", "txt:Text", name], capture_output=True, check=True)
    office = Path(f"{number}.txt").read_text(encoding="utf-8-sig").rstrip("\n")
    print(f"{kind}: python-docx {' '.join(paragraphs) or 'no paragraph'}, LibreOffice {office!r}")
PYTHON
venv/bin/python try.py | tee seen
diff seen - <<'SEEN'
plain: python-docx 'Order 4711', LibreOffice 'Order 4711'
tracked insertion: python-docx 'Order ', LibreOffice 'Order 4711'
content control: python-docx 'Order ', LibreOffice 'Order 4711'
smart tag: python-docx 'Order ', LibreOffice 'Order 4711'
simple field: python-docx 'Order ', LibreOffice 'Order 4711'
content control around the paragraph: python-docx no paragraph, LibreOffice 'Order 4711'
SEEN
