"""Measures how long Postfix takes to accept a message that is split, and one that is not, through a real milter.

Both have the same content and two recipients. One recipient of the split message must wait: the milter records an
incident and submits a copy before it answers. Messages of both kinds take turns, one at a time. Returns 1 if the median
of the split ones is more than 2.2 times that of the plain ones.
"""

import argparse
import shutil
import smtplib
import statistics
import tempfile
import time
from pathlib import Path

from testbed import sample_mail
from testbed.ports import LOOPBACK, PATIENCE
from testbed.site import Site

MOST = 2.2
_WARM = 10
_POLICIES = """
internal_domains = ["corp.example"]

[[policy]]
name = "waits"
recipient = "*@partner.example"
action = "quarantine"
split = true
"""
_TO = {"plain": ("bob@corp.example", "eve@corp.example"), "split": ("bob@corp.example", "eve@partner.example")}


def main(words: list[str]) -> int:
    """Measure, print the medians, and compare them."""
    parser = argparse.ArgumentParser(prog="script/bench split", description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="messages of each kind")
    count = parser.parse_args(words).count
    directory = Path(tempfile.mkdtemp(prefix="holdgate-bench-"))
    site = Site(directory, policies=_POLICIES, extra='\n[moderation]\nmoderators = ["boss@corp.example"]\n')
    try:
        site.start()
        for daemon in ("desk", "queue"):  # requests to people are not part of the measurement
            site.stop_daemon(daemon)
        times: dict[str, list[float]] = {kind: [] for kind in _TO}
        with smtplib.SMTP(LOOPBACK, site.postfix.smtp_port, timeout=PATIENCE) as connection:
            for number in range(count + _WARM):
                for kind, recipients in _TO.items():
                    letter = sample_mail.clean()
                    del letter["Message-ID"]
                    letter["Message-ID"] = f"<{kind}-{number}@corp.example>"
                    begun = time.perf_counter()
                    connection.sendmail(sample_mail.SENDER, recipients, letter.as_bytes())
                    if number >= _WARM:
                        times[kind].append(time.perf_counter() - begun)
        held = len(site.postfix.held_ids())
    finally:
        site.stop()
        shutil.rmtree(directory, ignore_errors=True)
    if held != count + _WARM:
        print(f"{held} copies are held, {count + _WARM} were expected")
        return 1
    plain, split = (statistics.median(times[kind]) * 1000 for kind in _TO)
    ratio = split / plain
    late = "" if ratio <= MOST else "  TOO SLOW"
    print(f"plain: {plain:.1f} ms, split: {split:.1f} ms in the median; {ratio:.2f} times (bound {MOST}){late}")
    return 0 if ratio <= MOST else 1
