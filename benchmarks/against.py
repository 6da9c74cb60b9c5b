"""Compares the processor time of this build for documents and texts with that of another revision, as ratios.

The builds are measured in turns. The samples are made from a seed: contents of ordinary mail, and larger ones of each
kind.
"""

import io
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import docx
import openpyxl
import pptx
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

import holdgate
from benchmarks import corpora
from benchmarks.builds import ROOT, Build, tree_of

MOST = 1.1
"""A build may spend this share of what the other spends: more is slower, and no noise."""
_TURNS, _ROUNDS, _CORPUS_TURNS = 7, 3, 3

_COMMON = """account agreed amount annual between board budget change contract delivery department draft figures invoice
manager meeting minutes month notice number offer office order paper period plan please position price project quarter
question reason region report request result review sales schedule service signed staff status supplier table team
terms thank today total travel update value version week which with without year"""
_WORDS = _COMMON.split()


class _Maker:
    """Makes words, lines and documents of them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def line(self, words: int = 12) -> str:
        return " ".join(self.chance.choices(_WORDS, k=words))

    def word_document(self, paragraphs: int) -> bytes:
        document = docx.Document()
        document.add_heading(self.line(4))
        for _ in range(paragraphs):
            document.add_paragraph(self.line(50))
        return _saved(document.save)

    def workbook(self, rows: int) -> bytes:
        book = openpyxl.Workbook()
        sheet = book.create_sheet("Figures", 0)
        for row in range(rows):
            sheet.append([self.line(2), self.chance.random() * 1_000, row, self.chance.randrange(10**6), self.line(4)])
        return _saved(book.save)

    def presentation(self, slides: int) -> bytes:
        deck = pptx.Presentation()
        for _ in range(slides):
            slide = deck.slides.add_slide(deck.slide_layouts[1])
            slide.shapes.title.text = self.line(4)
            slide.placeholders[1].text = "\n".join(self.line(8) for _ in range(5))
        return _saved(deck.save)

    def pdf(self, pages: int) -> bytes:
        stream = io.BytesIO()
        canvas = Canvas(stream, pagesize=A4, invariant=1)
        for _ in range(pages):
            text = canvas.beginText(50, 790)
            for _ in range(50):
                text.textLine(self.line())
            canvas.drawText(text)
            canvas.showPage()
        canvas.save()
        return stream.getvalue()

    def table(self, rows: int) -> bytes:
        lines = ["id,name,item,amount,comment"]
        for row in range(rows):
            name = self.chance.choice(("Anna", "Ben", "Carla", "David")) + " " + self.chance.choice(("Adams", "Baker"))
            amount = f"{self.chance.randint(1, 999)}.{self.chance.randrange(100):02}"
            lines.append(f"{row},{name},{self.line(2)},{amount},{self.line(4)}")
        return "\n".join(lines).encode()

    def log(self, lines: int) -> bytes:
        return "\n".join(
            f"2026-11-{self.chance.randint(1, 28):02} 12:{self.chance.randrange(60):02}:07 node{row % 99} job "
            f"{self.chance.randrange(10**9)} took {self.chance.random() * 100:.3f} s, "
            f"id {self.chance.randrange(16**12):012x}"
            for row in range(lines)
        ).encode()

    def page(self, paragraphs: int) -> bytes:
        body = "".join(f"<p class='a'>{self.line(40)} <b>{self.line(2)}</b></p>" for _ in range(paragraphs))
        return f"<html><head><title>Report</title></head><body>{body}</body></html>".encode()


def _saved(save: Callable[[IO[bytes]], object]) -> bytes:
    stream = io.BytesIO()
    save(stream)
    return stream.getvalue()


def documents() -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of documents to read."""
    maker = _Maker(1)
    yield "one page.docx", maker.word_document(12)
    yield "forty pages.docx", maker.word_document(400)
    yield "500 rows.xlsx", maker.workbook(500)
    yield "ten slides.pptx", maker.presentation(10)
    for name in ("text.odt", "sheet.ods"):
        yield name, (ROOT / "tests/data/documents" / name).read_bytes()
    yield "three pages.pdf", maker.pdf(3)
    yield "forty pages.pdf", maker.pdf(40)
    yield "page.html", maker.page(100)
    yield "table.csv", maker.table(8_000)


def texts() -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of texts to search."""
    maker = _Maker(2)
    yield "mail of 3 KB", "\n".join(maker.line() for _ in range(40)).encode()
    yield "prose of 500 KB", "\n".join(maker.line() for _ in range(6_500)).encode()
    yield "table of 500 KB", maker.table(8_000)
    yield "log of 500 KB", maker.log(6_500)


def measure(do: str, revision: str) -> bool:
    """Print the ratio of this build to a revision for each sample; return whether none takes longer than before."""
    source = Path(holdgate.__file__).is_relative_to(ROOT / "milter")
    samples = documents() if do == "extract" else texts()
    print(f"{do}, against {revision}: least CPU of several turns")
    kept = True
    with (
        tempfile.TemporaryDirectory(prefix="holdgate-against.") as directory,
        Build(ROOT, source) as new,
        Build(tree_of(revision), source) as old,
    ):
        for name, data in samples:
            path = Path(directory) / name
            path.write_bytes(data)
            best = [float("inf"), float("inf")]
            for _ in range(_TURNS):
                for number, build in enumerate((new, old)):
                    best[number] = min(best[number], build.ask(do, path, _ROUNDS)["seconds"])
            good = best[0] <= MOST * best[1]
            kept &= good
            times = f"{best[1] / best[0]:6.2f} times faster" if good else "MISSED: slower"
            print(f"  {name:24} {1e3 * best[1]:8.2f} → {1e3 * best[0]:8.2f} ms  {times}")
        if do == "extract" and (folder := corpora.corpus("documents")):
            _whole_corpus(folder, new, old)
    return kept


def _whole_corpus(folder: Path, new: Build, old: Build) -> None:
    """Print the processor time of both builds for all documents of a corpus, and the peak memory for one of them.

    This build may read more of them.
    """
    spent, peak = [0.0, 0.0], [0, 0]
    for path in sorted(found for found in folder.rglob("*") if found.is_file()):
        times: list[list[float]] = [[], []]
        for _ in range(_CORPUS_TURNS):
            for number, build in enumerate((new, old)):
                times[number].append(build.ask("extract", path)["seconds"])
        spent = [total + min(turns) for total, turns in zip(spent, times, strict=True)]
        peak = [max(most, build.ask("peak", path)["result"]) for most, build in zip(peak, (new, old), strict=True)]
    print(
        f"  {'all of the corpus':24} {1e3 * spent[1]:8.2f} → {1e3 * spent[0]:8.2f} ms  {spent[0] / spent[1]:6.2f} times"
    )
    ratio = peak[0] / peak[1]
    print(f"  {'a worker with one of it':24} {peak[1] / 1024:8.1f} → {peak[0] / 1024:8.1f} MiB {ratio:6.2f} times")
