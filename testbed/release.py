"""Checks that a checkout agrees on one version, and builds the published files: see script/release.

Each check is a line of the output. Exit code 1: something does not agree; nothing is built then, or what was built must
not be published.
"""

import argparse
import configparser
import gzip
import hashlib
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path

from testbed import interfaces
from testbed.covering import git

ROOT = Path(__file__).resolve().parents[1]
# Pages that are generated from the code, by their generator.
_GENERATORS = ("docs/reference/generate.py", "docs/man/generate.py")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_SECTION = re.compile(r"(?m)^## (.+)$")
_DEBIAN = re.compile(
    r"holdgate \((?P<version>[^)]+)\) (?P<suite>\S+); .*?\n -- (?P<who>.+?)  (?P<date>[^\n]+)", re.DOTALL
)


def version(root: Path) -> str:
    """Return the version number, which is in one place only."""
    found = re.search(r'(?m)^__version__ = "(.*)"$', (root / "milter/holdgate/__init__.py").read_text(encoding="utf-8"))
    return found[1] if found else ""


def check_version(root: Path) -> list[str]:
    """The number has three parts, and setup.cfg reads it from its one place."""
    problems = []
    if not _VERSION.fullmatch(version(root)):
        problems.append(f"milter/holdgate/__init__.py: __version__ is {version(root)!r}, not MAJOR.MINOR.PATCH")
    metadata = _setup(root)
    if metadata["version"].strip() != "attr: holdgate.__version__":
        problems.append("setup.cfg: version is written there; it must be attr: holdgate.__version__")
    if not re.search(r"Development Status :: 5 - Production/Stable", metadata["classifiers"]):
        problems.append("setup.cfg: the classifier Development Status is not 5 - Production/Stable")
    return problems


def check_tree(root: Path) -> list[str]:
    """Git tracks everything in this tree unchanged, and the tag of this version is free or is this commit."""
    changed = git(root, "status", "--porcelain").splitlines()
    problems = [f"not committed: {line.split(maxsplit=1)[1]}" for line in changed]
    tag = f"v{version(root)}"
    tagged = git(root, "rev-parse", "--verify", "--quiet", f"refs/tags/{tag}^{{commit}}")
    if tagged and tagged != git(root, "rev-parse", "HEAD"):
        problems.append(f"the tag {tag} is at another commit, {tagged[:12]}: choose the next version")
    return problems


def check_changelog(root: Path) -> list[str]:
    """CHANGELOG.md begins with an empty section Unreleased, then has this version with its date."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = list(_SECTION.finditer(text))
    titles = [section[1] for section in sections]
    wanted = f"{version(root)}, "
    if titles[:1] != ["Unreleased"] or not titles[1:] or not titles[1].startswith(wanted) or not _date(root):
        return [f'CHANGELOG.md: must begin with "## Unreleased" and "## {wanted}YYYY-MM-DD"; begins with {titles[:2]}']
    problems = []
    if text[sections[0].end() : sections[1].start()].strip():
        problems.append("CHANGELOG.md: Unreleased has entries; move them to a version")
    end = sections[2].start() if len(sections) > 2 else len(text)
    if not text[sections[1].end() : end].strip():
        problems.append(f"CHANGELOG.md: {titles[1]} has no entries")
    return problems


def check_debian(root: Path) -> list[str]:
    """debian/changelog has the version, the date and the maintainer, whose address is not of one machine."""
    control = (root / "debian/control").read_text(encoding="utf-8")
    maintainer = "".join(re.findall(r"(?m)^Maintainer: (.+)$", control))
    entry = _DEBIAN.match((root / "debian/changelog").read_text(encoding="utf-8"))
    if entry is None:
        return ["debian/changelog: no entry can be read; write it with dch(1)"]
    problems = []
    if entry["version"] != version(root):
        problems.append(f"debian/changelog: {entry['version']} is first, and the version is {version(root)}")
    if entry["suite"] == "UNRELEASED":
        problems.append("debian/changelog: the first entry is UNRELEASED; run dch --release")
    if parsedate_to_datetime(entry["date"]).date().isoformat() != _date(root):
        problems.append(f"debian/changelog: {entry['date']}, but CHANGELOG.md says {_date(root) or 'no date'}")
    if entry["who"] != maintainer:
        problems.append(f"debian/changelog: signed by {entry['who']}, but debian/control names {maintainer}")
    if re.search(r"localhost|@[^.]*$", maintainer):
        problems.append(f"debian/control: Maintainer: {maintainer} has an address that is valid on one machine only")
    return problems


def check_pages(root: Path) -> list[str]:
    """Man pages and reference pages match the code."""
    problems = []
    for name in _GENERATORS:
        spec = importlib.util.spec_from_file_location("generate", root / name)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        problems += [f"{stale} is stale: run {name}" for stale in module.stale()]
    return problems


def check_interfaces(root: Path) -> list[str]:
    """tests/data/released.toml has the interfaces of this version."""
    recorded, current = interfaces.released(), interfaces.current()
    differing = [key for key in current if recorded.get(key) != current[key]]
    return [f"tests/data/released.toml: {key} differs; run script/release --record" for key in differing]


CHECKS: dict[str, Callable[[Path], list[str]]] = {
    "version": check_version,
    "tree": check_tree,
    "CHANGELOG.md": check_changelog,
    "debian/changelog": check_debian,
    "man pages and reference": check_pages,
    "released interfaces": check_interfaces,
}


def build(root: Path, target: Path) -> None:
    """Build package, bill of materials and source archive into an empty directory."""
    subprocess.run([root / "script/package", target], check=True)
    name = f"holdgate-{version(root)}"
    git_here = ("git", "-c", f"safe.directory={root}", "-C", str(root))
    archive = subprocess.check_output([*git_here, "archive", "--format=tar", f"--prefix={name}/", "HEAD"])
    # Without a name and a time, so that the same commit gives the same bytes.
    (target / f"{name}.tar.gz").write_bytes(gzip.compress(archive, mtime=0))
    files = sorted(path for path in target.iterdir() if path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (target / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def check_built(root: Path, target: Path) -> list[str]:
    """The package, its bill of materials and the program inside have this version."""
    packages = list(target.glob("holdgate_*.deb"))
    if len(packages) != 1:
        return [f"{target}: {len(packages)} packages, not one"]
    (package,) = packages
    number = subprocess.check_output(["dpkg-deb", "--field", package, "Version"], text=True).strip()
    listing = subprocess.check_output(["dpkg-deb", "--contents", package], text=True)
    inside = set(re.findall(r"/holdgate-([^/\s]+)\.dist-info/METADATA$", listing, re.MULTILINE))
    separate = package.with_name(package.name.removesuffix(".deb") + ".cdx.json").read_bytes()
    bill = json.loads(separate)
    problems = []
    if not number.startswith(f"{version(root)}~deb"):
        problems.append(f"{package.name}: its version is {number}")
    if inside != {version(root)}:
        problems.append(f"{package.name}: the program in it is of version {', '.join(sorted(inside)) or 'none'}")
    if bill["metadata"]["component"]["version"] != number:
        problems.append(f"bill of materials: of version {bill['metadata']['component']['version']}, not {number}")
    locked = set(re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", (root / "requirements/package.txt").read_text("utf-8")))
    known = {(_plain(name), release) for name, release in locked}
    for one in bill["components"]:
        if (_plain(one["name"]), one["version"]) not in known:
            problems.append(f"bill of materials: {one['name']} {one['version']} is not in requirements/package.txt")
    return problems


def run(root: Path, checks: dict[str, Callable[[Path], list[str]]]) -> bool:
    """Run checks; print a line for each, and its problems. Return whether all agree."""
    well = True
    for name, check in checks.items():
        problems = check(root)
        print(f"{'NOT OK' if problems else 'ok'}: {name}", *problems, sep="\n  ", flush=True)
        well = well and not problems
    return well


def main(arguments: list[str]) -> int:
    """Check, build and print; return the exit code."""
    options = argparse.ArgumentParser(prog="script/release", description=__doc__)
    options.add_argument("directory", nargs="?", type=Path, metavar="DIRECTORY")
    options.add_argument("--check", action="store_true", help="build nothing")
    options.add_argument("--record", action="store_true", help="write tests/data/released.toml, and build nothing")
    given = options.parse_args(arguments)
    if given.record:
        header = "# What a release promises: written by script/release --record, held by tests/unit/test_released.py.\n"
        interfaces.RELEASED.write_text(header + interfaces.toml(interfaces.current()), encoding="utf-8")
        return 0
    if not run(ROOT, CHECKS):
        return 1
    if given.check:
        return 0
    target = (given.directory or ROOT / "dist" / version(ROOT)).resolve()
    target.mkdir(parents=True, exist_ok=True)
    if any(target.iterdir()):
        print(f"script/release: {target} is not empty; name an empty directory", file=sys.stderr)
        return 1
    build(ROOT, target)
    if not run(ROOT, {"package and bill of materials": lambda root: check_built(root, target)}):
        return 1
    print(f"\nTo be published as {version(ROOT)}, in {target}:")
    print((target / "SHA256SUMS").read_text(encoding="utf-8"), end="")
    return 0


def _setup(root: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser()
    parser.read(root / "setup.cfg", encoding="utf-8")
    return parser["metadata"]


def _date(root: Path) -> str:
    """Return the date of this version in CHANGELOG.md, "" if there is none."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"(?m)^## {re.escape(version(root))}, (\d{{4}}-\d\d-\d\d)$", text)
    return found[1] if found else ""


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
