#!/usr/bin/env bash
# OpenSSL 3.0.19, curl 7.88.1 (Debian 12): "openssl verify -CAfile own.pem" and "openssl cms -verify -CAfile own.pem" accept what any
# authority in /etc/ssl/certs has signed, next to own.pem: -CAfile replaces the default file, while the default directory and store
# stay, and each of them alone is enough. "openssl s_client -CAfile own.pem" does not. "curl --cacert own.pem" keeps the directory too, as
# Debian builds it with both (--with-ca-path). So "signed by our own authority" is not what these commands check: a script
# that tests a new server certificate, or a probe of a service that has to use the company's authority, passes with a
# certificate of a public one. wget and Python's create_default_context(cafile=…) take the file only. With -no-CApath alone
# openssl verify still accepts it; -no-CApath -no-CAstore is needed. curl needs --capath with an empty directory.
#
# Seen, for a server of an authority that is in /etc/ssl/certs and not in own.pem:
#   openssl verify: accepted
#   openssl verify -no-CApath: accepted
#   openssl verify -no-CApath -no-CAstore: refused
#   openssl cms -verify: accepted
#   openssl s_client: refused
#   curl: accepted
#   curl --capath empty: refused
#   Python: refused
set -euo pipefail
dpkg -s openssl curl python3 >/dev/null # As root, with: apt install openssl curl python3
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"
mkdir certs empty
for name in own public; do
  openssl req -x509 -newkey rsa:2048 -nodes -keyout $name.key -out $name.pem -subj /CN=$name -days 2 2>/dev/null
done
openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost 2>/dev/null
openssl x509 -req -in server.csr -CA public.pem -CAkey public.key -CAcreateserial -out server.pem -days 2 \
  -extfile <(echo "subjectAltName=DNS:localhost") 2>/dev/null
cp public.pem certs
openssl rehash certs
echo "text" >text
openssl cms -sign -in text -signer server.pem -inkey server.key -out signed
openssl s_server -quiet -www -naccept 100 -accept 127.0.0.1:14437 -cert server.pem -key server.key >/dev/null 2>&1 &
cat >context.py <<'PYTHON'
import socket
import ssl

context = ssl.create_default_context(cafile="own.pem")
context.wrap_socket(socket.create_connection(("localhost", 14437)), server_hostname="localhost")
PYTHON
cat >try <<'TRY'
mount --bind certs /etc/ssl/certs
try() { # NAME COMMAND...
  local name=$1
  shift
  "$@" >/dev/null 2>&1 </dev/null && echo "$name: accepted" || echo "$name: refused"
}
until (: >/dev/tcp/127.0.0.1/14437) 2>/dev/null; do sleep 0.1; done
try "openssl verify" openssl verify -CAfile own.pem server.pem
try "openssl verify -no-CApath" openssl verify -no-CApath -CAfile own.pem server.pem
try "openssl verify -no-CApath -no-CAstore" openssl verify -no-CApath -no-CAstore -CAfile own.pem server.pem
try "openssl cms -verify" openssl cms -verify -purpose any -CAfile own.pem -in signed
try "openssl s_client" openssl s_client -verify_return_error -CAfile own.pem -connect localhost:14437
try "curl" curl --cacert own.pem https://localhost:14437/
try "curl --capath empty" curl --cacert own.pem --capath empty https://localhost:14437/
try "Python" /usr/bin/python3 context.py
TRY
unshare --mount bash try | tee seen
diff seen - <<'SEEN'
openssl verify: accepted
openssl verify -no-CApath: accepted
openssl verify -no-CApath -no-CAstore: refused
openssl cms -verify: accepted
openssl s_client: refused
curl: accepted
curl --capath empty: refused
Python: refused
SEEN
