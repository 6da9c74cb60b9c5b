#!/usr/bin/env bash
# catdoc 0.95 (Debian 13, 1:0.95-6), antiword 0.37 for comparison, with python-docx 1.2.0 and LibreOffice 7.4.7 (Debian 12) as the writer of .doc:
# catdoc decides for each 256 bytes of the text stream whether they are UTF-16, by the spaces and punctuation marks it finds in them.
# Text in UTF-16 without such a mark in 128 letters is taken for bytes, and lost from the output up to the next marked part: a
# table of numbers or names without spaces, cell after cell, is such a text. Of forty rows with a customer's number and a
# card number, none is in the output; the paragraphs around the table are. Japanese and Chinese become other letters.
# There is no warning, and the exit status is 0. antiword reads the same files. A file of Word in 8-bit text is not concerned, so
# samples in English pass. Full text search of mail and tools such as SpamAssassin's ExtractText call catdoc for Word.
#
# Seen, numbers found of forty:
#   table of two numbers: catdoc 0, antiword 40
#   table of a name and a number: catdoc 5, antiword 40
#   list of numbers in paragraphs: catdoc 40, antiword 40
#   table of a name and a number with hyphens: catdoc 40, antiword 40
set -euo pipefail
# As root, with: apt install mmdebstrap libreoffice-writer-nogui python3-venv
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check python-docx==1.2.0
mmdebstrap --quiet --variant=minbase --include=catdoc,antiword trixie "$work/root"
cd "$work"
cat >try.py <<'PYTHON'
import re
import subprocess
from pathlib import Path

import docx

NUMBERS = [str(4111111111110000 + row) for row in range(40)]
HYPHENS = [re.sub(r"(?<=\d{4})(?=(\d{4})+$)", "-", number) for number in NUMBERS]


def table(rows):
    document = docx.Document()
    document.add_paragraph("Customers and their numbers:")
    cells = document.add_table(len(rows), len(rows[0]))
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            cells.cell(row, column).text = value
    document.add_paragraph("End of the list.")
    return document


def paragraphs(lines):
    document = docx.Document()
    for line in lines:
        document.add_paragraph(line)
    return document


KINDS = {
    "table of two numbers": table([(str(756000000 + row), number) for row, number in enumerate(NUMBERS)]),
    "table of a name and a number": table([(f"Name{row}", number) for row, number in enumerate(NUMBERS)]),
    "list of numbers in paragraphs": paragraphs(NUMBERS),
    "table of a name and a number with hyphens": table([(f"Name{row}", number) for row, number in enumerate(HYPHENS)]),
}
profile = f"-env:UserInstallation=file://{Path.cwd()}/profile"
for kind, document in KINDS.items():
    document.save("page.docx")
    command = ["soffice", profile, "--headless", "--convert-to", "doc", "--outdir", "root", "page.docx"]
    subprocess.run(command, capture_output=True, check=True)
    counts = []
    for reader, *options in (("catdoc", "-w"), ("antiword", "-w", "0")):
        command = ["chroot", "root", reader, *options, "/page.doc"]
        text = subprocess.run(command, capture_output=True, text=True, check=True, errors="replace").stdout
        counts.append(f"{reader} {len(re.findall('411111111111[0-9]{4}', text.replace('-', '')))}")
    print(f"{kind}:", ", ".join(counts))
PYTHON
venv/bin/python try.py | tee seen
diff seen - <<'SEEN'
table of two numbers: catdoc 0, antiword 40
table of a name and a number: catdoc 5, antiword 40
list of numbers in paragraphs: catdoc 40, antiword 40
table of a name and a number with hyphens: catdoc 40, antiword 40
SEEN
