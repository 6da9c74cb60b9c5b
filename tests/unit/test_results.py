"""A test process sends each report that is printed or counted."""

from typing import Literal

import pytest

from tests.support.results import is_printed


@pytest.mark.parametrize(
    ("when", "outcome", "printed"),
    [
        ("setup", "passed", False),
        ("call", "passed", True),
        ("teardown", "passed", False),
        ("setup", "skipped", True),
        ("call", "skipped", True),
        ("setup", "failed", True),
        ("call", "failed", True),
        ("teardown", "failed", True),
    ],
)
def test_only_a_passed_setup_or_teardown_is_not_sent(
    when: Literal["setup", "call", "teardown"], outcome: Literal["passed", "skipped", "failed"], printed: bool
) -> None:
    report = pytest.TestReport("test", ("test", 1, "test"), {}, outcome, None, when)

    assert is_printed(report) is printed
