#!/usr/bin/env bash
# cryptography 50.0.2 (Python 3.11), OpenSSL 3.0.19: CMS may be BER with indefinite lengths (RFC 5652, 4), which is what
# programs write that do not know the length yet (openssl cms -stream, and mail programs). pkcs7_decrypt_smime() and
# pkcs7_decrypt_der() refuse it with a parse error, although load_der_pkcs7_certificates() of the same package reads BER,
# with a warning. Encoded again as DER by asn1crypto 1.5.1, dump(force=True), the same message is decrypted.
#
# Seen:
#   decrypt, whole: b'text\r\n'
#   decrypt, streamed: ValueError
#   decrypt, streamed, as DER: b'text\r\n'
#   certificates, streamed: 1
set -euo pipefail
openssl version >/dev/null # apt install openssl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check cryptography==50.0.2 asn1crypto==1.5.1
cd "$work"
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem -subj /CN=corp.example -days 2 2>/dev/null
echo text >text
openssl cms -encrypt -aes256 -in text -outform DER -out whole certificate.pem
openssl cms -encrypt -aes256 -stream -in text -outform DER -out streamed certificate.pem
openssl cms -sign -nodetach -stream -in text -signer certificate.pem -inkey key.pem -outform DER -out signed
venv/bin/python - 2>/dev/null <<'PYTHON' | tee seen
from pathlib import Path

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs7

CERTIFICATE = x509.load_pem_x509_certificate(Path("certificate.pem").read_bytes())
KEY = load_pem_private_key(Path("key.pem").read_bytes(), None)


def decrypted(data):
    try:
        return pkcs7.pkcs7_decrypt_der(data, CERTIFICATE, KEY, [])
    except ValueError as error:
        return type(error).__name__


streamed = Path("streamed").read_bytes()
print("decrypt, whole:", decrypted(Path("whole").read_bytes()))
print("decrypt, streamed:", decrypted(streamed))
print("decrypt, streamed, as DER:", decrypted(cms.ContentInfo.load(streamed).dump(force=True)))
print("certificates, streamed:", len(pkcs7.load_der_pkcs7_certificates(Path("signed").read_bytes())))
PYTHON
diff seen - <<'SEEN'
decrypt, whole: b'text\r\n'
decrypt, streamed: ValueError
decrypt, streamed, as DER: b'text\r\n'
certificates, streamed: 1
SEEN
