#!/usr/bin/env bash
# Postfix 3.7.11 (Debian 12), pymilter 1.0.5: the position in SMFIR_CHGHEADER counts the fields that are left. A milter
# that saw four fields of a name and removes the first, the second, the third and the fourth removes the first and the
# third; the other two requests match nothing. Neither the milter nor the log hears of it. From the last to the first, all
# four go.
#
# Seen:
#   from the first to the last: two four
#   from the last to the first: (none)
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


class Remove(Milter.Base):
    def __init__(self):
        self.subject = ""

    def header(self, name, value):
        self.subject = value if name == "Subject" else self.subject
        return Milter.CONTINUE

    def eom(self):
        for position in range(1, 5) if "up" in self.subject else range(4, 0, -1):
            self.chgheader("X-Mark", position, "")
        return Milter.ACCEPT


os.umask(0)
Milter.factory = Remove
Milter.set_flags(Milter.CHGHDRS)
Milter.runmilter("filter", f"unix:{sys.argv[1]}", 60)
PYTHON
"$work/venv/bin/python" "$work/filter.py" "$work/filter.socket" &
postfix -c "$work/etc" start >/dev/null 2>&1
until [[ -S $work/filter.socket && -S $work/queue/public/client ]]; do sleep 0.1; done
left() {
    printf 'Subject: %s\nX-Mark: one\nX-Mark: two\nX-Mark: three\nX-Mark: four\n\ntext\n' "$1" >"$work/message"
    smtp-source -F "$work/message" -f a@corp.example -t b@partner.example "unix:$work/queue/public/client"
    for _ in {1..100}; do
        [[ $(find "$work/queue/deferred" -type f | wc -l) = 1 ]] && break
        sleep 0.1
    done
    find "$work/queue/deferred" -type f -exec postcat -c "$work/etc" {} + | sed -n 's/^X-Mark: //p' >"$work/left"
    paste -sd ' ' "$work/left" | grep . || echo "(none)"
    postsuper -c "$work/etc" -d ALL 2>/dev/null
}
{
    echo "from the first to the last: $(left up)"
    echo "from the last to the first: $(left down)"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
from the first to the last: two four
from the last to the first: (none)
SEEN
