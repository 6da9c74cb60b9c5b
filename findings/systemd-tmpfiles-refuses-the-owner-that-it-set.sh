#!/usr/bin/env bash
# systemd 252 (Debian 12): a line "z FILE MODE USER" of tmpfiles.d, for a file in the directory of another user than root, works once.
# It gives the file to its user; from then on the same line fails with exit status 73, because systemd-tmpfiles refuses
# to follow a path from the directory of one user to a file of another ("unsafe path transition"). The file is right, and
# the configuration did not change. A postinst with "set -e" succeeds when a package is installed and fails at each upgrade.
# At the start of the machine nothing fails, since systemd-tmpfiles-setup.service counts 73 as success. A file in the
# directory of root, and one of the directory's own user, can be set any number of times.
#
# Seen, as root:
#   another user: run 1: exit status 0, owner daemon
#   another user: run 2: exit status 73, owner daemon
#   the same user: run 1: exit status 0, owner nobody
#   the same user: run 2: exit status 0, owner nobody
#   another user, directory of root: run 1: exit status 0, owner daemon
#   another user, directory of root: run 2: exit status 0, owner daemon
set -euo pipefail
dpkg -s systemd >/dev/null # apt install systemd
[[ $EUID = 0 ]]
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
try() { # NAME DIRECTORY_OWNER FILE_OWNER: applies a line twice to a file that its directory's user made
  local name=$1 run status directory=$work/$2-$3
  install -d -o "$2" "$directory"
  install -o "$2" /dev/null "$directory/key"
  echo "z $directory/key 0600 $3" >"$work/lines.conf"
  for run in 1 2; do
    status=0
    systemd-tmpfiles --create "$work/lines.conf" 2>/dev/null || status=$?
    echo "$name: run $run: exit status $status, owner $(stat -c %U "$directory/key")"
  done
}
{
  try "another user" nobody daemon
  try "the same user" nobody nobody
  try "another user, directory of root" root daemon
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
another user: run 1: exit status 0, owner daemon
another user: run 2: exit status 73, owner daemon
the same user: run 1: exit status 0, owner nobody
the same user: run 2: exit status 0, owner nobody
another user, directory of root: run 1: exit status 0, owner daemon
another user, directory of root: run 2: exit status 0, owner daemon
SEEN
