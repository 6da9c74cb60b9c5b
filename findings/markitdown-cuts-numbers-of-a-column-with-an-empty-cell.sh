#!/usr/bin/env bash
# markitdown 0.1.9 (pandas 3.1.1, Python 3.11), openpyxl 3.1.5 as the writer: in the text of a sheet, the numbers of a column
# depend on the column's other cells. One empty cell makes a card number 4.111111e+15: ten of its digits are nowhere in
# the text, and two different numbers can read the same. Without the empty cell all digits are there. Numbers that were
# stored as text, to keep their leading zeros, lose them: "0012" becomes 12. openpyxl itself returns all of it. An index, a
# language model or a DLP search of the text cannot notice (markitdown issue 2516 for empty cells; pandas, which reads the
# sheet in between, documents that a column with missing values is float).
#
# Seen:
#   full column: 4111111111111111 5500005555555559
#   column with an empty cell: 4.111111e+15 NaN 5.500006e+15
#   column of text: 12 13
#   openpyxl: 4111111111111111 None 5500005555555559
#   openpyxl: 0012 0013
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check 'markitdown[xlsx]==0.1.9' pandas==3.1.1 openpyxl==3.1.5
cd "$work"
venv/bin/python - 2>/dev/null <<'PYTHON' | tee seen
import openpyxl
from markitdown import MarkItDown

FULL, EMPTY = [4111111111111111, 5500005555555559], [4111111111111111, None, 5500005555555559]


def saved(values):
    book = openpyxl.Workbook()
    for value in ["number", *values]:
        book.active.append([value, "row"])
    book.save("book.xlsx")
    return values


def text(values):
    saved(values)
    rows = MarkItDown().convert("book.xlsx").text_content.splitlines()
    return " ".join(row.split("|")[1].strip() for row in rows[3:])


def cells(values):
    saved(values)
    return " ".join(str(row[0].value) for row in openpyxl.load_workbook("book.xlsx").active.iter_rows(min_row=2))


print("full column:", text(FULL))
print("column with an empty cell:", text(EMPTY))
print("column of text:", text(["0012", "0013"]))
print("openpyxl:", cells(EMPTY))
print("openpyxl:", cells(["0012", "0013"]))
PYTHON
diff seen - <<'SEEN'
full column: 4111111111111111 5500005555555559
column with an empty cell: 4.111111e+15 NaN 5.500006e+15
column of text: 12 13
openpyxl: 4111111111111111 None 5500005555555559
openpyxl: 0012 0013
SEEN
