"""Digests of what the weights are made from, so that a test can say when the shipped ones are stale.

`script/train` writes them to `inputs.sha256`. Comments and docstrings do not count: lists are compared by their words,
modules by their constants, and the code by what it learns from a few mails.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Final

from holdgate.detect import naming, statements
from training import companies, labelled, mail, names, phrases, texts

FILE: Final = "training/inputs.sha256"
LEARNING: Final = "the code that learns, and features of words"
_DICTIONARIES: Final = ("first-names", "surnames", "not-names")
_MAILS: Final = 40
_UNIVERSAL: Final = (
    "# sent_id = a-1",
    "# text = Anna (Bonn).",
    "1\tAnna\tB-PER",
    "2\t(\tO",
    "3\tBonn\tB-LOC",
    "4\t)\tO",
    "",
)
_COLUMNS: Final = ("Anna I-person", "( O", "Alpha B-ORG", "Bau I-ORG", ") O", "said O", ". O")


def of_lists(root: Path) -> dict[str, str]:
    """Return the digest of each list, and of the constants of modules, by what it is."""
    listed = sorted(path for folder in ("training", "training/prose") for path in (root / folder).glob("*.txt"))
    found = {path.relative_to(root).as_posix(): _digest(names.lines(path)) for path in listed}
    for name in _DICTIONARIES:
        found[f"rules/dictionaries/{name}.txt"] = _digest(names.dictionary(root / "rules", name))
    found["training/words"] = _digest([json.dumps(names.common(root), sort_keys=True)])
    found["people and titles of statements.toml"] = _digest(sorted(statements.PEOPLE) + sorted(statements.TITLES))
    for module in (texts, phrases, companies, mail, names):
        found[f"constants of {module.__name__}"] = _digest(_constants(module))
    found["corpora of training.labelled"] = _digest(map(repr, labelled.SOURCES))
    return found


def of_learning(root: Path) -> str:
    """Return the digest of what is learned from a few mails and read from a few lines; it takes some seconds."""
    read = (labelled.documents(_UNIVERSAL), labelled.sentences(_COLUMNS), labelled.pages(_COLUMNS * 20))
    learned = names.train(root, mails=_MAILS, runs=1, sources=())
    return _digest([hashlib.sha256(learned).hexdigest(), *(repr(list(marked)) for marked in read)])


def all_of(root: Path) -> dict[str, str]:
    """Return both, by what it is."""
    return {**of_lists(root), LEARNING: of_learning(root)}


def recorded(root: Path) -> dict[str, str]:
    """Return what the last training wrote."""
    return {line[66:]: line[:64] for line in (root / FILE).read_text(encoding="utf-8").splitlines()}


def stale(made: dict[str, str], now: dict[str, str]) -> str:
    """Return a sentence that names what changed since the weights were made, "" if nothing did."""
    changed = sorted(what for what in made.keys() | now.keys() if made.get(what) != now.get(what))
    if not changed:
        return ""
    return f"{naming.FILE} was made before these changed: {', '.join(changed)}. Run script/train."


def record(root: Path) -> None:
    """Write the digests of now."""
    (root / FILE).write_text("".join(f"{digest}  {what}\n" for what, digest in all_of(root).items()), "utf-8")


def _constants(module: ModuleType) -> Iterable[str]:
    return (f"{name}={_plain(value)}" for name, value in sorted(vars(module).items()) if name.isupper())


def _plain(value: object) -> str:
    if isinstance(value, re.Pattern):
        return repr(value.pattern)
    return repr(sorted(value)) if isinstance(value, frozenset) else repr(value)


def _digest(pieces: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(pieces).encode()).hexdigest()
