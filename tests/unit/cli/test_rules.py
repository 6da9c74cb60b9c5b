"""`holdgate rules`: its output and exit codes."""

import argparse
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from holdgate.cli import rules
from holdgate.detect import Detector

RULES = Path(__file__).resolve().parents[3] / "rules"
PROFILE = """
id = "dlp-pii"
description = "Two kinds of numbers"

[[rules]]
name = "numbers"
description = "Numbers"
any = [{ identifiers = ["payment-card", "iban"] }]
severity = { medium = 1, high = 5, critical = 50 }
"""


@pytest.fixture(autouse=True, scope="module")
def _few_rules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Take two identifiers and a profile as the shipped rules; tests/rules loads all of them."""
    few = tmp_path_factory.mktemp("rules")
    for folder in ("identifiers", "keywords", "profiles", "dictionaries"):
        (few / folder).mkdir()
    for name in ("identifiers/iban", "identifiers/payment-card", "keywords/iban", "keywords/payment-card"):
        shutil.copy(RULES / f"{name}.toml", few / f"{name}.toml")
    (few / "profiles" / "dlp-pii.toml").write_text(PROFILE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "RULES", few)
        yield


def run(*words: str, local: Path) -> int:
    parser = argparse.ArgumentParser()
    rules.add_arguments(parser)
    return rules.run(parser.parse_args(["--rules", str(RULES), "--local", str(local), *words]))


def test_list_names_identifiers_and_profiles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", local=tmp_path) == 0
    shown = capsys.readouterr().out
    assert "payment-card" in shown
    assert "dlp-pii" in shown


def test_list_marks_the_rules_of_the_administrator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "projects.txt").write_text("Project Nightjar\n")
    assert run("list", local=tmp_path) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "list-projects" in line)
    assert line.endswith("(yours)")


def test_show_prints_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "iban", local=tmp_path) == 0
    assert 'id = "iban"' in capsys.readouterr().out
    assert run("show", "no-such-thing", local=tmp_path) == 2


def test_text_is_explained_masked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mail = tmp_path / "mail.txt"
    mail.write_text("card 4111 1111 1111 1111")
    assert run("test", str(mail), local=tmp_path) == 1
    shown = capsys.readouterr().out
    assert "payment-card (high) **** **** **** 1111" in shown
    assert '"card" 1 character before it' in shown
    assert "4111" not in shown
    mail.write_text("nothing")
    assert run("test", str(mail), local=tmp_path) == 0


def test_an_invalid_rule_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "mine.toml").write_text('id = "mine"\ndescription = "x"\nextends = ["nobody"]\n')
    assert run("list", local=tmp_path) == 2
    assert 'mine.toml:3: extends: there is no profile "nobody"' in capsys.readouterr().err


def test_custom_values_are_printed_as_hashes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("GB82 WEST 1234 5698 7654 32\n\n"))
    assert run("never", "iban", local=tmp_path) == 0
    table = capsys.readouterr().out
    assert "WEST" not in table
    assert (tmp_path / "never-count.key").stat().st_mode & 0o777 == 0o640
    (tmp_path / "never-count.toml").write_text(table, encoding="utf-8")
    assert not Detector.from_rules(RULES, local_dir=tmp_path).find("IBAN GB82 WEST 1234 5698 7654 32")


@pytest.mark.parametrize(("user", "known", "group"), [(0, True, 4711), (0, False, None), (1000, True, None)])
def test_the_scan_workers_can_read_the_key_of_own_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, known: bool, group: int | None
) -> None:
    """Root gives it to the group of their user; anyone else, or without this user, to that of the directory."""

    def entry(name: str) -> SimpleNamespace:
        if not known or name != "holdgate-scan":
            raise KeyError(name)
        return SimpleNamespace(pw_gid=4711)

    groups: list[int] = []
    monkeypatch.setattr("pwd.getpwnam", entry)
    monkeypatch.setattr("os.geteuid", lambda: user)
    monkeypatch.setattr("os.fchown", lambda _file, _user, given: groups.append(given))
    monkeypatch.setattr("sys.stdin", io.StringIO("GB82 WEST 1234 5698 7654 32\n"))
    assert run("never", "iban", local=tmp_path) == 0
    assert groups == [tmp_path.stat().st_gid if group is None else group]
