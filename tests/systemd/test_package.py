"""The package file: two builds are identical, and its bill of materials lists its contents."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.machine import build_package

ROOT = Path(__file__).parents[2]


def contents(package: Path, directory: Path) -> dict[str, str]:
    """Unpack a package and return the digest of each of its files."""
    directory.mkdir()
    subprocess.run(["dpkg-deb", "--raw-extract", package, directory], check=True)
    found = subprocess.check_output(
        ["find", ".", "-type", "f", "-exec", "sha256sum", "{}", "+"], cwd=directory, text=True
    )
    return {line[66:]: line[:64] for line in found.splitlines()}


def test_two_builds_are_identical(package: Path, workshop: Path, tmp_path: Path) -> None:
    """Another place, another moment, other times of the sources, another umask and time zone: the same package."""
    sources = workshop / "another place for the sources"
    sources.mkdir()
    subprocess.run([ROOT / "script/sources", sources], check=True)
    for path in sources.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (time.time() - 86_400,) * 2)
    other = workshop / "other"
    other.mkdir()
    previous = os.umask(0o027)
    os.environ["TZ"] = "Pacific/Kiritimati"
    try:
        again = build_package(sources, other)
    finally:
        os.umask(previous)
        del os.environ["TZ"]
    assert package.name == again.name
    # File by file first: that shows the difference.
    one, two = contents(package, tmp_path / "one"), contents(again, tmp_path / "two")
    assert {name for name in one.keys() | two.keys() if one.get(name) != two.get(name)} == set()
    assert package.read_bytes() == again.read_bytes()


@pytest.fixture(scope="module")
def unpacked(package: Path, workshop: Path) -> Path:
    directory = workshop / "unpacked"
    subprocess.run(["dpkg-deb", "--extract", package, directory], check=True)
    return directory


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_bill_of_materials_lists_every_library_in_its_locked_version(package: Path, unpacked: Path) -> None:
    inside = (unpacked / "usr/share/doc/holdgate/holdgate.cdx.json").read_bytes()
    separate = package.with_name(package.name.removesuffix(".deb") + ".cdx.json")
    assert not separate.exists() or separate.read_bytes() == inside
    bill = json.loads(inside)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == "holdgate"
    assert bill["metadata"]["component"]["version"] == package.name.split("_")[1]
    named = {(plain(one["name"]), one["version"]) for one in bill["components"]}
    (libraries,) = unpacked.glob("opt/holdgate/lib/python3*/site-packages")
    there = {tuple(path.name.removesuffix(".dist-info").rsplit("-", 1)) for path in libraries.glob("*.dist-info")}
    assert named == {(plain(name), version) for name, version in there if name != "holdgate"}
    locked = re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", (ROOT / "requirements/package.txt").read_text(encoding="utf-8"))
    assert named <= {(plain(name), version) for name, version in locked}
    for one in bill["components"]:
        hashes = [hashed for reference in one["externalReferences"] for hashed in reference.get("hashes", [])]
        assert hashes, one["name"]
    # What a library declares in its metadata; some declare nothing there, and bring the text alone.
    undeclared = {plain(one["name"]) for one in bill["components"] if "licenses" not in one}
    assert undeclared <= {"libarchive-c", "pyahocorasick", "pypdfium2"}


def test_no_file_contains_the_build_directory(unpacked: Path) -> None:
    found = subprocess.run(
        ["grep", "-rlE", "holdgate-package[.]|another place for the sources", "."],
        cwd=unpacked / "opt/holdgate",
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""
