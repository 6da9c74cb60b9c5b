#!/usr/bin/env bash
# presidio-analyzer 2.2.366, tldextract 5.4.0 (Python 3.11): the recogniser of mail addresses drops what its pattern found if
# the domain ends in none of the entries of the Public Suffix List. So the addresses of an organisation's internal domains (.lan,
# .local, .intra, .internal, which ICANN reserved for them) are neither found nor masked, in logs and headers above all, where they
# name the same persons. Nothing tells that a candidate was dropped, and no option switches the check off; a
# recogniser of your own, with the same pattern and without validate_result(), finds them. The documentation names the check "RFC-822".
#
# Seen:
#   corp.example.com: found
#   corp.local: not found
#   mail.corp.lan: not found
#   corp.internal: not found
#   corp.local, own recogniser: found
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check presidio-analyzer==2.2.366 tldextract==5.4.0
"$work/venv/bin/python" - 2>/dev/null <<'PYTHON' | tee "$work/seen"
from presidio_analyzer import PatternRecognizer
from presidio_analyzer.predefined_recognizers import EmailRecognizer


def found(recognizer, domain):
    text = f"delivered to anna@{domain} at noon"
    hits = [text[hit.start : hit.end] for hit in recognizer.analyze(text, ["EMAIL_ADDRESS"], None)]
    return "found" if hits == [f"anna@{domain}"] else "not found"


recognizer = EmailRecognizer()
for domain in ("corp.example.com", "corp.local", "mail.corp.lan", "corp.internal"):
    print(f"{domain}: {found(recognizer, domain)}")
own = PatternRecognizer("EMAIL_ADDRESS", patterns=recognizer.patterns)
print("corp.local, own recogniser:", found(own, "corp.local"))
PYTHON
diff "$work/seen" - <<'SEEN'
corp.example.com: found
corp.local: not found
mail.corp.lan: not found
corp.internal: not found
corp.local, own recogniser: found
SEEN
