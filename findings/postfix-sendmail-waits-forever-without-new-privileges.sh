#!/usr/bin/env bash
# Postfix 3.10.13 (Debian 13): sendmail(1) passes mail to postdrop(1), which needs its set-gid bit to write into the maildrop directory. In a
# service with NoNewPrivileges=yes the bit has no effect. sendmail does not fail then: postdrop tries again each ten seconds, for
# ever, with a warning to standard error and the log, and the caller waits. So a monitoring script, a backup report or
# PHP's mail() hangs, where an engineer expects EX_TEMPFAIL. Many options of a unit with User= imply NoNewPrivileges=yes
# (PrivateDevices=, ProtectKernelTunables=, SystemCallFilter=, RestrictNamespaces=, and more), so the line that makes sendmail
# hang need not name it. SMTP to localhost needs no set-gid program.
#
# Seen, for the user nobody:
#   usual: exit status 0, warnings 0, files in maildrop 1
#   no new privileges: killed after 25 s, warnings 3, files in maildrop 0
set -euo pipefail
# As root, with: apt install mmdebstrap
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=postfix trixie "$work/root"
chmod 755 "$work"
cat >"$work/root/try" <<'TRY'
printf '127.0.0.1 localhost\n' >/etc/hosts
postconf -e maillog_file=/var/log/mail.log
postfix set-permissions create-missing >/dev/null 2>&1
cd /var/spool/postfix
try() { # NAME OPTION...: submits a message as nobody
  local name=$1 status=0
  shift
  echo "text" | timeout 25 setpriv --reuid=nobody --regid=nogroup --clear-groups "$@" sendmail b@partner.example 2>/warnings || status=$?
  [[ $status = 124 ]] && status="killed after 25 s" || status="exit status $status"
  echo "$name: $status, warnings $(grep -c "create file maildrop/.*: Permission denied" /warnings), files in maildrop $(find maildrop -type f | wc -l)"
  find maildrop -type f -delete
}
try "usual"
try "no new privileges" --no-new-privs
TRY
chroot "$work/root" bash /try | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
usual: exit status 0, warnings 0, files in maildrop 1
no new privileges: killed after 25 s, warnings 3, files in maildrop 0
SEEN
