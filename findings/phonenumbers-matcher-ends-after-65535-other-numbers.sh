#!/usr/bin/env bash
# phonenumbers 9.0.43 (Python 3.11): PhoneNumberMatcher counts everything in a text that looks like a telephone number and is
# none, such as the article numbers of a price list, and ends when it has seen 65,535 of them. What follows is not
# searched. The iterator ends as at the end of the text: there is no exception, no warning, and no attribute that says so. A
# text of 500 KB suffices. The default of max_tries is the reason; findNumbers(text, region) of libphonenumber in Java,
# of which this is a port, has no such limit. With max_tries=sys.maxsize, the whole text is searched.
#
# Seen (a telephone number after so many article numbers):
#   65534: ['+41 44 668 18 00']
#   65535: []
#   65535, max_tries=sys.maxsize: ['+41 44 668 18 00']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check phonenumbers==9.0.43
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import sys

import phonenumbers


def found(articles, **options):
    text = "".join(f"{article % 10_000:04}-{article % 97:02}\n" for article in range(articles))
    matches = phonenumbers.PhoneNumberMatcher(text + "call +41 44 668 18 00 for orders\n", "CH", **options)
    return [match.raw_string for match in matches]


print("65534:", found(65_534))
print("65535:", found(65_535))
print("65535, max_tries=sys.maxsize:", found(65_535, max_tries=sys.maxsize))
PYTHON
diff "$work/seen" - <<'SEEN'
65534: ['+41 44 668 18 00']
65535: []
65535, max_tries=sys.maxsize: ['+41 44 668 18 00']
SEEN
