#!/usr/bin/env bash
# icalendar 7.3.2 (Python 3.11): a writer may fold a line after any 75 octets, also between the two octets of a letter in
# UTF-8, and a reader has to put the letter together again (RFC 5545, 3.1). Calendar.from_ical() takes the file as
# bytes, but decodes it with errors="replace" before it unfolds, so each such letter becomes two U+FFFD, without an
# error. A caller cannot avoid it by decoding first: that fails on the same octets. Unfold the octets before.
#
# Seen:
#   as folded: 'Besprechung mit M��ller'
#   unfolded before: 'Besprechung mit Müller'
set -euo pipefail
export PYTHONIOENCODING=utf-8
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check icalendar==7.3.2
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import icalendar

HEAD = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//corp.example//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n"
data = HEAD + b"SUMMARY:Besprechung mit M\xc3\r\n \xbcller\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
for name, octets in (("as folded", data), ("unfolded before", data.replace(b"\r\n ", b""))):
    (event,) = icalendar.Calendar.from_ical(octets).walk("VEVENT")
    print(f"{name}: {str(event['SUMMARY'])!r}")
PYTHON
diff "$work/seen" - <<'SEEN'
as folded: 'Besprechung mit M��ller'
unfolded before: 'Besprechung mit Müller'
SEEN
