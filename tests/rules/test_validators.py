"""No validator raises, for any value that a form accepts: any letters of Latin-1, any digits."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.detect import forms, validators
from holdgate.detect.identifiers import Shape
from tests.support.rules import shipped

LETTERS = "".join(filter(str.isalpha, map(chr, range(256))))
SHAPES = [
    pytest.param(shape, shape.validator or identifier.validator, id=f"{identifier.id}-{number}")
    for identifier in shipped().identifiers.values()
    for number, shape in enumerate(identifier.shapes, 1)
    if shape.form and (shape.validator or identifier.validator)
]


def values(shape: Shape) -> st.SearchStrategy[str]:
    """Return a strategy for the compact values that the forms of a shape let through."""
    return st.sampled_from(shape.form).flatmap(
        lambda form: st.tuples(
            *(
                st.text(
                    "".join(("0123456789" * ("0" in classes), LETTERS * ("a" in classes))), min_size=low, max_size=high
                )
                for classes, low, high in forms.parse(form, shape.separators)
                if classes & forms.CLASSES["X"]
            )
        ).map(lambda parts: "".join(parts).upper())
    )


@pytest.mark.slow  # tests/unit/detect/validators/test_any_text.py tries fewer letters
@pytest.mark.parametrize(("shape", "name"), SHAPES)
@settings(max_examples=30)
@given(data=st.data())
def test_no_validator_raises(shape: Shape, name: str, data: st.DataObject) -> None:
    value = data.draw(values(shape))
    if shape.pattern and not re.fullmatch(shape.pattern, value):
        return  # The engine asks the validator after the pattern only.
    assert validators.resolve(name)(value) in (True, False)
