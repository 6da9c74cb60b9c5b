"""Each fuzz target passes for some examples; script/fuzz runs them for longer."""

import logging
from collections.abc import Iterator

import pytest

from tests.fuzz.frame import Target, Try, run
from tests.fuzz.targets import TARGETS

EXAMPLES = 25


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What fails on purpose is logged by the code that handles it."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_target_has_no_finding(target: Target) -> None:
    run(target, EXAMPLES, 1)


def test_a_failing_target_is_reported() -> None:
    from hypothesis import given
    from hypothesis import strategies as st

    def make() -> Try:
        @given(st.integers(0, 100))
        def never_above(number: int) -> None:
            assert number <= 90

        return never_above

    with pytest.raises(AssertionError):
        run(Target("x", "numbers", make), 200, 1)
