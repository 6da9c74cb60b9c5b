"""Trains the model of names (structured averaged perceptron), always the same from the same lists, texts and seed."""

import json
import random
import re
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

from holdgate.detect import lexicon, naming
from holdgate.detect.candidates import mask
from holdgate.detect.lexicon import Lexicon, Names, Table
from training.mail import ORGANISATION, PERSON, PLACE, Words, Writer
from training.texts import SENTENCES

SEED = 17
MAILS = 9_000
ROUNDS = 3
# So many words of a hundred are not in the dictionaries while the model learns, as names of real mail are not.
HIDDEN = 25
# Features that were seen less often are not learned, and weights that are smaller are not kept.
LEAST_SEEN = 2
LEAST_WEIGHT = 2
# So much speaks against a person for a start: real text has fewer of them than generated mail.
CAUTION = 30
_LABELS = {PERSON: naming.PERSON, ORGANISATION: naming.ORGANISATION, PLACE: naming.PLACE}
_MOST_COMMON = 5
_ABOUT = (
    "Weights of features of names, made by script/train from generated text: see training/README.md, which names the "
    "sources and their licences."
)
# A stretch to learn from: the features of its words, the gaps between them, their labels.
Stretch = tuple[list[list[str]], list[str], list[int]]


def dictionary(rules: Path, name: str) -> list[str]:
    """Return the words of a dictionary of the rules."""
    return _lines(rules / "dictionaries" / f"{name}.txt")


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def offices(rules: Path) -> dict[str, list[str]]:
    """Return the words of offices by language: the keywords of all lists."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted([*(rules / "keywords").glob("*.toml"), *(rules / "identifiers").glob("*.toml")]):
        for language, listed in tomllib.loads(path.read_text(encoding="utf-8")).get("keywords", {}).items():
            found[language].extend(word for word in listed if word.replace(" ", "").isalpha() and len(word) > 3)
    return found


def common(root: Path) -> dict[str, dict[str, int]]:
    """Return how common the words of each language are, from 1 to 5."""
    found: dict[str, dict[str, int]] = {}
    for path in sorted((root / "training/words").glob("*.txt")):
        words = found[path.stem] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("# "):
                often = int(line[2:])
            else:
                words.update(dict.fromkeys(line.split(), often))
    return found


def table(root: Path) -> bytes:
    """Return the table of known words."""
    codes = {word: often for words in common(root).values() for word, often in words.items()}
    for name in _lines(root / "training/towns.txt") + _lines(root / "training/countries.txt"):
        for piece in re.split(r"[ \-']", name.lower()):
            if len(piece) > 3:
                codes[piece] = codes.get(piece, 0) | lexicon.PLACE
    return lexicon.packed(sorted(codes.items()))


def train(root: Path, known: Table) -> dict[str, int]:
    """Return the weights that are worth keeping, by feature, three packed into one number."""
    rules = root / "rules"
    generator = random.Random(SEED)
    first, surnames = dictionary(rules, "first-names"), dictionary(rules, "surnames")
    names = {*first, *surnames}
    frequent = {
        language: [w for w, often in words.items() if often < _MOST_COMMON and len(w) > 3 and w not in names]
        for language, words in common(root).items()
    }
    words = Words(
        [name.title() for name in first], [name.title() for name in surnames], offices(rules), frequent,
        _lines(root / "training/towns.txt"), _lines(root / "training/countries.txt"),
        {language: _lines(root / f"training/prose/{language}.txt") for language in SENTENCES},
    )  # fmt: skip
    writer = Writer(words, SEED)
    hidden = {name for name in sorted(names) if generator.randrange(100) < HIDDEN}
    learning = Lexicon(
        Names(frozenset(first) - hidden, frozenset(surnames) - hidden, frozenset(dictionary(rules, "not-names"))), known
    )
    return _kept(_learned([stretch for _ in range(MAILS) for stretch in _labelled(writer, learning)], generator))


def _labelled(writer: Writer, learning: Lexicon) -> list[Stretch]:
    """Return the stretches of one mail, with the label of each word."""
    text, names = writer.mail()
    return [
        (
            [word.features for word in words],
            [word.gap for word in words],
            [next((_LABELS[kind] for start, end, kind in names if start <= word.start < end), 0) for word in words],
        )
        for words in naming.stretches(text, mask(text), learning)
    ]


class _Weights(defaultdict[str, list[float]]):
    """Weights of the labels by feature, with what they were in all steps before, for the average."""

    def __init__(self) -> None:
        super().__init__(lambda: [0.0] * naming.LABELS)
        self.totals: dict[str, list[float]] = defaultdict(lambda: [0.0] * naming.LABELS)
        self.step = 1

    def change(self, feature: str, label: int, by: float) -> None:
        self[feature][label] += by
        self.totals[feature][label] += self.step * by

    def averaged(self) -> dict[str, list[float]]:
        return {
            feature: [weight - total / self.step for weight, total in zip(weights, self.totals[feature], strict=True)]
            for feature, weights in self.items()
        }


def _learned(stretches: list[Stretch], generator: random.Random) -> dict[str, list[float]]:
    seen = Counter(feature for words, _, _ in stretches for features in words for feature in features)
    rare = {feature for feature, times in seen.items() if times < LEAST_SEEN}
    data = [
        ([[feature for feature in features if feature not in rare] for features in words], gaps, labels)
        for words, gaps, labels in stretches
    ]
    weights = _Weights()
    for _ in range(ROUNDS):
        generator.shuffle(data)
        for words, gaps, labels in data:
            guessed = _guessed(weights, words, gaps, labels)
            if guessed != labels:
                for index, features in enumerate(words):
                    if labels[index] != guessed[index]:
                        for feature in features:
                            weights.change(feature, labels[index], 1)
                            weights.change(feature, guessed[index], -1)
                    if index and (labels[index] != guessed[index] or labels[index - 1] != guessed[index - 1]):
                        for end in {"", gaps[index]}:
                            weights.change(f"T{labels[index - 1]}{end}", labels[index], 1)
                            weights.change(f"T{guessed[index - 1]}{end}", guessed[index], -1)
            weights.step += 1
    return weights.averaged()


def _guessed(weights: _Weights, words: list[list[str]], gaps: list[str], labels: list[int]) -> list[int]:
    """Return the labels that the weights say now, where a wrong one has a head start (Viterbi)."""
    best: list[float] = []
    back: list[list[int]] = []
    get = weights.get
    for index, features in enumerate(words):
        scores = [0.0 if label == labels[index] else 1.0 for label in range(naming.LABELS)]
        for feature in features:
            weight = get(feature)
            if weight is not None:
                scores = [score + more for score, more in zip(scores, weight, strict=True)]
        if index:
            none = [0.0] * naming.LABELS
            following = [
                [sum(pair) for pair in zip(get(f"T{label}", none), get(f"T{label}{gaps[index]}", none), strict=True)]
                for label in range(naming.LABELS)
            ]
            came = [
                max(range(naming.LABELS), key=lambda earlier: best[earlier] + following[earlier][label])
                for label in range(naming.LABELS)
            ]
            scores = [
                score + best[earlier] + following[earlier][label]
                for label, (score, earlier) in enumerate(zip(scores, came, strict=True))
            ]
            back.append(came)
        best = scores
    found = [best.index(max(best))]
    for came in reversed(back):
        found.append(came[found[-1]])
    return found[::-1]


def _kept(averaged: dict[str, list[float]]) -> dict[str, int]:
    """Return whole numbers, against the label for other words."""
    against = {feature: [weight - weights[0] for weight in weights[1:]] for feature, weights in averaged.items()}
    most = max(max(map(abs, weights)) for weights in against.values())
    scaled = {feature: [round(500 * weight / most) for weight in weights] for feature, weights in against.items()}
    scaled["b"][0] -= CAUTION
    return {
        feature: naming.packed(weights)
        for feature, weights in sorted(scaled.items())
        if max(map(abs, weights)) >= LEAST_WEIGHT
    }


def write(weights: dict[str, int], path: Path) -> None:
    """Write the weights as the package ships them."""
    lines = ",\n".join(f"{json.dumps(feature, ensure_ascii=False)}:{weight}" for feature, weight in weights.items())
    path.write_text(f'{{"about":"{_ABOUT}",\n"weights":{{\n{lines}\n}}}}\n', encoding="utf-8")
