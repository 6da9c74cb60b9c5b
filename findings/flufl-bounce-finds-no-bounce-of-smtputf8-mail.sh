#!/usr/bin/env bash
# Postfix 3.7.11 (Debian 12) as the writer; flufl.bounce 6.0.0 (Python 3.11) as the reader: if a client asked for SMTPUTF8 when it sent a message, its
# bounce has the types of RFC 6533, message/global-delivery-status and message/global, although each address, the header and
# the body are ASCII. It is the client that decides, by a word of MAIL FROM, and Postfix passes the word on to the next server. flufl.bounce,
# the parser of Mailman, looks for message/delivery-status only, and nothing else in it knows Postfix's text when there is no
# such part: it finds no address, so a dead address stays on the list, and the rate of bounces looks better than it is. Python's email
# has the same gap: it parses message/delivery-status into groups of fields, and the global one into a message whose header is the
# group about the server, while recipient and status are text in its body. Both report no error. A program that reads bounces, of a
# moderator's address for example, needs both types.
#
# Seen, for the same message to the same address:
#   without SMTPUTF8: multipart/report text/plain message/delivery-status message/rfc822
#   flufl.bounce: ben@gone.example
#   Python: Status 5.1.1
#   with SMTPUTF8: multipart/report text/plain message/global-delivery-status message/global
#   flufl.bounce: nobody
#   Python: Status None
set -euo pipefail
dpkg -s postfix >/dev/null # apt install postfix python3-venv
work=$(mktemp -d)
trap 'postfix -c "$work/etc" stop >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check flufl.bounce==6.0.0
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
smtpd_reject_unlisted_recipient = no
transport_maps = inline:{ { gone.example = error:5.1.1 no such user } }
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
error unix - - n - - error
anvil unix - - n - 1 anvil
CF
cat >"$work/send.py" <<'PYTHON'
import smtplib
import socket
import sys

path, options = sys.argv[1], sys.argv[2:]


class Client(smtplib.SMTP):
    def _get_socket(self, host, port, timeout):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        return connection


message = "From: anna@corp.example\r\nTo: ben@gone.example\r\nSubject: x\r\n\r\nx\r\n"
with Client("localhost", local_hostname="client") as client:
    client.sendmail("anna@corp.example", ["ben@gone.example"], message, mail_options=options)
PYTHON
cat >"$work/read.py" <<'PYTHON'
import email
import sys

from flufl.bounce import scan_message

name = sys.argv[1]
message = email.message_from_binary_file(sys.stdin.buffer)
parts = message.get_payload()
print(f"{name}:", " ".join(part.get_content_type() for part in [message, *parts]))
print("flufl.bounce:", b" ".join(scan_message(message)).decode() or "nobody")
groups = parts[1].get_payload()
print("Python: Status", next((group["Status"] for group in groups if group["Status"]), None))
PYTHON
postfix -c "$work/etc" start >/dev/null 2>&1
until [[ -S $work/queue/public/client ]]; do sleep 0.1; done
try() { # NAME [OPTION]: sends a message, waits for its bounce and reads it
  "$work/venv/bin/python" "$work/send.py" "$work/queue/public/client" "${@:2}"
  for _ in {1..150}; do
    file=$(find "$work/queue/deferred" -type f)
    [[ -n $file ]] && break
    sleep 0.1
  done
  postcat -c "$work/etc" -bh "$file" | "$work/venv/bin/python" "$work/read.py" "$1"
  postsuper -c "$work/etc" -d ALL 2>/dev/null
}
{
  try "without SMTPUTF8"
  try "with SMTPUTF8" SMTPUTF8 BODY=8BITMIME
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
without SMTPUTF8: multipart/report text/plain message/delivery-status message/rfc822
flufl.bounce: ben@gone.example
Python: Status 5.1.1
with SMTPUTF8: multipart/report text/plain message/global-delivery-status message/global
flufl.bounce: nobody
Python: Status None
SEEN
