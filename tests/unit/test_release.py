"""script/release: each mismatch is reported, and then nothing is built."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from testbed import release

ROOT = Path(__file__).parents[2]
CHANGES = "# Changes\n\n## Unreleased\n\n## 2.1.0, 2026-12-24\n\n- A change.\n\n## 2.0.0, 2026-12-01\n\n- Another.\n"
DEBIAN = (
    "holdgate (2.1.0) unstable; urgency=medium\n\n  * A change.\n\n"
    " -- Holdgate maintainers <maintainers@corp.example>  Thu, 24 Dec 2026 08:00:00 +0000\n"
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout of version 2.1.0 in which everything agrees."""
    (tmp_path / "milter/holdgate").mkdir(parents=True)
    (tmp_path / "milter/holdgate/__init__.py").write_text('__version__ = "2.1.0"\n')
    (tmp_path / "debian").mkdir()
    (tmp_path / "debian/changelog").write_text(DEBIAN)
    (tmp_path / "debian/control").write_text("Maintainer: Holdgate maintainers <maintainers@corp.example>\n")
    (tmp_path / "CHANGELOG.md").write_text(CHANGES)
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    identity = ["-c", "user.name=anna", "-c", "user.email=anna@corp.example"]
    for command in (["init", "--quiet"], ["add", "."], [*identity, "commit", "--quiet", "--message", "all"]):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    return tmp_path


def problems(root: Path) -> list[str]:
    checks = (release.check_version, release.check_tree, release.check_changelog, release.check_debian)
    return [problem for check in checks for problem in check(root)]


def change(root: Path, name: str, old: str, new: str) -> None:
    """Change a file, and commit it."""
    path = root / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    identity = ["-c", "user.name=anna", "-c", "user.email=anna@corp.example"]
    subprocess.run(["git", "-C", root, *identity, "commit", "--quiet", "--all", "--message", "changed"], check=True)


def test_a_consistent_checkout_has_no_problem(checkout: Path) -> None:
    assert problems(checkout) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("milter/holdgate/__init__.py", "2.1.0", "2.1", "not MAJOR.MINOR.PATCH"),
        ("milter/holdgate/__init__.py", "2.1.0", "2.2.0", 'must begin with "## Unreleased" and "## 2.2.0, YYYY-MM-DD"'),
        ("setup.cfg", "attr: holdgate.__version__", "2.1.0", "setup.cfg: version is written there"),
        ("setup.cfg", "5 - Production/Stable", "4 - Beta", "the classifier Development Status"),
        ("CHANGELOG.md", "## Unreleased\n\n", "", "must begin with"),
        ("CHANGELOG.md", "## Unreleased\n", "## Unreleased\n\n- Forgotten.\n", "Unreleased has entries"),
        ("CHANGELOG.md", "2026-12-24", "soon", "must begin with"),
        ("CHANGELOG.md", "- A change.\n", "", "2.1.0, 2026-12-24 has no entries"),
        ("debian/changelog", "(2.1.0)", "(2.0.0)", "2.0.0 is first, and the version is 2.1.0"),
        ("debian/changelog", "unstable", "UNRELEASED", "run dch --release"),
        ("debian/changelog", "24 Dec", "23 Dec", "but CHANGELOG.md says 2026-12-24"),
        ("debian/changelog", "maintainers@corp", "anna@corp", "signed by Holdgate maintainers <anna@corp.example>"),
        ("debian/changelog", "holdgate (", "holdgate ", "no entry can be read"),
        ("debian/control", "corp.example", "localhost", "valid on one machine only"),
    ],
)
def test_each_inconsistency_is_named(checkout: Path, name: str, old: str, new: str, problem: str) -> None:
    change(checkout, name, old, new)
    assert [one for one in problems(checkout) if problem in one]


def test_uncommitted_changes_are_named(checkout: Path) -> None:
    (checkout / "note.md").write_text("x")
    (checkout / "CHANGELOG.md").write_text(CHANGES + "\n")
    assert release.check_tree(checkout) == ["not committed: CHANGELOG.md", "not committed: note.md"]


def test_the_tag_of_another_commit_is_named(checkout: Path) -> None:
    subprocess.run(["git", "-C", checkout, "tag", "v2.1.0"], check=True)
    assert problems(checkout) == []
    change(checkout, "CHANGELOG.md", "Another", "A third")
    assert [one for one in problems(checkout) if one.startswith("the tag v2.1.0 is at another commit")]


def test_this_checkout_is_consistent_apart_from_unreleased_changes() -> None:
    checks = (release.check_version, release.check_debian, release.check_pages)
    assert [problem for check in checks for problem in check(ROOT)] == []


def package(directory: Path, number: str, program: str) -> None:
    """Make a package with only the checked files."""
    tree = directory.parent / "tree"
    libraries = tree / f"opt/holdgate/lib/python3.13/site-packages/holdgate-{program}.dist-info"
    (tree / "DEBIAN").mkdir(parents=True)
    libraries.mkdir(parents=True)
    (libraries / "METADATA").write_text("x")
    fields = {"Package": "holdgate", "Version": number, "Architecture": "all", "Maintainer": "x", "Description": "x"}
    (tree / "DEBIAN/control").write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
    made = directory / f"holdgate_{number}_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-z0", "--build", tree, made], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        (("2.1.0~deb13", "2.1.0", "2.1.0~deb13", "3.1.0"), ""),
        (("2.0.0~deb13", "2.1.0", "2.0.0~deb13", "3.1.0"), "its version is 2.0.0~deb13"),
        (("2.1.0~deb13", "2.0.0", "2.1.0~deb13", "3.1.0"), "the program in it is of version 2.0.0"),
        (("2.1.0~deb13", "2.1.0", "2.0.0~deb13", "3.1.0"), "of version 2.0.0~deb13, not 2.1.0~deb13"),
        (("2.1.0~deb13", "2.1.0", "2.1.0~deb13", "3.2.0"), "some-library 3.2.0 is not in requirements/package.txt"),
    ],
)
def test_the_built_files_must_have_the_version(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory, case: tuple[str, str, str, str], problem: str
) -> None:
    number, program, bill, component = case
    (checkout / "requirements").mkdir()
    (checkout / "requirements/package.txt").write_text("some_library==3.1.0 \\\n    --hash=sha256:00\n")
    directory = tmp_path_factory.mktemp("built") / "dist"
    directory.mkdir()
    package(directory, number, program)
    components = [{"name": "some-library", "version": component}]
    content = {"metadata": {"component": {"version": bill}}, "components": components}
    (directory / f"holdgate_{number}_all.cdx.json").write_text(json.dumps(content))
    found = release.check_built(checkout, directory)
    assert [problem in one for one in found] == ([True] if problem else [])


def test_a_problem_is_printed_and_stops_the_release(capsys: pytest.CaptureFixture[str]) -> None:
    checks = {"one": lambda root: [], "two": lambda root: [f"{root} is wrong"]}
    assert not release.run(Path("/tmp"), checks)
    assert capsys.readouterr().out == "ok: one\nNOT OK: two\n  /tmp is wrong\n"
