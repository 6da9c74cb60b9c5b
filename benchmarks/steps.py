"""Measures each step of a message from the first callback to the reply, for messages of several kinds.

Waits and work are the medians of many messages, one at a time. `processor` is the time per message of the gate's
thread, and of the zygote and its workers. There is no threshold: compare the rows, or two builds, on the same machine.
"""

import argparse
import io
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

from openpyxl import Workbook
from pptx import Presentation
from pptx.util import Inches

from benchmarks.mailing import account, letters
from benchmarks.mailing.letters import Writer
from holdgate.config import Settings
from holdgate.findings import Inspection
from holdgate.gate.service import ConfigSnapshot, Service
from holdgate.gate.session import Session
from holdgate.policy.model import load_policies
from holdgate.policy.verdict import PolicySet
from holdgate.scan.pool import Pool, PoolSettings
from holdgate.seal import Key, Sealer
from holdgate.tables import Tables

_ROOT = Path(__file__).parents[1]
_KEY = Key("k0000001", datetime(2026, 1, 1, tzinfo=UTC), b"x" * 32)
_CHUNK = 65_535


class _Store:
    """Stores nothing: no message here is held."""

    def record(self, *_: Any, **__: Any) -> None:
        """Accept an incident."""


@dataclass
class _Shared:
    """The data that a session gets from the service."""

    snapshot: ConfigSnapshot
    store: _Store = field(default_factory=_Store)


class _Timed(Pool):
    """A pool that records the time of the last inspection, and the times in its result."""

    asked = 0.0
    output = Inspection()

    def inspect(self, *arguments: Any, **words: Any) -> Inspection:
        """Inspect, and measure the time."""
        begun = time.perf_counter()
        self.output = super().inspect(*arguments, **words)
        self.asked = (time.perf_counter() - begun) * 1000
        return self.output


def _xlsx(writer: Writer) -> bytes:
    book, target = Workbook(), io.BytesIO()
    sheet = book.active
    for row in range(400):
        sheet.append([row, writer.words(2), writer.words(3), row * 1.5, writer.words(1)])
    book.save(target)
    return target.getvalue()


def _pptx(writer: Writer) -> bytes:
    slides, target = Presentation(), io.BytesIO()
    for _ in range(12):
        slide = slides.slides.add_slide(slides.slide_layouts[5])
        box = slide.shapes.add_textbox(Inches(1), Inches(2), Inches(8), Inches(4))
        box.text_frame.text = writer.paragraph()
    slides.save(target)
    return target.getvalue()


def _messages(folder: Path) -> dict[str, bytes]:
    """Return one message of each kind."""
    writer = Writer("1")
    attached: dict[str, Callable[[], bytes]] = {
        "docx": lambda: writer.docx(30),
        "xlsx": lambda: _xlsx(writer),
        "pptx": lambda: _pptx(writer),
        "pdf": lambda: writer.pdf(8, 20),
    }
    (small,) = letters.write(folder, "small", "1", 1).iterdir()
    made = {"small": small.read_bytes()}
    page = EmailMessage()
    page["Subject"] = writer.words(4)
    page.set_content(writer.text(3_000))
    page.add_alternative(f"<html><body><p>{writer.text(3_000)}</p></body></html>", subtype="html")
    made["html"] = page.as_bytes()
    for kind, make in attached.items():
        message = EmailMessage()
        message["Subject"] = writer.words(4)
        message.set_content(writer.text(3_000))
        message.add_attachment(make(), maintype="application", subtype="octet-stream", filename=f"file.{kind}")
        made[kind] = message.as_bytes()
    (large,) = letters.write(folder, "large", "1", 1).iterdir()
    return made | {"large": large.read_bytes()}


def main(words: list[str]) -> int:
    """Print the table in the form of docs/explanation/performance.md."""
    parser = argparse.ArgumentParser(prog="script/bench steps", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="messages of each kind; of large ones a tenth")
    arguments = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        policies = load_policies(_ROOT / "etc/policies.toml")
        for name in ("main.cf", "master.cf"):
            (Path(folder) / name).touch()
        queue = {"postfix_config": folder}
        settings = Settings.model_validate({"milter": {"spool_directory": folder}, "queue": queue})
        wanted = PoolSettings(
            rules=_ROOT / "rules",
            profiles=policies.profiles(),
            workers=2,
            retire_after=settings.scan.retire_after,
            reads_separately=True,
        )
        with _Timed(wanted) as pool:
            policy_set = PolicySet(policies, Tables(Path(folder)))
            snapshot = ConfigSnapshot(settings, policy_set, Sealer([_KEY], timedelta(hours=1)), pool, None)
            service = cast(Service, _Shared(snapshot))
            print("| | size | callbacks | to a worker | read | search | decide, seal | total | gate | workers |")
            print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
            for kind, content in _messages(Path(folder)).items():
                count = max(3, arguments.count // (10 if kind == "large" else 1))
                _print(kind, content, service, pool, count)
    return 0


def _print(kind: str, content: bytes, service: Service, pool: _Timed, count: int) -> None:
    fields, chunks = as_steps(content)
    steps: list[tuple[float, ...]] = []
    for number in range(count + 3):
        if number == 3:  # the first ones warm up
            steps.clear()
            gate, workers = time.thread_time(), account.processor_seconds(*pool.zygotes)
        begun = time.perf_counter()
        collected = send(Session(service), fields, chunks)
        ended = time.perf_counter()
        output = pool.output
        inside, reading = output.elapsed_ms, output.extract_ms
        whole, before, after = (ended - begun) * 1000, (collected - begun) * 1000, (ended - collected) * 1000
        steps.append((before, pool.asked - inside, reading, inside - reading, after - pool.asked, whole))
    # What the stock's workers cost is counted when the zygote waits for them, with the next fork.
    spent = (time.thread_time() - gate, account.processor_seconds(*pool.zygotes) - workers)
    cells = [f"{statistics.median(column):.2f}" for column in zip(*steps, strict=True)]
    cells += [f"{seconds / count * 1000:.2f}" for seconds in spent]
    print(f"| {kind} | {len(content) / 1000:,.0f} KB | {' | '.join(cells)} |")


def send(
    session: Session,
    fields: list[tuple[str, bytes]],
    chunks: list[bytes],
    recipients: Sequence[str] = ("rcpt@partner.example",),
) -> float:
    """Send a message through a session; return the time at which it had arrived completely."""
    session.open("client.corp.example", "192.0.2.1")
    session.begin("sender@corp.example", "")
    for recipient in recipients:
        session.add_recipient(recipient)
    for name, value in fields:
        session.add_header(name, value)
    session.end_headers()
    for chunk in chunks:
        session.add_body(chunk)
    collected = time.perf_counter()
    session.end_of_message("4AbCdEfGhIj")
    return collected


def as_steps(content: bytes) -> tuple[list[tuple[str, bytes]], list[bytes]]:
    """Split a message into the steps of the milter protocol."""
    header, _, body = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    fields: list[tuple[str, bytes]] = []
    for line in header.split(b"\n"):
        if line[:1] in (b" ", b"\t"):
            fields[-1] = (fields[-1][0], fields[-1][1] + b"\n" + line)
        else:
            name, _, value = line.partition(b":")
            fields.append((name.decode("ascii"), value))
    wire = body.replace(b"\n", b"\r\n")
    return fields, [wire[place : place + _CHUNK] for place in range(0, len(wire), _CHUNK)]
