"""The container image: built from its Containerfile, started with its variables, and a message held and approved.

podman runs it. Its base is a Debian that was made here, so that nothing comes from a registry.
"""

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from testbed.ports import wait_for

ROOT = Path(__file__).parents[2]
SECRET = "536-90-4399"
VARIABLES = {
    "MAIL_HOSTNAME": "mx.corp.example",
    "MAIL_RELAYHOST": "[127.0.0.1]:2526",
    "HOLDGATE_DOMAINS": "corp.example, *.corp.example",
    "HOLDGATE_MODERATORS": "privacy@corp.example",
    "HOLDGATE_PAGE": "https://approve.corp.example",
    "HOLDGATE_MODE": "enforce",
}
# Bounds that a container's manager would else raise, which not every root may.
_LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096")


# A start loads all rules, and each command is a process that podman starts.
_PATIENCE = 300.0


Value = TypeVar("Value")


class Podman:
    """podman with separate images and containers."""

    def __init__(self, directory: Path) -> None:
        self._options = [
            *("--root", str(directory / "images"), "--runroot", str(directory / "run"), "--storage-driver", "vfs"),
            *("--tmpdir", str(directory / "tmp")),
        ]
        # crun refuses a host with control groups of both versions. It gets a view with version 2 alone.
        is_hybrid = Path("/sys/fs/cgroup/cgroup.procs").exists() is False
        script = 'mount -t cgroup2 none /sys/fs/cgroup && exec "$@"'
        self._before = ["unshare", "--mount", "sh", "-c", script, "sh"] if is_hybrid else []

    def __call__(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*self._before, "podman", *self._options, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=900,
        )
        if check and done.returncode != 0:
            pytest.fail(f"podman {' '.join(words)}: exit {done.returncode}: {done.stdout[-2000:]}{done.stderr[-3000:]}")
        return done


@pytest.fixture(scope="module")
def podman(workshop: Path) -> Podman:
    if shutil.which("podman") is None:
        pytest.skip("there is no podman")
    return Podman(Path(os.environ["HOLDGATE_PODMAN"]) if "HOLDGATE_PODMAN" in os.environ else workshop / "podman")


@pytest.fixture(scope="module")
def image(podman: Podman, request: pytest.FixtureRequest, workshop: Path) -> str:
    """The image, made of a Debian that has all that the package depends on; HOLDGATE_PODMAN names one made before."""
    if "HOLDGATE_PODMAN" in os.environ:
        return "localhost/holdgate:1"
    debian, package = (request.getfixturevalue(name) for name in ("debian", "package"))
    archive = workshop / "base.tar"
    # Its Postfix is configured, which that of a new container is not.
    left_out = ("--exclude=./etc/postfix/main.cf", "--exclude=./etc/postfix/master.cf", "--exclude=./var/cache/apt/*")
    subprocess.run(["tar", "--numeric-owner", "-C", debian, *left_out, "-cf", archive, "."], check=True)
    podman("import", "--quiet", str(archive), "localhost/base:1")
    archive.unlink()
    context = workshop / "context"
    (context / "dist").mkdir(parents=True)
    (context / "container").mkdir()
    shutil.copy(package, context / "dist")
    shutil.copy(ROOT / "container/start", context / "container")
    podman(
        *("build", "--isolation=chroot", "--pull=never", "--layers=false", "--build-arg", "BASE=localhost/base:1"),
        *("-f", str(ROOT / "container/Containerfile"), "-t", "localhost/holdgate:1", str(context)),
    )
    return "localhost/holdgate:1"


class Container:
    """A container of the image."""

    def __init__(self, podman: Podman, image: str, directory: Path, **variables: str) -> None:
        self._podman = podman
        self.name = f"holdgate-{secrets.token_hex(4)}"
        settings = [f"--env={name}={value}" for name, value in variables.items()]
        volumes = []
        for place in ("/etc/holdgate", "/var/lib/holdgate", "/var/spool/postfix"):
            kept = directory / place.replace("/", "_")
            kept.mkdir(exist_ok=True)
            volumes.append(f"--volume={kept}:{place}")
        podman(
            *("run", "--detach", "--name", self.name, "--network=none", "--cgroups=disabled", "--log-driver=k8s-file"),
            *(*_LIMITS, *settings, *volumes, image),
        )

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self._podman("exec", self.name, *command, check=check)

    def log(self) -> str:
        done = self._podman("logs", self.name)
        return done.stdout + done.stderr

    def wait_for(self, condition: Callable[[], Value], what: str) -> Value:
        try:
            return wait_for(condition, what, _PATIENCE)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log()[-4000:]}") from None

    def exit_code(self) -> int:
        return int(self._podman("wait", self.name).stdout)

    def stop(self) -> None:
        self._podman("stop", "--time=60", self.name)

    def remove(self) -> None:
        self._podman("rm", "--force", "--time=5", self.name, check=False)


@pytest.fixture(scope="module")
def kept(workshop: Path) -> Path:
    """Where the volumes are."""
    directory = workshop / "volumes"
    directory.mkdir()
    return directory


@pytest.fixture
def container(podman: Podman, image: str, kept: Path) -> Iterator[Container]:
    running = Container(podman, image, kept, **VARIABLES)
    try:
        running.wait_for(lambda: "holdgate-container: started" in running.log(), "the container to start")
        # A program that accepts mail, as the next hop.
        running.run("sh", "-c", "mkdir -p /srv/next-hop && chown nobody /srv/next-hop")
        running.run("sh", "-c", "smtp-sink -u nobody -d /srv/next-hop/%M. 127.0.0.1:2526 100 >/dev/null 2>&1 &")
        yield running
    finally:
        running.remove()


def held(container: Container) -> list[str]:
    output = container.run("holdgate", "list", "--state", "held").stdout
    return re.findall(r"(?m)^([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})\b", output)


def send(container: Container, text: str) -> None:
    message = f"Subject: {text.split()[0]}\\n\\n{text}\\n"
    container.run("sh", "-c", f"printf '{message}' | sendmail -f anna@corp.example bob@partner.example")


def delivered(container: Container, word: str) -> bool:
    return container.run("grep", "-rqs", word, "/srv/next-hop", check=False).returncode == 0


def test_the_image_contains_no_secret(podman: Podman, image: str) -> None:
    command = "find /etc/holdgate /usr/local/share/holdgate /var/lib/holdgate /etc/ssl/private -type f"
    found = podman(
        *("run", "--rm", "--network=none", "--cgroups=disabled", *_LIMITS, "--entrypoint", "sh", image, "-c", command)
    ).stdout
    assert "policies.toml" in found
    assert not re.search(r"\.keys?$|\.db$|snakeoil", found, re.M)


def test_a_message_is_held_and_approved_and_a_clean_one_is_delivered(container: Container) -> None:
    checked = container.run("holdgate", "check", check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    send(container, "lunch at half past twelve")
    container.wait_for(lambda: delivered(container, "half past"), "the clean message")
    send(container, f"figures her social security number is {SECRET}")
    container.wait_for(lambda: held(container), "the message to be held")
    assert not delivered(container, SECRET)
    (incident,) = held(container)
    container.run("holdgate", "release", incident)
    container.wait_for(lambda: delivered(container, SECRET), "the delivery")


def test_held_messages_survive_a_new_container(podman: Podman, image: str, kept: Path, container: Container) -> None:
    send(container, f"numbers her social security number is {SECRET}")
    container.wait_for(lambda: held(container), "the message to be held")
    before = held(container)
    container.stop()
    assert container.exit_code() == 0
    again = Container(podman, image, kept, **VARIABLES)
    try:
        again.wait_for(lambda: "holdgate-container: started" in again.log(), "the container to start")
        again.wait_for(lambda: held(again) == before, "the incident")
        again.run("holdgate", "reject", before[0])
    finally:
        again.remove()


def test_the_container_exits_if_a_process_exits(container: Container) -> None:
    container.run("sh", "-c", "kill -9 $(pgrep -f holdgate-desk | head -1)")
    assert container.exit_code() not in (0, None)
    assert "a process has ended" in container.log()


@pytest.mark.parametrize(
    ("missing", "reported"),
    [("MAIL_HOSTNAME", "MAIL_HOSTNAME is not set"), ("HOLDGATE_DOMAINS", "HOLDGATE_DOMAINS is not set")],
)
def test_a_missing_variable_is_named(podman: Podman, image: str, tmp_path: Path, missing: str, reported: str) -> None:
    given = {name: value for name, value in VARIABLES.items() if name != missing}
    container = Container(podman, image, tmp_path, **given)
    try:
        assert container.exit_code() == 78
        assert reported in container.log()
    finally:
        container.remove()


def test_the_page_names_each_variable_of_the_script() -> None:
    page = (ROOT / "docs/howto/container.md").read_text(encoding="utf-8")
    script = (ROOT / "container/start").read_text(encoding="utf-8")
    assert set(re.findall(r"`((?:MAIL|HOLDGATE)_[A-Z]+)`", page)) == set(
        re.findall(r"\b((?:MAIL|HOLDGATE)_[A-Z]+)\b", script)
    )
    assert os.access(ROOT / "container/start", os.X_OK)
