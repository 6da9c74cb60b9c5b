#!/usr/bin/env bash
# striprtf 0.0.35 (Python 3.11): rtf_to_text() of a document returns words that no reader of the page sees, and misses words
# that everybody sees. Hidden text and the deletions of tracked changes are returned as if they were there, so that a
# deletion and the insertion next to it read as one word. Footnotes, headers and text boxes are left out without a sign.
# The control words are those of the RTF specification 1.9.1.
#
# Seen:
#   hidden text, which is not on the page: returned
#   deleted text, struck out: returned
#   deleted and inserted: '100500 francs'
#   footnote: missing
#   header: missing
#   text box: missing
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check striprtf==0.0.35
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
from striprtf.striprtf import rtf_to_text


def text(body):
    return rtf_to_text(r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\revtbl{Unknown;}{Anna;}}\f0 " + body + "}").strip()


for name, body in (
    ("hidden text, which is not on the page", r"a {\v WORD} b\par"),
    ("deleted text, struck out", r"a {\deleted\revauthdel1 WORD} b\par"),
    ("footnote", r"a{\super\chftn{\footnote\pard\plain\chftn WORD}} b\par"),
    ("header", r"{\header\pard\plain WORD\par}a b\par"),
    ("text box", r"a {\shp{\*\shpinst\shpleft0\shptop0\shpright3000\shpbottom900{\shptxt\pard\plain WORD\par}}} b\par"),
):
    print(f"{name}: {'returned' if 'WORD' in text(body) else 'missing'}")
    if name.startswith("deleted"):
        print("deleted and inserted:", repr(text(r"{\deleted\revauthdel1 100}{\revised\revauth1 500} francs\par")))
PYTHON
diff "$work/seen" - <<'SEEN'
hidden text, which is not on the page: returned
deleted text, struck out: returned
deleted and inserted: '100500 francs'
footnote: missing
header: missing
text box: missing
SEEN
