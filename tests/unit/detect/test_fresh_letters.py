"""The letters that nothing is chosen by: they are whole, and no list that the model learns from has their companies."""

from itertools import product
from pathlib import Path

import pytest

from benchmarks import letters
from training import names

ROOT = Path(__file__).resolve().parents[3]
# At least so many letters, persons and organisations in each language.
LEAST = {"fresh": (25, 100, 60), "later": (12, 30, 45)}


@pytest.mark.parametrize(("folder", "language"), [*product(letters.FRESH, letters.LANGUAGES)])
def test_each_language_has_enough_letters_of_each_kind(folder: str, language: str) -> None:
    fresh = list(letters.fresh(language, folder))
    found = [(text[start:end], kind) for text, marked in fresh for start, end, kind in marked]
    count, persons, organisations = LEAST[folder]
    assert len(fresh) >= count
    assert all(name == name.strip() and name for name, _ in found)
    assert not [text for text, _ in fresh for sign in ("{", "}", "[", "]", "<<", ">>", "%%") if sign in text]
    for kind, least in (("person", persons), ("organisation", organisations)):
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
        for folder, language in product(letters.FRESH, letters.LANGUAGES)
        for text, marked in letters.fresh(language, folder)
        for start, end, kind in marked
        if kind == "organisation"
    }
    assert "sparkasse" in " ".join(listed)
    assert sorted(fresh & listed) == []
