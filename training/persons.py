"""Trains the model of person names (averaged perceptron), always the same from the same dictionaries and seed."""

import random
import re
import tomllib
from collections import defaultdict
from pathlib import Path

from holdgate.detect.candidates import mask
from holdgate.detect.persons import Names, stretches
from training.mail import Sample, Writer

SEED = 17
MAILS = 12_000
ROUNDS = 3
# So many words of a hundred are not in the dictionaries while the model learns, as names of real mail are not.
HIDDEN = 25
LEAST_WEIGHT = 2
_SOMEBODY = re.compile(r"\b(?:Ann|Anna|Bob|Ben|Carl|Dana|Eve|Smith|Schmidt|Maria|John|Jane|Meyer|Muster\w*)\b")
_HEAD = """# Weights of features of person names, made by script/train from generated text: see training/.
# Names drawn from Faker (MIT) and the US Census Bureau (public domain); text written for Holdgate (GPL-3.0-or-later).
"""


def dictionary(rules: Path, name: str) -> list[str]:
    """Return the words of a dictionary of the rules."""
    lines = (rules / "dictionaries" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def words(rules: Path) -> dict[str, list[str]]:
    """Return the words of offices by language: the keywords of all lists."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted([*(rules / "keywords").glob("*.toml"), *(rules / "identifiers").glob("*.toml")]):
        for language, listed in tomllib.loads(path.read_text(encoding="utf-8")).get("keywords", {}).items():
            found[language].extend(word for word in listed if word.replace(" ", "").isalpha() and len(word) > 3)
    return found


def prose(root: Path) -> list[str]:
    """Return paragraphs of this project's own pages, in which nobody is named, in English and German."""
    paths = sorted(
        [
            *(root / "docs").rglob("*.md"),
            root / "CONTRIBUTING.md",
            *(root / "milter/holdgate/desk/language/locale").glob("de.po"),
        ]
    )
    found = [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    clean = (re.sub(r"^msg(?:id|str)\S* |[`*|#\"\[\]]|\{[^}]*\}|\([^)]*\)", " ", line).strip() for line in found)
    return [line for line in clean if len(line) > 40 and not _SOMEBODY.search(line)]


def train(root: Path) -> dict[str, int]:
    """Return the weights that are worth keeping, by feature."""
    rules = root / "rules"
    generator = random.Random(SEED)
    first, surnames = dictionary(rules, "first-names"), dictionary(rules, "surnames")
    writer = Writer(
        [name.title() for name in first], [name.title() for name in surnames], words(rules), prose(root), SEED
    )
    hidden = {name for name in sorted({*first, *surnames}) if generator.randrange(100) < HIDDEN}
    names = Names(frozenset(first) - hidden, frozenset(surnames) - hidden, frozenset(dictionary(rules, "not-names")))
    examples = [example for _ in range(MAILS) for example in labelled(writer.mail(), names)]
    weights: dict[str, float] = defaultdict(float)
    totals: dict[str, float] = defaultdict(float)
    step = 1
    for _ in range(ROUNDS):
        generator.shuffle(examples)
        for features, person in examples:
            score = sum(weights[feature] for feature in features)
            if (score > 0) != person:
                change = 1.0 if person else -1.0
                for feature in features:
                    weights[feature] += change
                    totals[feature] += step * change
            step += 1
    averaged = {feature: weight - totals[feature] / step for feature, weight in weights.items()}
    most = max(map(abs, averaged.values()))
    scaled = {feature: round(127 * weight / most) for feature, weight in averaged.items()}
    return {feature: weight for feature, weight in sorted(scaled.items()) if abs(weight) >= LEAST_WEIGHT}


def labelled(sample: Sample, names: Names) -> list[tuple[list[str], bool]]:
    """Return the features of each capitalised word, and whether it is of a person's name."""
    return [
        (word.features, any(start <= word.start < end for start, end in sample.persons))
        for stretch in stretches(sample.text, mask(sample.text), names)
        for word in stretch
    ]


def write(weights: dict[str, int], path: Path) -> None:
    """Write the weights as the package ships them."""
    lines = "".join(f"{feature} {weight}\n" for feature, weight in weights.items())
    path.write_text(_HEAD + lines, encoding="utf-8")
