"""Idle daemons: wake-ups, memory, and how long the milter takes to start and accept its first message.

It needs root and Debian's postfix. Wake-ups are voluntary context switches of all threads of a daemon and of its child
processes (proc_pid_status(5)). Memory is measured 15 s after the first message. The seconds until the first message
depend on the machine and its other load. Compare them with the processor time in the same row, which is the minimum on
an idle machine.
"""

import argparse
import re
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.mailing import account
from testbed import sample_mail
from testbed.site import Site

WAKE_UPS = 1.0
"""A daemon may wake up so often a second."""
START_SECONDS = 2.0
_SWITCHES = re.compile(r"^voluntary_ctxt_switches:\s+(\d+)", re.MULTILINE)
_SHARE = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
# What a daemon does once after its start, and after a message.
_SETTLED = 15.0


def main(words: list[str]) -> int:
    """Measure; return 0 when every figure is within its threshold."""
    parser = argparse.ArgumentParser(prog="script/bench idle", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long wake-ups are counted")
    arguments = parser.parse_args(words)
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="holdgate-idle-"))
        stack.callback(shutil.rmtree, directory)
        site = Site(directory, scan_user="nobody")
        stack.callback(site.stop)
        good = _start(site)
        return 0 if _idle(site, arguments.seconds) and good else 1


def _start(site: Site) -> bool:
    site.prepare()
    site.next_hop.start()
    site.postfix.write(site._services, **site._changes)
    site.postfix.start()
    site.start_daemon("scan")
    begun = time.monotonic()
    before = account.processor_seconds(site.pid("scan"))
    site.start_daemon("milter")
    site.submit(sample_mail.clean().as_bytes(), sample_mail.SENDER, sample_mail.RECIPIENT)
    elapsed = time.monotonic() - begun
    used = account.processor_seconds(site.pid("milter"), site.pid("scan")) - before
    print(
        f"from the start of the milter to the first message accepted: {elapsed:.1f} s, processor time {used:.1f} s "
        f"(limit {START_SECONDS:.0f} s){'' if elapsed < START_SECONDS else '  TOO SLOW'}"
    )
    for name in ("queue", "desk"):
        site.start_daemon(name)
    return elapsed < START_SECONDS


def _idle(site: Site, seconds: float) -> bool:
    time.sleep(_SETTLED)
    _memory(site)
    good = True
    before = {name: _switches(site.pid(name)) for name in site.daemons}
    begun = time.monotonic()
    time.sleep(seconds)
    for name in site.daemons:
        rate = (_switches(site.pid(name)) - before[name]) / (time.monotonic() - begun)
        good &= rate <= WAKE_UPS
        late = "" if rate <= WAKE_UPS else "  TOO OFTEN"
        print(f"{name}: {rate:.2f} wake-ups a second (limit {WAKE_UPS:.0f}){late}")
    return good


def _memory(site: Site) -> None:
    """Print the memory of each daemon with its processes: the proportional share (PSS) of each."""
    total = 0.0
    for name in site.daemons:
        shares = [share for pid in account.tree(site.pid(name)) if (share := _share(pid))]
        total += sum(shares)
        print(
            f"{name}: {sum(shares):.1f} MB in {len(shares)} processes: {', '.join(f'{share:.1f}' for share in shares)}"
        )
    print(f"all: {total:.1f} MB")


def _share(pid: int) -> float:
    """Return the proportional share of a process in MB, 0 for one that has ended."""
    try:
        found = _SHARE.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:
        return 0.0
    return int(found[1]) * 1024 / 1e6 if found else 0.0


def _switches(pid: int) -> int:
    total = 0
    for process in account.tree(pid):
        for status in Path(f"/proc/{process}/task").glob("*/status"):
            found = _SWITCHES.search(status.read_text())
            total += int(found[1]) if found else 0
    return total
