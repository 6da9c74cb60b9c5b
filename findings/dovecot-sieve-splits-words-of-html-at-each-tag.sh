#!/usr/bin/env bash
# Dovecot Pigeonhole 2.4.1 (Debian 13, dovecot-sieve 1:2.4.1+dfsg1-6): the Sieve test "body :text" (RFC 5173) searches HTML as text. Each tag becomes a
# space there, also one that changes only how part of a word looks, so that the words a person reads are not the words that are
# searched: 4111<b>1111</b> is "4111 1111". Mail programs write such tags into words all the time (a checked spelling, a letter in
# bold, a coloured digit, a place where a long word may break). A filter for a number or a name that works for the
# plain part does not for the same mail in HTML. A comment leaves no space. &nbsp; is no space, and a soft hyphen
# stays. sieve-test(1) with mail that was typed for the test does not show it.
#
# Seen:
#   4111111111111111: plain True, html True
#   4111<b>1111</b>11111111: 4111111111111111 False, 4111 1111 11111111 True
#   <span class=SpellE>Hold</span>gate: Holdgate False, Hold gate True
#   wo<wbr>rd: word False, wo rd True
#   wo<!-- note -->rd: word True, wo rd False
#   two&nbsp;words: two words False, twowords False
set -euo pipefail
# As root, with: apt install mmdebstrap
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=dovecot-sieve,python3 trixie "$work/root"
cat >"$work/root/try.py" <<'PYTHON'
import subprocess
import tempfile
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp())
MESSAGE = "From: a@corp.example\nSubject: test\nMIME-Version: 1.0\nContent-Type: text/{}; charset=utf-8\n\n{}\n"
OPTIONS = ("mail_uid=1000", "mail_gid=1000", "mail_driver=maildir", f"mail_path={FOLDER}/mail", f"mail_home={FOLDER}")


def found(words, kind, body):
    script, message = FOLDER / "test.sieve", FOLDER / "message"
    script.write_text(f'require ["body", "fileinto"];\nif body :text :contains "{words}" {{ fileinto "Found"; }}\n')
    message.write_text(MESSAGE.format(kind, body))
    command = ["sieve-test", *(word for option in OPTIONS for word in ("-o", option)), script, message]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "INBOX" in output or "Found" in output
    return "Found" in output


def html(text, *candidates):
    body = f"<html><body><p>{text}</p></body></html>"
    print(f"{text}:", ", ".join(f"{words} {found(words, 'html', body)}" for words in candidates))


NUMBER = "4111111111111111"
print(f"{NUMBER}: plain {found(NUMBER, 'plain', NUMBER)}, html {found(NUMBER, 'html', f'<p>{NUMBER}</p>')}")
html("4111<b>1111</b>11111111", NUMBER, "4111 1111 11111111")
html("<span class=SpellE>Hold</span>gate", "Holdgate", "Hold gate")
html("wo<wbr>rd", "word", "wo rd")
html("wo<!-- note -->rd", "word", "wo rd")
html("two&nbsp;words", "two words", "twowords")
PYTHON
chroot "$work/root" useradd --uid 1000 reader
chmod 1777 "$work/root/tmp"
chroot --userspec=reader "$work/root" python3 /try.py | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
4111111111111111: plain True, html True
4111<b>1111</b>11111111: 4111111111111111 False, 4111 1111 11111111 True
<span class=SpellE>Hold</span>gate: Holdgate False, Hold gate True
wo<wbr>rd: word False, wo rd True
wo<!-- note -->rd: word True, wo rd False
two&nbsp;words: two words False, twowords False
SEEN
