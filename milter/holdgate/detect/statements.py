"""Whether a text says a word of a person: subject, verb, and the word at the end of the predicate.

"Anna Schmidt is Muslim" and "dass Herr Weber katholisch ist" say it of a person. "The Catholic University is open", and
"her approach is orthodox" do not, because the subject is no person, nor "she is Catholic Bishop of Ely", because the
word belongs to a noun. With verbs of voting, "she voted for the Greens" says it too, and "the green party" does not.
`statements.toml` has the words of eight languages.
"""

import re
import tomllib
from collections.abc import Collection
from importlib import resources
from typing import Final, Literal, NamedTuple

# The text that is read before and after the word, in characters.
_BEFORE: Final = 120
_AFTER: Final = 24
_TOKEN: Final = re.compile(r"[^\W_]+(?:-[^\W_]+)*|[^\w\s]")
_MOST_FILLERS: Final = 3
_MOST_VERB: Final = 4
_MOST_NAME: Final = 3
_MOST_APPOSITION: Final = 6


# The verbs that say a word of a person: "is" and "has", "voted for", or also "supports" and "joined".
Verbs = Literal["being", "voting", "supporting"]


class _Grammar(NamedTuple):
    """The words of one language (see the file). `verbs` are phrases of up to `_MOST_VERB` words."""

    pronouns: frozenset[str]
    possessives: frozenset[str]
    people: frozenset[str]
    titles: frozenset[str]
    relatives: frozenset[str]
    verbs: frozenset[str]
    fillers: frozenset[str]
    final: frozenset[str]
    asking: frozenset[str]
    inverted: frozenset[str]
    dropped: frozenset[str]
    voting: frozenset[str]
    supporting: frozenset[str]
    objects: frozenset[str]
    voted: frozenset[str]
    own: frozenset[str]

    def with_verbs(self, verbs: frozenset[str]) -> "_Grammar":
        """Return the grammar for verbs with an object: no noun for a person follows, and the subject is there."""
        none = frozenset[str]()
        return self._replace(
            verbs=verbs, fillers=self.objects, final=self.voted, asking=none, inverted=none, dropped=none
        )

    def is_person(self, word: str) -> bool:
        """Return whether a word in lower case is a noun for a person, such as "teacher"."""
        return word in self.people or word in self.titles


# Read here, because a searching process cannot open files.
_WORDS: Final = tomllib.loads(resources.files("holdgate.detect").joinpath("statements.toml").read_text("utf-8"))
_GRAMMARS: Final = tuple(
    _Grammar(*(frozenset(words.get(field, ())) for field in _Grammar._fields)) for words in _WORDS["language"].values()
)
_BY_VERBS: Final[dict[Verbs, tuple[_Grammar, ...]]] = {
    "being": _GRAMMARS,
    "voting": tuple(grammar.with_verbs(grammar.voting) for grammar in _GRAMMARS),
    "supporting": tuple(grammar.with_verbs(grammar.voting | grammar.supporting) for grammar in _GRAMMARS),
}
# Words of all languages before a name: nouns for people, and titles.
PEOPLE: Final = frozenset(word for grammar in _GRAMMARS for word in grammar.people)
TITLES: Final = frozenset(word for grammar in _GRAMMARS for word in grammar.titles)
_PARTICLES: Final = frozenset[str](_WORDS["particles"])
_PREPOSITIONS: Final = frozenset[str](_WORDS["prepositions"])
_PLACES: Final = frozenset[str](_WORDS["places"])
_STOPS: Final = frozenset('.!?¿¡:;-–—"«»“”()')
_JOINS: Final = frozenset(
    ("and", "or", "but", "und", "oder", "aber", "y", "o", "pero", "e", "ma", "mas", "en", "maar", "i", "ale")
)
_FOLLOWING: Final = frozenset[str](_WORDS["following"])
_AFTER_VOTE: Final = _FOLLOWING | frozenset[str](_WORDS["after_vote"])
_END: Final = re.compile(r"\s*(?:\Z|[^\w\s'’\-/&@]|[-–—]\s|\n\s*\n)|\s+([^\W\d_]+)")


class Names(NamedTuple):
    """The dictionaries of names, in lower case; `neither` are words that are no names."""

    first: Collection[str]
    neither: Collection[str]


def is_said_of_person(text: str, start: int, end: int, names: Names, verbs: Verbs = "being") -> bool:
    """Return whether the word at `start` to `end` is the predicate of a person, or the object of other `verbs`."""
    found = _END.match(text, end, min(len(text), end + _AFTER))
    if found is None:
        return False
    following = (found[1] or "").lower()
    ends = not following or following in (_FOLLOWING if verbs == "being" else _AFTER_VOTE)
    tokens = _TOKEN.findall(text, max(0, start - _BEFORE), start)
    clause = _Clause(tokens, [token.lower() for token in tokens], names)
    return any(clause.is_about_person(grammar, following, ends=ends) for grammar in _BY_VERBS[verbs])


class _Clause(NamedTuple):
    """The tokens before a word, as written and in lower case."""

    tokens: list[str]
    lowered: list[str]
    names: Names

    def is_about_person(self, grammar: _Grammar, following: str, *, ends: bool) -> bool:
        """Return whether a person and a verb of this language are before the word, or the verb directly after it.

        `following` is the next word, "" if there is none; `ends` states that the predicate ends with the word.
        """
        end = len(self.tokens)
        # "a Catholic teacher"
        ends = ends or (end > 0 and self.lowered[end - 1] in grammar.fillers and grammar.is_person(following))
        for place in range(end, max(end - _MOST_FILLERS, 0) - 1, -1):
            # "una profesora católica"
            if (
                place < end
                and self.lowered[place] not in grammar.fillers
                and not grammar.is_person(self.lowered[place])
            ):
                return False
            if ends and any(
                self._subject(grammar, verb) >= 0 or self._is_dropped(grammar, verb, place)
                for verb in self._verbs(grammar, place)
            ):
                return True
            if ends and place and self.lowered[place - 1] in grammar.inverted:  # "est-elle catholique"
                return True
            if ends and any(
                " ".join(self.lowered[verb:place]) in grammar.own for verb in range(max(place - _MOST_VERB, 0), place)
            ):  # "ho votato per il PD"
                return True
            if (subject := self._subject(grammar, place)) < 0:
                continue
            if ends and subject and self.lowered[subject - 1] in grammar.asking and self._begins(subject - 1):
                return True
            # "dass sie katholisch ist"; "seit 2019 ist sie katholisch"
            if following in grammar.final or (ends and subject and self.lowered[subject - 1] in grammar.final):
                return True
        return False

    def _begins(self, place: int) -> bool:
        """Return whether a sentence or clause begins at a token."""
        return place == 0 or not self.lowered[place - 1][0].isalnum() or self.lowered[place - 1] in _JOINS

    def _is_dropped(self, grammar: _Grammar, verb: int, end: int) -> bool:
        """Return whether a verb needs no subject: it begins a sentence, and a person is in the one before, if any."""
        if " ".join(self.lowered[verb:end]) not in grammar.dropped or (verb and self.lowered[verb - 1] not in _STOPS):
            return False
        before = [at for at in range(verb) if self.lowered[at] not in _STOPS]
        return not before or any(self._subject(grammar, at + 1) >= 0 for at in before)

    def _verbs(self, grammar: _Grammar, end: int) -> list[int]:
        """Return where the verbs begin that end here."""
        least = max(end - _MOST_VERB, 0)
        return [place for place in range(least, end) if " ".join(self.lowered[place:end]) in grammar.verbs]

    def _subject(self, grammar: _Grammar, end: int) -> int:
        """Return where the person begins that ends here, -1 if there is none."""
        if end and self.lowered[end - 1] in grammar.relatives:  # "Anna Schmidt, who is"
            end -= 2 if self.lowered[end - 2 : end - 1] == [","] else 1
            return self._name(grammar, end)
        if end and self.lowered[end - 1] == ",":  # "Anna Schmidt, our tenant, is"
            commas = [at for at in range(max(end - _MOST_APPOSITION, 0), end) if self.lowered[at] == ","]
            return max(self._name(grammar, comma) for comma in commas)  # "our tenant, Mr. Novak, is"
        if end and self.lowered[end - 1] in grammar.pronouns:
            return end - 1
        if end > 1 and self.lowered[end - 1] in grammar.people and self.lowered[end - 2] in grammar.possessives:
            return end - 2
        return self._name(grammar, end)

    def _name(self, grammar: _Grammar, end: int) -> int:
        """Return where the name begins that ends here: after a title, or with a first name; -1 if there is none."""
        start, count = end, 0
        while start and count < _MOST_NAME and self.lowered[start - 1] not in grammar.asking:
            if self.tokens[start - 1][0].isupper():
                count += 1
            elif start == end or self.lowered[start - 1] not in _PARTICLES:
                break
            start -= 1
        if start == end or (start and self.lowered[start - 1] in _PREPOSITIONS):
            return -1
        if self._is_title(grammar, start) or any(self.lowered[at] in grammar.titles for at in range(start, end - 1)):
            return start
        first, neither = self.names
        if end - start == 1:
            one = self.lowered[start]
            return start if one in first and one not in neither and one not in _PLACES else -1
        if self.lowered[end - 1] in neither:
            return -1
        return next((at for at in range(start, end - 1) if self.lowered[at] in first), -1)

    def _is_title(self, grammar: _Grammar, end: int) -> bool:
        """Return whether a title ends here, with or without a full stop."""
        if end and self.lowered[end - 1] == ".":
            end -= 1
        return end > 0 and self.lowered[end - 1] in grammar.titles
