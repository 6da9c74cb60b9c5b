"""The generator of files by other programs: missing programs are skipped, versions are named."""

import shutil
from pathlib import Path

import pytest

from benchmarks.programs import debian, make, making


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(make, "MODULES", ("debian",))
    monkeypatch.setattr(make, "MAKERS", {name: making.MAKERS[name] for name in ("groff.ps", "qrencode-UTF8.txt")})
    assert make.main([str(tmp_path / "programs")]) == 0
    assert list((tmp_path / "programs").iterdir()) == []


def test_each_command_has_its_package() -> None:
    source = Path(debian.__file__).read_text("utf-8")
    used = {command for command in debian.PACKAGES if f'["{command}"' in source or f'"{command}-' in source}
    assert set(debian.PACKAGES) - used <= {"a2ps", "enscript"}


def test_a_file_has_the_output_of_its_program(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []

    def run(command: list[str], _files: dict[str, bytes], _result: str, _given: bytes = b"") -> bytes:
        calls.append(command)
        return b"content"

    monkeypatch.setattr(debian, "run", run)
    assert making.MAKERS["groff.ditroff"]() == b"content"
    assert calls == [["groff", "-ms", "-Tps", "-Z", "a.ms"]]


def test_versions_are_of_installed_packages() -> None:
    assert all(len(version.split()) == 2 for version in make.versions())
