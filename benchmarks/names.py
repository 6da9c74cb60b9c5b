"""Names and addresses that a detector finds in sentences labelled by others, and its speed."""

import json
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import islice, product

from benchmarks import corpora, letters
from holdgate.detect import Detector
from training import labelled, mail

KINDS = {"PERSON": "person-name", "ORGANIZATION": "organisation"}
MARKED = {mail.PERSON: "person-name", mail.ORGANISATION: "organisation"}
SENTENCES = 1_500
"""So many sentences of WikiNEuRal in each language."""
LETTERS = 5
"""So many times each letter is filled with other names."""
_HALF = 0.5

Place = tuple[str, int, int]


def accuracy(detector: Detector) -> Counter[tuple[str, str]]:
    """Count right, wrong and missed names of each kind in presidio-research, of any confidence."""
    counts = Counter[tuple[str, str]]()
    folder = corpora.corpus("presidio-research")
    for path in sorted(folder.glob("*.json")) if folder is not None else []:
        for sample in json.loads(path.read_text(encoding="utf-8")):
            places = [
                (KINDS[span["entity_type"]], span["start_position"], span["end_position"])
                for span in sample["spans"]
                if span["entity_type"] in KINDS
            ]
            _count(counts, detector, sample["full_text"], places)
    return counts


def others(detector: Detector) -> Iterator[tuple[str, Counter[tuple[str, str]]]]:
    """Yield the same for each file of the corpus names-test: Universal NER (of EWT, its mail alone) and WikiNEuRal."""
    folder = corpora.corpus("names-test")
    for path in sorted(folder.iterdir()) if folder is not None else []:
        lines = path.read_text(encoding="utf-8").split("\n")
        if path.suffix == ".iob2":
            texts = labelled.documents(mails(lines) if "_ewt-" in path.name else lines)
        else:
            texts = labelled.sentences("\t".join(line.split("\t")[1:]) for line in lines)
        counts = Counter[tuple[str, str]]()
        for text, names in islice(texts, SENTENCES):
            places = [(MARKED[kind], start, end) for start, end, kind in names if kind in MARKED]
            _count(counts, detector, text, places)
        yield path.name, counts


def in_letters(detector: Detector) -> Iterator[tuple[str, Counter[tuple[str, str]]]]:
    """Yield the same for the letters of each language, about 60, and the business letters, 40 (see `letters`).

    Each second letter was not used while the model was made; those letters also have a separate line.
    """
    for folder, title in (("", "letters"), ("business", "business")):
        for language in letters.LANGUAGES:
            counts = Counter[tuple[str, str]]()
            unseen = Counter[tuple[str, str]]()
            for index, (text, names) in enumerate(letters.letters(language, LETTERS, 1, folder)):
                places = [(MARKED[kind], start, end) for start, end, kind in names]
                one = Counter[tuple[str, str]]()
                _count(one, detector, text, places)
                counts += one
                if index // LETTERS % 2:
                    unseen += one
            yield f"{title} {language}", counts
            yield f"{title} {language}, unseen", unseen


ADDRESS = "postal-address"


def in_fresh(detector: Detector) -> Iterator[tuple[str, Counter[tuple[str, str]], Counter[tuple[str, str]]]]:
    """Yield the same for the fresh letters of each language, with postal addresses, and those by country."""
    for folder, language in product(letters.FRESH, letters.LANGUAGES):
        counts = Counter[tuple[str, str]]()
        countries = Counter[tuple[str, str]]()
        for text, names in letters.fresh(language, folder):
            places = [(MARKED.get(kind, ADDRESS), start, end) for start, end, kind in names]
            missed = _count(counts, detector, text, places, {*KINDS.values(), ADDRESS})
            for start, end, kind in names:
                if kind not in MARKED:
                    countries[kind, "missed" if (ADDRESS, start, end) in missed else "right"] += 1
        yield f"{folder} {language}", counts, countries


def mails(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of the sentences of EWT that are from mail."""
    kept = False
    for line in lines:
        if line.startswith("# sent_id = "):
            kept = line.startswith("# sent_id = email")
        if kept:
            yield line


def _count(
    counts: Counter[tuple[str, str]],
    detector: Detector,
    text: str,
    places: list[Place],
    kinds: Collection[str] = frozenset(KINDS.values()),
) -> list[Place]:
    """Count the names found with at least half of the span in common, those found elsewhere, and those missed.

    Return the missed ones.
    """
    left = list(places)
    for match in detector.find(text):
        if match.identifier not in kinds:
            continue
        hit = next(
            (
                (kind, start, end)
                for kind, start, end in left
                if kind == match.identifier
                and min(end, match.end) - max(start, match.start)
                >= _HALF * (max(end, match.end) - min(start, match.start))
            ),
            None,
        )
        counts[match.identifier, "wrong" if hit is None else "right"] += 1
        if hit is not None:
            left.remove(hit)
    counts.update((kind, "missed") for kind, _, _ in left)
    return left


def rate(asking: Detector, plain: Detector, texts: list[str]) -> float:
    """Return the speed of finding names and organisations alone, in MB of text per second, for complete texts."""
    spent = []
    for detector in (asking, plain):
        best = float("inf")
        for _ in range(3):
            began = time.process_time()
            for text in texts:
                detector.find(text)
            best = min(best, time.process_time() - began)
        spent.append(best)
    return sum(map(len, texts)) / 1e6 / max(spent[0] - spent[1], 1e-9)
