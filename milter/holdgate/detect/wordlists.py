"""An administrator's word lists: one word or phrase per line, with its weight, as text or CSV.

``lists/projects.csv`` becomes the identifier ``list-projects``. A line is ``Project Nightjar`` or
``Project Nightjar,5``; lines that begin with # are comments. Words are found like keywords: complete words, in any
case.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from holdgate.detect.identifiers import Identifier, Samples, Shape
from holdgate.detect.keywords import fold
from holdgate.detect.match import Confidence
from holdgate.detect.tomlfile import RuleError

MOST_WORDS = 200_000
MOST_WEIGHT = 1_000
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class WordList:
    """A list, as an identifier, with the weight of each word (in the form for comparison)."""

    path: Path
    identifier: Identifier
    weights: dict[str, int]


def read_all(local_dir: Path) -> list[WordList]:
    """Return the lists under `local_dir`. Raises RuleError with file, line and reason for the first error."""
    paths = sorted(path for path in (local_dir / "lists").glob("*") if path.suffix in (".csv", ".txt"))
    return [_read(path) for path in paths]


def _read(path: Path) -> WordList:
    if not _NAME.fullmatch(path.stem):
        raise RuleError(path, 1, "the file's name is not kebab-case (lower-case letters, digits, single hyphens)")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or "unreadable") if isinstance(error, OSError) else "not UTF-8"
        raise RuleError(path, 1, reason) from None
    weights: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            word, weight = _entry(path, number, line)
            if word in weights:
                raise RuleError(path, number, "the word appears twice")
            weights[word] = weight
    if not weights:
        raise RuleError(path, 1, "no words in it")
    if len(weights) > MOST_WORDS:
        raise RuleError(path, MOST_WORDS, f"more than {MOST_WORDS} words")
    return WordList(path, _identifier(path), weights)


def _entry(path: Path, number: int, line: str) -> tuple[str, int]:
    try:
        cells = next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise RuleError(path, number, f"not CSV: {error}") from None
    word = " ".join(fold(cells[0]).split())
    if not word:
        raise RuleError(path, number, "no letters or digits in the word")
    if len(cells) > 2:
        raise RuleError(path, number, "more than two columns (word, weight); put a word with a comma in quotes")
    weight = cells[1].strip() if len(cells) == 2 else "1"
    if not weight.isascii() or not weight.isdecimal() or not 1 <= int(weight) <= MOST_WEIGHT:
        raise RuleError(path, number, f"the weight is no whole number from 1 to {MOST_WEIGHT}")
    return word, int(weight)


def _identifier(path: Path) -> Identifier:
    name = f"list-{path.stem}"
    medium = Confidence.MEDIUM
    return Identifier.model_construct(
        id=name,
        description=f"Word of the list {path.name}",
        region="global",
        source=(path.name,),
        shapes=(Shape(name="word of the list", dictionary=name, without_evidence=medium, with_evidence=medium),),
        samples=Samples.model_construct(),
    )
