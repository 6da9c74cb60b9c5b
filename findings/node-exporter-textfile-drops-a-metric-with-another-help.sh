#!/usr/bin/env bash
# prometheus-node-exporter 1.9.0 (Debian 13): two files of the textfile collector may have series of one metric, as when two jobs write
# backup_ok with their own labels. If their HELP lines differ in a letter, after one job was updated for example, the
# series of one of the files are dropped. The collector reports success (node_scrape_collector_success 1), and
# node_textfile_mtime_seconds of both files, "successfully read", stays current, so the usual alert on an old file is quiet. An alert on
# backup_ok == 0 is quiet too. Only node_textfile_scrape_error, which has no label of a file, is 1, and the log names
# the metric. The README's section on the collector does not mention HELP.
#
# Seen:
#   same HELP: backup_ok 2, files read 2, success 1, error 0
#   other HELP: backup_ok 1, files read 2, success 1, error 1
set -euo pipefail
# As root, with: apt install mmdebstrap
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=prometheus-node-exporter,python3 trixie "$work/root"
cat >"$work/root/try.py" <<'PYTHON'
import re
import subprocess
import time
import urllib.request
from pathlib import Path

ADDRESS = "127.0.0.1:19139"
FILES = Path("/files")
FILES.mkdir()


def write(name, help_text):
    lines = f'# HELP backup_ok {help_text}\n# TYPE backup_ok gauge\nbackup_ok{{job="{name}"}} 1\n'
    (FILES / f"{name}.prom").write_text(lines)


def scrape():
    for _ in range(100):
        try:
            return urllib.request.urlopen(f"http://{ADDRESS}/metrics").read().decode()
        except OSError:
            time.sleep(0.1)


exporter = subprocess.Popen(
    [
        "prometheus-node-exporter",
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={FILES}",
        f"--web.listen-address={ADDRESS}",
    ],
    stderr=subprocess.DEVNULL,
)
write("one", "The last backup ended well.")
for kind, help_text in {"same HELP": "The last backup ended well.", "other HELP": "The last backup was good."}.items():
    write("two", help_text)
    text = scrape()
    counts = {
        "backup_ok": len(re.findall("^backup_ok{", text, re.M)),
        "files read": len(re.findall("^node_textfile_mtime_seconds{", text, re.M)),
        "success": re.search('^node_scrape_collector_success{collector="textfile"} (.)', text, re.M)[1],
        "error": re.search("^node_textfile_scrape_error (.)", text, re.M)[1],
    }
    print(f"{kind}:", ", ".join(f"{name} {count}" for name, count in counts.items()))
exporter.terminate()
PYTHON
chroot "$work/root" python3 /try.py | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
same HELP: backup_ok 2, files read 2, success 1, error 0
other HELP: backup_ok 1, files read 2, success 1, error 1
SEEN
