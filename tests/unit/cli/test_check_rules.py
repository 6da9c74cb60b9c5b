"""Reports on a site's own rules that are never read."""

from pathlib import Path

import pytest

from holdgate.cli import check_rules
from holdgate.config import Settings


def warnings(tmp_path: Path, name: str) -> list[str]:
    file = tmp_path / "rules.d" / name
    file.parent.mkdir(parents=True)
    file.touch()
    settings = Settings.model_validate({"rules": {"local_directory": tmp_path / "rules.d"}})
    return list(check_rules.warnings(Path("h.toml"), settings))


@pytest.mark.parametrize(
    "name",
    [
        *("identifiers/staff.toml", "keywords/en.toml", "profiles/company.toml", "dictionaries/towns.txt"),
        *("lists/projects.csv", "lists/projects.txt", "never-count.toml", "never-count.key"),
        *("README.txt", "identifiers/staff.toml.bak", "lists/.hidden.csv"),
    ],
)
def test_files_that_are_read_or_are_no_rules_are_not_named(tmp_path: Path, name: str) -> None:
    assert warnings(tmp_path, name) == []


@pytest.mark.parametrize(
    ("name", "output"),
    [
        (
            "staff.toml",
            "is never read; move it to one of the folders identifiers, keywords, profiles, dictionaries, lists",
        ),
        ("identifiers/own/staff.toml", "is never read; move it to one of the folders identifiers, "),
        ("lists/never-count.toml", "is never read; files in lists end in .csv or .txt"),
        ("identifiers/staff.txt", "is never read; files in identifiers end in .toml"),
    ],
)
def test_a_file_that_is_never_read_is_named(tmp_path: Path, name: str, output: str) -> None:
    (warning,) = warnings(tmp_path, name)
    assert warning.startswith(f"{tmp_path}/rules.d/{name}: {output}")


def test_a_misspelt_folder_is_named_with_the_correct_one(tmp_path: Path) -> None:
    (warning,) = warnings(tmp_path, "list/projects.csv")
    assert warning.endswith(f' of {tmp_path}/rules.d; did you mean "lists"?')
