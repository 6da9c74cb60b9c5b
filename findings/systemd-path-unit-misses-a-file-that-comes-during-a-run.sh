#!/usr/bin/env bash
# systemd 257 (Debian 13): a path unit with PathChanged= or PathModified= on a directory starts its service when a file comes. A file
# that comes while the service runs starts nothing, neither then nor after the service has ended: it stays until some later file comes. For a
# spool of reports, exports or mail that a service empties, the last file of a burst waits for hours, and each test with one file passes. With
# DirectoryNotEmpty= or PathExistsGlob= the service runs again. systemd.path(5) says without an exception: "When a service unit triggered by a
# path unit terminates …, monitored paths are checked immediately again, and the service accordingly restarted instantly." (systemd
# issues 5770, 37667 and 41599, open.) Use DirectoryNotEmpty=, or have the service look once more, with a timer as the net.
#
# Seen, with a second file half way through the service's run on the first:
#   PathChanged: runs 1 (one), left two
#   PathModified: runs 1 (one), left two
#   DirectoryNotEmpty: runs 2 (one, two), left nothing
set -euo pipefail
# As root, with: apt install mmdebstrap systemd-container
work=$(mktemp -d)
boot=
finish() {
  [[ -z $boot ]] || kill "$boot" 2>/dev/null || true
  wait || true
  rm -rf --one-file-system "$work"
}
trap finish EXIT
mmdebstrap --quiet --variant=minbase --include=systemd-sysv,dbus trixie "$work/root"
cat >"$work/root/take" <<'TAKE'
# KIND: moves the files out of a directory that were in it at the start.
cd "/spool/$1"
files=(*)
echo "${files[*]}" >>"/runs/$1"
sleep 3
mv "${files[@]}" "/taken/$1"
TAKE
units=$work/root/etc/systemd/system
mkdir "$work/root/runs"
for kind in PathChanged PathModified DirectoryNotEmpty; do
  mkdir -p "$work/root/spool/$kind" "$work/root/taken/$kind"
  printf '[Path]\n%s=/spool/%s\n[Install]\nWantedBy=multi-user.target\n' "$kind" "$kind" >"$units/$kind.path"
  printf '[Service]\nType=oneshot\nExecStart=bash /take %s\n' "$kind" >"$units/$kind.service"
  systemctl --root="$work/root" --quiet enable "$kind.path"
done
cat >"$work/root/try" <<'TRY'
for kind in PathChanged PathModified DirectoryNotEmpty; do
  touch "/spool/$kind/one"
  until [[ -s /runs/$kind ]]; do sleep 0.1; done
  sleep 1.5
  touch "/spool/$kind/two"
  until [[ -e /taken/$kind/one ]]; do sleep 0.1; done
  sleep 6
  runs=$(paste -sd, "/runs/$kind" | sed 's/,/, /g')
  left=$(ls "/spool/$kind")
  echo "$kind: runs $(wc -l <"/runs/$kind") ($runs), left ${left:-nothing}"
done
TRY
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --register=no --keep-unit --boot --directory="$work/root" \
  >"$work/console" 2>&1 &
boot=$!
inside() { nsenter --target "$(pgrep --parent "$boot")" --all "$@"; }
for _ in {1..120}; do
  inside systemctl is-active --quiet PathChanged.path PathModified.path DirectoryNotEmpty.path 2>/dev/null && break
  sleep 0.5
done
inside bash /try | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
PathChanged: runs 1 (one), left two
PathModified: runs 1 (one), left two
DirectoryNotEmpty: runs 2 (one, two), left nothing
SEEN
