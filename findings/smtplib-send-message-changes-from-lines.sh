#!/usr/bin/env bash
# Python 3.11.7 (smtplib, email), dkimpy 1.1.8: SMTP.send_message() writes ">From " where a line of the body begins with "From ".
# The policy of the message does not matter: that of EmailMessage says mangle_from_=False, and its own as_bytes() leaves the
# line alone, but send_message() makes a generator without the policy, whose default is the one of mbox files. So the
# recipient gets another text than the program wrote, and a DKIM signature that was made of as_bytes() does not verify. An
# address with a letter outside ASCII switches to SMTPUTF8, where the policy counts. sendmail() with the bytes changes
# nothing. The documentation of send_message() says only that a BytesGenerator is used (reported as cpython issue 89462, open).
#
# Seen:
#   sendmail(message.as_bytes()): b'From Monday on, pay to the new account.\r\n', signature True
#   send_message(message): b'>From Monday on, pay to the new account.\r\n', signature False
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check dkimpy==1.1.8 aiosmtpd==1.4.6 cryptography==50.0.2
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import base64
import email.policy
import smtplib
import socket
from email.message import EmailMessage

import dkim
from aiosmtpd.controller import Controller
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

key = rsa.generate_private_key(65537, 2048)
private = key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)
public = key.public_key().public_bytes(
    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
)
record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


class Receiver:
    async def handle_DATA(self, server, session, envelope):
        self.content = envelope.content
        return "250 OK"


message = EmailMessage(policy=email.policy.SMTP.clone(max_line_length=9999))
message["From"], message["To"], message["Subject"] = "anna@corp.example", "ben@partner.example", "account"
message.set_content("Hello,\n\nFrom Monday on, pay to the new account.\n")
signature = dkim.sign(message.as_bytes(), b"one", b"corp.example", private).decode()
message["DKIM-Signature"] = " ".join(signature.partition(":")[2].split())
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
receiver = Receiver()
controller = Controller(receiver, hostname="127.0.0.1", port=port)
controller.start()
with smtplib.SMTP("127.0.0.1", port) as client:
    for name in ("sendmail(message.as_bytes())", "send_message(message)"):
        if name.startswith("sendmail"):
            client.sendmail("anna@corp.example", ["ben@partner.example"], message.as_bytes())
        else:
            client.send_message(message)
        (line,) = (line for line in receiver.content.splitlines(keepends=True) if b"Monday" in line)
        print(f"{name}: {line}, signature {dkim.verify(receiver.content, dnsfunc=lambda name, timeout=5: record)}")
controller.stop()
PYTHON
diff "$work/seen" - <<'SEEN'
sendmail(message.as_bytes()): b'From Monday on, pay to the new account.\r\n', signature True
send_message(message): b'>From Monday on, pay to the new account.\r\n', signature False
SEEN
