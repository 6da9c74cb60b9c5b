"""Postal addresses without a postcode, in sentences of eight languages that are filled from a seed."""

import random
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from holdgate.detect import Detector

_HERE: Final = Path(__file__).parent / "letters"
_SLOT: Final = re.compile(r"\{(\w)\}")
_EACH: Final = 20
_HALF: Final = 0.5
GROUPS: Final = ("with", "alone", "nothing")
"""Sentences with street, number and town; with street and number; and with neither."""


def without_postcode(detector: Detector) -> Iterator[tuple[str, str, Counter[str]]]:
    """Yield language, group, and how many addresses were right, wrong and missed; a hit has half of the place."""
    sentences = tomllib.loads((_HERE / "addresses.toml").read_text(encoding="utf-8"))
    organisations = tomllib.loads((_HERE / "organisations.toml").read_text(encoding="utf-8"))
    for language, parts in sentences.items():
        generator = random.Random(f"1 {language}")
        for group in GROUPS:
            counts = Counter[str]()
            for sentence in parts[group]:
                for _ in range(_EACH):
                    text, start, end = _filled(sentence, parts, organisations[language]["town"], generator)
                    _count(counts, detector, text, start, end)
            yield language, group, counts


def _filled(
    sentence: str, parts: dict[str, list[str]], towns: list[str], generator: random.Random
) -> tuple[str, int, int]:
    """Return a sentence, and the place of its address; an empty one if it has none."""
    lists = {"a": parts["ways"], "s": parts["streets"], "w": parts["names"], "t": towns}

    def drawn(slot: re.Match[str]) -> str:
        if slot[1] == "n":
            return str(generator.randint(1, 180))
        return _SLOT.sub(drawn, generator.choice(lists[slot[1]]))

    before, slot, behind = re.split(r"(\{[as]\}|\Z)", sentence, maxsplit=1)[:3]
    before, address, behind = (_SLOT.sub(drawn, piece) for piece in (before, slot, behind))
    return before + address + behind, len(before), len(before) + len(address)


def _count(counts: Counter[str], detector: Detector, text: str, start: int, end: int) -> None:
    found = [match for match in detector.find(text) if match.identifier == "postal-address"]
    right = [
        match
        for match in found
        if min(end, match.end) - max(start, match.start) >= _HALF * (max(end, match.end) - min(start, match.start)) > 0
    ]
    counts["right"] += bool(right)
    counts["wrong"] += len(found) - bool(right)
    counts["missed"] += end > start and not right
