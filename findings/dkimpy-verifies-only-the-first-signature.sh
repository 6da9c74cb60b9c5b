#!/usr/bin/env bash
# dkimpy 1.1.8 (Python 3.11): dkim.verify(message) looks at one DKIM-Signature, the first of the header, which is the one
# that was added last. A message that a mailing list or a relay signed again, and whose second key is not published (yet,
# or any more), is False, although the signature of its author's domain is valid. RFC 6376 (6.1) has a verifier go on to
# the next signature, and counts an invalid one like none. DKIM(message).verify(idx=N) looks at the others, one at a time. The
# name, and the answer False, suggest a result for the message; the docstring does say "the first (topmost)".
#
# Seen:
#   signed by the author: True
#   signed by the author, then by a list without a published key: False
#   the same, each signature: [False, True]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check dkimpy==1.1.8 cryptography==50.0.2
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import base64

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def key():
    pair = rsa.generate_private_key(65537, 2048)
    private = pair.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = pair.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private, b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


private, record = key()
others_private, _ = key()
MESSAGE = b"From: anna@corp.example\r\nTo: team@list.example\r\nSubject: account\r\n\r\ntext\r\n"


def records(name, timeout=5):
    return record if name == b"one._domainkey.corp.example." else None


once = dkim.sign(MESSAGE, b"one", b"corp.example", private) + MESSAGE
twice = dkim.sign(once, b"one", b"list.example", others_private) + once
print("signed by the author:", dkim.verify(once, dnsfunc=records))
print("signed by the author, then by a list without a published key:", dkim.verify(twice, dnsfunc=records))
both = dkim.DKIM(twice)
each = []
for number in (0, 1):
    try:
        each.append(both.verify(idx=number, dnsfunc=records))
    except dkim.KeyFormatError:
        each.append(False)
print("the same, each signature:", each)
PYTHON
diff "$work/seen" - <<'SEEN'
signed by the author: True
signed by the author, then by a list without a published key: False
the same, each signature: [False, True]
SEEN
