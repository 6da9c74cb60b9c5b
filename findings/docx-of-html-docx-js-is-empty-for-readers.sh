#!/usr/bin/env bash
# html-docx-js 0.3.1 (npm) as the writer; python-docx 1.2.0, docx2txt 0.9, docx2python 3.7.1, mammoth 1.13.0, markitdown 0.1.9,
# pandoc 3.9 (pypandoc_binary 1.17), LibreOffice 7.4.7 (Debian 12) as readers: a Word document may hold its text in another format, as
# an alternative format chunk (altChunk, ECMA-376 Part 1, 17.17.2), which Word imports when it opens the file. Programs that
# export HTML to Word do so, this library for example, and so do merges with the Open XML SDK. Word shows the text. All
# seven readers return an empty text without an error or warning: an index, a DLP search or a language model takes the
# document for empty. The text is in word/afchunk.mht.
#
# Seen:
#   python-docx: '' docx2txt: '' docx2python: '' mammoth: '' markitdown: '' pandoc: '' LibreOffice: ''
#   in the file: word/afchunk.mht
set -euo pipefail
# apt install npm libreoffice-writer-nogui python3-venv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check python-docx==1.2.0 docx2txt==0.9 docx2python==3.7.1 mammoth==1.13.0 \
  'markitdown[docx]==0.1.9' pypandoc_binary==1.17
npm install --silent --no-package-lock --prefix "$work/npm" html-docx-js@0.3.1 >/dev/null
cd "$work"
cat >write.js <<'JS'
const { asBlob } = require("./npm/node_modules/html-docx-js");
const html = "<!DOCTYPE html><html><body><p>Card 4111 1111 1111 1111</p></body></html>";
asBlob(html).arrayBuffer().then((bytes) => require("fs").writeFileSync("page.docx", Buffer.from(bytes)));
JS
node write.js
soffice -env:UserInstallation="file://$work/profile" --headless --convert-to txt:Text page.docx >/dev/null 2>&1
venv/bin/python - 2>/dev/null <<'PYTHON' | tee seen
import zipfile

import docx
import docx2txt
import mammoth
import pypandoc
from docx2python import docx2python
from markitdown import MarkItDown

NAME = "page.docx"
document = docx.Document(NAME)
texts = {
    "python-docx": "".join(p.text for p in document.paragraphs) + "".join(str(t) for t in document.tables),
    "docx2txt": docx2txt.process(NAME),
    "docx2python": docx2python(NAME).text,
    "mammoth": mammoth.extract_raw_text(open(NAME, "rb")).value,
    "markitdown": MarkItDown().convert(NAME).text_content,
    "pandoc": pypandoc.convert_file(NAME, "plain"),
    "LibreOffice": open("page.txt", encoding="utf-8-sig").read(),
}
print(" ".join(f"{reader}: {text.strip()!r}" for reader, text in texts.items()))
with zipfile.ZipFile(NAME) as archive:
    print("in the file:", *(name for name in archive.namelist() if b"4111 1111 1111 1111" in archive.read(name)))
PYTHON
diff seen - <<'SEEN'
python-docx: '' docx2txt: '' docx2python: '' mammoth: '' markitdown: '' pandoc: '' LibreOffice: ''
in the file: word/afchunk.mht
SEEN
