"""Decides whether the new text of a reply approves, rejects, or leaves it open: pure functions over plain text.

A decision word, or a phrase such as "I approve this", counts if it is alone in its line or sentence, or if a comma,
colon, dash or full stop follows it. It does not count next to a question, a condition, a negation or the other
decision: an unclear reply costs one more mail, a wrong approval releases a message. Next to an approval, only a certain
comment is allowed: it begins with words that are known to begin one, and has none that limit. A complete list of
limiting words is impossible. The words of each language are in ``words/decisions.toml``.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from holdgate.desk.signature import is_name
from holdgate.desk.vocabulary import WORD, Language, fold, is_remark, words
from holdgate.quarantine.incident import Answer

# Signs that people put around a word, or before it to say yes. Brackets are excluded: "[ ] Approve".
_AROUND = r"[*_\"'`“”„«»‚‘’ \t✅✔👍️]*"
_LEADING = re.compile(_AROUND)
# What can follow the word: the end of the text, or punctuation that ends a statement. A hyphen needs a space before it.
_END = re.compile(
    r"[*_\"'`“”«»‘’]*(?:(?P<stop>\s?[.!]+)|(?P<comma>\s?[,;])|(?P<open>\s?:|\s+[-–—]+(?=\s)|\s*[–—]+))?[*_\"'`”»’]*(?=\s|$|[👍✅✔🙂😀])"
)
# The longest phrase that decides has five words. An apostrophe is one in French.
_PHRASE = re.compile(r"[^\W\d_]+(?:(?: |(?<=\b[jJlL])['’])[^\W\d_]+){0,4}")
_VARIANT = re.compile(r" ([^\W\d_]+(?: [^\W\d_]+){0,2})")
_ELLIPSIS = re.compile(r"\.{2,}|…")
_SENTENCE = re.compile(r"[^.!?。！？…]+[.!?。！？…]*[\"'”»’)*_]*(?:\s+[?？!]+)*|[.!?。！？…]+")
# Addresses and file names: their full stops do not end a sentence.
_URL = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|\w+\.[a-z]{3,4}\b", re.IGNORECASE)
_YES = re.compile(r"\bs[íì]\b", re.IGNORECASE)  # "yes" in Spanish and Italian, which without its accent is "if"
_QUESTION = re.compile(r"[?？؟¿⁇⁈]")
_DECORATION = re.compile(r"[\s.!,:;*_\"'`”»’–—👍✅✔🙂😀️-]*")
# Not the end of a statement: "approve != yes", "approve/reject".
_FORMULA = re.compile(r"[\s.!]*[=≠<>~|/\\]")
# Contact details: an address, a telephone number; and separators of a signature in one line.
_REACHED = re.compile(r"\S+@\S+|(?:https?://|www\.)\S+|\+\d[\d ()./-]{6,}")
_DIVIDED = re.compile(r"\s[|·•]\s")
# The longest article or pronoun, in letters; alone it has no meaning.
_SHORT = 2
# The longest lower-case word in names and addresses, in letters.
_PARTICLE = 3
# The longest salutation, in words.
_GREETING = 6
_CLEAR_END = re.compile(r"[.!?,;…。！？–—-][\"'”»’)*_]*\s*$")
# "Anna says:" before the word: it is another person's decision.
_ANNOUNCES = re.compile(r"[:：][\"'”»’)*_]*\s*$")
# Maximum length of a new text that decides, in characters; decisions are short.
_LIMIT = 8_000


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision in a text. `rest` is the raw text after the decision word, "" if nothing is decided.

    `change` is the kind of change with which it approves, "" for none.
    """

    choice: Answer | None
    rest: str = ""
    change: str = ""


@dataclass(slots=True)
class _Unit:
    """One sentence of the text: where it begins, and whether the line before it is complete."""

    start: int
    text: str
    paragraph: int
    line: int
    begins: bool
    folded: str = ""
    tokens: list[str] = field(default_factory=list)


def decide(text: str) -> Decision:
    """Return the decision in the new text of a reply, without quotation and signature."""
    text = normal(text)
    if len(text) > _LIMIT:
        return Decision(None)
    units = _units(text)
    found: list[tuple[_Unit, Answer, int, str, str]] = []
    for unit in units:
        match = _deciding_word(unit)
        if match is None:
            continue
        word, language, end, change = match
        if " " in word and _goes_on(unit, units):
            return Decision(None)
        choice = words().languages[language].words[word]
        if not unit.begins or not _decides_alone(unit, choice, language, end):
            return Decision(None)
        found.append((unit, choice, end, language, change))
    if not found or len({(choice, change) for _, choice, _, _, change in found}) > 1:
        return Decision(None)
    unit, choice, end, language, change = found[0]
    others = [other for other in units if other is not unit]
    if not all(_agrees(other, unit, choice, language) for other in others):
        return Decision(None)
    if choice is Answer.APPROVE:
        non_comment = _non_comment_lines(text.split("\n"), unit.line, language)
        if not all(_is_plain(other, language) for other in others if other.line not in non_comment):
            return Decision(None)
    position = unit.start + end
    separator = _END.match(text, position)
    return Decision(choice, text[separator.end() if separator else position :], change)


def normal(text: str) -> str:
    """Return a text with plain line ends and spaces, and without invisible characters."""
    # The Greek question mark, which NFC converts to a semicolon.
    text = unicodedata.normalize("NFC", text.replace("\u037e", "?")).replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"[\u2028\u2029\x0b\x0c\x85]", "\n", text)
    text = re.sub(r"[^\S\n]", " ", text)
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cf", "Cc"))


def closes(line: str) -> bool:
    """Return whether a line is a complimentary close ("Kind regards,"): the new text of a mail ends there."""
    tokens = WORD.findall(fold(line))
    phrase = " ".join(tokens)
    if not tokens or len(tokens) > 9:
        return False
    for closing in words().closings:
        if phrase == closing or (phrase.startswith(closing + " ") and _may_close(line, closing)):
            return True
    return False


def begins_with_word(line: str) -> bool:
    """Return whether a line begins with a decision word."""
    return _deciding_word(_Unit(0, line.strip(), 0, 0, True)) is not None


def greets(line: str) -> bool:
    """Return whether a line is a salutation."""
    phrase = " ".join(WORD.findall(fold(line)))
    return len(phrase) < 60 and any(phrase == one or phrase.startswith(one + " ") for one in words().greetings)


def _may_close(line: str, closing: str) -> bool:
    """Return whether further words after a close are a name: short, on one line, not a complete sentence."""
    more = len(WORD.findall(line)) - closing.count(" ") - 1
    # "Best" and similar words begin sentences too.
    return more <= (4 if len(closing) > 5 else 2) and not re.search(r"[.!?:]\s*$", line)


# -- one sentence -------------------------------------------------------------------------------------------------


def _units(text: str) -> list[_Unit]:
    units: list[_Unit] = []
    paragraph, before, position, announced = 0, "", 0, False
    for number, line in enumerate(text.split("\n")):
        if not line.strip():
            paragraph += 1
        begins = not announced and (
            not before.strip() or bool(_CLEAR_END.search(before)) or greets(before) or _needs_no_stop(before)
        )
        # Dots and question marks in an address do not end a sentence.
        shown = _URL.sub(lambda match: "x" * len(match[0]), line)
        for count, match in enumerate(_SENTENCE.finditer(shown)):
            lead = len(match[0]) - len(match[0].lstrip())
            if match[0].strip():
                unit = _Unit(position + match.start() + lead, match[0].strip(), paragraph, number, begins or count > 0)
                unit.folded = fold(_YES.sub("ok", unit.text))
                unit.tokens = WORD.findall(unit.folded)
                units.append(unit)
        before = line
        if line.strip():
            announced = bool(_ANNOUNCES.search(line)) and not greets(line) and not _needs_no_stop(line)
        position += len(line) + 1
    return units


def _needs_no_stop(line: str) -> bool:
    """Return whether a line is only a decision word or polite words, so that it needs no full stop."""
    unit = _Unit(0, line.strip(), 0, 0, True)
    tokens = WORD.findall(fold(line))
    if tokens and all(token in words().polite for token in tokens):
        return True
    found = _deciding_word(unit)
    return found is not None and not WORD.search(unit.text[found[2] :])


def _deciding_word(unit: _Unit) -> tuple[str, str, int, str] | None:
    """Return the decision word at the beginning of a sentence, its language, where it ends, and a change it names."""
    start = _LEADING.match(unit.text)
    position = start.end() if start else 0
    match = _PHRASE.match(unit.text, position)
    if match is None:
        return None
    for found in reversed(list(WORD.finditer(match[0]))):
        candidate = match[0][: found.end()]
        word = fold(candidate)
        for name, language in words().languages.items():
            if word in language.words:
                end = position + len(candidate)
                if language.words[word] is Answer.REJECT:
                    return word, name, end, ""
                change, after = _variant(unit.text, end, language)
                return word, name, after, change
    return None


def _goes_on(unit: _Unit, units: Sequence[_Unit]) -> bool:
    """Return whether the next line may continue a phrase that decides, as in "I approve" and "the idea" below it."""
    if _CLEAR_END.search(unit.text):
        return False
    following = (other for other in units if other.line == unit.line + 1)
    return any(
        other.text[:1].islower() and not all(token in words().polite for token in other.tokens) for other in following
    )


def _variant(text: str, end: int, language: Language) -> tuple[str, int]:
    """Return the change named after an approving word, as in "Approve redacted", and where it ends."""
    match = _VARIANT.match(text, end)
    words_after = match[1].split(" ") if match else []
    for count in range(len(words_after), 0, -1):
        phrase = " ".join(words_after[:count])
        if kind := language.variants.get(fold(phrase)):
            return kind, end + 1 + len(phrase)
    return "", end


def _decides_alone(unit: _Unit, choice: Answer, language: str, end: int) -> bool:
    """Return whether the word that ends at `end` decides, judging by its own sentence only."""
    if _QUESTION.search(unit.text) or _ELLIPSIS.search(unit.text):
        return False
    tail = unit.text[end:]
    if _FORMULA.match(tail):
        return False
    tokens = WORD.findall(fold(_YES.sub("ok", tail)))
    separator = _END.match(tail)
    ended = separator is not None and (separator.lastgroup is not None)
    if not tokens:
        # "Approve" alone; signs or digits after it must be decoration only.
        return _DECORATION.fullmatch(tail) is not None
    if all(token in words().polite for token in tokens) and not re.search(r"[\d/()\[\]]", tail):
        return True
    if not ended or separator is None:
        return False
    if _mentions(tokens, Answer.REJECT if choice is Answer.APPROVE else Answer.APPROVE):
        return False
    if choice is Answer.APPROVE:
        return _is_comment(tokens, language) and not _qualifies(tokens, language) and not _asks(tokens, language)
    if separator["open"]:  # "reject: no contract with them": the comment gives the reason
        return not _begins_open(tokens, language, negations=False)
    return not _leaves_open(tokens[:3], language)


def _agrees(other: _Unit, decided: _Unit, choice: Answer, language: str) -> bool:
    """Return whether another sentence of the text does not affect the decision."""
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


def _is_plain(other: _Unit, language: str) -> bool:
    """Return whether a sentence next to an approval is a comment on it, or only decoration."""
    if _FORMULA.match(other.text):
        return False
    return _is_comment(other.tokens, language) if other.tokens else _DECORATION.fullmatch(other.text) is not None


def _mentions(tokens: Sequence[str], choice: Answer | None) -> bool:
    """Return whether words contain a decision word or a beginning of one: for one choice, or with None for any."""
    table = words()
    choices = (Answer.APPROVE, Answer.REJECT) if choice is None else (choice,)
    wanted = tuple(stem for one in choices for stem in table.stems[one])
    phrase = f" {' '.join(tokens)} "
    return any(token.startswith(wanted) for token in tokens) or any(
        f" {one} " in phrase for one_choice in choices for one in table.phrases[one_choice]
    )


def _leaves_open(tokens: Sequence[str], language: str, *, negations: bool = True) -> bool:
    """Return whether words deny, limit or make conditional."""
    table = words()
    known = table.doubts | table.negations if negations else table.doubts
    return _contains(" ".join(tokens), known, table.languages[language].harmless)


def _qualifies(tokens: Sequence[str], language: str) -> bool:
    """Return whether words deny or limit an approval, make it conditional, or request a change of the message."""
    table = words()
    known = table.doubts | table.negations | table.changes
    return _contains(" ".join(tokens), known, table.languages[language].harmless)


def _is_comment(tokens: Sequence[str], language: str) -> bool:
    """Return whether words are certainly a comment on an approval: they begin in a known way and contain no limitation.

    An approval can be limited in more ways than any list has. So words that begin in an unknown way are not a comment.
    """
    phrases = [" ".join(tokens)]
    while tokens and tokens[0] in words().polite:
        tokens = tokens[1:]
        phrases.append(" ".join(tokens))
    if not tokens or words().approves(phrases[-1]):
        return True
    opens = words().opens_of(language)
    known = any(f"{phrase} ".startswith(f"{one} ") for phrase in phrases for one in opens)
    return known and (len(phrases[0]) > _SHORT or is_remark(phrases[0])) and not _limits(tokens, language)


def _limits(tokens: Sequence[str], language: str) -> bool:
    """Return whether words may limit an approval: conditions, dates, changes, second thoughts, duties of others."""
    table = words()
    rest = f" {' '.join(tokens)} "
    for one in sorted(table.languages[language].harmless, key=len, reverse=True):
        rest = rest.replace(f" {one} ", " | ")
    return any(word.startswith(table.limit_stems) for word in rest.split()) or _contains(rest, table.limits, ())


def _is_contact(line: str) -> bool:
    """Return whether a line has contact details and no sentence."""
    around = WORD.findall(_REACHED.sub(" ", line))
    prose = [word for word in around if word[0].islower() and len(word) > _PARTICLE]
    return _DIVIDED.search(line) is not None or (_REACHED.search(line) is not None and len(prose) <= 1)


def _non_comment_lines(lines: Sequence[str], decided: int, language: str) -> set[int]:
    """Return the numbers of the lines that are not a comment: salutations, signatures, addresses."""
    found: set[int] = set()
    signs = False
    for number, line in enumerate(lines):
        tokens = WORD.findall(fold(line))
        if not line.strip() or number == decided:
            signs = False
        elif greets(line) and len(tokens) <= _GREETING and not _limits(tokens, language):
            found.add(number)
        elif signs or _is_signature(line, tokens, language, is_before=number < decided):
            # A signature continues to the end of its paragraph: the name is followed by titles, addresses, a motto.
            signs = signs or number > decided
            found.add(number)
    return found


def _is_signature(line: str, tokens: Sequence[str], language: str, *, is_before: bool) -> bool:
    """Return whether a line is a name or has contact details. Before a decision, only a greeted name counts."""
    named = is_name(line) and not (is_before and len(tokens) == 1 and not line.rstrip().endswith(","))
    return (named or _is_contact(line)) and not words().not_names.intersection(tokens) and not _limits(tokens, language)


def _begins_open(tokens: Sequence[str], language: str, *, negations: bool = True) -> bool:
    """Return whether a sentence begins with a word that denies, limits or makes conditional."""
    phrase = " ".join(tokens[:6]) + " "
    long = any(phrase.startswith(one + " ") for one in words().doubts if " " in one)
    return long or _leaves_open(tokens[:2], language, negations=negations)


def _asks(tokens: Sequence[str], language: str) -> bool:
    """Return whether a sentence begins as a question."""
    table = words()
    phrase = " ".join(tokens)
    if any(phrase.startswith(one) for one in table.languages[language].harmless if " " in one):
        return False
    return any(phrase == one or phrase.startswith(one + " ") for one in table.questions)


def _contains(phrase: str, known: Iterable[str], harmless: Sequence[str]) -> bool:
    # Phrases before single words: "o ile" is a condition in Polish, "o" alone is not.
    for single in (False, True):
        padded = f" {phrase} "
        for one in sorted(harmless, key=len, reverse=True):
            if single or " " in one:
                padded = padded.replace(f" {one} ", " | ")
        if any(f" {one} " in padded for one in known if (" " not in one) is single):
            return True
    return False
