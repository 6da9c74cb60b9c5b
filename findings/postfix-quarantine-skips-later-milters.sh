#!/usr/bin/env bash
# Postfix 3.7.11 (Debian 12), pymilter 1.0.5: the order in `smtpd_milters` is not only an order. When a milter requests
# quarantine (SMFIR_QUARANTINE) and then accepts the message, Postfix puts it into the hold queue and does not call the
# end of message of any milter after it. These milters see headers and body, and then an abort. If the message is released
# (postsuper -H), it leaves without what they would have added: a DKIM signature, a disclaimer. Nothing in the log names
# them.
#
# Seen:
#   first milter accepts: the second one's field is in the message: 1
#   first milter requests quarantine: message in the hold queue: 1
#   first milter requests quarantine: the second one's field is in the message: 0
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
smtpd_milters = unix:$work/first.socket unix:$work/second.socket
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
CF
cat >"$work/filter.py" <<'PYTHON'
import os
import sys

import Milter


class First(Milter.Base):
    def __init__(self):
        self.subject = ""

    def header(self, name, value):
        self.subject = value if name == "Subject" else self.subject
        return Milter.CONTINUE

    def eom(self):
        if "hold" in self.subject:
            self.quarantine("waits for a decision")
        return Milter.ACCEPT


class Second(Milter.Base):
    def eom(self):
        self.addheader("X-Signed", "yes")
        return Milter.ACCEPT


os.umask(0)
Milter.factory = {"first": First, "second": Second}[sys.argv[2]]
Milter.set_flags(Milter.ADDHDRS | Milter.QUARANTINE)
Milter.runmilter(sys.argv[2], f"unix:{sys.argv[1]}/{sys.argv[2]}.socket", 60)
PYTHON
for name in first second; do
    "$work/venv/bin/python" "$work/filter.py" "$work" "$name" &
done
postfix -c "$work/etc" start >/dev/null 2>&1
until [[ -S $work/first.socket && -S $work/second.socket && -S $work/queue/public/client ]]; do sleep 0.1; done
in_queue() { find "$work/queue/$1" -type f | wc -l; }
signed() { find "$work/queue/$1" -type f -exec postcat -c "$work/etc" {} + | grep -c '^X-Signed: yes' || true; }
for subject in pass hold; do
    printf 'Subject: %s\n\ntext\n' "$subject" >"$work/message"
    smtp-source -F "$work/message" -f a@corp.example -t b@partner.example "unix:$work/queue/public/client"
done
for _ in {1..100}; do
    [[ $(in_queue deferred) = 1 && $(in_queue hold) = 1 ]] && break
    sleep 0.1
done
{
    echo "first milter accepts: the second one's field is in the message: $(signed deferred)"
    echo "first milter requests quarantine: message in the hold queue: $(in_queue hold)"
    echo "first milter requests quarantine: the second one's field is in the message: $(signed hold)"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
first milter accepts: the second one's field is in the message: 1
first milter requests quarantine: message in the hold queue: 1
first milter requests quarantine: the second one's field is in the message: 0
SEEN
