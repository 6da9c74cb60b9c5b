"""Measures the cost of redaction: a message with a document is inspected and redacted in turns, in this process.

script/bench redact    exit code 1 if redaction of a message of 74 KB with a Word document takes more than 5
                       times its inspection
"""

import argparse
import io
import json
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import docx
import openpyxl
from reportlab.pdfgen.canvas import Canvas

from benchmarks.mailing.letters import Writer
from holdgate.detect import Detector
from holdgate.extract.budget import Limits
from holdgate.scan.changing import changed
from holdgate.scan.inspect import Inspector

# A card number from the documentation of payment providers, which is to be masked.
_PLANTED = "The card is 4111 1111 1111 1111, as always."
_RULES = Path(__file__).parents[1] / "rules"
_ROUNDS = 9
_RATIO = 5.0
_JOB = {"redact": True, "note": "", "without": ()}


def main(words: list[str]) -> int:
    """Run the measurement and print a row for each kind of message."""
    parser = argparse.ArgumentParser(prog="script/bench redact", description=__doc__)
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    rounds = parser.parse_args(words).rounds
    inspector = Inspector(Detector.from_rules(_RULES), ("dlp-pii",), Limits())
    ratios = {}
    print("| | KB | inspected, ms | redacted, ms | times |\n|---|--:|--:|--:|--:|")
    for kind, content in _messages().items():
        _refuse_failure(kind, changed(inspector, content, _JOB), inspector)
        inspected, redacted = [], []
        for _ in range(rounds):
            inspected.append(_processor_time(inspector.inspect, content))
            redacted.append(_processor_time(changed, inspector, content, _JOB))
        least, most = min(inspected), min(redacted)
        ratios[kind] = most / least
        print(f"| {kind} | {len(content) // 1000} | {least:.1f} | {most:.1f} | {ratios[kind]:.1f} |")
    return 1 if max(ratios["docx"], ratios["docx, only text"]) > _RATIO else 0


def _messages() -> dict[str, bytes]:
    """Return one message of each kind, with a card number in each part.

    Those with a Word document have the size of a typical message (`mailing.letters`): with an image, or with more text.
    """
    writer = Writer("1")
    text, page, word, essay, sheet, paper = (EmailMessage() for _ in range(6))
    for message in (text, page, word, essay, sheet, paper):
        message["Subject"] = writer.words(4)
        message.set_content(f"{writer.text(3_000)}\n{_PLANTED}\n")
    page.add_alternative(f"<html><body><p>{writer.text(3_000)}</p><p>{_PLANTED}</p></body></html>", subtype="html")
    document = docx.Document(io.BytesIO(writer.docx(33, kilobytes=13)))
    document.add_paragraph(_PLANTED)
    long = docx.Document(io.BytesIO(writer.docx(149)))
    long.add_paragraph(_PLANTED)
    book = openpyxl.Workbook()
    assert book.active is not None
    for _ in range(500):
        book.active.append(writer.words(8).split())
    book.active.append([_PLANTED])
    pages = io.BytesIO()
    canvas = Canvas(pages)
    for number in range(5):
        for line in range(40):
            canvas.drawString(72, 780 - 18 * line, writer.words(9))
        canvas.drawString(72, 40, _PLANTED if number == 2 else "")
        canvas.showPage()
    canvas.save()
    paper.add_attachment(pages.getvalue(), maintype="application", subtype="pdf", filename="file.pdf")
    for message, kind, made in ((word, "docx", document), (essay, "docx", long), (sheet, "xlsx", book)):
        data = io.BytesIO()
        made.save(data)
        message.add_attachment(data.getvalue(), maintype="application", subtype="octet-stream", filename=f"file.{kind}")
    made_of = {"text": text, "html": page, "docx": word, "docx, only text": essay}
    made_of |= {"xlsx": sheet, "pdf, 5 pages": paper}
    return {kind: message.as_bytes() for kind, message in made_of.items()}


def _refuse_failure(kind: str, answer: bytes, inspector: Inspector) -> None:
    """Raise SystemExit if a message could not be redacted, or its number is still found: then nothing was measured."""
    report, _, content = answer.partition(b"\n")
    if refused := json.loads(report)["refused"]:
        raise SystemExit(f"redact: the message of kind {kind} was refused: {refused}")
    left = {(found.identifier, found.confidence) for found in inspector.inspect(content).findings}
    if ("payment-card", "high") in left:
        raise SystemExit(f"redact: the message of kind {kind} still has its number")


def _processor_time(work: Callable[..., object], *given: object) -> float:
    """Return the processor time of a function, in milliseconds."""
    started = time.process_time()
    work(*given)
    return (time.process_time() - started) * 1000
