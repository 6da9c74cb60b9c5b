#!/usr/bin/env bash
# Python 3.11.7 (module email, policy default): RFC 6532 (3.7) lets an attached message of type message/global be in
# base64 or quoted-printable, which RFC 2046 forbids for message/rfc822. The parser treats all of message/* alike: it
# parses the encoded text as a message. With base64, the attached message has no Subject, and its body is text/plain that
# holds base64; with quoted-printable, fields and body stay encoded. The part that declares the encoding has no defect.
#
# Seen:
#   base64: Subject None, body b'U3ViamVjdDog', defects of the part []
#   quoted-printable: Subject 'Z=C3=BCrich', body b'Stra=C3=9Fe ', defects of the part []
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 - <<'PYTHON' | tee "$work/seen"
import base64
import email
import email.policy
import quopri

ATTACHED = "Subject: Zürich\r\n\r\nStraße und Hausnummer\r\n".encode()

for encoding, encoded in (
    ("base64", base64.encodebytes(ATTACHED)),
    ("quoted-printable", quopri.encodestring(ATTACHED)),
):
    head = f"Content-Type: message/global\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    part = email.message_from_bytes(head.encode() + encoded, policy=email.policy.default)
    attached = part.get_payload(0)
    body = attached.get_payload(decode=True)[:12]
    print(f"{encoding}: Subject {attached['Subject']!r}, body {body}, defects of the part {part.defects}")
PYTHON
diff "$work/seen" - <<'SEEN'
base64: Subject None, body b'U3ViamVjdDog', defects of the part []
quoted-printable: Subject 'Z=C3=BCrich', body b'Stra=C3=9Fe ', defects of the part []
SEEN
