#!/usr/bin/env bash
# nodemailer 10.6.1 (Node.js), Exim 4.98.2 (Debian 13): the sendmail transport of nodemailer passes the recipients as arguments, and the
# message with its Bcc field, for "sendmail" removes it. Postfix does, always. Exim removes it only with -t, which nodemailer
# does not pass: each recipient reads who was in Bcc. Over SMTP, nodemailer sends the same message without the field. A test
# with Postfix or with SMTP shows no Bcc, and the same program discloses it on a server with Exim, Debian's default-mta. The
# documentation of message compilation states that nodemailer drops Bcc; this transport asks to keep it (keepBcc = true).
# The command of the Courier mail server is like Exim (mutt issue 185). A plugin of the step "stream", or no bcc: and an
# envelope with all recipients, avoids it.
#
# Seen:
#   nodemailer: sendmail -i -f a@corp.example b@partner.example c@partner.example, with a Bcc field
#   Exim, called so: recipients 2, Bcc delivered yes
#   Exim, with -t: recipients 2, Bcc delivered no
set -euo pipefail
# As root, with: apt install mmdebstrap nodejs npm
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
npm install --silent --no-package-lock --prefix "$work/npm" nodemailer@10.6.1 >/dev/null
mmdebstrap --quiet --variant=minbase --include=exim4-daemon-light,python3 trixie "$work/root"
chmod 755 "$work"
cat >"$work/sendmail" <<SENDMAIL
#!/bin/sh
echo "\$@" >"$work/root/arguments"
cat >"$work/root/message"
SENDMAIL
chmod +x "$work/sendmail"
cat >"$work/send.js" <<JS
const { createTransport } = require("$work/npm/node_modules/nodemailer");
createTransport({ sendmail: true, path: "$work/sendmail" }).sendMail({
  from: "a@corp.example",
  to: "b@partner.example",
  bcc: "c@partner.example",
  subject: "test",
  text: "text",
});
JS
node "$work/send.js"
cat >"$work/root/exim.conf" <<'CONF'
primary_hostname = mx.corp.example
spool_directory = /spool
log_file_path = /spool/%slog
begin routers
all:
  driver = accept
  transport = folder
begin transports
folder:
  driver = appendfile
  file = /spool/delivered
  batch_max = 100
  user = Debian-exim
CONF
cat >"$work/root/try" <<'TRY'
sent() { # NAME ARGUMENT...: submits the message, and prints what was delivered
  local name=$1
  shift
  rm -rf /spool
  install -d -o Debian-exim /spool
  exim4 -C /exim.conf -odf "$@" </message 2>/dev/null
  echo "$name: recipients $(grep -c '[-=]> .*@partner' /spool/mainlog), Bcc delivered $(grep -q '^Bcc: c@partner.example' /spool/delivered && echo yes || echo no)"
}
echo "nodemailer: sendmail $(cat /arguments), $(grep -q '^Bcc: c@partner.example' /message && echo with || echo without) a Bcc field"
sent "Exim, called so" $(cat /arguments)
sent "Exim, with -t" -t -f a@corp.example
TRY
chroot "$work/root" bash /try | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
nodemailer: sendmail -i -f a@corp.example b@partner.example c@partner.example, with a Bcc field
Exim, called so: recipients 2, Bcc delivered yes
Exim, with -t: recipients 2, Bcc delivered no
SEEN
