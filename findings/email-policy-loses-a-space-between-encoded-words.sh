#!/usr/bin/env bash
# Python 3.11.7 (module email, policies default and SMTP): a Subject with words beyond ASCII can arrive with two of them
# joined. Where the space falls behind what fits in one encoded-word, EmailMessage writes it between two encoded-words,
# where RFC 2047 (6.2) has a reader ignore it. The value that the program reads back from the message still has the space.
# It needs no long subject: one of 33 letters is enough, and of 2,100 that were made of common Russian words, 231
# lost a space. email.header.Header encodes the same text as a whole and keeps it (cpython issue 92081 has the cause).
#
# Seen:
#   in the program: 'Re: поставка автомобилей в Москве'
#   EmailMessage, as received: 'Re: поставка автомобилейв Москве'
#   Header, as received: 'Re: поставка автомобилей в Москве'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PYTHONIOENCODING=utf-8 python3 - <<'PYTHON' | tee "$work/seen"
from email import message_from_bytes
from email.header import Header, decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP, compat32

SUBJECT = "Re: поставка автомобилей в Москве"


def received(content: bytes) -> str:
    subject = message_from_bytes(content, policy=compat32)["Subject"]
    return str(make_header(decode_header(subject)))


message = EmailMessage(policy=SMTP)
message["Subject"] = SUBJECT
print(f"in the program: {message['Subject']!r}")
print(f"EmailMessage, as received: {received(bytes(message))!r}")
encoded = Header(SUBJECT, "utf-8", header_name="Subject").encode(linesep="\r\n")
print(f"Header, as received: {received(f'Subject: {encoded}'.encode() + bytes([13, 10, 13, 10]))!r}")
PYTHON
diff "$work/seen" - <<'SEEN'
in the program: 'Re: поставка автомобилей в Москве'
EmailMessage, as received: 'Re: поставка автомобилейв Москве'
Header, as received: 'Re: поставка автомобилей в Москве'
SEEN
