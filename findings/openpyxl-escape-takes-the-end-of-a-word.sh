#!/usr/bin/env bash
# openpyxl 3.1.5, python-calamine 0.9.1, XlsxWriter 3.2.9 as the writer, Python 3.11: a control character in a cell is
# stored as _x000D_ (ST_Xstring, ECMA-376 Part 1, 22.9.2.19), such as the carriage return of a text that was pasted from Windows.
# openpyxl returns these seven characters. They begin with a letter of a word, "_", so that \b does not hold between a number and
# the end of its line: a search for \b\d{16}\b finds a card number in the last line of a cell, and none in the lines
# before. A value that compares equal in Excel does not, and openpyxl writes the escape back as text when it saves. calamine
# returns the character. openpyxl.utils.escape.unescape() exists, and the reader of cells does not call it; the
# documentation does not mention it.
#
# Seen:
#   openpyxl: '4111111111111111_x000D_\n5500005555555559', found: 5500005555555559
#   unescape: '4111111111111111\r\n5500005555555559', found: 4111111111111111 5500005555555559
#   calamine: '4111111111111111\r\n5500005555555559', found: 4111111111111111 5500005555555559
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check openpyxl==3.1.5 python-calamine==0.9.1 xlsxwriter==3.2.9
cd "$work"
venv/bin/python - <<'PYTHON' | tee seen
import re

import openpyxl
import python_calamine
import xlsxwriter
from openpyxl.utils.escape import unescape

with xlsxwriter.Workbook("book.xlsx") as book:
    book.add_worksheet().write(0, 0, "4111111111111111\r\n5500005555555559")
value = openpyxl.load_workbook("book.xlsx").active["A1"].value
(row,) = python_calamine.CalamineWorkbook.from_path("book.xlsx").get_sheet_by_index(0).to_python()
for name, text in (("openpyxl", value), ("unescape", unescape(value)), ("calamine", row[0])):
    print(f"{name}: {text!r}, found:", *re.findall(r"\b\d{16}\b", text))
PYTHON
diff seen - <<'SEEN'
openpyxl: '4111111111111111_x000D_\n5500005555555559', found: 5500005555555559
unescape: '4111111111111111\r\n5500005555555559', found: 4111111111111111 5500005555555559
calamine: '4111111111111111\r\n5500005555555559', found: 4111111111111111 5500005555555559
SEEN
