"""The measurements run to their end; their thresholds are for a quiet machine, not for this test."""

import pytest

from benchmarks import desk, mail, policy, redact, relations, scan, steps, store

pytestmark = pytest.mark.slow


def test_the_desk_benchmark_runs(capsys: pytest.CaptureFixture[str]) -> None:
    desk.main(["--incidents", "120", "--pages", "2"])
    assert "119 deadlines at one moment" in capsys.readouterr().out


def test_the_relations_benchmark_runs(capsys: pytest.CaptureFixture[str]) -> None:
    relations.main(["--seeds", "1", "--edges", "5000"])
    output = capsys.readouterr().out
    assert "| all | 500 |" in output
    assert "µs in the median" in output


def test_the_redact_benchmark_runs(capsys: pytest.CaptureFixture[str]) -> None:
    redact.main(["--rounds", "1"])
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split("|")[1].strip() for row in rows] == [
        "text",
        "html",
        "docx",
        "docx, only text",
        "xlsx",
        "pdf, 5 pages",
    ]


def test_the_policy_benchmark_runs(capsys: pytest.CaptureFixture[str]) -> None:
    policy.main([])
    assert capsys.readouterr().out.count("ms a message") == 4


def test_the_scan_benchmark_runs(capsys: pytest.CaptureFixture[str]) -> None:
    scan.main([])
    assert "a message in a process of its own" in capsys.readouterr().out


def test_the_steps_benchmark_runs(capsys: pytest.CaptureFixture[str]) -> None:
    steps.main(["--count", "3"])
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split()[1] for row in rows] == ["small", "html", "docx", "xlsx", "pptx", "pdf", "large"]


@pytest.mark.postfix
def test_the_benchmark_of_several_milters_runs(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--rounds", "1", "--seconds", "1", "--sessions", "2", "--sets", "small", "--count", "4"]
    mail.main([*few, "--only", "none,pytrivial,holdgate"])
    printed = capsys.readouterr()
    assert [row.split()[1] for row in printed.out.splitlines() if row.startswith("| ")][1:] == [
        "none",
        "pytrivial",
        "holdgate",
    ]
    assert "refused" not in printed.err


@pytest.mark.postgresql
def test_the_store_benchmark_runs(capsys: pytest.CaptureFixture[str]) -> None:
    store.main(["--incidents", "30"])
    *writers, judged = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in writers] == ["1", "3", "10"]
    assert judged.startswith("99th percentile with 10 writers: ")
