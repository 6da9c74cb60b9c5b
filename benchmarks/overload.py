"""More mail than can be inspected: when sessions become slower, when mail is deferred, memory use, and recovery."""

import argparse
import shutil
import smtplib
import statistics
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from testbed import sample_mail
from testbed.ports import LOOPBACK, PATIENCE
from testbed.site import Site

# How much more memory milter and workers may have under the heaviest load than before, in bytes.
MEMORY_GROWTH = 500 * 2**20
# How much slower a lone message may be afterwards.
RECOVERY = 2.0
_ALONE = 20
_KIB = 1024


@dataclass(slots=True)
class Step:
    """The result for a number of concurrent sessions; times in seconds."""

    sessions: int
    seconds: float
    times: list[float] = field(default_factory=list)
    deferred: int = 0
    memory: int = 0

    def output(self) -> str:
        """Return a row of the table."""
        rate = len(self.times) / self.seconds
        median = statistics.median(self.times) if self.times else 0.0
        slowest = max(self.times, default=0.0)
        return (
            f"{self.sessions:8} {rate:10.1f}/s {median * 1000:9.0f} ms {slowest * 1000:9.0f} ms "
            f"{self.deferred:9} {self.memory / 2**20:9.0f} MB"
        )


def main(arguments: list[str]) -> int:
    """Measure; return 0 if memory is bounded, no accepted message is lost, and the site recovers."""
    parser = argparse.ArgumentParser(prog="script/bench overload")
    parser.add_argument("--seconds", type=float, default=10, help="how long each number of sessions is tried")
    parser.add_argument("--sessions", type=int, nargs="*", default=[1, 2, 4, 8, 16, 32, 64, 96])
    parser.add_argument("--wait-limit", default="2m", help="scan.wait_limit of the site: how long mail waits its turn")
    given = parser.parse_args(arguments)
    directory = Path(tempfile.mkdtemp(prefix="holdgate-bench-"))
    site = Site(directory, extra=f'[scan]\nwait_limit = "{given.wait_limit}"\n')
    content = [sample_mail.clean().as_bytes(), sample_mail.letter("Form", "x" * 70 + "\n").as_bytes()]
    document = sample_mail.letter("Form", "Please see the form.\n")
    document.add_attachment(
        sample_mail.document(), maintype="application", subtype="octet-stream", filename="form.docx"
    )
    content.append(document.as_bytes().replace(sample_mail.CARD.encode(), b"none"))
    try:
        site.start()
        alone = _alone(site, content[0])
        before = _memory(site)
        print(f"{'sessions':>8} {'messages':>12} {'median':>12} {'slowest':>12} {'deferred':>9} {'memory':>12}")
        steps = []
        for sessions in given.sessions:
            steps.append(_step(site, sessions, given.seconds, content))
            print(steps[-1].output(), flush=True)
        again = _alone(site, content[0])
        accepted = sum(len(step.times) for step in steps) + 2 * _ALONE
        site.wait_for(lambda: _settled(site, accepted), "all that was accepted to be delivered or held")
    finally:
        site.stop()
        shutil.rmtree(directory)
    grown = max(step.memory for step in steps) - before
    first = next((step.sessions for step in steps if step.deferred), None)
    print(f"mail is deferred from {first} sessions on" if first else "no mail was deferred: sessions became slower")
    print(f"memory: {grown / 2**20:+.0f} MB at most (limit {MEMORY_GROWTH / 2**20:.0f} MB)")
    print(f"a lone message: {alone * 1000:.0f} ms before, {again * 1000:.0f} ms after (limit {RECOVERY} times)")
    return 0 if grown < MEMORY_GROWTH and again < RECOVERY * alone else 1


def _step(site: Site, sessions: int, seconds: float, content: list[bytes]) -> Step:
    step = Step(sessions, seconds)
    end = time.monotonic() + seconds
    lock = threading.Lock()

    def session(number: int) -> None:
        turn = number
        while time.monotonic() < end:
            try:
                with smtplib.SMTP(LOOPBACK, site.postfix.smtp_port, timeout=PATIENCE) as client:
                    client.ehlo()
                    while time.monotonic() < end:
                        turn += 1
                        begun = time.monotonic()
                        client.sendmail(sample_mail.SENDER, [sample_mail.RECIPIENT], content[turn % len(content)])
                        with lock:
                            step.times.append(time.monotonic() - begun)
            except (OSError, smtplib.SMTPException):
                with lock:
                    step.deferred += 1

    threads = [threading.Thread(target=session, args=[number]) for number in range(sessions)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        step.memory = max(step.memory, _memory(site))
        time.sleep(0.5)
    return step


def _alone(site: Site, content: bytes) -> float:
    """Return the median time of a message when there is no other, in seconds."""
    times = []
    for _ in range(_ALONE):
        begun = time.monotonic()
        site.submit(content, sample_mail.SENDER, sample_mail.RECIPIENT)
        times.append(time.monotonic() - begun)
    return statistics.median(times)


def _settled(site: Site, accepted: int) -> bool:
    return len(site.next_hop.to(sample_mail.RECIPIENT)) + len(site.postfix.held_ids()) >= accepted


def _memory(site: Site) -> int:
    """Return the proportional memory (PSS) of milter, zygote and workers, in bytes."""
    pids, found = [site.pid("milter")], 0
    while pids:
        pid = pids.pop()
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            pids += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        except OSError:
            continue
        found += next(int(line.split()[1]) * _KIB for line in text.splitlines() if line.startswith("Pss:"))
    return found
