#!/usr/bin/env bash
# presidio-analyzer 2.2.366 (Python 3.11): the recogniser of card numbers begins and ends its pattern with \b. In Python, letters of all
# scripts are word characters, and Chinese, Japanese and Thai have no space between a word and a number: a valid
# card number in such a sentence is not found, nor is one next to an underscore. The language of the analyser does not matter, for
# the pattern is the same for all. The recogniser of IBANs, whose pattern does without \b, finds its number in the
# same sentence. The documentation lists credit cards as "global".
#
# Seen:
#   English, card: found
#   Chinese, card: not found
#   Japanese, card: not found
#   Chinese with spaces, card: found
#   Chinese, IBAN: found
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check presidio-analyzer==2.2.366
"$work/venv/bin/python" - 2>/dev/null <<'PYTHON' | tee "$work/seen"
from presidio_analyzer.predefined_recognizers import CreditCardRecognizer, IbanRecognizer

CARD, IBAN = "4111111111111111", "GB82WEST12345698765432"
for name, text, language in (
    ("English, card", f"card number {CARD}.", "en"),
    ("Chinese, card", f"卡号{CARD}。", "zh"),
    ("Japanese, card", f"カード番号は{CARD}です。", "ja"),
    ("Chinese with spaces, card", f"卡号 {CARD} 。", "zh"),
    ("Chinese, IBAN", f"账号{IBAN}。", "zh"),
):
    if CARD in text:
        number, recognizer, entity = CARD, CreditCardRecognizer(supported_language=language), "CREDIT_CARD"
    else:
        number, recognizer, entity = IBAN, IbanRecognizer(supported_language=language), "IBAN_CODE"
    found = [text[hit.start : hit.end] for hit in recognizer.analyze(text, [entity], None)]
    print(f"{name}: {'found' if found == [number] else 'not found'}")
PYTHON
diff "$work/seen" - <<'SEEN'
English, card: found
Chinese, card: not found
Japanese, card: not found
Chinese with spaces, card: found
Chinese, IBAN: found
SEEN
