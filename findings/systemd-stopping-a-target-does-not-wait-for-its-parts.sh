#!/usr/bin/env bash
# systemd 252 (Debian 12): "systemctl stop all.target" stops the services with PartOf=all.target, but returns before they
# have stopped. systemctl(1) waits for the jobs that it was asked for, not for those that they bring along, and a target
# is ordered after the services that it wants: when it stops, it is the first to stop. So what follows in a script, such as
# replacing a database file, happens while the services still run. "systemctl start" and "restart" of the target do wait.
# Name the services as well: "systemctl stop all.target one.service".
#
# Seen, with a service that needs three seconds to stop:
#   after stop all.target: target inactive, service deactivating
#   after stop all.target one.service: target inactive, service inactive
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
mmdebstrap --quiet --variant=minbase --include=systemd-sysv,dbus bookworm "$work/root"
units=$work/root/etc/systemd/system
cat >"$units/all.target" <<'UNIT'
[Install]
WantedBy=multi-user.target
UNIT
cat >"$units/one.service" <<'UNIT'
[Unit]
PartOf=all.target
[Service]
ExecStart=sleep infinity
ExecStop=sleep 3
[Install]
WantedBy=all.target
UNIT
systemctl --root="$work/root" --quiet enable all.target one.service
cat >"$work/root/try" <<'TRY'
state() { systemctl is-active "$1" || true; }
for command in "stop all.target" "stop all.target one.service"; do
  systemctl start all.target one.service
  systemctl $command
  echo "after $command: target $(state all.target), service $(state one.service)"
done
TRY
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --register=no --keep-unit --boot --directory="$work/root" \
  >"$work/console" 2>&1 &
boot=$!
inside() { nsenter --target "$(pgrep --parent "$boot")" --all "$@"; }
for _ in {1..120}; do
  inside systemctl is-active --quiet one.service 2>/dev/null && break
  sleep 0.5
done
inside bash /try | tee "$work/seen"
grep -q '^after stop all.target: target inactive, service deactivating$' "$work/seen"
grep -q '^after stop all.target one.service: target inactive, service inactive$' "$work/seen"
