"""Measures the gate in front of a real Postfix: throughput with and without it, and memory with many large messages.

script/bench gate throughput    messages per second through Postfix with the milter, as a ratio to those without it
script/bench gate memory        peak memory of milter and workers while 50 sessions submit 25 MB each
"""

import argparse
import shutil
import smtplib
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from testbed import sample_mail
from testbed.ports import LOOPBACK, wait_for
from testbed.site import Site

_MESSAGES = 1000
_SESSIONS = 8
_ROUNDS = 3


@contextmanager
def _site(**changes: str) -> Iterator[Site]:
    directory = Path(tempfile.mkdtemp(prefix="holdgate-bench-"))
    site = Site(directory, changes=changes)
    try:
        site.start()
        yield site
    finally:
        site.stop()
        shutil.rmtree(directory)


def main(words: list[str]) -> int:
    """Run one measurement and print its figures."""
    parser = argparse.ArgumentParser(prog="script/bench gate", description=__doc__)
    parser.add_argument("what", choices=["throughput", "memory"])
    arguments = parser.parse_args(words)
    return _throughput() if arguments.what == "throughput" else _memory()


def _throughput() -> int:
    """Compare the two in turns, so that changes of the machine's speed affect both alike."""
    message = sample_mail.letter("Minutes", "The meeting began at nine and ended at ten.\n" * 80).as_bytes()
    ratios: list[float] = []
    with _site() as filtered, _site(smtpd_milters="") as bare:
        for _ in range(_ROUNDS):
            with_gate, without = _rate(filtered, message), _rate(bare, message)
            ratios.append(with_gate / without)
            print(f"with {with_gate:.0f}/s, without {without:.0f}/s, ratio {ratios[-1]:.2f}")
    print(f"{len(message)} byte messages, {_SESSIONS} sessions: ratio {statistics.median(ratios):.2f} (median)")
    return 0


def _rate(site: Site, message: bytes) -> float:
    """Return the messages per second that Postfix accepts."""
    path = site.directory / "message"
    path.write_bytes(message.replace(b"\r\n", b"\n"))
    target = f"{LOOPBACK}:{site.postfix.smtp_port}"
    command = ["smtp-source", "-s", str(_SESSIONS), "-m", str(_MESSAGES), "-F", str(path), "-f", sample_mail.SENDER]
    delivered = len(site.next_hop.deliveries) + _MESSAGES
    begun = time.perf_counter()
    subprocess.run([*command, "-t", sample_mail.RECIPIENT, target], check=True)
    rate = _MESSAGES / (time.perf_counter() - begun)
    wait_for(lambda: len(site.next_hop.deliveries) >= delivered, "the queue to empty", 120)
    return rate


def _memory() -> int:
    size, sessions = 25 * 2**20, 50
    line = b"The quick brown fox jumps over the lazy dog and runs through the forest until night.\r\n"
    message = b"Subject: large\r\n\r\n" + line * (size // len(line))
    with _site(message_size_limit=str(2 * size), default_process_limit="100") as site:

        def send(number: int) -> int:
            with smtplib.SMTP(LOOPBACK, site.postfix.smtp_port, timeout=600) as client:
                try:
                    client.sendmail(sample_mail.SENDER, [f"r{number}@partner.example"], message)
                except smtplib.SMTPDataError as error:
                    return error.smtp_code
            return 250

        begun = time.perf_counter()
        with ThreadPoolExecutor(sessions) as threads:
            codes = list(threads.map(send, range(sessions)))
        print(f"{sessions} messages of {size // 2**20} MB at once: {time.perf_counter() - begun:.0f} s")
        for code in sorted(set(codes)):
            print(f"  answered {code}: {codes.count(code)}")
        for pid in (site.pid("milter"), *_below(site.pid("milter"))):
            status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            print(f"  {status['Name'].strip()} {pid}: peak {int(status['VmHWM'].split()[0]) // 1024} MB")
    return 0


def _below(pid: int) -> list[int]:
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            found += [int(child), *_below(int(child))]
    return found
