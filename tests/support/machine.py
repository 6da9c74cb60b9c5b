"""A Debian system in a directory, booted with systemd in a container, for tests of the installed package."""

import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from testbed.ports import PATIENCE, T, wait_for
from tests.support.control_group import ControlGroup

# The packages of a mail server before Holdgate is installed, and swaks to send with.
_BASE = ("systemd-sysv", "dbus", "postfix", "swaks", "ca-certificates")
# Other services that some tests use. They do not run before a test starts them.
_OTHER_PROGRAMS = (
    "apache2",
    "caddy",
    "curl",
    "haproxy",
    "iproute2",
    "nginx",
    "opendkim",
    "opendkim-tools",
    "postfix-ldap",
    "postfix-pcre",
    "postfix-sqlite",
    "rspamd",
    "slapd",
    "sqlite3",
)
_STOPPED = ("apache2", "caddy", "haproxy", "nginx", "opendkim", "rspamd", "slapd")
# What script/package needs; it would install them itself, but here no list of packages is left.
_BUILD = (
    *("build-essential", "debhelper", "libarchive13", "libleptonica-dev", "libmilter-dev", "libpq-dev", "libseccomp2"),
    *("libtesseract-dev", "lintian", "pkgconf", "python3-dev", "python3-venv"),
)
# Control groups of version 2, as Debian 12 and 13 boot with, on a machine with version 1 too.
_CONTROL_GROUPS = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
_TOOLS = ("mmdebstrap", "systemd-nspawn", "nsenter", "dpkg-deb")


class MachineError(Exception):
    """The container could not be made or did not boot; the argument states why."""


def missing() -> str:
    """Return in one sentence why no container can be booted here, "" if one can."""
    if os.geteuid() != 0:
        return "a container can only be booted by root"
    absent = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if absent:
        return f"these programs are missing: {', '.join(absent)}"
    if not Path("/etc/debian_version").exists():
        return "this is not Debian"
    probe = ["unshare", "--mount", "--pid", "--net", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    if subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        return "this machine lets even root make no namespaces"
    return ""


def suite() -> str:
    """Return the release of Debian to test on: what HOLDGATE_SUITE names, or the one this machine runs."""
    return os.environ.get("HOLDGATE_SUITE") or own_release()


def own_release() -> str:
    """Return the name of the release of Debian that this machine runs."""
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)["VERSION_CODENAME"].strip('"')


def make_root(directory: Path, package: Path) -> None:
    """Install a small Debian with all dependencies of `package`, but not the package."""
    field = subprocess.check_output(["dpkg-deb", "--field", str(package), "Depends"], text=True)
    # The last alternative is a library's old name, which every release knows: as a package, or as provided by one.
    dependencies = [entry.split("|")[-1].split()[0] for entry in field.split(",")]
    debootstrap(directory, [*_BASE, *_OTHER_PROGRAMS, *dependencies], suite())
    run("systemctl", f"--root={directory}", "--quiet", "disable", *_STOPPED)


def build_package(source: Path, workshop: Path) -> Path:
    """Build the package from a checkout and return it: here, or for another release in a Debian of that release.

    It is as published but for its compression and the compilers' optimization, which would take minutes.
    """
    target = workshop / "dist"
    target.mkdir()
    fast = ("DPKG_DEB_COMPRESSOR_LEVEL=0", "DEB_BUILD_OPTIONS=noopt")
    if suite() == own_release():
        run("env", *fast, source / "script/package", target)
    else:
        root = workshop / "builder"
        debootstrap(root, [*_BUILD, "ca-certificates"], suite())
        run(
            *inside(root),
            *(f"--setenv={setting}" for setting in fast),
            *(f"--bind-ro={source}:/source", f"--bind={target}:/target"),
            "/source/script/package",
            "/target",
        )
        shutil.rmtree(root)
    return built(workshop)


def built(workshop: Path) -> Path:
    """Return the package that was built in a workshop."""
    (package,) = (workshop / "dist").glob("*.deb")
    return package


def inside(root: Path) -> list[str]:
    """Return the command that runs another one in `root`, which reaches PyPI in the same way as this machine."""
    settings = [
        f"--setenv={name}" for name in os.environ if re.fullmatch(r"PIP_\w+|(?i:\w+_proxy)|SSL_CERT_FILE", name)
    ]
    files = [f"--bind-ro={file}" for file in ("/etc/pip.conf", "/etc/ssl/certs") if Path(file).exists()]
    # systemd-nspawn refuses Landlock as a call that it does not know. Workers confine themselves by it.
    landlock = "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self"
    command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", f"--directory={root}"]
    return [*command, landlock, *settings, *files]


def debootstrap(directory: Path, packages: Sequence[str], release: str) -> None:
    """Install a small Debian of a release."""
    options = ["--quiet", "--variant=minbase", f"--include={','.join(packages)}", '--aptopt=Acquire::Retries "3"']
    if release == "testing":
        # It changes every day, and a mirror may be older than the seven days for which its Release file is valid.
        options.append('--aptopt=Acquire::Check-Valid-Until "false"')
    run("mmdebstrap", *options, release, directory)


def run(*command: str | Path) -> None:
    """Run a command. Raises MachineError with the end of its output if it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MachineError(f"{command[0]}: exit {done.returncode}: {done.stdout[-3000:]}{done.stderr[-3000:]}")


class Machine:
    """One container on a copy of `root`. It has a separate network with only the loopback interface."""

    def __init__(self, root: Path) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="holdgate-machine-"))
        self.root = self._directory / "root"
        subprocess.run(["cp", "-a", "--reflink=auto", str(root), str(self.root)], check=True)
        self._group = ControlGroup()
        self._process: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def boot(self) -> None:
        """Boot, and wait until systemd has started everything."""
        log = (self._directory / "console").open("ab")
        with log:
            self._process = subprocess.Popen(
                self._group.command(
                    [
                        *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--boot"),
                        *("--link-journal=no", f"--machine=holdgate-{secrets.token_hex(4)}"),
                        f"--directory={self.root}",
                    ]
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | _CONTROL_GROUPS,
                start_new_session=True,
            )
        try:
            wait_for(self._is_up, "the container to boot")
        except TimeoutError as error:
            console = (self._directory / "console").read_text(errors="replace")
            raise MachineError(f"{error}: {console[-1000:]}") from None

    def _is_up(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise TimeoutError("systemd-nspawn ended")
        children = [
            child
            for task in Path(f"/proc/{self._process.pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
        if not children:
            return False
        self._leader = int(children[0])
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def power_off(self) -> None:
        """Shut down normally. Raises MachineError if that takes too long."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise MachineError(f"the container does not shut down: {self._stopping()}") from None
        finally:
            self._process.kill()
            self._process.wait()
            self._process = None
            wait_for(lambda: not Path(f"/proc/{self._leader}").exists(), "the container's processes to end")

    def _stopping(self) -> str:
        """Return the jobs of systemd, all processes and the end of the journal."""
        jobs = self.run("systemctl", "list-jobs", "--no-pager", check=False).stdout
        processes = self.run("ps", "axfo", "pid,stat,etimes,unit,args", check=False).stdout
        journal = self.run("journalctl", "--no-pager", "--boot", "-n", "40", "-o", "short", check=False).stdout
        return "\n".join([jobs, processes, journal])

    def remove(self) -> None:
        """Shut down and delete everything."""
        try:
            self.power_off()
        finally:
            self._group.remove()
            shutil.rmtree(self._directory)

    def command(self, *words: str) -> list[str]:
        """Return the command here that runs another one inside."""
        inside = ["nsenter", "-t", str(self._leader), "-m", "-u", "-i", "-n", "-p", "--", "env", "-i"]
        environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"]
        return [*inside, *environment, *words]

    def run(self, *command: str, check: bool = True, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command inside. Raises MachineError with its output if it fails."""
        done = subprocess.run(
            self.command(*command),
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=300,
        )
        if check and done.returncode != 0:
            output = done.stdout[-1500:] + done.stderr[-1500:]
            if command[0] == "systemctl":
                output += self.run("journalctl", "--no-pager", "-n", "40", "-o", "short", check=False).stdout
            raise MachineError(f"{' '.join(command)}: exit {done.returncode}: {output}")
        return done

    def path(self, name: str) -> Path:
        """Return the path here of a file in the container, given by its absolute path there."""
        return self.root / name.lstrip("/")

    def install(self, package: Path) -> str:
        """Install a package file with apt; its dependencies are installed. Return the output."""
        shutil.copy(package, self.root / "var/cache" / package.name)
        done = self.run("apt-get", "install", "--yes", "--allow-downgrades", f"/var/cache/{package.name}")
        return done.stdout + done.stderr

    def wait_for(self, condition: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
        """Wait for a condition and return its value; on failure show the end of the journal."""
        try:
            return wait_for(condition, what, seconds)
        except TimeoutError as error:
            journal = self.run("journalctl", "--no-pager", "-n", "40", "-o", "short", check=False).stdout
            raise TimeoutError(f"{error}\n{journal}") from None

    # -- mail -----------------------------------------------------------------------------------------------------

    def send(self, text: str, *, sender: str = "anna@localhost", to: str = "bob@localhost") -> None:
        """Send a message by swaks. Raises MachineError if Postfix does not accept it."""
        self.run(
            *("swaks", "--server", "127.0.0.1", "--from", sender, "--to", to, "--silent", "2"),
            *("--header", f"Subject: {text.split()[0]}", "--body", text),
        )

    def mailbox(self, user: str) -> str:
        """Return the mail delivered to a user."""
        path = self.root / "var/mail" / user
        return path.read_text(errors="replace") if path.exists() else ""

    def held(self) -> list[str]:
        """Return the ids of held incidents, oldest first."""
        lines = self.run("holdgate", "list", "--state", "held").stdout.splitlines()
        return [line.split()[0] for line in lines]
