"""Disks without free space are named, with what depends on them."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from holdgate.cli import check_disks
from holdgate.config import Settings

PLACES = ["h.toml: [store] url", "h.toml: [milter] spool_directory", "main.cf: queue_directory"]


def problems(directory: Path, **store: str) -> list[str]:
    (directory / "main.cf").write_text(f"queue_directory = {directory}\n")
    settings = {
        "store": {"url": f"sqlite:///{directory}/holdgate.db", **store},
        "milter": {"spool_directory": directory},
        "queue": {"postfix_config": directory},
    }
    return list(check_disks.problems(Path("h.toml"), Settings.model_validate(settings)))


def disk(monkeypatch: pytest.MonkeyPatch, *, free: int, files: int = 100, unused: int = 50) -> None:
    found = SimpleNamespace(f_bavail=free // 4096, f_frsize=4096, f_files=files, f_favail=unused)
    monkeypatch.setattr(os, "statvfs", lambda _directory: found)


@pytest.mark.postfix
def test_a_full_disk_is_reported_with_its_effects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk(monkeypatch, free=0)
    found = problems(tmp_path)
    assert [line.partition(f": {tmp_path}: ")[0] for line in found] == [*PLACES[:2], f"{tmp_path}/{PLACES[2]}"]
    assert found[0].endswith(
        f"{tmp_path}: its disk has 0.0 MiB free, so messages cannot be held, and nobody can decide; "
        "free at least 20 MiB there"
    )
    assert len(problems(tmp_path, url="postgresql://holdgate@db.corp.example/holdgate")) == 2


@pytest.mark.postfix
@pytest.mark.parametrize(
    ("free", "files", "unused", "is_named"),
    [
        (check_disks.LEAST * 1024**2, 100, 1, False),
        (check_disks.LEAST * 1024**2 - 4096, 100, 1, True),
        (10**9, 100, 0, True),
        (10**9, 0, 0, False),  # a file system that counts no files
    ],
)
def test_only_a_disk_with_too_little_space_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, files: int, unused: int, is_named: bool
) -> None:
    disk(monkeypatch, free=free, files=files, unused=unused)
    found = problems(tmp_path)
    assert bool(found) == is_named
    assert ("no inode free" in "".join(found)) == (is_named and not unused)


@pytest.mark.postfix
def test_a_missing_directory_is_not_a_disk_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, url=f"sqlite:///{tmp_path}/missing/holdgate.db") == []
