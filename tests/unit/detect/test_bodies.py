"""Names of public bodies, schools and houses that begin with a word in lower case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect import bodies


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("le tribunal de |Valmont", "tribunal de Valmont"),
        ("l'école |Marie Vautrin", "école Marie Vautrin"),
        ("le tribunal de commerce de |Valmont", "tribunal de commerce de Valmont"),
        ("la bibliothèque municipale de |Valmont", "bibliothèque municipale de Valmont"),
        ("le centre hospitalier du |Valmont", "centre hospitalier du Valmont"),
        ("la mairie d'|Ormont", "mairie d'Ormont"),
        ("en el juzgado de |Valdueza", "juzgado de Valdueza"),
        ("la biblioteca municipal de |Valdueza", "biblioteca municipal de Valdueza"),
        ("dall'ospedale di |Valduca", "ospedale di Valduca"),
        ("bij de gemeente |Oudveld", "gemeente Oudveld"),
        ("na escola da |Ribeira", "escola da Ribeira"),
        # Other words, words between that are none of a name, a word at a distance, and one that is part of another.
        ("le train de |Valmont", "Valmont"),
        ("la société |Valmont", "Valmont"),
        ("le tribunal a entendu |Valmont", "Valmont"),
        ("le tribunal, |Valmont", "Valmont"),
        ("tribunal\nde |Valmont", "Valmont"),
        ("un arrière-cour |Valmont", "Valmont"),
        ("préécole |Valmont", "Valmont"),
        ("|Valmont", "Valmont"),
    ],
)
def test_a_word_for_a_body_begins_its_name(text: str, whole: str) -> None:
    before, _, rest = text.partition("|")
    assert (before + rest)[bodies.beginning(before + rest, len(before)) :] == whole


@given(st.text(alphabet="ab de'écourtribunal\n", max_size=80))
def test_a_name_never_begins_after_its_capitalised_part(before: str) -> None:
    assert 0 <= bodies.beginning(f"{before}Valmont", len(before)) <= len(before)


def test_words_are_in_lower_case_and_each_once_in_its_language() -> None:
    for words in (*bodies.BODIES.values(), bodies.ADJECTIVES):
        assert all(word == word.lower() for word in words)
        assert len(set(words)) == len(words)
