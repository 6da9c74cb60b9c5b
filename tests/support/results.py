"""A test process reports a passed test once: one message instead of five to the process that prints the results."""

import pytest

# pytest has no public name for it; plugins that run a test again use it too.
from _pytest.runner import runtestprotocol


def is_printed(report: pytest.TestReport) -> bool:
    """Whether the report of a step (setup, call, teardown) changes the printed output or the counts."""
    return report.when == "call" or not report.passed


def run_and_report(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Run one test, and send the reports that are printed."""
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if is_printed(report):
            item.ihook.pytest_runtest_logreport(report=report)
