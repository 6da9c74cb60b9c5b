#!/usr/bin/env bash
# Postfix 3.7.11 (Debian 12), pymilter 1.0.5: a milter that removes a recipient (SMFIR_DELRCPT) of mail from sendmail(1)
# by the very address that Postfix gave it can remove nobody, and gets no error. Postfix gives it the rewritten address
# ("office@mx.corp.example"), but compares with the one on the command line ("office"), which the milter never sees.
# The log of cleanup(8) has no line about it. Canonical maps and source routes have the same effect; an address that
# Postfix does not rewrite is removed. A milter also sees none of the DSN options of sendmail(1) (-N, -V). A milter that
# moves recipients to another message, to hold or encrypt that, sends them both.
#
# Seen:
#   the milter was given, and removed: office@mx.corp.example team@partner.example
#   recipients left: boss@partner.example office@mx.corp.example
#   lines of the log about it: 0
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
non_smtpd_milters = unix:$work/filter.socket
maillog_file = $work/log
maillog_file_prefixes = $work
CF
cat >"$work/etc/master.cf" <<'CF'
pickup unix n - n 60 1 pickup
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
        removed = self.recipients[1:]
        for recipient in removed:
            self.delrcpt(recipient)
        with open(sys.argv[2], "w") as given:
            print(*removed, file=given)
        return Milter.ACCEPT


os.umask(0)
Milter.factory = Remove
Milter.set_flags(Milter.DELRCPT)
Milter.runmilter("filter", f"unix:{sys.argv[1]}", 60)
PYTHON
"$work/venv/bin/python" "$work/filter.py" "$work/filter.socket" "$work/given" &
postfix -c "$work/etc" start >/dev/null 2>&1
until [[ -S $work/filter.socket && -e $work/queue/public/pickup ]]; do sleep 0.1; done
printf 'Subject: Report\n\nText\n' | sendmail -C "$work/etc" -f a@corp.example -- boss@partner.example office team@partner.example
for _ in {1..100}; do
    grep -q 'nrcpt=' "$work/log" && break
    sleep 0.1
done
left() { postqueue -c "$work/etc" -j | "$work/venv/bin/python" -c "$LEFT" | xargs; }
LEFT='import json, sys; print(*sorted(r["address"] for line in sys.stdin for r in json.loads(line)["recipients"]))'
{
    echo "the milter was given, and removed: $(cat "$work/given")"
    echo "recipients left: $(left)"
    echo "lines of the log about it: $(grep -c 'cleanup.*office' "$work/log" || true)"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
the milter was given, and removed: office@mx.corp.example team@partner.example
recipients left: boss@partner.example office@mx.corp.example
lines of the log about it: 0
SEEN
