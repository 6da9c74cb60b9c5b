#!/usr/bin/env bash
# Postfix 3.7.11 (Debian 12), pymilter 1.0.5: with a milter, `header_size_limit` (102,400 bytes) is not the limit of a
# header field. Postfix keeps the lines of a field that fit into 60,000 bytes, and drops the rest of it from the message
# itself, whatever the milter does. The client gets 250, and the log has no line about it. Without a milter, the same
# message arrives whole. Such a field is valid: RFC 5322 limits its lines, not its length (To, References,
# ARC-Message-Signature, X-…).
#
# Seen (a folded field of 80 lines of 1,000 bytes, and a milter that only accepts):
#   smtpd_milters empty: 80 lines arrive
#   smtpd_milters set: 60 lines arrive
set -euo pipefail
dpkg -s postfix libmilter-dev gcc python3-dev >/dev/null # apt install postfix libmilter-dev gcc python3-dev python3-venv
work=$(mktemp -d)
trap 'postfix -c "$work/etc" stop >/dev/null 2>&1 || true; kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pymilter==1.0.5
mkdir "$work/etc" "$work/queue" "$work/data"
chmod 755 "$work"
chown postfix "$work/data"
cat >"$work/etc/main.cf" <<CF
compatibility_level = 3.6
queue_directory = $work/queue
data_directory = $work/data
myhostname = mx.corp.example
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
alias_maps =
local_recipient_maps =
defer_transports = smtp
CF
cat >"$work/etc/master.cf" <<CF
plain unix n - n - - smtpd
 -o smtpd_milters=
filtered unix n - n - - smtpd
 -o smtpd_milters=unix:$work/filter.socket
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
retry unix - - n - - error
anvil unix - - n - 1 anvil
CF
cat >"$work/filter.py" <<'PYTHON'
import os
import sys

import Milter

os.umask(0)
Milter.factory = Milter.Base
Milter.runmilter("filter", f"unix:{sys.argv[1]}", 60)
PYTHON
"$work/venv/bin/python" "$work/filter.py" "$work/filter.socket" &
postfix -c "$work/etc" start >/dev/null 2>&1
until [[ -S $work/filter.socket && -S $work/queue/public/plain && -S $work/queue/public/filtered ]]; do sleep 0.1; done
{
    printf 'X-Long: %s\n' "$(printf '%0990d' 0)"
    for _ in {2..80}; do printf ' part %0993d\n' 0; done
    printf 'Subject: a long field\n\ntext\n'
} >"$work/message"
arrived() {
    smtp-source -F "$work/message" -f a@corp.example -t b@partner.example "unix:$work/queue/public/$1"
    for _ in {1..100}; do
        [[ $(find "$work/queue/deferred" -type f | wc -l) = 1 ]] && break
        sleep 0.1
    done
    find "$work/queue/deferred" -type f -exec postcat -c "$work/etc" {} + | grep -cE '^(X-Long:| part) 0'
    postsuper -c "$work/etc" -d ALL 2>/dev/null
}
{
    echo "smtpd_milters empty: $(arrived plain) lines arrive"
    echo "smtpd_milters set: $(arrived filtered) lines arrive"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
smtpd_milters empty: 80 lines arrive
smtpd_milters set: 60 lines arrive
SEEN
