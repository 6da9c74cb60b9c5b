#!/usr/bin/env bash
# python-stdnum 2.2 (Python 3.11): Indonesia numbers its provinces twice. The identity number (NIK) begins with the code of the
# Ministry of Home Affairs; stdnum.id.nik compares it with a table of the statistics office (BPS), from before 2012. In most of the
# country both are the same, which hides it. In Western New Guinea they are not: 91 is Papua for the one and West Papua for the
# other, and what begins with 92, 93, 95 or 96 is refused, as is North Kalimantan (65). Of numbers without a check digit, a wrong
# table is not noticed in tests: all of the refused ones look like typing errors.
#
# Seen (the first number of a place of each province that the ministry lists, 38 provinces since 2022):
#   valid: 33
#   refused: 65 92 93 95 96
#   name of province 91: Papua Barat
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check python-stdnum==2.2
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
from stdnum import numdb
from stdnum.id import nik

RANGES = (11, 19), (21, 21), (31, 36), (51, 53), (61, 65), (71, 76), (81, 82), (91, 96)
provinces = [province for first, last in RANGES for province in range(first, last + 1)]
# Some provinces have cities only (71 and up), or lack the place 01.
places = [*range(1, 50), *range(71, 80)]
refused = [p for p in provinces if not any(nik.is_valid(f"{p}{place:02}011708450001") for place in places)]
print("valid:", len(provinces) - len(refused))
print("refused:", *refused)
print("name of province 91:", numdb.get("id/loc").info("91")[0][1]["name_id"])
PYTHON
diff "$work/seen" - <<'SEEN'
valid: 33
refused: 65 92 93 95 96
name of province 91: Papua Barat
SEEN
