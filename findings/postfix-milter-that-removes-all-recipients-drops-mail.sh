#!/usr/bin/env bash
# Postfix 3.7.11 (Debian 12), pymilter 1.0.5: a milter may remove all recipients of a message (SMFIR_DELRCPT) and accept
# it. The client gets 250, the queue manager logs the message with the number of recipients that it had (nrcpt=2), and
# then "removed". Nothing is delivered or bounced, no line of the log names a recipient, and nobody is notified. Unlike
# DISCARD, whose line has from and to, no line says that the mail was dropped. A milter that moves recipients elsewhere
# has to reject or discard the message itself when none is left.
#
# Seen:
#   queue manager: nrcpt=2, removed: 1
#   lines of the log that name a recipient: 0
#   files in the queue: 0
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
smtpd_milters = unix:$work/filter.socket
maillog_file = $work/log
maillog_file_prefixes = $work
CF
cat >"$work/etc/master.cf" <<'CF'
client unix n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
CF
cat >"$work/filter.py" <<'PYTHON'
import os
import sys

import Milter


class Remove(Milter.Base):
    def __init__(self):
        self.recipients = []

    def envrcpt(self, recipient, *words):
        self.recipients.append(recipient)
        return Milter.CONTINUE

    def eom(self):
        for recipient in self.recipients:
            self.delrcpt(recipient)
        return Milter.ACCEPT


os.umask(0)
Milter.factory = Remove
Milter.set_flags(Milter.DELRCPT)
Milter.runmilter("filter", f"unix:{sys.argv[1]}", 60)
PYTHON
"$work/venv/bin/python" "$work/filter.py" "$work/filter.socket" &
postfix -c "$work/etc" start >/dev/null 2>&1
until [[ -S $work/filter.socket && -S $work/queue/public/client ]]; do sleep 0.1; done
smtp-source -r 2 -f a@corp.example -t b@partner.example "unix:$work/queue/public/client"
for _ in {1..100}; do
    grep -q ': removed$' "$work/log" && break
    sleep 0.1
done
in_queue() { find "$work/queue/"{incoming,active,deferred,hold} -type f | wc -l; }
{
    echo "queue manager: $(grep -o 'nrcpt=[0-9]*' "$work/log"), removed: $(grep -c ': removed$' "$work/log")"
    echo "lines of the log that name a recipient: $(grep -c 'partner.example' "$work/log" || true)"
    echo "files in the queue: $(in_queue)"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
queue manager: nrcpt=2, removed: 1
lines of the log that name a recipient: 0
files in the queue: 0
SEEN
