#!/usr/bin/env bash
# poppler 22.12.0 (pdftotext of Debian 12), pypdfium2 5.15.2, pypdf 7.1.1, reportlab 4.4.5 as the writer: of the characters of
# a page that are smaller than 3 pixels, pdftotext keeps 50,000 and drops all others. It works with 72 pixels an inch, also
# for plain text, so these are letters below 3 points: a table or log that was shrunk onto one sheet. It prints nothing
# about it and exits with 0. A search in the text finds what is drawn first, and misses the rest. The manual describes -r as
# the resolution only: with -r 300, all is there. PDFium and pypdf return all.
#
# Seen (3,000 rows of 20 characters in 2.5 points on one page):
#   pdftotext: 2500 rows, the last one is row 02499
#   pdftotext -layout: 2500 rows, the last one is row 02499
#   pdftotext -raw: 2500 rows, the last one is row 02499
#   pdftotext -bbox: 2500 rows, the last one is row 02499
#   pdftotext -r 300: 3000 rows, the last one is row 02999
#   PDFium: 3000 rows, the last one is row 02999
#   pypdf: 3000 rows, the last one is row 02999
set -euo pipefail
pdftotext -v 2>/dev/null # apt install poppler-utils
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pypdfium2==5.15.2 pypdf==7.1.1 reportlab==4.4.5
cat >"$work/write.py" <<'PYTHON'
import sys

from reportlab.pdfgen import canvas

page = canvas.Canvas(sys.argv[1], pagesize=(842, 1191))
page.setFont("Courier", 2.5)
for row in range(3000):
    page.drawString(20 + row // 390 * 60, 1180 - row % 390 * 3, f"row {row:05} 1234567890")
page.save()
PYTHON
"$work/venv/bin/python" "$work/write.py" "$work/table.pdf"
cat >"$work/read.py" <<'PYTHON'
import sys

import pypdf
import pypdfium2

if sys.argv[1] == "PDFium":
    print(pypdfium2.PdfDocument(sys.argv[2])[0].get_textpage().get_text_bounded())
else:
    print(pypdf.PdfReader(sys.argv[2]).pages[0].extract_text())
PYTHON
rows() { # NAME COMMAND...: counts the rows in the text that the command prints
  local name=$1
  shift
  "$@" | grep -oE '\b0[0-9]{4}\b' | sort -u >"$work/rows"
  echo "$name: $(wc -l <"$work/rows") rows, the last one is row $(tail -n 1 "$work/rows")"
}
{
  rows pdftotext pdftotext "$work/table.pdf" -
  for mode in -layout -raw -bbox "-r 300"; do
    rows "pdftotext $mode" pdftotext $mode "$work/table.pdf" -
  done
  rows PDFium "$work/venv/bin/python" "$work/read.py" PDFium "$work/table.pdf"
  rows pypdf "$work/venv/bin/python" "$work/read.py" pypdf "$work/table.pdf"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
pdftotext: 2500 rows, the last one is row 02499
pdftotext -layout: 2500 rows, the last one is row 02499
pdftotext -raw: 2500 rows, the last one is row 02499
pdftotext -bbox: 2500 rows, the last one is row 02499
pdftotext -r 300: 3000 rows, the last one is row 02999
PDFium: 3000 rows, the last one is row 02999
pypdf: 3000 rows, the last one is row 02999
SEEN
