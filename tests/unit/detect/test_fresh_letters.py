"""The letters that nothing is chosen by: they are whole, and no list that the model learns from has their companies."""

from pathlib import Path

import pytest

from benchmarks import letters
from training import names

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("language", letters.LANGUAGES)
def test_each_language_has_enough_letters_of_each_kind(language: str) -> None:
    fresh = list(letters.fresh(language))
    found = [(text[start:end], kind) for text, marked in fresh for start, end, kind in marked]
    assert len(fresh) >= 25
    assert all(name == name.strip() and name for name, _ in found)
    assert not [text for text, _ in fresh for sign in ("{", "}", "[", "]", "<<", ">>", "%%") if sign in text]
    for kind, least in (("person", 100), ("organisation", 60)):
        assert sum(1 for _, other in found if other == kind) >= least


def test_addresses_are_of_many_countries() -> None:
    kinds = {kind for language in letters.LANGUAGES for _, marked in letters.fresh(language) for *_, kind in marked}
    assert len(kinds - {"person", "organisation"}) >= 20


def test_no_training_list_has_the_organisations_of_these_letters() -> None:
    listed = {
        line.lower() for name in ("brands", "organisations") for line in names.lines(ROOT / f"training/{name}.txt")
    }
    fresh = {
        text[start:end].lower()
        for language in letters.LANGUAGES
        for text, marked in letters.fresh(language)
        for start, end, kind in marked
        if kind == "organisation"
    }
    assert "sparkasse" in " ".join(listed)
    assert sorted(fresh & listed) == []
