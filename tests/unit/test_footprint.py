"""script/footprint shows its usage, reports missing parts, and adds up the memory of each unit's processes."""

import os
import re
import subprocess
from pathlib import Path

import pytest

FOOTPRINT = Path(__file__).parents[2] / "script/footprint"


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A directory with commands of Debian and systemd that answer as on a server whose milter runs."""
    processes = tmp_path / "milter"
    processes.mkdir()
    (processes / "cgroup.procs").write_text(f"{os.getpid()}\n")
    directory = tmp_path / "bin"
    directory.mkdir()
    for name, line in {
        "id": "echo 0",
        "dpkg-query": "printf 100000",
        "find": r"printf '1500000\n2000000\n'",
        "systemctl": f'case $* in *holdgate-milter) echo "/../../..{processes}" ;; esac',
    }.items():
        (directory / name).write_text(f"#!/bin/sh\n{line}\n")
        (directory / name).chmod(0o755)
    return directory


def run(*words: str | Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({} if path is None else {"PATH": f"{path}:{os.environ['PATH']}"})
    return subprocess.run([FOOTPRINT, *words], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_the_help_shows_the_usage(word: str) -> None:
    done = run(word)
    assert (done.returncode, done.stderr) == (0, "")
    assert "script/footprint [FILE.deb]" in done.stdout


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--json"], "there is no option --json"),
        (["a.deb", "b.deb"], "give at most one package, not: a.deb b.deb"),
        (["/nowhere/a.deb"], "there is no file /nowhere/a.deb"),
    ],
)
def test_unknown_arguments_are_refused(words: list[str], reason: str, commands: Path) -> None:
    done = run(*words, path=commands)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"footprint: {reason}")


def test_a_missing_package_is_reported(commands: Path) -> None:
    (commands / "dpkg-query").write_text("#!/bin/sh\nexit 1\n")
    done = run(path=commands)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not installed" in done.stderr


@pytest.mark.skipif(not Path("/sys/fs/cgroup").is_dir(), reason="needs control groups")
def test_the_memory_of_the_processes_of_each_unit_is_added_up(commands: Path, tmp_path: Path) -> None:
    package = tmp_path / "a.deb"
    package.write_bytes(bytes(2_500_000))
    done = run(package, path=commands)
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"(?m)^(\w+) +(\d+\.\d) MB  (.*)$", done.stdout)
    assert len(rows) == len(done.stdout.splitlines())
    assert [name for name, _, _ in rows] == [
        "package",
        "installed",
        "unit",
        "process",
        "unit",
        "unit",
        "unit",
        "memory",
    ]
    size = {f"{name} {remark}": float(size) for name, size, remark in rows}
    assert size[f"package {package}"] == 2.5
    assert rows[1][1:] == ("105.9", "(102.4 by dpkg's Installed-Size, 3.5 of bytecode)")
    assert size["unit holdgate-milter"] == size["memory in 1 processes"] == float(rows[3][1]) > 1
    assert size["unit holdgate-scan"] == 0
    absent = re.findall(r"footprint: (\S+) does not run", done.stderr)
    assert absent == ["holdgate-scan", "holdgate-queue", "holdgate-desk"]
