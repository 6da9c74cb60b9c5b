#!/usr/bin/env bash
# Postfix 3.10.13 (Debian 13): smtp_tls_security_level=encrypt, or "encrypt" and "secure" in smtp_tls_policy_maps, is no longer a promise of
# the administrator for all mail. A message with the header field "TLS-Required: no" (RFC 8689, 5) is delivered with the level
# "may": in clear, if the server offers no TLS. Who writes the message decides, and the log has one line like any delivery. In
# versions before 3.10 the field has no effect, so an upgrade from Debian 12 changes it. RFC 8689 speaks of what the recipient's domain
# asks for, such as MTA-STS and DANE; Postfix applies the field to its own tables too. postconf(5), tls_required_enable,
# says so; its default is yes. Sites that must encrypt set it to no.
#
# Seen (the next server offers no TLS):
#   tls_required_enable = yes, plain message: deferred (TLS is required, but was not offered by host 127.0.0.1[127.0.0.1])
#   tls_required_enable = yes, "TLS-Required: no": sent
#   tls_required_enable = no, "TLS-Required: no": deferred (TLS is required, but was not offered by host 127.0.0.1[127.0.0.1])
set -euo pipefail
# As root, with: apt install mmdebstrap
work=$(mktemp -d)
trap 'chroot "$work/root" postfix stop >/dev/null 2>&1 || true; kill $(jobs -p) 2>/dev/null || true; wait; rm -rf --one-file-system "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=postfix trixie "$work/root"
port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
cat >"$work/root/etc/postfix/main.cf" <<CF
compatibility_level = 3.6
maillog_file = /var/log/mail
myhostname = mx.corp.example
mydestination =
alias_maps =
local_recipient_maps =
mynetworks = 127.0.0.0/8
inet_protocols = ipv4
disable_dns_lookups = yes
relayhost = [127.0.0.1]:$port
smtp_tls_security_level = encrypt
CF
cat >"$work/root/etc/postfix/master.cf" <<'CF'
client unix n - n - - smtpd
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
retry unix - - n - - error
smtp unix - - n - - smtp
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
CF
printf 'Subject: x\n\ntext\n' >"$work/root/plain"
printf 'Subject: x\nTLS-Required: no\n\ntext\n' >"$work/root/field"
chroot "$work/root" smtp-sink -u nobody "127.0.0.1:$port" 10 &
chroot "$work/root" postfix start >/dev/null 2>&1
try() { # NAME FILE
  local before
  before=$(grep -c 'status=' "$work/root/var/log/mail" 2>/dev/null || true)
  chroot "$work/root" smtp-source -F "/$2" -f a@corp.example -t b@partner.example unix:/var/spool/postfix/public/client
  for _ in {1..200}; do
    [[ $(grep -c 'status=' "$work/root/var/log/mail" || true) -le ${before:-0} ]] || break
    sleep 0.1
  done
  echo "$1: $(grep 'status=' "$work/root/var/log/mail" | tail -1 | sed -E 's/.*status=//; s/^sent .*/sent/')"
}
until [[ -S $work/root/var/spool/postfix/public/client ]]; do sleep 0.1; done
{
  try "tls_required_enable = yes, plain message" plain
  try 'tls_required_enable = yes, "TLS-Required: no"' field
  echo "tls_required_enable = no" >>"$work/root/etc/postfix/main.cf"
  chroot "$work/root" postfix reload >/dev/null 2>&1
  sleep 1
  try 'tls_required_enable = no, "TLS-Required: no"' field
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
tls_required_enable = yes, plain message: deferred (TLS is required, but was not offered by host 127.0.0.1[127.0.0.1])
tls_required_enable = yes, "TLS-Required: no": sent
tls_required_enable = no, "TLS-Required: no": deferred (TLS is required, but was not offered by host 127.0.0.1[127.0.0.1])
SEEN
