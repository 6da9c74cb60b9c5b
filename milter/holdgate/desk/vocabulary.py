"""The words of ``words/decisions.toml``, with which a reply decides, limits or comments, and their comparison."""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from holdgate.quarantine.incident import Answer

_FILE = Path(__file__).with_name("words") / "decisions.toml"
WORD = re.compile(r"[^\W\d_]+")
_SHORT = 3
# Keys of the file, and the values of `moderation.changes`, or the classes of a program's mail (classes.py).
_VARIANTS = {
    "redacted": "redact",
    "without_attachments": "without-attachments",
    "encrypted": "encrypt",
    "with_answers": "with-answers",
    "one_day": "one-day",
    "one_week": "one-week",
    "thirty_days": "thirty-days",
}


@dataclass(frozen=True, slots=True)
class Language:
    """The words of one language, folded. `variants` follow an approving word; each names a change or class."""

    words: dict[str, Answer]
    variants: dict[str, str]
    opens: tuple[str, ...]
    harmless: tuple[str, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Words:
    """The words of all languages, folded. `phrases` are the decision words of more than one word.

    `limits` are words and phrases, `limit_stems` beginnings of words.
    """

    languages: dict[str, Language]
    stems: dict[Answer, tuple[str, ...]]
    phrases: dict[Answer, tuple[str, ...]]
    negations: frozenset[str]
    doubts: frozenset[str]
    changes: frozenset[str]
    limits: frozenset[str]
    limit_stems: tuple[str, ...]
    questions: frozenset[str]
    polite: frozenset[str]
    greetings: tuple[str, ...]
    closings: tuple[str, ...]
    remarks: frozenset[str]
    not_names: frozenset[str]

    def approves(self, phrase: str) -> bool:
        """Return whether words are an approving word, in any language."""
        return any(language.words.get(phrase) is Answer.APPROVE for language in self.languages.values())

    @cache  # noqa: B019 - there is one table
    def opens_of(self, language: str) -> tuple[str, ...]:
        """Return how a comment next to a decision word of this language can begin.

        A comment can be in another language; words that are short there can have another meaning here.
        """
        others = (one for name, table in self.languages.items() if name != language for one in table.opens)
        return self.languages[language].opens + tuple(one for one in others if len(one) > _SHORT)


def fold(text: str) -> str:
    """Return a text in the form used for comparison: no case, no accents, apostrophes and hyphens as spaces."""
    text = unicodedata.normalize("NFKD", text.casefold()).replace("ł", "l").replace("ø", "o")
    return "".join(" " if c in "'’‘`-‐‑" else c for c in text if not unicodedata.combining(c))


def is_polite(word: str) -> bool:
    """Return whether a word means thanks or please."""
    return fold(word).strip(" .") in words().polite


def is_remark(word: str) -> bool:
    """Return whether a word is a comment on its own, such as "Fine", and not a name in a signature."""
    return fold(word).strip(" .") in words().remarks


@cache
def words() -> Words:
    """Return the table."""
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))

    def all_of(key: str) -> list[str]:
        return [" ".join(WORD.findall(fold(word))) for one in table.values() for word in one[key]]

    limits = [
        (" ".join(WORD.findall(fold(word))), word.endswith("*")) for one in table.values() for word in one["limits"]
    ]
    languages = {
        name: Language(
            {fold(word): Answer.APPROVE for word in one["approve"]}
            | {fold(word): Answer.REJECT for word in one["reject"]},
            {fold(word): kind for key, kind in _VARIANTS.items() for word in one[key]},
            tuple(" ".join(WORD.findall(fold(word))) for word in one["opens"]),
            tuple(fold(word) for word in one["harmless"]),
        )
        for name, one in table.items()
    }
    deciding = {(word, choice) for one in languages.values() for word, choice in one.words.items() if " " in word}
    return Words(
        languages=languages,
        phrases={answer: tuple(sorted(word for word, choice in deciding if choice is answer)) for answer in Answer},
        stems={Answer.APPROVE: tuple(all_of("approve_stems")), Answer.REJECT: tuple(all_of("reject_stems"))},
        negations=frozenset(all_of("negations")),
        doubts=frozenset(all_of("doubts")),
        changes=frozenset(all_of("changes")),
        limits=frozenset(word for word, is_stem in limits if not is_stem),
        limit_stems=tuple(word for word, is_stem in limits if is_stem),
        questions=frozenset(all_of("questions")),
        polite=frozenset(all_of("polite")),
        greetings=tuple(all_of("greetings")),
        closings=tuple(all_of("closings")),
        remarks=frozenset(all_of("remarks")),
        not_names=frozenset(all_of("not_names")),
    )
