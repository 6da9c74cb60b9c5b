"""Trains the model of names, always the same from the same lists, texts and seed.

It is a structured averaged perceptron (Collins 2002): the weights of a stretch that was labelled wrongly are changed.
It learns several times, each time in another order, and the weights are the mean: those of one order depend on chance.
"""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from holdgate.detect import lexicon, naming
from holdgate.detect.candidates import mask
from holdgate.detect.lexicon import Lexicon, Names, Table
from training import labelled
from training.labelled import Marked
from training.mail import ORGANISATION, PERSON, PLACE, Words, Writer
from training.texts import SENTENCES

SEED = 17
MAILS = 16_000
ROUNDS = 5
# So many times the model learns; each time takes about a minute.
RUNS = 3
# So many surnames of a hundred, first names and organisations, are not in the lists while the model learns, as those of
# real mail are not. An unknown word alone is seldom a first name.
HIDDEN = 25
HIDDEN_FIRST = 8
HIDDEN_ORGANISATIONS = 60
# So many rare words of a hundred are unknown while the model learns: real mail has words that no list has, which begin
# sentences without being a name.
HIDDEN_WORDS = 10
_RARE = 2
# Features that were seen less often are not learned.
LEAST_SEEN = 2
# What is added to the weights of each word: for a person, of whom too many are found, and for an organisation, of which
# too few are.
LEAN = {naming.PERSON: -10, naming.ORGANISATION: 10}
# Of the weights, so many may be too large for a byte.
TOO_LARGE = 0.0002
_MOST = 127
_LABELS = {PERSON: naming.PERSON, ORGANISATION: naming.ORGANISATION, PLACE: naming.PLACE}
_MOST_COMMON = 5
# A stretch to learn from: the features of its words, and their labels.
Stretch = tuple[list[list[int]], list[int]]


def dictionary(rules: Path, name: str) -> list[str]:
    """Return the words of a dictionary of the rules."""
    return lines(rules / "dictionaries" / f"{name}.txt")


def lines(path: Path) -> list[str]:
    """Return the lines of a list without comments."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def sections(path: Path) -> dict[str, list[str]]:
    """Return the lines of a list by language: behind a line "[en]" come those of English."""
    found: dict[str, list[str]] = {}
    for line in lines(path):
        if line[0] == "[":
            words = found[line[1:-1]] = []
        else:
            words.append(line)
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


_SIGNS: Final = {
    "towns": lexicon.PLACE,
    "countries": lexicon.PLACE,
    "organisations": lexicon.ORGANISATION,
    "brands": lexicon.ORGANISATION,
    "heads": lexicon.HEAD,
    "trades": lexicon.HEAD,
    "first-names": lexicon.GIVEN,
    "surnames": lexicon.FAMILY,
}


def table(root: Path, hidden: frozenset[str] = frozenset(), unknown: frozenset[str] = frozenset()) -> bytes:
    """Return the table of known words, without the names that are `hidden` and the words that are `unknown`."""
    words = {word: often for listed in common(root).values() for word, often in listed.items()}
    codes = {word: often for word, often in words.items() if word not in unknown}
    for listed, sign in _SIGNS.items():
        for name in map(str.lower, lines(root / f"training/{listed}.txt")):
            if name[0] != "[" and (name not in hidden or sign in (lexicon.PLACE, lexicon.HEAD)):
                codes[name] = codes.get(name, 0) | sign
    return lexicon.packed(sorted(codes.items()))


def train(
    root: Path, mails: int = MAILS, runs: int = RUNS, sources: Sequence[labelled.Source] = labelled.SOURCES
) -> bytes:
    """Return the weights as the package ships them. Raises labelled.Missing where there is no corpus."""
    rules = root / "rules"
    generator = random.Random(SEED)
    first, surnames = (
        [*dictionary(rules, listed), *lines(root / f"training/{listed}.txt")] for listed in ("first-names", "surnames")
    )
    names = {*first, *surnames}
    by_language = common(root)
    often = {w for words in by_language.values() for w, how in words.items() if how == _MOST_COMMON or len(w) < 4}
    surnames_too = {*dictionary(rules, "surnames")} - {*dictionary(rules, "not-names")} - often
    frequent = {
        language: [w for w, often in words.items() if often < _MOST_COMMON and len(w) > 3 and w not in names]
        for language, words in by_language.items()
    }
    words = Words(
        [name.title() for name in first], [name.title() for name in surnames],
        sections(root / "training/offices.txt"), frequent,
        lines(root / "training/towns.txt"), lines(root / "training/countries.txt"),
        {language: lines(root / f"training/prose/{language}.txt") for language in SENTENCES},
        sections(root / "training/brands.txt"), sections(root / "training/trades.txt"),
        {language: [w.title() for w in words if w in surnames_too] for language, words in by_language.items()},
    )  # fmt: skip
    writer = Writer(words, SEED)
    listed = {name.lower() for name in lines(root / "training/brands.txt")}
    firsts = {*first}
    hidden = {name for name in sorted(names) if generator.randrange(100) < (HIDDEN_FIRST if name in firsts else HIDDEN)}
    hidden_too = hidden | {name for name in sorted(listed) if generator.randrange(100) < HIDDEN_ORGANISATIONS}
    rare = sorted({word for words in by_language.values() for word, how in words.items() if how <= _RARE})
    unknown = {word for word in rare if generator.randrange(100) < HIDDEN_WORDS}
    learning = Lexicon(
        Names(
            frozenset(dictionary(rules, "first-names")) - hidden,
            frozenset(dictionary(rules, "surnames")) - hidden,
            frozenset(dictionary(rules, "not-names")),
        ),
        Table(table(root, frozenset(hidden_too), frozenset(unknown))),
    )
    data = [stretch for _ in range(mails) for stretch in stretches(Marked(*writer.mail()), learning)]
    for marked, times in labelled.texts(sources):
        data.extend(list(stretches(marked, learning)) * times)
    weights, following = learned(data, generator)
    for _ in range(runs - 1):
        more, more_following = learned(data, generator)
        weights = [one + two for one, two in zip(weights, more, strict=True)]
        following = [one + two for one, two in zip(following, more_following, strict=True)]
    return packed([weight / runs for weight in weights], [weight / runs for weight in following])


def stretches(marked: Marked, learning: Lexicon) -> Iterator[Stretch]:
    """Yield the stretches of a text, with the label of each word."""
    named_before = naming.NamedBefore()
    text, names = marked
    for words in naming.stretches(text, mask(text), learning, named_before):
        labels = [
            next((_LABELS[kind] for start, end, kind in names if start <= word.start < end), naming.OTHER)
            for word in words
        ]
        yield [word.features for word in words], labels
        for start, end, kind in names:
            if words[0].start <= start < words[-1].end:
                named_before.remember(text[start:end], _LABELS[kind])


class _Weights:
    """Weights in one row, and the same times the step of each change, which the average needs."""

    def __init__(self, size: int) -> None:
        self.now = [0.0] * size
        self._late = [0.0] * size

    def change(self, at: int, by: float, step: int) -> None:
        self.now[at] += by
        self._late[at] += step * by

    def averaged(self, step: int) -> list[float]:
        return [now - late / step for now, late in zip(self.now, self._late, strict=True)]


def learned(data: list[Stretch], generator: random.Random) -> tuple[list[float], list[float]]:
    """Return the weights of features, those of all labels of one after another, and of each label after each."""
    seen = bytearray(naming.SLOTS)
    for words, _ in data:
        for feature in (feature for features in words for feature in features):
            seen[feature] = min(seen[feature] + 1, LEAST_SEEN)
    count = naming.LABELS
    rows = [
        ([[feature * count for feature in features if seen[feature] >= LEAST_SEEN] for features in words], labels)
        for words, labels in data
    ]
    weights, following = _Weights(naming.SLOTS * count), _Weights(count * count)
    step = 1
    for _ in range(ROUNDS):
        generator.shuffle(rows)
        for words, labels in rows:
            guessed = _guessed(weights.now, following.now, words, labels)
            if guessed != labels:
                for index, (features, label, guess) in enumerate(zip(words, labels, guessed, strict=True)):
                    if label != guess:
                        for feature in features:
                            weights.change(feature + label, 1, step)
                            weights.change(feature + guess, -1, step)
                    if index:
                        following.change(labels[index - 1] * count + label, 1, step)
                        following.change(guessed[index - 1] * count + guess, -1, step)
            step += 1
    return weights.averaged(step), following.averaged(step)


def _guessed(weights: list[float], following: list[float], words: list[list[int]], labels: list[int]) -> list[int]:
    """Return the labels that the weights say now, where a wrong one has a head start (Viterbi)."""
    count = naming.LABELS
    best: list[float] = []
    back: list[list[int]] = []
    for features, label in zip(words, labels, strict=True):
        scores = [1.0] * count
        scores[label] = 0.0
        other, person, organisation, place = scores
        for feature in features:
            other += weights[feature]
            person += weights[feature + 1]
            organisation += weights[feature + 2]
            place += weights[feature + 3]
        scores = [other, person, organisation, place]
        if best:
            came = []
            for now in range(count):
                reached = [best[before] + following[before * count + now] for before in range(count)]
                most = max(reached)
                came.append(reached.index(most))
                scores[now] += most
            back.append(came)
        best = scores
    found = [best.index(max(best))]
    for came in reversed(back):
        found.append(came[found[-1]])
    return found[::-1]


def packed(weights: list[float], following: list[float]) -> bytes:
    """Return a byte for each pair of labels, then one for each slot and label, against the label for other words."""
    count = naming.LABELS
    against = [
        weights[at + label] - weights[at] for at in range(0, naming.SLOTS * count, count) for label in range(1, count)
    ]
    sizes = sorted(abs(weight) for weight in against if weight)
    scale = _MOST / max(sizes[int(len(sizes) * (1 - TOO_LARGE))] if sizes else 0, 1e-9)
    content = bytearray(_byte(weight * scale) for weight in following)
    content.extend(_byte(weight * scale) for weight in against)
    every = naming.TRANSITIONS + naming.mixed(0, 0, 0) * naming.LANES - 1
    for label, by in LEAN.items():
        content[every + label] = _byte(content[every + label] - naming.MIDDLE + by)
    return bytes(content)


def _byte(weight: float) -> int:
    return min(max(round(weight), -_MOST), _MOST) + naming.MIDDLE
