#!/usr/bin/env bash
# Postfix 3.7.11 (Debian 12), pymilter 1.0.5: a milter that is restarted in a second is away for longer. Postfix connects to it
# once for each SMTP session, when the client connects, and does what milter_default_action says for the rest of the
# session, although the milter runs again. With "accept" (postconf(5): "as if the mail filter was not present"), every
# message that a client sends over a connection that it keeps open is delivered without inspection, also if that
# connection was idle during the restart. With "tempfail", all are refused until smtpd_hard_error_limit ends the session,
# also after RSET and EHLO. A pooled connection of a program, or of another server, outlives the restart like this.
#
# Seen:
#   milter_default_action = tempfail:
#   before: 250
#   after the restart, session that was idle: 451
#   after the restart, new session: 250
#   after the restart, same session: 20 times 451, then Postfix ends it
#   milter_default_action = accept:
#   before: 250
#   after the restart, session that was idle: 250
#   after the restart, new session: 250
#   after the restart, same session: 40 times 250
#   not inspected: 1 idle session
#   not inspected: 40 same session
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


class Mark(Milter.Base):
    def eom(self):
        self.addheader("X-Inspected", "yes")
        return Milter.ACCEPT


os.umask(0)
Milter.factory = Mark
Milter.set_flags(Milter.ADDHDRS)
Milter.runmilter("filter", f"unix:{sys.argv[1]}", 60)
PYTHON
cat >"$work/client.py" <<'PYTHON'
import os
import smtplib
import socket
import subprocess
import sys
import time

filter, path, client = sys.argv[1:]


class Client(smtplib.SMTP):
    def _get_socket(self, host, port, timeout):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(client)
        return connection


def start():
    if os.path.exists(path):
        os.unlink(path)
    process = subprocess.Popen([sys.executable, filter, path])
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(path)
                return process
        except OSError:
            time.sleep(0.1)


def send(session, subject):
    try:
        session.sendmail("a@corp.example", ["b@partner.example"], f"Subject: {subject}\r\n\r\nx\r\n")
        return 250
    except smtplib.SMTPResponseException as error:
        return error.smtp_code
    except smtplib.SMTPServerDisconnected:
        return None


milter = start()
used, idle = (Client("localhost", local_hostname="client") for _ in range(2))
idle.ehlo()
print("before:", send(used, "before"))
milter.kill()
milter.wait()
milter = start()
print("after the restart, session that was idle:", send(idle, "idle session"))
with Client("localhost", local_hostname="client") as new:
    print("after the restart, new session:", send(new, "new session"))
codes = [send(used, "same session") for _ in range(40)]
answers = [code for code in codes if code]
(code,) = set(answers)
print(f"after the restart, same session: {len(answers)} times {code}" + ", then Postfix ends it" * (None in codes))
milter.kill()
PYTHON
postfix -c "$work/etc" start >/dev/null 2>&1
until [[ -S $work/queue/public/client ]]; do sleep 0.1; done
client=("$work/venv/bin/python" "$work/client.py" "$work/filter.py" "$work/filter.socket" "$work/queue/public/client")
queued() { # NUMBER: waits for so many messages, and prints the subject of those that the milter did not see
  for _ in {1..150}; do
    [[ $(find "$work/queue/deferred" -type f | wc -l) = "$1" ]] && break
    sleep 0.1
  done
  find "$work/queue/deferred" -type f | while read -r file; do
    postcat -c "$work/etc" "$file" >"$work/shown"
    grep -q '^X-Inspected' "$work/shown" || sed -n 's/^Subject: //p' "$work/shown"
  done | sort | uniq -c | sed 's/^ */not inspected: /'
  postsuper -c "$work/etc" -d ALL 2>/dev/null
}
{
  echo "milter_default_action = tempfail:"
  "${client[@]}"
  queued 2
  postconf -c "$work/etc" milter_default_action=accept
  postfix -c "$work/etc" reload 2>/dev/null
  echo "milter_default_action = accept:"
  "${client[@]}"
  queued 43
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
milter_default_action = tempfail:
before: 250
after the restart, session that was idle: 451
after the restart, new session: 250
after the restart, same session: 20 times 451, then Postfix ends it
milter_default_action = accept:
before: 250
after the restart, session that was idle: 250
after the restart, new session: 250
after the restart, same session: 40 times 250
not inspected: 1 idle session
not inspected: 40 same session
SEEN
