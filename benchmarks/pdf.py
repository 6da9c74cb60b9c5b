"""PDF, OCR and the sandbox: time per page, recall of OCR, the cost of confinement."""

import statistics
import time
from collections.abc import Callable
from functools import partial

from holdgate.extract import ocr
from holdgate.extract.ocr import Ocr, OcrError, OcrLimits, Pixels
from holdgate.extract.readers.pdf import pdf
from holdgate.extract.tesseract import TesseractEngine
from holdgate.scan.sandbox import WorkerLimits, available, confine
from tests.support.confined import run_confined
from tests.support.pdf_writer import simple_pdf
from tests.support.pictures import picture, scanned_pdf
from tests.support.planted_pdf import PLACES, planted_pdf, token
from tests.support.sink import KeepingSink, read_all

ROUNDS = 7
LINES = [
    "Die Kontonummer DE89 3704 0044 0532 0130 00 gehoert dem Kunden",
    "Please charge 4111 1111 1111 1111 before the end of the month",
    "Geburtsdatum 12.03.1971 und Steuernummer siehe Anlage zwei",
    "The quick brown fox jumps over the lazy dog near the river",
]


def threshold(name: str, value: float, bound: float, unit: str = "", at_most: bool = True) -> bool:
    """Print a measured value with its threshold."""
    kept = value <= bound if at_most else value >= bound
    sign = "≤" if at_most else "≥"
    print(f"  {name:44} {value:10.3f} {unit:5} limit {sign} {bound:g}  {'kept' if kept else 'MISSED'}")
    return kept


def seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the median CPU seconds of some rounds."""
    spent = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return statistics.median(spent)


def pages() -> bool:
    """Measure documents made by the tests: every planted place, and the time for plain pages."""
    planted = {packed: read_all(pdf.read, planted_pdf(packed)).everything() for packed in (False, True)}
    found = min(sum(token(place) in text for place in PLACES) for text in planted.values())
    long = simple_pdf(*[f"{LINES[0]} page {number}" for number in range(100)])
    small = simple_pdf(LINES[0])
    return all(
        [
            threshold("planted places found", found, len(PLACES), at_most=False),
            threshold("one small page", 1_000 * seconds(lambda: read_all(pdf.read, small)), 2, "ms"),
            threshold("planted document", 1_000 * seconds(lambda: read_all(pdf.read, planted_pdf())), 10, "ms"),
            threshold("a hundred pages", 1_000 * seconds(lambda: read_all(pdf.read, long)), 100, "ms"),
        ]
    )


def recognition() -> bool:
    """Measure one A4 page at 200 dpi: time, recall of its words upright and rotated, and the time when it is cached."""
    try:
        engine = TesseractEngine()
    except OcrError as missing:
        print(f"  OCR is not measured: {missing}")
        return True
    image = picture(1_654, 2_339, *LINES * 8, size=34)
    words = " ".join(LINES).split()
    kept = []
    for name, turned in (("upright", image), ("on its side", image.rotate(90, expand=True))):
        pixels = Pixels(turned.width, turned.height, turned.tobytes(), 200)
        text = engine.recognise(pixels, 60.0).split()
        spent = seconds(partial(engine.recognise, pixels, 60.0), 3)
        kept.append(threshold(f"A4 page {name}", spent, 4, "s"))
        recall = 100 * sum(word in text for word in words) / len(words)
        kept.append(threshold(f"words found {name}", recall, 90, "%", at_most=False))
    reader = Ocr(engine)
    pixels = Pixels(image.width, image.height, image.tobytes(), 200)
    reader.read(image.width, image.height, lambda: pixels, KeepingSink(), "")
    again = seconds(lambda: reader.read(image.width, image.height, lambda: pixels, KeepingSink(), ""))
    kept.append(threshold("the same page again", 1_000 * again, 20, "ms"))
    scan = scanned_pdf(image)

    def read_scan() -> None:
        ocr.configure(engine, OcrLimits())
        read_all(pdf.read, scan)

    kept.append(threshold("scanned PDF page, rendered and read", seconds(read_scan, 3), 4, "s"))
    ocr.configure(None, OcrLimits())
    return all(kept)


def sandbox() -> bool:
    """Measure the time to apply the sandbox once, and of each reading in it."""
    small = planted_pdf()

    def job() -> float:
        # By the wall clock: under a CPU limit the kernel counts CPU time in ticks.
        spent = []
        for _ in range(300):
            begun = time.perf_counter()
            read_all(pdf.read, small)
            spent.append(time.perf_counter() - begun)
        return min(spent)

    def once() -> float:
        begun = time.perf_counter()
        confine(WorkerLimits())
        return time.perf_counter() - begun

    print(f"  {available()}")
    free, confined = run_confined(job, confined=False).result, run_confined(job).result
    start = min(run_confined(once, confined=False).result for _ in range(ROUNDS))
    return all(
        [
            threshold("confine one worker", 1_000 * start, 10, "ms"),
            threshold("reading confined, compared with free", 100 * confined / free, 115, "%"),
        ]
    )


def main(arguments: list[str]) -> int:
    """Run all measurements, or those named."""
    modules = {"pages": pages, "ocr": recognition, "sandbox": sandbox}
    results = []
    for name in arguments or modules:
        print(name)
        results.append(modules[name]())
    return 0 if all(results) else 1
