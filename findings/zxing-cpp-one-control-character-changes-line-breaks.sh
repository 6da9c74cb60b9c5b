#!/usr/bin/env bash
# zxing-cpp 3.1.1 (Python 3.11): `text` of a barcode has real line breaks, until the content has one other control
# character, such as the record separator on the driver's licences of AAMVA. Then the type is Binary, and each control
# character is written out, so that a line break is the four letters "<LF>": splitlines() gives one line, and ^ or \b of a
# pattern do not hold where they did. With text_mode=TextMode.Plain, both are as they were encoded.
#
# Seen:
#   lines only: Text 'DAQ12345678\nDCSSAMPLE'
#   with a record separator: Binary '<RS>DAQ12345678<LF>DCSSAMPLE'
#   the same, TextMode.Plain: Binary '\x1eDAQ12345678\nDCSSAMPLE'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check zxing-cpp==3.1.1 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import numpy
import zxingcpp
from zxingcpp import BarcodeFormat, TextMode


def shown(content, **options):
    picture = numpy.array(zxingcpp.create_barcode(content, BarcodeFormat.PDF417).to_image(scale=4))
    barcode = zxingcpp.read_barcode(picture, **options)
    return f"{barcode.content_type.name} {barcode.text!r}"


LINES = "DAQ12345678\nDCSSAMPLE"
print("lines only:", shown(LINES))
print("with a record separator:", shown("\x1e" + LINES))
print("the same, TextMode.Plain:", shown("\x1e" + LINES, text_mode=TextMode.Plain))
PYTHON
diff "$work/seen" - <<'SEEN'
lines only: Text 'DAQ12345678\nDCSSAMPLE'
with a record separator: Binary '<RS>DAQ12345678<LF>DCSSAMPLE'
the same, TextMode.Plain: Binary '\x1eDAQ12345678\nDCSSAMPLE'
SEEN
