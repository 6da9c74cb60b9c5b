"""Decides whether the new text of a reply approves, rejects, or leaves it open: pure functions over plain text.

A decision word counts where it is alone in its line or sentence, or where a comma, colon, dash or full stop ends it.
Next to a question, a condition, a negation or the other decision it does not count: an unclear reply costs one more
mail, a wrong approval lets a message out. The words of each language are in ``words/decisions.toml``.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from holdgate.quarantine.incident import Answer

_FILE = Path(__file__).with_name("words") / "decisions.toml"

# Signs that people put around a word, or before it to say yes. Brackets are not among them: "[ ] Approve".
_AROUND = r"[*_\"'`“”„«»‚‘’ \t✅✔👍️]*"
_LEADING = re.compile(_AROUND)
# What may follow the word: the end of the text, or punctuation that ends a thought. A hyphen needs a space before it.
_END = re.compile(
    r"[*_\"'`“”«»‘’]*(?:(?P<stop>\s?[.!]+)|(?P<comma>\s?[,;])|(?P<open>\s?:|\s+[-–—]+(?=\s)|\s*[–—]+))?[*_\"'`”»’]*(?=\s|$|[👍✅✔🙂😀])"
)
_ELLIPSIS = re.compile(r"\.{2,}|…")
_SENTENCE = re.compile(r"[^.!?。！？…]+[.!?。！？…]*[\"'”»’)*_]*(?:\s+[?？!]+)*|[.!?。！？…]+")
# Addresses and file names: their full stops end no sentence.
_URL = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|\w+\.[a-z]{3,4}\b", re.IGNORECASE)
_YES = re.compile(r"\bs[íì]\b", re.IGNORECASE)  # "yes" in Spanish and Italian, which without its accent is "if"
_QUESTION = re.compile(r"[?？؟¿⁇⁈]")
_WORD = re.compile(r"[^\W\d_]+")
_CLEAR_END = re.compile(r"[.!?,;…。！？–—-][\"'”»’)*_]*\s*$")
# "Anna says:" and then the word: it is said of somebody else's.
_ANNOUNCES = re.compile(r"[:：][\"'”»’)*_]*\s*$")
# Longest new text that decides, in characters; decisions are short.
_LIMIT = 8_000


@dataclass(frozen=True, slots=True)
class Decision:
    """What a text decides. `rest` is what follows the decision word, raw, "" when nothing is decided."""

    choice: Answer | None
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Language:
    """The words of one language, folded."""

    words: dict[str, Answer]
    harmless: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Words:
    languages: dict[str, Language]
    stems: dict[Answer, tuple[str, ...]]
    negations: frozenset[str]
    doubts: frozenset[str]
    changes: frozenset[str]
    questions: frozenset[str]
    polite: frozenset[str]
    greetings: tuple[str, ...]
    closings: tuple[str, ...]
    remarks: frozenset[str]


@dataclass(slots=True)
class _Unit:
    """One sentence of the text: where it begins, and whether the line before it has come to an end."""

    start: int
    text: str
    paragraph: int
    line: int
    begins: bool
    folded: str = ""
    tokens: list[str] = field(default_factory=list)


def decide(text: str) -> Decision:
    """Return what the new text of a reply decides; the text ends where its quotation or signature begins."""
    text = normal(text)
    if len(text) > _LIMIT:
        return Decision(None)
    units = _units(text)
    found: list[tuple[_Unit, Answer, int, str]] = []
    for unit in units:
        match = _deciding_word(unit)
        if match is None:
            continue
        word, language, end = match
        choice = _words().languages[language].words[word]
        if not unit.begins or not _stands_alone(unit, choice, language, end):
            return Decision(None)
        found.append((unit, choice, end, language))
    if not found or len({choice for _, choice, _, _ in found}) > 1:
        return Decision(None)
    unit, choice, end, language = found[0]
    if not all(_agrees(other, unit, choice, language) for other in units if other is not unit):
        return Decision(None)
    position = unit.start + end
    separator = _END.match(text, position)
    return Decision(choice, text[separator.end() if separator else position :])


def normal(text: str) -> str:
    """Return a text with plain line ends and spaces, and without characters that cannot be seen."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"[\u2028\u2029\x0b\x0c\x85]", "\n", text)
    text = re.sub(r"[^\S\n]", " ", text)
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cf", "Cc"))


def fold(text: str) -> str:
    """Return a text as words are compared: no case, no accents, apostrophes and hyphens as spaces."""
    text = unicodedata.normalize("NFKD", text.casefold()).replace("ł", "l").replace("ø", "o")
    return "".join(" " if c in "'’‘`-‐‑" else c for c in text if not unicodedata.combining(c))


def is_polite(word: str) -> bool:
    """Say whether a word is one of thanks or please."""
    return fold(word).strip(" .") in _words().polite


def is_remark(word: str) -> bool:
    """Say whether a word is a comment of its own, such as "Fine", and not a name that a signature may be."""
    return fold(word).strip(" .") in _words().remarks


def closes(line: str) -> bool:
    """Say whether a line is a complimentary close ("Kind regards,"): the new text of a mail ends there."""
    tokens = _WORD.findall(fold(line))
    phrase = " ".join(tokens)
    if not tokens or len(tokens) > 9:
        return False
    for closing in _words().closings:
        if phrase == closing or (phrase.startswith(closing + " ") and _may_close(line, closing)):
            return True
    return False


def begins_with_word(line: str) -> bool:
    """Say whether a line begins with a decision word."""
    return _deciding_word(_Unit(0, line.strip(), 0, 0, True)) is not None


def greets(line: str) -> bool:
    """Say whether a line is a salutation."""
    phrase = " ".join(_WORD.findall(fold(line)))
    return len(phrase) < 60 and any(phrase == one or phrase.startswith(one + " ") for one in _words().greetings)


def _may_close(line: str, closing: str) -> bool:
    """Say whether more words after a close are a name: short, on one line, not a sentence with an end."""
    more = len(_WORD.findall(line)) - closing.count(" ") - 1
    # "Best" and the like begin sentences too.
    return more <= (4 if len(closing) > 5 else 2) and not re.search(r"[.!?:]\s*$", line)


# -- one sentence -------------------------------------------------------------------------------------------------


def _units(text: str) -> list[_Unit]:
    units: list[_Unit] = []
    paragraph, before, position, announced = 0, "", 0, False
    for number, line in enumerate(text.split("\n")):
        if not line.strip():
            paragraph += 1
        begins = not announced and (
            not before.strip() or bool(_CLEAR_END.search(before)) or greets(before) or _is_said(before)
        )
        # An address has dots and question marks that end nothing.
        shown = _URL.sub(lambda match: "x" * len(match[0]), line)
        for count, match in enumerate(_SENTENCE.finditer(shown)):
            lead = len(match[0]) - len(match[0].lstrip())
            if match[0].strip():
                unit = _Unit(position + match.start() + lead, match[0].strip(), paragraph, number, begins or count > 0)
                unit.folded = fold(_YES.sub("ok", unit.text))
                unit.tokens = _WORD.findall(unit.folded)
                units.append(unit)
        before = line
        if line.strip():
            announced = bool(_ANNOUNCES.search(line)) and not greets(line) and not _is_said(line)
        position += len(line) + 1
    return units


def _is_said(line: str) -> bool:
    """Say whether a line is a decision word alone, or nothing but polite words, so that it needs no full stop."""
    unit = _Unit(0, line.strip(), 0, 0, True)
    tokens = _WORD.findall(fold(line))
    if tokens and all(token in _words().polite for token in tokens):
        return True
    found = _deciding_word(unit)
    return found is not None and not _WORD.search(unit.text[found[2] :])


def _deciding_word(unit: _Unit) -> tuple[str, str, int] | None:
    """Return the decision word that a sentence begins with, its language, and where it ends in the sentence."""
    start = _LEADING.match(unit.text)
    position = start.end() if start else 0
    match = re.compile(r"[^\W\d_]+(?: [^\W\d_]+)?").match(unit.text, position)
    if match is None:
        return None
    for candidate in (match[0], match[0].partition(" ")[0]):
        word = fold(candidate)
        for name, language in _words().languages.items():
            if word in language.words:
                return word, name, position + len(candidate)
    return None


def _stands_alone(unit: _Unit, choice: Answer, language: str, end: int) -> bool:
    """Say whether the word that ends at `end` decides, for all that its own sentence says."""
    if _QUESTION.search(unit.text) or _ELLIPSIS.search(unit.text):
        return False
    tail = unit.text[end:]
    tokens = _WORD.findall(fold(_YES.sub("ok", tail)))
    separator = _END.match(tail)
    ended = separator is not None and (separator.lastgroup is not None)
    if not tokens:
        # "Approve" alone; with a sign or a digit behind it only where these are no more than decoration.
        return re.fullmatch(r"[\s.!,:;*_\"'`”»’–—👍✅✔🙂😀️-]*", tail) is not None
    if all(token in _words().polite for token in tokens) and not re.search(r"[\d/()\[\]]", tail):
        return True
    if not ended or separator is None:
        return False
    if _mentions(tokens, Answer.REJECT if choice is Answer.APPROVE else Answer.APPROVE):
        return False
    if choice is Answer.APPROVE:
        return not _qualifies(tokens, language) and not _asks(tokens, language)
    if separator["open"]:  # "reject: no contract with them": the comment gives the reason
        return not _begins_open(tokens, language, negations=False)
    return not _leaves_open(tokens[:3], language)


def _agrees(other: _Unit, decided: _Unit, choice: Answer, language: str) -> bool:
    """Say whether another sentence of the text leaves the decision as it is."""
    asks = bool(_QUESTION.search(other.text))
    opposite = Answer.REJECT if choice is Answer.APPROVE else Answer.APPROVE
    short = len(other.tokens) <= 4
    same_paragraph = other.paragraph == decided.paragraph
    follows = other.start > decided.start
    if choice is Answer.REJECT:
        if follows and asks and (short or _mentions(other.tokens, None)):
            return False
        if _mentions(other.tokens, opposite) and (short or asks):
            return False
        return not (same_paragraph and _begins_open(other.tokens, language, negations=False))
    if asks or _mentions(other.tokens, opposite):
        return False
    goes_on = follows and other.line == decided.line + 1 and not _CLEAR_END.search(decided.text)
    if goes_on and _asks(other.tokens, language):
        return False
    return not _qualifies(other.tokens, language) and not (not follows and _asks(other.tokens, language))


def _mentions(tokens: Iterable[str], choice: Answer | None) -> bool:
    stems = _words().stems
    wanted = stems[choice] if choice is not None else stems[Answer.APPROVE] + stems[Answer.REJECT]
    return any(token.startswith(wanted) for token in tokens)


def _leaves_open(tokens: Sequence[str], language: str, *, negations: bool = True) -> bool:
    """Say whether words deny, limit or condition."""
    words = _words()
    known = words.doubts | words.negations if negations else words.doubts
    return _contains(" ".join(tokens), known, words.languages[language].harmless)


def _qualifies(tokens: Sequence[str], language: str) -> bool:
    """Say whether words deny, limit or condition an approval, or ask for a change of the message."""
    words = _words()
    known = words.doubts | words.negations | words.changes
    return _contains(" ".join(tokens), known, words.languages[language].harmless)


def _begins_open(tokens: Sequence[str], language: str, *, negations: bool = True) -> bool:
    """Say whether a sentence begins with a word that denies, limits or conditions."""
    phrase = " ".join(tokens[:6]) + " "
    long = any(phrase.startswith(one + " ") for one in _words().doubts if " " in one)
    return long or _leaves_open(tokens[:2], language, negations=negations)


def _asks(tokens: Sequence[str], language: str) -> bool:
    """Say whether a sentence begins as a question."""
    words = _words()
    phrase = " ".join(tokens)
    if any(phrase.startswith(one) for one in words.languages[language].harmless if " " in one):
        return False
    return any(phrase == one or phrase.startswith(one + " ") for one in words.questions)


def _contains(phrase: str, known: Iterable[str], harmless: Sequence[str]) -> bool:
    # Phrases before words: "o ile" is a condition in Polish, "o" alone is none.
    for single in (False, True):
        padded = f" {phrase} "
        for one in sorted(harmless, key=len, reverse=True):
            if single or " " in one:
                padded = padded.replace(f" {one} ", " | ")
        if any(f" {one} " in padded for one in known if (" " not in one) is single):
            return True
    return False


# -- the table ----------------------------------------------------------------------------------------------------


@cache
def _words() -> _Words:
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))

    def all_of(key: str) -> list[str]:
        return [" ".join(_WORD.findall(fold(word))) for one in table.values() for word in one[key]]

    languages = {
        name: Language(
            {fold(word): Answer.APPROVE for word in one["approve"]}
            | {fold(word): Answer.REJECT for word in one["reject"]},
            tuple(fold(word) for word in one["harmless"]),
        )
        for name, one in table.items()
    }
    return _Words(
        languages=languages,
        stems={Answer.APPROVE: tuple(all_of("approve_stems")), Answer.REJECT: tuple(all_of("reject_stems"))},
        negations=frozenset(all_of("negations")),
        doubts=frozenset(all_of("doubts")),
        changes=frozenset(all_of("changes")),
        questions=frozenset(all_of("questions")),
        polite=frozenset(all_of("polite")),
        greetings=tuple(all_of("greetings")),
        closings=tuple(all_of("closings")),
        remarks=frozenset(all_of("remarks")),
    )
