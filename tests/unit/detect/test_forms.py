"""The language of forms, and the automaton over all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect.forms import FormError, Forms, _numbers, _places, parse, shortest


def accepted(form: str, *tokens: str, separators: str = " -.") -> bool:
    forms = Forms([(7, parse(form, separators))])
    state = forms.start
    for token in tokens:
        state = forms.step(state, token)
        if state < 0:
            return False
    return forms.accepts(state) == (7,)


@pytest.mark.parametrize(
    ("form", "tokens"),
    [
        ("DDD-DD-DDDD", ("000", "-00", "-0000")),
        ("LL DD", ("Aa", " 00")),
        ("LL~DD", ("AA00",)),
        ("LL~DD", ("AA", ".00")),
        ("D{2,3}", ("000",)),
        ("X{2}", ("a0",)),
        ("D{0,1}L", ("A",)),
    ],
)
def test_a_form_accepts_its_values(form: str, tokens: tuple[str, ...]) -> None:
    assert accepted(form, *tokens)


@pytest.mark.parametrize(
    ("form", "tokens"),
    [
        ("DDD-DD-DDDD", ("000", " 00")),
        ("D{2,3}", ("0000",)),
        ("D{2,3}", ("0",)),
        ("LL DD", ("AA00",)),
        ("LL DD", ("AA", "/00")),
    ],
)
def test_a_form_refuses_other_values(form: str, tokens: tuple[str, ...]) -> None:
    assert not accepted(form, *tokens)


@pytest.mark.parametrize("form", ["DE{2}", "D{3,2}", "D{99}", " {2}", "--", "", "D{a}"])
def test_an_invalid_form_is_refused(form: str) -> None:
    with pytest.raises(FormError):
        parse(form)


def test_the_shortest_text_of_a_form_is_counted_in_letters_and_digits() -> None:
    assert shortest(parse("L{0,2} DDD~DD")) == 5
    assert shortest(parse("D{13,19}")) == 13


@given(st.frozensets(st.tuples(st.integers(0, 2**31), st.integers(0, 2**16 - 1), st.integers(0, 2**16 - 1))))
def test_a_state_of_the_automaton_is_read_as_written(places: frozenset[tuple[int, int, int]]) -> None:
    numbers = _numbers(places)
    assert frozenset(_places(numbers)) == places
    assert numbers == _numbers(sorted(places, reverse=True))
