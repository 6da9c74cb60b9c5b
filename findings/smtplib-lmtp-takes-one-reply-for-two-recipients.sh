#!/usr/bin/env bash
# Python 3.11.7 (smtplib.LMTP), smtp-sink of Postfix 3.7.11 (Debian 12) as the server: after the message, an LMTP server
# replies once for each recipient (RFC 2033, 4.2). LMTP.sendmail() reads the first reply only and returns {}, "all
# accepted", whatever the others say. They stay in the stream, so each later command gets the reply to an earlier one: a
# mailbox that is full goes unnoticed, and a command that was refused looks accepted. One recipient per message, or a
# connection for each message, avoids the shift. The documentation of LMTP has no word about it (cpython issue 76984, open).
#
# Seen:
#   one recipient: refused {}, an unknown command is answered 500
#   two recipients: refused {}, an unknown command is answered 250, the next known one 500
set -euo pipefail
dpkg -s postfix >/dev/null # apt install postfix
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT
port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
/usr/sbin/smtp-sink $([[ $EUID != 0 ]] || echo "-u nobody") -L "127.0.0.1:$port" 10 &
python3 - "$port" <<'PYTHON' | tee "$work/seen"
import smtplib
import sys
import time

for _ in range(100):
    try:
        smtplib.LMTP("127.0.0.1", int(sys.argv[1])).quit()
        break
    except OSError:
        time.sleep(0.1)
RECIPIENTS = ["ben@partner.example", "cem@partner.example"]
for name, recipients in (("one recipient", RECIPIENTS[:1]), ("two recipients", RECIPIENTS)):
    client = smtplib.LMTP("127.0.0.1", int(sys.argv[1]))
    refused = client.sendmail("anna@corp.example", recipients, b"Subject: x\r\n\r\ntext\r\n")
    line = f"{name}: refused {refused}, an unknown command is answered {client.docmd('UNKNOWN')[0]}"
    if len(recipients) == 2:
        line += f", the next known one {client.noop()[0]}"
    print(line)
    client.close()
PYTHON
diff "$work/seen" - <<'SEEN'
one recipient: refused {}, an unknown command is answered 500
two recipients: refused {}, an unknown command is answered 250, the next known one 500
SEEN
