"""Extraction: real documents, evasions, and growth of cost; each against its threshold."""

import argparse
import base64
import io
import os
import random
import resource
import statistics
import sys
import tarfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from email.message import EmailMessage
from functools import partial
from pathlib import Path

from PIL import Image

from benchmarks import against, corpora
from benchmarks.calibration import unit
from holdgate.detect import Confidence, Detector
from holdgate.extract import lint
from holdgate.extract.budget import Budget
from holdgate.extract.extractor import extract_file, extract_message
from holdgate.extract.part import Extraction, Status
from tests.support.evasion import evasions, wire
from tests.support.limit_inputs import zipped
from tests.support.pdf_writer import PdfWriter

PAYLOAD = (
    b"Dear all, the card of the customer is 4111 1111 1111 1111, valid until 12/29. Please call us about it today."
)
WANTED = "4111 1111 1111 1111"
PLANTED = {"us-ssn", "payment-card", "iban"}
"""What benchmarks/programs plants in each file."""


def threshold(name: str, value: float, bound: float, unit: str = "", at_most: bool = False) -> bool:
    """Print a measured value with its threshold."""
    kept = value <= bound if at_most else value >= bound
    print(
        f"  {name:44} {value:10.3f} {unit:5} limit {'≤' if at_most else '≥'} {bound:g}  {'kept' if kept else 'MISSED'}"
    )
    return kept


def cost(work: Callable[[], Extraction], rounds: int = 1) -> tuple[float, Extraction]:
    """Return the least processor time of some rounds, in seconds, and the result."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    return best, result


def documents() -> bool:
    """Measure every document of the corpus: the share of undamaged ones that is read, and the time of one."""
    folder = corpora.corpus("documents")
    if folder is None:
        return True
    seconds: list[float] = []
    read, reasons = Counter[str](), Counter[str]()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        spent, extraction = cost(partial(extract_file, path.name, data))
        seconds.append(spent)
        unreadable = extraction.reason.endswith("encrypted") or "damaged" in extraction.reason
        read["unreadable" if unreadable else extraction.status.value] += 1
        if extraction.status is not Status.COMPLETE:
            reasons[extraction.reason.rpartition(": ")[2]] += 1
    undamaged = sum(read.values()) - read["unreadable"]
    print(f"documents: {len(seconds)}, {dict(read)}, reasons {dict(reasons)}")
    seconds.sort()
    return all(
        [
            threshold("undamaged documents read", 100 * (undamaged - read["failed"]) / undamaged, 99, "%"),
            threshold("median", statistics.median(seconds) / unit(), 2.5, "units", at_most=True),
            threshold("p99", seconds[len(seconds) * 99 // 100] / unit(), 120, "units", at_most=True),
        ]
    )


def evasion() -> bool:
    """Every family of MIME evasion: found or flagged."""
    found = flagged = either = count = 0
    for _, message in evasions(PAYLOAD):
        for form in (message, wire(message)):
            extraction = extract_message(form)
            hit = any(WANTED in part.text for part in extraction.parts)
            doubt = extraction.status is not Status.COMPLETE
            count, found, flagged, either = count + 1, found + hit, flagged + doubt, either + (hit or doubt)
    print(f"evasions: {count} messages, {found} found, {flagged} flagged")
    return threshold("found or flagged", 100 * either / count, 98, "%")


def ham() -> bool:
    """Measure real mail: the share that is flagged, and the time of one message."""
    folder = corpora.corpus("ham")
    if folder is None:
        return True
    doubts, seconds = Counter[str](), list[float]()
    flagged = unread = 0
    for archive in sorted(folder.glob("*.tar.xz")):
        with tarfile.open(archive) as members:
            for member in members:
                stream = members.extractfile(member)
                if stream is None:
                    continue
                message = stream.read().replace(b"\n", b"\r\n")
                found = lint.read(message, Budget()).doubts
                flagged += bool(found)
                doubts.update(found)
                spent, extraction = cost(partial(extract_message, message))
                seconds.append(spent)
                unread += extraction.status is not Status.COMPLETE
    seconds.sort()
    median, p99 = statistics.median(seconds), seconds[len(seconds) * 99 // 100]
    print(f"ham: {len(seconds)} messages, {dict(doubts)}, median {1e3 * median:.2f} ms, p99 {1e3 * p99:.2f} ms")
    return all(
        [
            threshold("flagged", 100 * flagged / len(seconds), 0.2, "%", at_most=True),
            threshold("not complete", 100 * unread / len(seconds), 0.1, "%", at_most=True),
        ]
    )


def programs() -> bool:
    """Read files as programs write them, with three numbers in each; a complete one without all of them is an error."""
    folder = Path(os.environ.get("HOLDGATE_PROGRAMS", "build/programs"))
    if not folder.is_dir():
        print(f"skipped: no files of programs in {folder}; benchmarks/programs/__init__.py says how they are made")
        return True
    detector = Detector.from_rules(Path("rules"), profile="dlp-pii")
    counts = Counter[str]()
    for path in sorted(folder.iterdir()):
        extraction = extract_file(path.name, path.read_bytes())
        found = {
            match.identifier
            for part in extraction.parts
            for match in detector.find(part.text, part.places)
            if match.confidence is not Confidence.LOW
        }
        missed = PLANTED - found
        kind = "read" if not missed else "flagged" if extraction.status is not Status.COMPLETE else "unread"
        if kind == "unread":
            kind = "unread silently" if missed == PLANTED else "unread in part"
            print(f"  {kind}: {path.name}")
        counts[kind] += 1
        counts["read whole"] += kind == "read" and extraction.status is Status.COMPLETE
    print(f"programs: {len(list(folder.iterdir()))} files, {dict(counts)}")
    return all(
        threshold(kind, counts[kind], 0, "files", at_most=True) for kind in ("unread silently", "unread in part")
    )


def growth() -> bool:
    """Check that four times the size takes at most about four times as long."""
    makers: dict[str, Callable[[int], bytes]] = {
        "a.txt": lambda count: b"a line of words\n" * count,
        "a.html": lambda count: b"<html><body>" + b"<p class='a'>a line of <b>words</b></p>" * count,
        "a.xml": lambda count: b"<?xml version='1.0'?><a>" + b"<b c='d'>words</b>" * count + b"</a>",
        "a.csv": lambda count: b"name,note,number\n" * count,
        "a.rtf": lambda count: b"{\\rtf1 " + b"{\\b words}\\par " * count + b"}",
        "a.ics": lambda count: b"BEGIN:VCALENDAR\r\n" + b"SUMMARY:words\r\n" * count + b"END:VCALENDAR\r\n",
        "a.zip": lambda count: zipped({f"{number}.txt": b"words %d" % number for number in range(count // 20)}),
        "a.eml": lambda count: b"".join(b"X-%d: words\r\n" % number for number in range(count // 4)) + b"\r\na",
    }
    kept = []
    for name, make in makers.items():
        once, more = make(10_000), make(40_000)
        ratio = cost(lambda: extract_file(name, more), 3)[0] / cost(lambda: extract_file(name, once), 3)[0]  # noqa: B023
        kept.append(threshold(f"{name}, four times the size", ratio, 6, "times", at_most=True))
    return all(kept)


def mails() -> bool:
    """A small text mail and a mail of 10 MB with nine attachments."""
    small = EmailMessage()
    small["From"], small["To"], small["Subject"] = "a@corp.example", "b@partner.example", "Minutes of Monday"
    small["Date"], small["Message-ID"] = "Mon, 23 Nov 2026 09:00:00 +0100", "<1@corp.example>"
    small.set_content("We talked about the plan for the next quarter and agreed on it.\n" * 42)
    raw = small.as_bytes().replace(b"\n", b"\r\n")
    large = large_mail()
    seconds, extraction = cost(lambda: extract_message(large), 5)
    print(
        f"mails: small {len(raw)} bytes; large {len(large)} bytes, {len(extraction.parts)} parts, {extraction.status}"
    )
    return all(
        [
            threshold("small mail", cost(lambda: extract_message(raw), 300)[0] / unit(), 0.2, "units", at_most=True),
            threshold("mail of 10 MB", seconds / unit(), 1_200, "units", at_most=True),
        ]
    )


def large_mail() -> bytes:
    """Return a message of about 10 MB with photos, a scan, two PDFs, Office files, a zip, a table and a text."""
    chance = random.Random(20261123)
    words = [base64.b32encode(chance.randbytes(chance.randint(2, 6))).decode().strip("=").lower() for _ in range(3_000)]

    def prose(count: int) -> str:
        return "\n".join(" ".join(chance.choices(words, k=12)) for _ in range(count // 12))

    def photo(side: int) -> bytes:
        image = Image.frombytes("RGB", (side, side), chance.randbytes(3 * side * side))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=80)
        return out.getvalue()

    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@corp.example", "b@partner.example", "Report"
    mail.set_content(prose(400))
    for name, content, kind in (
        ("photo1.jpg", photo(1_950), "image/jpeg"),
        ("photo2.jpg", photo(1_950), "image/jpeg"),
        ("minutes.pdf", _pdf([prose(400) for _ in range(20)], b""), "application/pdf"),
        ("brochure.pdf", _pdf([prose(300) for _ in range(10)], photo(1_200)), "application/pdf"),
        ("contract.docx", _docx(prose(8_000), photo(900)), "application/octet-stream"),
        ("figures.xlsx", _xlsx(chance), "application/octet-stream"),
        ("folder.zip", _zip([(f"note{n}.txt", prose(4_000).encode()) for n in range(8)]), "application/zip"),
        ("table.csv", "\n".join(",".join(chance.choices(words, k=8)) for _ in range(5_000)).encode(), "text/csv"),
        ("log.txt", prose(30_000).encode(), "text/plain"),
    ):
        main, sub = kind.split("/")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _zip(members: list[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()


_TYPES = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def _docx(text: str, picture: bytes) -> bytes:
    paragraphs = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in text.splitlines())
    body = f'<w:document xmlns:w="urn:w"><w:body>{paragraphs}</w:body></w:document>'
    return _zip([("[Content_Types].xml", _TYPES), ("word/document.xml", body.encode()), ("word/media/a.jpg", picture)])


def _xlsx(chance: random.Random) -> bytes:
    rows = "".join(
        f'<row r="{row}">'
        + "".join(f'<c r="{column}{row}"><v>{chance.random():.6f}</v></c>' for column in "ABCDEFGH")
        + "</row>"
        for row in range(1, 1_001)
    )
    sheet = f"<worksheet><sheetData>{rows}</sheetData></worksheet>"
    return _zip([("[Content_Types].xml", _TYPES), ("xl/worksheets/sheet1.xml", sheet.encode())])


def _pdf(pages: list[str], picture: bytes) -> bytes:
    writer = PdfWriter()
    tree = writer.reserve()
    font = writer.add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    image = writer.stream(
        picture,
        "/Type /XObject /Subtype /Image /Width 1200 /Height 1200 /ColorSpace /DeviceRGB /BitsPerComponent 8"
        " /Filter /DCTDecode",
    )
    kids = []
    for page in pages:
        lines = "".join(f"({line}) Tj T*\n" for line in page.splitlines())
        draw = "q 200 0 0 200 50 50 cm /I Do Q\n" if picture else ""
        content = writer.stream(f"BT /F 9 Tf 12 TL 40 800 Td\n{lines}ET\n{draw}".encode(), compress=True)
        resources = f"<< /Font << /F {font} 0 R >> /XObject << /I {image} 0 R >> >>"
        kids.append(
            writer.add(
                f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 595 842] /Resources {resources}"
                f" /Contents {content} 0 R >>"
            )
        )
    kid_list = " ".join(f"{kid} 0 R" for kid in kids)
    writer.put(tree, f"<< /Type /Pages /Count {len(kids)} /Kids [{kid_list}] >>")
    root = writer.add(f"<< /Type /Catalog /Pages {tree} 0 R >>")
    return writer.file(f"/Root {root} 0 R")


def main(arguments: list[str]) -> int:
    """Run the measurements named, or all."""
    measurements = {
        "documents": documents,
        "evasion": evasion,
        "ham": ham,
        "programs": programs,
        "mails": mails,
        "growth": growth,
    }
    parser = argparse.ArgumentParser(prog="script/bench extract", description=__doc__)
    parser.add_argument("what", nargs="*", help=", ".join(measurements))
    parser.add_argument("--against", metavar="REV", help="measure cost against a revision's build, and nothing else")
    chosen = parser.parse_args(arguments)
    if chosen.against:
        return 0 if against.measure("extract", chosen.against) else 1
    if set(chosen.what) - set(measurements):
        parser.error(f"there is only {', '.join(measurements)}")
    print(f"a unit of work is {1_000 * unit():.2f} ms here")
    kept = [measurements[name]() for name in chosen.what or measurements]
    print(f"resident at the end: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024} MB at most")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
