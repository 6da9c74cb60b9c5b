"""A text of the settings is one for all languages, or one for each."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from holdgate.translated import ShortTranslated, Translated, text_in

TEXT: TypeAdapter[dict[str, str]] = TypeAdapter(Translated)
SHORT: TypeAdapter[dict[str, str]] = TypeAdapter(ShortTranslated)
VALUES = st.text(min_size=1) | st.dictionaries(st.sampled_from(["en", "de", "fr", "pl"]), st.text(min_size=1))


@pytest.mark.parametrize(
    ("written", "language", "expected"),
    [
        ('"Contract"', "de", "Contract"),
        ('{ en = "Contract", de = "Vertrag" }', "de", "Vertrag"),
        ('{ en = "Contract", de = "Vertrag" }', "fr", "Contract"),
        ('{ de = "Vertrag", pl = "Umowa" }', "fr", "Vertrag"),
        ('{ de = "", en = "Contract" }', "de", "Contract"),
        ('""', "en", ""),
        ("{}", "en", ""),
    ],
)
def test_a_text_is_returned_in_the_language_of_the_person(written: str, language: str, expected: str) -> None:
    value = tomllib.loads(f"text = {written}")["text"]
    assert text_in(TEXT.validate_python(value), language) == expected


@given(VALUES)
def test_a_text_is_written_as_it_was_read(value: object) -> None:
    read = TEXT.validate_python(value)
    assert TEXT.dump_python(read) == (value or "")
    assert TEXT.validate_python(TEXT.dump_python(read)) == read


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (3, '3 is no text; write a text, or one for each language, as in { en = "Contract", de = "Vertrag" }'),
        (["Contract"], "is no text; write a text"),
        ({"en": 3}, "3 is no text"),
        ({"English": "Contract"}, '"English" is no language; write its code, as in "en"'),
    ],
)
def test_an_invalid_text_is_refused(value: object, problem: str) -> None:
    for kind in (TEXT, SHORT):
        with pytest.raises(ValidationError) as refused:
            kind.validate_python(value)
        assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "has no text"),
        ({"en": ""}, "has no text"),
        ("x" * 201, "has 201 characters; write at most 200"),
        ({"en": "Contract", "de": "x" * 201}, "has 201 characters; write at most 200"),
    ],
)
def test_a_choice_has_a_limited_length(value: object, problem: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SHORT.validate_python(value)
    assert problem in str(refused.value)
    TEXT.validate_python(value)
    assert SHORT.validate_python("x" * 200) == {"": "x" * 200}
