"""The measurements run to their end; what they measure is theirs to judge, on a quiet machine."""

import pytest

from benchmarks import desk, policy, scan

pytestmark = pytest.mark.slow


def test_the_desk_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    desk.main(["--incidents", "120", "--pages", "2"])
    assert "119 deadlines at one moment" in capsys.readouterr().out


def test_policies_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    policy.main([])
    assert capsys.readouterr().out.count("ms a message") == 4


def test_workers_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    scan.main([])
    assert "a message in a process of its own" in capsys.readouterr().out
