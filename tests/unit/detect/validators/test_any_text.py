"""No validator raises, for any value that the forms and patterns of the rules accept."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.detect import forms
from holdgate.detect.validators import resolve
from tests.support.rules import shipped

CHARACTERS = {"0": "0123456789", "A": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
CASES = [
    pytest.param(
        name, shape.form, shape.separators, shape.pattern, shape.keep_case, id=f"{identifier.id}: {shape.name}"
    )
    for identifier in shipped().identifiers.values()
    for shape in identifier.shapes
    if shape.form and (name := shape.validator or identifier.validator)
]


def values(form: str, separators: str) -> st.SearchStrategy[str]:
    pieces = []
    for classes, least, most in forms.parse(form, separators):
        inside = classes & forms.CLASSES["X"]
        if inside:
            alphabet = "".join(CHARACTERS[character.upper()] for character in {c.upper() for c in inside})
            pieces.append(st.text(alphabet, min_size=least, max_size=most))
    return st.tuples(*pieces).map("".join)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "written", "separators", "pattern", "keep_case"), CASES)
def test_no_validator_raises(
    name: str, written: tuple[str, ...], separators: str, pattern: str, keep_case: bool
) -> None:
    validator = resolve(name)
    fits = re.compile(pattern).fullmatch if pattern else None
    strategy = st.one_of([values(form, separators) for form in written])
    if pattern:
        exact = st.from_regex(pattern, fullmatch=True, alphabet=st.characters(codec="ascii", categories=("Lu", "Nd")))
        strategy = st.one_of(strategy, exact) if not keep_case else strategy

    @settings(max_examples=8, deadline=None)
    @given(strategy)
    def check(value: str) -> None:
        if fits is None or fits(value):
            assert validator(value) in (True, False)

    check()
