#!/usr/bin/env bash
# docx2txt 0.9, docx2python 3.7.1, mammoth 1.13.0, pandoc 3.9 (pypandoc_binary 1.17), python-docx 1.2.0 (Python 3.11): Word stores a
# non-breaking hyphen (Ctrl+Shift+Hyphen), a manual line break (Shift+Enter) and an aligned tab of a letterhead as elements
# next to the text, and readers map them by hand. docx2txt and docx2python drop the hyphen: a phone number or reference is one
# number, and the same one with a usual hyphen is not, although both look alike. extract_raw_text() of mammoth drops the line break:
# the last word of a line joins the first of the next, so that two numbers are one. Four of the five drop the
# aligned tab. The five return four different texts, and none warns. A search needs all spellings, or the XML.
#
# Seen, for 044-668 and the words one, two and three:
#   docx2txt: '044668 one\ntwothree'
#   docx2python: '044668 one\ntwothree'
#   mammoth: '044\u2011668 onetwothree'
#   pandoc: '044\u2011668 one\ntwothree'
#   python-docx: '044-668 one\ntwo\tthree'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check python-docx==1.2.0 docx2txt==0.9 docx2python==3.7.1 mammoth==1.13.0 \
  pypandoc_binary==1.17
cd "$work"
cat >try.py <<'PYTHON'
import docx
import docx2txt
import mammoth
import pypandoc
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx2python import docx2python

NAME = "page.docx"
CONTENT = (
    "<w:t>044</w:t><w:noBreakHyphen/><w:t>668 one</w:t><w:br/><w:t>two</w:t>"
    '<w:ptab w:relativeTo="margin" w:alignment="right" w:leader="none"/><w:t>three</w:t>'
)
document = docx.Document()
document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}><w:r>{CONTENT}</w:r></w:p>"))
document.save(NAME)
texts = {
    "docx2txt": docx2txt.process(NAME),
    "docx2python": docx2python(NAME).text,
    "mammoth": mammoth.extract_raw_text(open(NAME, "rb")).value,
    "pandoc": pypandoc.convert_file(NAME, "plain"),
    "python-docx": docx.Document(NAME).paragraphs[0].text,
}
for reader, text in texts.items():
    print(f"{reader}: {ascii(text.strip())}")
PYTHON
venv/bin/python try.py | tee seen
diff seen - <<'SEEN'
docx2txt: '044668 one\ntwothree'
docx2python: '044668 one\ntwothree'
mammoth: '044\u2011668 onetwothree'
pandoc: '044\u2011668 one\ntwothree'
python-docx: '044-668 one\ntwo\tthree'
SEEN
