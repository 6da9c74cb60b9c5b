#!/usr/bin/env bash
# OpenSSL 3.0.19 (Debian 12) and 3.5.9 (Debian 13): "openssl x509 -checkhost NAME" prints "does NOT match certificate" and exits with 0
# in 3.0. -checkip and -checkemail do the same. -checkend, which stands next to them in x509(1), exits with 1. So a check
# before a deployment, or a cron job, that tests both the same way notices an expired certificate and never a wrong one. 3.5 exits
# with 1 for all of them: the same script starts to fail after the upgrade. The manual page of 3.0 states the exit
# status of -checkend only.
#
# Seen:
#   3.0: checkend 1, checkhost 0, checkip 0, checkemail 0
#   3.5: checkend 1, checkhost 1, checkip 1, checkemail 1
set -euo pipefail
# As root, with: apt install mmdebstrap
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
cat >"$work/try" <<'TRY'
openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -out /crt -subj /CN=mx.corp.example -days 1 2>/dev/null
status() { openssl x509 -in /crt -noout "-$1" "$2" >/out && echo "$1 0" || echo "$1 $?"; }
echo "$(openssl version | cut -c9-11):" "$(status checkend 604800), $(status checkhost mx.partner.example), $(status checkip 192.0.2.1), $(status checkemail a@partner.example)"
grep -q "does NOT match" /out
TRY
for suite in bookworm trixie; do
  mmdebstrap --quiet --variant=minbase --include=openssl "$suite" "$work/$suite"
  cp "$work/try" "$work/$suite/try"
  chroot "$work/$suite" bash /try
done | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
3.0: checkend 1, checkhost 0, checkip 0, checkemail 0
3.5: checkend 1, checkhost 1, checkip 1, checkemail 1
SEEN
