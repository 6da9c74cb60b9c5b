#!/usr/bin/env bash
# systemd 257 (Debian 13): "journalctl --vacuum-time=30d" does not keep the last 30 days. It deletes each archived file whose first entry is
# older, with all that is in the file, also what was written an hour ago: it compares the time in the file's name, which is that of
# the first entry. A file usually has 8 MiB or more, and a quiet server begins a new one only after a month (MaxFileSec=). The
# manual suggests --rotate with it, as only archived files are deleted: that archives the current file first, so both together can
# leave an empty journal. MaxRetentionSec= of journald is the same code. So an audit trail that has to stay for 30 days can be gone
# on the day after it was written. The manual says "removes archived journal files older than the specified timespan". Set MaxFileSec=1day
# before you rely on a retention in days, and add a day to it.
#
# Seen, for a file with an entry for each hour of ten days:
#   before: 240 entries, the first 240 hours old, the last 1 hour old
#   --vacuum-time=11d: 240 entries
#   --vacuum-time=9d: 0 entries
set -euo pipefail
# As root, with: apt install mmdebstrap
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=systemd,systemd-journal-remote,python3 trixie "$work/root"
cat >"$work/root/try.py" <<'PYTHON'
import re
import subprocess
import time
from pathlib import Path

JOURNAL = Path("/journal")
BOOT = "0123456789abcdef0123456789abcdef"
HOUR = 3_600_000_000


def journalctl(*options):
    command = ["journalctl", f"--directory={JOURNAL}", *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def entries():
    return [line for line in journalctl("--output=cat").splitlines() if line.endswith(" old")]


JOURNAL.mkdir()
now = time.time_ns() // 1000
export = Path("/export")
with export.open("w") as file:
    for hours in range(240, 0, -1):
        fields = {
            "__REALTIME_TIMESTAMP": now - hours * HOUR,
            "__MONOTONIC_TIMESTAMP": (241 - hours) * HOUR,
            "_BOOT_ID": BOOT,
            "MESSAGE": f"{hours} hour{'s' * (hours > 1)} old",
        }
        file.write("".join(f"{name}={value}\n" for name, value in fields.items()) + "\n")
remote = "/usr/lib/systemd/systemd-journal-remote"
subprocess.run([remote, f"--output={JOURNAL}/system.journal", export], check=True, stderr=subprocess.DEVNULL)
# The name that journald gives to a file that it archives: its id, and number and time of its first entry.
header = journalctl("--header")
identity = re.search("Sequential number ID: (.*)", header)[1]
first = int(re.search(r"Head realtime timestamp: .*\((.*)\)", header)[1], 16)
(JOURNAL / "system.journal").rename(JOURNAL / f"system@{identity}-{1:016x}-{first:016x}.journal")
found = entries()
print(f"before: {len(found)} entries, the first {found[0]}, the last {found[-1]}")
for option in ("--vacuum-time=11d", "--vacuum-time=9d"):
    journalctl(option)
    print(f"{option}: {len(entries())} entries")
PYTHON
chroot "$work/root" python3 /try.py | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
before: 240 entries, the first 240 hours old, the last 1 hour old
--vacuum-time=11d: 240 entries
--vacuum-time=9d: 0 entries
SEEN
