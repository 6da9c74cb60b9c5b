#!/usr/bin/env bash
# python-stdnum 2.2 (Python 3.11): stdnum.cn.ric accepts a Chinese identification number only if its six-digit code existed in the
# year of birth, for it takes the code for the place of birth. GB 11643-1999 says that it is the place where the person was
# registered when they got the number, since the 1980s. 61 % of the codes in its table begin in 1980 or later, so the valid
# number of whoever is older than the code of their district is refused, among them one of the two examples of the standard. So
# are those of residents from Hong Kong, Macao and Taiwan (810000, 820000, 830000), and for a prefecture without that county,
# is_valid() raises KeyError instead of returning False.
#
# Seen:
#   examples of the standard: True, False
#   born in 1980, 1990 and 2000, in a district of 1983: False, True, True
#   resident from Hong Kong: False
#   code 440021: KeyError
#   codes that begin in 1980 or later: 4205 of 6885
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check python-stdnum==2.2
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import re
from importlib import resources

from stdnum.cn import ric


def valid(place, year):
    head = f"{place}{year}0101001"
    return ric.is_valid(head + ric.calc_check_digit(head + "0"))


print("examples of the standard:", ", ".join(str(ric.is_valid(n)) for n in ("11010519491231002X", "440524188001010014")))
print("born in 1980, 1990 and 2000, in a district of 1983:", ", ".join(str(valid("140211", y)) for y in (1980, 1990, 2000)))
print("resident from Hong Kong:", valid("810000", 1990))
try:
    print("code 440021:", valid("440021", 1990))
except KeyError as error:
    print("code 440021:", type(error).__name__)
table = resources.files("stdnum.cn").joinpath("loc.dat").read_text(encoding="utf-8")
codes = re.findall('^ +[0-9]{4} county="(.*)"', table, re.M)
begins = [[int(year or 0) for year in re.findall(r"\[([0-9]*)-", code)] for code in codes]
print(f"codes that begin in 1980 or later: {sum(min(years, default=0) >= 1980 for years in begins)} of {len(codes)}")
PYTHON
diff "$work/seen" - <<'SEEN'
examples of the standard: True, False
born in 1980, 1990 and 2000, in a district of 1983: False, True, True
resident from Hong Kong: False
code 440021: KeyError
codes that begin in 1980 or later: 4205 of 6885
SEEN
