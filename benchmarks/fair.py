"""Small mail during large mail of another sender: how much longer it takes than alone, in turns on one site."""

import argparse
import contextlib
import shutil
import smtplib
import statistics
import tempfile
import threading
import time
from email.message import EmailMessage
from pathlib import Path

from testbed import sample_mail
from testbed.ports import LOOPBACK, PATIENCE
from testbed.site import Site

# How much longer the median may be with the large mail than alone.
THRESHOLD = 3.0
_LARGE, _SMALL = "large@corp.example", "small@corp.example"
_LINE = "Invoice 12-3456-78 of 7 May 2026, order 4711-0815, 1.234,56 EUR, telephone extension 1234\n"
_SIZE = 9_000_000


def main(arguments: list[str]) -> int:
    """Measure; return 0 when no kind of small mail takes longer than THRESHOLD times, by the median."""
    parser = argparse.ArgumentParser(prog="script/bench fair")
    parser.add_argument("--sessions", type=int, default=8, help="sessions that send large mail")
    parser.add_argument("--seconds", type=float, default=15, help="how long each turn lasts")
    parser.add_argument("--turns", type=int, default=3, help="turns without large mail, and turns with it")
    given = parser.parse_args(arguments)
    directory = Path(tempfile.mkdtemp(prefix="holdgate-bench-"))
    site = Site(directory, changes={"message_size_limit": "40000000"})
    plain = sample_mail.clean().as_bytes()
    kinds = {"plain text": plain, "HTML": plain.replace(b"text/plain", b"text/html")}
    large = _large()
    times: dict[tuple[str, bool], list[float]] = {
        (kind, with_large): [] for kind in kinds for with_large in (False, True)
    }
    sent = 0
    try:
        site.start()
        for _ in range(given.turns):
            _send(site, kinds, times, given.seconds, with_large=False)
            ended = threading.Event()
            counts = [0] * given.sessions
            threads = [
                threading.Thread(target=_send_large, args=[site, large, ended, counts, number])
                for number in range(given.sessions)
            ]
            for thread in threads:
                thread.start()
            _send(site, kinds, times, given.seconds, with_large=True)
            ended.set()
            for thread in threads:
                thread.join()
            sent += sum(counts)
    finally:
        site.stop()
        shutil.rmtree(directory)
    print(f"{given.sessions} sessions sent {sent} messages of {len(large) / 1e6:.1f} MB")
    print(f"{'small mail':12} {'':10} {'messages':>8} {'median':>10} {'p95':>10} {'slowest':>10}")
    worst = 0.0
    for kind in kinds:
        medians = []
        for with_large in (False, True):
            found = sorted(times[kind, with_large])
            medians.append(statistics.median(found))
            shown = (medians[-1], found[int(len(found) * 0.95)], found[-1])
            print(
                f"{kind:12} {'with large' if with_large else 'alone':10} {len(found):8} "
                + " ".join(f"{one * 1000:7.0f} ms" for one in shown),
                flush=True,
            )
        worst = max(worst, medians[1] / medians[0])
    print(f"longest: {worst:.2f} times (limit {THRESHOLD})")
    return 0 if worst <= THRESHOLD else 1


def _large() -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"<{_LARGE}>", f"<{sample_mail.RECIPIENT}>", "Invoices"
    message.set_content("See the list.\n")
    lines = _LINE * (_SIZE // len(_LINE))
    message.add_attachment(lines.encode(), maintype="text", subtype="plain", filename="list.txt", cte="8bit")
    return message.as_bytes().replace(b"\n", b"\r\n")


def _send(
    site: Site,
    kinds: dict[str, bytes],
    times: dict[tuple[str, bool], list[float]],
    seconds: float,
    *,
    with_large: bool,
) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for kind, content in kinds.items():
            begun = time.monotonic()
            site.submit(content, _SMALL, sample_mail.RECIPIENT)
            times[kind, with_large].append(time.monotonic() - begun)


def _send_large(site: Site, content: bytes, ended: threading.Event, counts: list[int], number: int) -> None:
    while not ended.is_set():
        with (
            contextlib.suppress(OSError, smtplib.SMTPException),
            smtplib.SMTP(LOOPBACK, site.postfix.smtp_port, timeout=10 * PATIENCE) as client,
        ):
            client.sendmail(_LARGE, [sample_mail.RECIPIENT], content, ["BODY=8BITMIME"])
            counts[number] += 1
