#!/usr/bin/env bash
# kreuzberg 4.10.4 (Python 3.11), with python-docx 1.2.0 as the writer: in the text of a Word document, a tab stop is
# nothing, not even a space. Two numbers in tabbed columns become one number, and a label joins its value, so that no word
# boundary is left for a search. A paragraph to which a text box is anchored is replaced by the text of the box: its own
# words are lost. There is no warning in the result.
#
# Seen:
#   tab: 'Phone044 668\n\n1234'
#   text box: 'in the box'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check kreuzberg==4.10.4 python-docx==1.2.0
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import io

import docx
import kreuzberg
from docx.oxml import parse_xml

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
BOX = parse_xml(
    '<w:r xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:v="urn:schemas-microsoft-com:vml">'
    '<w:pict><v:shape style="width:99pt;height:50pt"><v:textbox><w:txbxContent><w:p><w:r><w:t>in the box</w:t></w:r></w:p>'
    "</w:txbxContent></v:textbox></v:shape></w:pict></w:r>"
)


def text(document):
    file = io.BytesIO()
    document.save(file)
    result = kreuzberg.extract_bytes_sync(file.getvalue(), WORD)
    return result.content.strip()


tabs = docx.Document()
tabs.add_paragraph("Phone\t044 668")
tabs.add_paragraph("12\t34")
print("tab:", repr(text(tabs)))

boxed = docx.Document()
paragraph = boxed.add_paragraph("before the box, ")
paragraph._p.append(BOX)
paragraph.add_run("after the box")
print("text box:", repr(text(boxed)))
PYTHON
diff "$work/seen" - <<'SEEN'
tab: 'Phone044 668\n\n1234'
text box: 'in the box'
SEEN
