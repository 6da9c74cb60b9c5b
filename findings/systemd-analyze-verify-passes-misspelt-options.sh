#!/usr/bin/env bash
# systemd 252 (Debian 12): "systemd-analyze verify" of a unit with ProtectSytem=, a section [Servce], MemoryMax=lots and
# Restart=onfailure writes four warnings and exits with 0: systemd ignores each of them, so the sandbox, the limit and
# the restart are missing. It exits with 1 for a command that does not exist, which leads to the belief that a check in CI
# fails for errors. --recursive-errors=no (for this unit) or =yes (for its dependencies too) makes the warnings failures; both
# exist since 250, under a name that speaks of dependencies.
#
# Seen:
#   misspelt: warnings 4, exit status 0, with --recursive-errors=no 1
#   no such command: warnings 1, exit status 1, with --recursive-errors=no 1
#   correct: warnings 0, exit status 0, with --recursive-errors=no 0
set -euo pipefail
dpkg -s systemd >/dev/null # apt install systemd
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
verify() { # NAME LINES: verifies a unit
  local name=$1 status=0 strict=0
  printf "$2" >"$work/one.service"
  systemd-analyze verify "$work/one.service" 2>"$work/warnings" || status=$?
  systemd-analyze verify --recursive-errors=no "$work/one.service" 2>/dev/null || strict=$?
  echo "$name: warnings $(wc -l <"$work/warnings"), exit status $status, with --recursive-errors=no $strict"
}
{
  verify "misspelt" "[Service]\nExecStart=/bin/true\nProtectSytem=strict\nMemoryMax=lots\nRestart=onfailure\n[Servce]\nUser=nobody\n"
  verify "no such command" "[Service]\nExecStart=/bin/no-such-command\n"
  verify "correct" "[Service]\nExecStart=/bin/true\nProtectSystem=strict\n"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
misspelt: warnings 4, exit status 0, with --recursive-errors=no 1
no such command: warnings 1, exit status 1, with --recursive-errors=no 1
correct: warnings 0, exit status 0, with --recursive-errors=no 0
SEEN
