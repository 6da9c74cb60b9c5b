"""The model of a file in rules/identifiers: one kind of personal data, its shapes, evidence and samples."""

import re
from typing import Annotated, Literal

import re2
from pydantic import AfterValidator, Field, field_validator, model_validator

from holdgate.detect import forms, validators
from holdgate.detect.match import Confidence
from holdgate.detect.statements import Verbs
from holdgate.detect.tomlfile import Strict

QUIET = re2.Options()
QUIET.log_errors = False
LANGUAGES = re.compile(r"[a-z]{2,3}")


def _kebab(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", value):
        raise ValueError("not kebab-case (lower-case letters, digits, single hyphens)")
    return value


def _region(value: str) -> str:
    if value not in ("global", "eu") and not re.fullmatch(r"[a-z]{2}", value):
        raise ValueError('neither "global", "eu" nor a two-letter country code (ISO 3166-1, lower case)')
    return value


def _pattern(value: str) -> str:
    try:
        re2.compile(value, QUIET)
    except re2.error as error:
        reason = error.args[0] if error.args else "unknown"
        raise ValueError(f"not an RE2 pattern: {reason.decode() if isinstance(reason, bytes) else reason}") from None
    return value


def _validator(value: str) -> str:
    validators.resolve(value)
    return value


Name = Annotated[str, AfterValidator(_kebab)]
Region = Annotated[str, AfterValidator(_region)]
Pattern = Annotated[str, AfterValidator(_pattern)]
ValidatorName = Annotated[str, AfterValidator(_validator)]
Keywords = dict[str, list[str]]


def check_keywords(keywords: Keywords) -> Keywords:
    """Refuse invalid language codes, and keywords that are empty or occur twice in one language."""
    for language, words in keywords.items():
        if not LANGUAGES.fullmatch(language):
            raise ValueError(f'"{language}" is no language code (ISO 639)')
        for word in words:
            if not any(character.isalnum() for character in word):
                raise ValueError(f'keyword "{word}" in "{language}" has no letters or digits')
        if len(set(words)) != len(words):
            raise ValueError(f'a keyword appears twice in "{language}"')
    return keywords


class Shape(Strict):
    """One way an identifier is written, and its confidence.

    Exactly one of `form` (see holdgate.detect.forms), `prefix` with `pattern`, `finder`, `dictionary` and `search` (an
    RE2 pattern for the complete text) defines the candidates. `without_evidence` is the confidence of a value with no
    evidence near it ("none": no match), `with_evidence` that of one with evidence. A shape that `needs_cooccurrence`
    counts only next to other data: it is searched for only if there is some, or a keyword. A dictionary's word that is
    `said_of_person` counts only as the predicate of a person (see holdgate.detect.statements), or as the object of its
    `said_verbs`. Values of a shape with `field_lists` count only as the whole value of a field that a word of these
    keyword lists names (see holdgate.detect.fields). Their evidence is a match of `near_identifiers` in the same
    record, not a keyword.
    """

    name: str
    form: tuple[str, ...] = ()
    separators: str = forms.DEFAULT_SEPARATORS
    pattern: Pattern = ""
    prefix: tuple[str, ...] = ()
    finder: Name | None = None
    dictionary: Name | None = None
    search: Pattern = ""
    validator: ValidatorName | None = None
    keep_case: bool = False
    needs_cooccurrence: bool = False
    said_of_person: bool = False
    said_verbs: Verbs = "being"
    field_lists: tuple[Name, ...] = ()
    near_identifiers: tuple[Name, ...] = ()
    without_evidence: Confidence | Literal["none"]
    with_evidence: Confidence | Literal["none"]

    @field_validator("form")
    @classmethod
    def _forms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for form in value:
            forms.parse(form)
        return value

    @field_validator("prefix")
    @classmethod
    def _prefixes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(prefix) < 3 for prefix in value):
            raise ValueError("a prefix has at least three characters")
        return value

    @model_validator(mode="after")
    def _one_source(self) -> "Shape":
        sources = (self.form, self.prefix, self.finder, self.dictionary, self.search)
        if sum(map(bool, sources)) != 1:
            raise ValueError("give exactly one of form, prefix, finder, dictionary, search")
        if self.needs_cooccurrence and self.finder is None:
            raise ValueError("needs_cooccurrence goes with a finder")
        if self.said_of_person and self.dictionary is None:
            raise ValueError("said_of_person goes with a dictionary")
        if self.said_verbs != "being" and not self.said_of_person:
            raise ValueError("said_verbs goes with said_of_person")
        if self.field_lists and (self.said_of_person or not (self.dictionary or self.search)):
            raise ValueError("field_lists goes with a dictionary or search, and not with said_of_person")
        if bool(self.field_lists) != bool(self.near_identifiers):
            raise ValueError("field_lists and near_identifiers go together")
        if self.prefix and not self.pattern:
            raise ValueError("prefix needs a pattern that matches the whole value from the prefix on")
        if self.without_evidence != "none" and (
            self.with_evidence == "none" or self.with_evidence < self.without_evidence
        ):
            raise ValueError("with_evidence is lower than without_evidence")
        if self.without_evidence == "none" and self.with_evidence == "none":
            raise ValueError("without_evidence and with_evidence are both none, so the shape never matches")
        return self


class Samples(Strict):
    """Texts by the confidence that the identifier must reach in them; `none` are the near misses.

    In a hit, the expected place can be marked «like this»; the marks are removed before the text is searched.
    """

    high: tuple[str, ...] = ()
    medium: tuple[str, ...] = ()
    low: tuple[str, ...] = ()
    none: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _enough(self) -> "Samples":
        if len(self.high) + len(self.medium) + len(self.low) < 3:
            raise ValueError("at least three hits are needed over high, medium and low")
        if len(self.none) < 3:
            raise ValueError("at least three near misses are needed in none")
        return self


class Identifier(Strict):
    """One kind of personal data."""

    id: Name
    description: str = Field(min_length=10)
    region: Region
    source: tuple[str, ...] = Field(min_length=1)
    validator: ValidatorName | None = None
    checksum: bool = False
    proximity: int = Field(default=100, ge=1, le=1000)
    proximity_after: int = Field(default=40, ge=0, le=1000)
    keyword_lists: tuple[Name, ...] = ()
    label_lists: tuple[Name, ...] = ()
    keywords: Annotated[Keywords, AfterValidator(check_keywords)] = Field(default_factory=dict)
    evidence_patterns: tuple[Pattern, ...] = ()
    evidence_identifiers: tuple[Name, ...] = ()
    not_keywords: Annotated[Keywords, AfterValidator(check_keywords)] = Field(default_factory=dict)
    not_proximity: int = Field(default=30, ge=1, le=1000)
    shapes: tuple[Shape, ...] = Field(min_length=1)
    samples: Samples

    @model_validator(mode="after")
    def _coherent(self) -> "Identifier":
        validated = [shape for shape in self.shapes if shape.validator or self.validator]
        if self.checksum and not validated:
            raise ValueError("checksum = true, but there is no validator")
        evidence = self.keyword_lists or self.keywords or self.evidence_patterns or self.evidence_identifiers
        if not evidence and any(
            shape.without_evidence == "none" and not shape.near_identifiers for shape in self.shapes
        ):
            raise ValueError("a shape needs evidence (alone = none), but there are no keywords or evidence")
        names = [shape.name for shape in self.shapes]
        if len(set(names)) != len(names):
            raise ValueError("two shapes have the same name")
        return self


class KeywordList(Strict):
    """The model of a file in rules/keywords: words in many languages that several identifiers share."""

    id: Name
    description: str
    keywords: Annotated[Keywords, AfterValidator(check_keywords)]
