"""Names and addresses that a detector finds in other people's labelled sentences, and how fast."""

import json
import time
from collections import Counter

from benchmarks import corpora
from holdgate.detect import Detector

KINDS = {"PERSON": "person-name", "ORGANIZATION": "organisation"}
_HALF = 0.5


def accuracy(detector: Detector) -> Counter[tuple[str, str]]:
    """Count right, wrong and missed names of each kind, of any confidence, where half of the place is common."""
    counts = Counter[tuple[str, str]]()
    folder = corpora.corpus("presidio-research")
    for path in sorted(folder.glob("*.json")) if folder is not None else []:
        for sample in json.loads(path.read_text(encoding="utf-8")):
            places = [
                (KINDS[span["entity_type"]], span["start_position"], span["end_position"])
                for span in sample["spans"]
                if span["entity_type"] in KINDS
            ]
            for match in detector.find(sample["full_text"]):
                if match.identifier not in KINDS.values():
                    continue
                hit = next(
                    (
                        (kind, start, end)
                        for kind, start, end in places
                        if kind == match.identifier
                        and min(end, match.end) - max(start, match.start)
                        >= _HALF * (max(end, match.end) - min(start, match.start))
                    ),
                    None,
                )
                counts[match.identifier, "wrong" if hit is None else "right"] += 1
                if hit is not None:
                    places.remove(hit)
            counts.update((kind, "missed") for kind, _, _ in places)
    return counts


def rate(asking: Detector, plain: Detector, texts: list[str]) -> float:
    """Return the MB of text a second of what names and organisations cost on top of all else, in whole texts."""
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
