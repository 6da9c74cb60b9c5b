#!/usr/bin/env bash
# pypdfium2 5.15.2 (PDFium 159.0.8149): where a line of a PDF ends in a hyphen, the page's text has U+FFFE in place of the
# hyphen and no line break at all. An identifier that is grouped by hyphens loses one of them, and a text search for
# "WEST-1234" or for "WEST" at the end of a line finds nothing.
#
# Seen: 'GB82-WEST\ufffe1234-5698-7654-32'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pypdfium2==5.15.2 reportlab==4.4.5
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import io

import pypdfium2
from reportlab.pdfgen import canvas

file = io.BytesIO()
page = canvas.Canvas(file)
page.drawString(72, 700, "GB82-WEST-")
page.drawString(72, 686, "1234-5698-7654-32")
page.save()
print(ascii(pypdfium2.PdfDocument(file.getvalue())[0].get_textpage().get_text_range()))
PYTHON
diff "$work/seen" - <<'SEEN'
'GB82-WEST\ufffe1234-5698-7654-32'
SEEN
