#!/usr/bin/env bash
# zxing-cpp 3.1.1 (Python 3.11), with segno 1.6.6 as the writer: a text may be spread over up to 16 QR codes (structured append,
# ISO/IEC 18004, 8), as on Japanese vehicle papers. read_barcodes() gives each symbol as a barcode of its own, valid, in the
# order of their places on the page. No attribute, neither `extra` nor the symbology identifier, says that it is a part, which
# one, and of what. A number that is cut at the border is in none of the texts.
#
# Seen:
#   '8 7654 32 is its number' valid, identifier ]Q1, keys ['DataMask', 'ECLevel', 'UEC', 'Version']
#   'IBAN GB82 WEST 1234 569' valid, identifier ]Q1, keys ['DataMask', 'ECLevel', 'UEC', 'Version']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check zxing-cpp==3.1.1 segno==1.6.6 pillow==13.0.0
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import io

import segno
import zxingcpp
from PIL import Image

sheet, right = Image.new("L", (600, 300), 255), 300
for symbol in segno.make_sequence("IBAN GB82 WEST 1234 5698 7654 32 is its number", version=2, error="L"):
    file = io.BytesIO()
    symbol.save(file, kind="png", scale=5, border=4)
    sheet.paste(Image.open(file).convert("L"), (right, 0))
    right -= 300
for barcode in zxingcpp.read_barcodes(sheet):
    valid = "valid" if barcode.valid else "not valid"
    print(f"{barcode.text!r} {valid}, identifier {barcode.symbology_identifier}, keys {sorted(barcode.extra)}")
PYTHON
diff "$work/seen" - <<'SEEN'
'8 7654 32 is its number' valid, identifier ]Q1, keys ['DataMask', 'ECLevel', 'UEC', 'Version']
'IBAN GB82 WEST 1234 569' valid, identifier ]Q1, keys ['DataMask', 'ECLevel', 'UEC', 'Version']
SEEN
