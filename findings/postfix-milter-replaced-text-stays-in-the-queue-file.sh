#!/usr/bin/env bash
# Postfix 3.7.11 (Debian 12), pymilter 1.0.5: a milter that masks a message with SMFIR_REPLBODY and SMFIR_CHGHEADER changes what
# is delivered, not what is on the disk. Postfix writes a pointer over the first bytes of the old header field and, if the new
# body is shorter, after it, and skips the rest: the queue file keeps the number in the old subject, and the old body but for
# as many bytes as the new one takes. postcat(1) shows the new text only. While the message is held or deferred, for days,
# a backup or grep of the queue has the old text. postsuper -r writes a new file without it.
#
# Seen:
#   postcat: number in the header 0, lines with a number in the body 0
#   queue file: number in the header 1, lines with a number in the body 18 of 20
#   queue file after postsuper -r: number in the header 0, lines with a number in the body 0
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
pickup unix n - n 1 1 pickup
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


class Mask(Milter.Base):
    def eom(self):
        self.chgheader("Subject", 1, "masked")
        self.replacebody("The numbers were masked.\r\n")
        return Milter.ACCEPT


os.umask(0)
Milter.factory = Mask
Milter.set_flags(Milter.CHGHDRS | Milter.CHGBODY)
Milter.runmilter("filter", f"unix:{sys.argv[1]}", 60)
PYTHON
"$work/venv/bin/python" "$work/filter.py" "$work/filter.socket" &
postfix -c "$work/etc" start >/dev/null 2>&1
until [[ -S $work/filter.socket && -S $work/queue/public/client ]]; do sleep 0.1; done
{
  printf 'Subject: about account GB82WEST12345698765432\n\n'
  for line in {1..20}; do echo "line $line: 4111 1111 1111 1111"; done
} >"$work/message"
deferred() { # OLD: waits until the one deferred message is another file than OLD, and prints its path
  for _ in {1..150}; do
    find "$work/queue/deferred" -type f >"$work/found"
    [[ $(wc -l <"$work/found") = 1 && $(cat "$work/found") != "$1" ]] && break
    sleep 0.1
  done
  cat "$work/found"
}
numbers() { # NAME TEXT
  local header body
  header=$(grep -ac "account GB82WEST12345698765432" "$2" || true)
  body=$(tr -d "\n" <"$2" | { grep -ao "4111 1111 1111 1111" || true; } | wc -l)
  echo "$1: number in the header $header, lines with a number in the body $body"
}
smtp-source -F "$work/message" -f a@corp.example -t b@partner.example "unix:$work/queue/public/client"
first=$(deferred "")
{
  postcat -c "$work/etc" "$first" >"$work/shown"
  numbers "postcat" "$work/shown"
  numbers "queue file" "$first" | sed 's/$/ of 20/'
  postsuper -c "$work/etc" -r ALL 2>/dev/null
  second=$(deferred "$first")
  numbers "queue file after postsuper -r" "$second"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
postcat: number in the header 0, lines with a number in the body 0
queue file: number in the header 1, lines with a number in the body 18 of 20
queue file after postsuper -r: number in the header 0, lines with a number in the body 0
SEEN
