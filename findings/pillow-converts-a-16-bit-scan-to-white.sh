#!/usr/bin/env bash
# Pillow 13.0.0 (Python 3.11), Tesseract 5.5.0 (Debian 13), rapidocr 3.10.0: an image in grey with 16 bits, as scanners, X-ray and archive
# programs write it in PNG and TIFF, is of the mode I;16, and convert() to "L" or "RGB" does not scale its values: it cuts them at 255 of
# 65,535. Everything that is lighter than 1/257 of full white becomes white, so ink of a usual scan too: the page is blank. There
# is no exception and no warning, and open(), size and getextrema() look right. Image.open(path).convert("RGB") is the first line
# of most programs that read text or barcodes, classify images or make previews, so such a page has no text for them. Tesseract reads
# the file itself; rapidocr finds nothing in it. The documentation of convert() and of the modes has no word about it
# (Pillow issue 3011, for I, is closed). Scale first: image.convert("F").point(lambda value: value * (1 / 257) + 0).convert("L").
#
# Seen, for a page with ink of 40 and paper of 250 (of 255):
#   8 bits: L, 40 to 250, as RGB 40 to 250
#   16 bits: I;16, 10280 to 64250, as RGB 255 to 255
#   Tesseract, file of 16 bits: 'Card 4111 1111 1111 1111'
#   Tesseract, converted by Pillow: ''
#   rapidocr, file of 8 bits: ('Card 4111 1111 1111 1111',)
#   rapidocr, file of 16 bits: None
#   scaled first: 40 to 250
set -euo pipefail
# As root, with: apt install mmdebstrap
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=tesseract-ocr trixie "$work/root"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pillow==13.0.0 numpy==2.4.6 rapidocr==3.10.0 onnxruntime==1.32.0 \
  opencv-python-headless==5.0.0.93
cat >"$work/try.py" <<'PYTHON'
import logging
import subprocess
import sys

import numpy
from PIL import Image, ImageDraw, ImageFont

logging.disable(logging.CRITICAL)
from rapidocr import RapidOCR

root = sys.argv[1]
page = Image.new("L", (900, 200), 250)
ImageDraw.Draw(page).text((30, 60), "Card 4111 1111 1111 1111", fill=40, font=ImageFont.load_default(40))
page.save(f"{root}/8.png")
Image.fromarray(numpy.asarray(page).astype("uint16") * 257).save(f"{root}/16.png")


def values(image):
    low, high = image.getextrema()
    return f"{low} to {high}"


def tesseract(name):
    command = ["chroot", root, "tesseract", f"/{name}", "-"]
    return repr(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


for bits in (8, 16):
    image = Image.open(f"{root}/{bits}.png")
    converted = image.convert("RGB")
    print(f"{bits} bits: {image.mode}, {values(image)}, as RGB {values(converted.getchannel(0))}")
converted.save(f"{root}/converted.png")
print("Tesseract, file of 16 bits:", tesseract("16.png"))
print("Tesseract, converted by Pillow:", tesseract("converted.png"))
engine = RapidOCR()
for bits in (8, 16):
    print(f"rapidocr, file of {bits} bits:", engine(f"{root}/{bits}.png").txts)
print("scaled first:", values(image.convert("F").point(lambda value: value * (1 / 257) + 0).convert("L")))
PYTHON
"$work/venv/bin/python" "$work/try.py" "$work/root" 2>/dev/null | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
8 bits: L, 40 to 250, as RGB 40 to 250
16 bits: I;16, 10280 to 64250, as RGB 255 to 255
Tesseract, file of 16 bits: 'Card 4111 1111 1111 1111'
Tesseract, converted by Pillow: ''
rapidocr, file of 8 bits: ('Card 4111 1111 1111 1111',)
rapidocr, file of 16 bits: None
scaled first: 40 to 250
SEEN
