#!/usr/bin/env bash
# systemd-nspawn 252 (Debian 12), with systemd 257 (Debian 13) inside: two containers that are started with --keep-unit from the same
# process, as tests and build servers do, get one control group (payload), not one each. Units of the same name then share a group: the
# file cgroup.procs of one container's service lists the processes of the other's, as 0, because they have no number there. ps -p ends
# with an error for such a list and prints none of the others, and a test that compares the list fails, but only while a second
# container runs. systemd-nspawn(1) says of --keep-unit only that no scope is made. Start each container in a control group (or a
# unit) of its own.
#
# Seen, for a service with one process in both containers:
#   started from one group: 2 listed, 1 of them 0
#   started from a group each: 1 listed, 0 of them 0
set -euo pipefail
# As root, in no user session, with: apt install mmdebstrap systemd-container
work=$(mktemp -d)
boots=()
groups=()
finish() {
  for boot in "${boots[@]}"; do kill "$boot" 2>/dev/null || true; done
  wait || true
  for group in "${groups[@]}"; do find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true; done
  rm -rf --one-file-system "$work"
}
trap finish EXIT
unified=$(findmnt --noheadings --first-only --output TARGET --types cgroup2)
own=$unified$(sed -n 's/^0:://p' /proc/self/cgroup)
mmdebstrap --quiet --variant=minbase --include=systemd-sysv,dbus trixie "$work/root"
printf '[Service]\nExecStart=sleep infinity\n[Install]\nWantedBy=multi-user.target\n' \
  >"$work/root/etc/systemd/system/work.service"
systemctl --root="$work/root" --quiet enable work

inside() { # NUMBER COMMAND …
  nsenter --target "$(pgrep --parent "${boots[$1]}")" --all "${@:2}"
}
try() { # TEXT GROUP GROUP
  for number in 0 1; do
    cp -a "$work/root" "$work/root$number"
    groups[number]=${*:number + 2:1}
    mkdir -p "${groups[number]}"
    (
      echo "$BASHPID" >"${groups[number]}/cgroup.procs"
      SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 exec systemd-nspawn --quiet --register=no --keep-unit --boot \
        --machine="finding$number" --directory="$work/root$number" >"$work/console$number" 2>&1
    ) &
    boots[number]=$!
    for _ in {1..120}; do
      inside "$number" systemctl is-active --quiet work 2>/dev/null && break
      sleep 0.5
    done
  done
  sleep 1
  inside 0 cat /sys/fs/cgroup/system.slice/work.service/cgroup.procs >"$work/processes"
  echo "$1: $(wc -l <"$work/processes") listed, $(grep -cx 0 "$work/processes" || true) of them 0"
  for boot in "${boots[@]}"; do kill "$boot"; done
  wait
  boots=()
  for group in "${groups[@]}"; do
    for _ in {1..50}; do
      [[ -d $group ]] || break
      find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.2
    done
  done
  rm -rf --one-file-system "$work/root0" "$work/root1"
}
{
  try "started from one group" "$own/finding-$$" "$own/finding-$$"
  try "started from a group each" "$own/finding-$$-one" "$own/finding-$$-two"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
started from one group: 2 listed, 1 of them 0
started from a group each: 1 listed, 0 of them 0
SEEN
