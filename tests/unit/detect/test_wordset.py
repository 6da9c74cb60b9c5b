"""Words in one string of bytes are found as in a set."""

from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect.wordset import WordSet

WORDS = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1, max_size=6)


@given(st.frozensets(WORDS, max_size=40), st.frozensets(st.text(max_size=6)))
def test_a_word_set_contains_the_same_words_as_a_frozenset(words: frozenset[str], others: frozenset[str]) -> None:
    found = WordSet(words)
    assert sorted(found) == sorted(words)
    assert len(found) == len(words)
    for word in words | others:
        assert (word in found) == (word in words)


def test_parts_of_words_and_words_together_are_not_found() -> None:
    found = WordSet(["anna", "annabel", "bert", "čeněk"])
    for near in ("", "ann", "nna", "anna\nannabel", "\nanna", "anna\n", "Anna", "cenek", "\ud800", None):
        assert near not in found
    assert "čeněk" in found
