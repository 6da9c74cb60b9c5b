#!/usr/bin/env bash
# LibreOffice 7.4.7 (Debian 12), openpyxl 3.1.5 as the writer: the PDF of a sheet holds what fits the column, not what is in
# the cell. A card number in a column of the usual width becomes 4.11E+15, in a narrow one ###, and no other digit is
# anywhere in the file; a text of the same digits stays whole, over the next cell. The CSV of the same file has all digits.
# So a search in PDF previews or archives of spreadsheets finds a number, or not, by the width of its column.
#
# Seen:
#   csv: 4111111111111111 4111111111111111 5500005555555559
#   pdf, column of 8 characters: 4.11E+15
#   pdf, column of 2 characters: ###
#   pdf, text in a column of 8 characters: 5500005555555559
set -euo pipefail
soffice --version >/dev/null # apt install libreoffice-calc-nogui
pdftotext -v 2>/dev/null # apt install poppler-utils
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check openpyxl==3.1.5
"$work/venv/bin/python" - "$work/cards.xlsx" <<'PYTHON'
import sys

import openpyxl

book = openpyxl.Workbook()
sheet = book.active
for column, width in zip("ABC", (8, 2, 8)):
    sheet.column_dimensions[column].width = width
sheet.append([4111111111111111, 4111111111111111, "5500005555555559"])
book.save(sys.argv[1])
PYTHON
for kind in csv pdf; do
  soffice "-env:UserInstallation=file://$work/profile" --headless --convert-to "$kind" --outdir "$work" "$work/cards.xlsx" \
    >/dev/null 2>&1
done
read -r wide narrow text < <(pdftotext -layout "$work/cards.pdf" - | tr -s '\f\n ' ' ' && echo)
{
  echo "csv: $(tr ',' ' ' <"$work/cards.csv")"
  echo "pdf, column of 8 characters: $wide"
  echo "pdf, column of 2 characters: $narrow"
  echo "pdf, text in a column of 8 characters: $text"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
csv: 4111111111111111 4111111111111111 5500005555555559
pdf, column of 8 characters: 4.11E+15
pdf, column of 2 characters: ###
pdf, text in a column of 8 characters: 5500005555555559
SEEN
