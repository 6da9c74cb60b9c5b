#!/usr/bin/env bash
# prometheus-client 0.26.0 (Python 3.11), prometheus-node-exporter 1.9.0 (Debian 13) for comparison: with ProcSubset=pid in the unit of a
# service, which systemd-analyze security asks for, /proc has only the processes. /proc/self is complete, but prometheus-client
# also wants the time of boot from /proc/stat once, when it is imported, and without it exports none of its process_* metrics,
# although only process_start_time_seconds needs it. There is no error and no log line. An alert on process_open_fds,
# memory or processor time, and a panel of restarts, has no data any more after the unit was hardened, and an alert
# without data does not fire. Go's client, in the same place, leaves out only the start time. ProtectProc= changes nothing.
#
# Seen:
#   prometheus-client, whole /proc: process_cpu_seconds_total process_max_fds process_open_fds process_resident_memory_bytes process_start_time_seconds process_virtual_memory_bytes
#   prometheus-client, subset=pid:
#   node exporter, subset=pid: process_cpu_seconds_total process_max_fds process_open_fds process_resident_memory_bytes process_virtual_memory_bytes
set -euo pipefail
# As root, with: apt install mmdebstrap python3-venv
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check prometheus-client==0.26.0
mmdebstrap --quiet --variant=minbase --include=prometheus-node-exporter,python3 trixie "$work/root"
names() { grep -oE '^process_(cpu_seconds_total|max_fds|open_fds|(resident|virtual)_memory_bytes|start_time_seconds) ' | sort | xargs; }
export=(-c 'import prometheus_client; print(prometheus_client.generate_latest().decode())')
# systemd mounts the same for ProcSubset=pid.
limited() { unshare --mount bash -c "mount -t proc -o subset=pid proc '$1' && shift && exec \"\$@\"" limited "$@"; }
cat >"$work/root/scrape.py" <<'PYTHON'
import subprocess
import time
import urllib.request

ADDRESS = "127.0.0.1:19137"
exporter = subprocess.Popen(
    ["prometheus-node-exporter", "--collector.disable-defaults", f"--web.listen-address={ADDRESS}"],
    stderr=subprocess.DEVNULL,
)
for _ in range(100):
    try:
        print(urllib.request.urlopen(f"http://{ADDRESS}/metrics").read().decode())
        break
    except OSError:
        time.sleep(0.1)
exporter.terminate()
PYTHON
{
  echo "prometheus-client, whole /proc:" $("$work/venv/bin/python" "${export[@]}" | names)
  echo "prometheus-client, subset=pid:" $(limited /proc "$work/venv/bin/python" "${export[@]}" | names)
  echo "node exporter, subset=pid:" $(limited "$work/root/proc" chroot "$work/root" python3 /scrape.py | names)
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
prometheus-client, whole /proc: process_cpu_seconds_total process_max_fds process_open_fds process_resident_memory_bytes process_start_time_seconds process_virtual_memory_bytes
prometheus-client, subset=pid:
node exporter, subset=pid: process_cpu_seconds_total process_max_fds process_open_fds process_resident_memory_bytes process_virtual_memory_bytes
SEEN
