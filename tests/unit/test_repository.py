"""A signed repository for apt: accepted with the key, refused without it or after a change of a file."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("apt-get", "dpkg-deb", "dpkg-scanpackages", "gpg")

pytestmark = pytest.mark.skipif(any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)}")


class Repository:
    """A repository in a separate directory, keys to sign it, and an apt that has no other source."""

    def __init__(self, directory: Path, keys: Path) -> None:
        self.directory = directory
        self.root = directory / "repository"
        self.environment = os.environ | {"GNUPGHOME": str(keys)}

    def gpg(self, *words: str) -> bytes:
        return subprocess.check_output(["gpg", "--batch", *words], env=self.environment, stderr=subprocess.DEVNULL)

    def package(self, version: str) -> Path:
        tree = self.directory / "tree"
        (tree / "DEBIAN").mkdir(parents=True, exist_ok=True)
        (tree / "DEBIAN/control").write_text(
            f"Package: holdgate\nVersion: {version}\nArchitecture: all\n"
            "Maintainer: x <x@corp.example>\nDescription: x\n"
        )
        path = self.directory / f"holdgate_{version}_all.deb"
        subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, path], check=True, capture_output=True)
        return path

    def publish(self, *packages: Path, key: str = "ours@corp.example") -> subprocess.CompletedProcess[str]:
        command: list[str | Path] = [ROOT / "script/repository", self.root, key, *packages]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)

    def apt(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run apt-get with separate directories, as the current user."""
        state = self.directory / "apt"
        (state / "lists/partial").mkdir(parents=True, exist_ok=True)
        (state / "archives/partial").mkdir(parents=True, exist_ok=True)
        (state / "status").touch()
        source = state / "holdgate.sources"
        source.write_text(
            f"Types: deb\nURIs: file:{self.root}\nSuites: bookworm\nComponents: main\n"
            f"Signed-By: {self.directory}/keyring.gpg\n"
        )
        options = {
            "APT::Sandbox::User": "root",
            "Dir::Etc::SourceList": source,
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": state / "lists",
            "Dir::State::status": state / "status",
            "Dir::Cache": state,
        }
        command = ["apt-get", *(word for name, value in options.items() for word in ("-o", f"{name}={value}")), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.directory)


@pytest.fixture(scope="module")
def keys() -> Iterator[Path]:
    """A directory of gpg's with two secret keys, which no test changes."""
    # A short path: gpg's agent has a socket there.
    with tempfile.TemporaryDirectory(prefix="holdgate-gpg-") as directory:
        environment = os.environ | {"GNUPGHOME": directory}
        for who in ("ours", "others"):
            words = ["--quick-generate-key", "--passphrase", "", f"{who}@corp.example", "ed25519", "sign", "never"]
            subprocess.run(["gpg", "--batch", *words], env=environment, stderr=subprocess.DEVNULL, check=True)
        yield Path(directory)
        subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False)


@pytest.fixture
def repository(keys: Path) -> Iterator[Repository]:
    with tempfile.TemporaryDirectory(prefix="holdgate-repo-") as directory:
        Path(directory).chmod(0o755)
        yield Repository(Path(directory), keys)


@pytest.mark.slow  # apt-get and gpg
def test_apt_accepts_the_newest_package_only_with_the_key(repository: Repository) -> None:
    first, second = repository.package("1.0~deb12"), repository.package("1.1~deb12")
    assert repository.publish(first).returncode == 0
    assert repository.publish(second).returncode == 0
    shutil.copy(repository.root / "holdgate-archive-keyring.gpg", repository.directory / "keyring.gpg")
    updated = repository.apt("update")
    assert updated.returncode == 0, updated.stderr
    assert "W:" not in updated.stderr
    for path in (first, second):
        path.unlink()
    downloaded = repository.apt("download", "holdgate")
    assert downloaded.returncode == 0, downloaded.stderr
    assert second.exists()
    assert not first.exists()
    # The earlier one is there still.
    assert repository.apt("download", "holdgate=1.0~deb12").returncode == 0

    # Another key than the one that a server knows.
    (repository.directory / "keyring.gpg").write_bytes(repository.gpg("--export", "others@corp.example"))
    # gpgv's word, and sqv's of Debian 13.
    assert re.search("NO_PUBKEY|Missing key", repository.apt("update").stderr)

    # An index that was changed after it was signed.
    shutil.copy(repository.root / "holdgate-archive-keyring.gpg", repository.directory / "keyring.gpg")
    shutil.rmtree(repository.directory / "apt/lists")
    for index in (repository.root / "dists").rglob("*"):
        if index.is_file() and "by-hash" in index.parts:
            index.write_bytes(index.read_bytes() + b" ")
    for index in (repository.root / "dists/bookworm/main").rglob("Packages*"):
        index.write_bytes(index.read_bytes() + b" ")
    assert repository.apt("update").returncode != 0


@pytest.mark.parametrize(
    ("version", "key", "wanted"),
    [
        ("1.0", "ours@corp.example", "does not end in ~debRELEASE"),
        ("1.0~deb9", "ours@corp.example", "does not end in ~debRELEASE"),
        ("1.0~deb12", "nobody@corp.example", 'gpg has no secret key "nobody@corp.example"'),
    ],
)
def test_a_package_that_cannot_be_published_is_named(
    repository: Repository, version: str, key: str, wanted: str
) -> None:
    done = repository.publish(repository.package(version), key=key)
    assert done.returncode == 1
    assert wanted in done.stderr


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--repository", "/nonexistent"], "give both --repository and --key, or neither"),
        (["--key", "x"], "give both --repository and --key, or neither"),
        (["--repo", "x"], "there is no option --repo"),
        (["a", "b"], "give at most one directory, not"),
    ],
)
def test_wrong_options_of_script_package_are_named(words: list[str], wanted: str) -> None:
    done = subprocess.run([ROOT / "script/package", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert wanted in done.stderr
