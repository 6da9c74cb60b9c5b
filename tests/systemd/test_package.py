"""The package comes, is upgraded and goes: nothing of Postfix's is lost, and nothing of ours is left."""

import re
import subprocess
from pathlib import Path

import pytest

from support.machine import Machine, MachineError

# What a purge leaves: dpkg's and systemd's own books.
_BOOKS = re.compile(r"^/(var/lib/(dpkg|apt|systemd)|var/cache|var/log|run|tmp|proc|sys|dev)/")


def files(machine: Machine) -> set[str]:
    found = machine.run(
        "find", "/", "-xdev", "(", "-path", "/proc", "-o", "-path", "/sys", ")", "-prune", "-o", "-print"
    )
    return {name for name in found.stdout.splitlines() if not _BOOKS.match(name)}


def postfix_files(machine: Machine) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (machine.root / "etc/postfix").glob("ma*.cf")}


def with_version(package: Path, directory: Path, version: str) -> Path:
    """Return the same package under another version."""
    tree = directory / version
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", f"Version: {version}", control.read_text()))
    made = directory / f"holdgate_{version}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-z0", "--build", tree, made], check=True, capture_output=True)
    subprocess.run(["rm", "-r", tree], check=True)
    return made


def test_a_purge_leaves_the_mail_system_as_it_was(bare: Machine, package: Path) -> None:
    before, settings, users = files(bare), postfix_files(bare), bare.run("getent", "passwd").stdout
    bare.install(package)
    bare.run("holdgate", "attach", "--yes")
    assert postfix_files(bare) != settings
    bare.send("kept: her social security number is 536-90-4399")
    bare.wait_for(bare.held, "the message to be held")
    bare.run("dpkg", "--purge", "holdgate")

    assert postfix_files(bare) == settings
    assert bare.run("getent", "passwd").stdout == users
    left = files(bare) - before
    # Mail that was held, and what systemd's and Postfix's own programs write, is not ours to remove.
    assert not {name for name in left if "holdgate" in name}, left
    bare.send("afterwards, mail flows")
    bare.wait_for(lambda: "afterwards, mail flows" in bare.mailbox("bob"), "the delivery")
    assert "kept:" not in bare.mailbox("bob")
    bare.run("postsuper", "-H", "ALL")
    bare.run("postqueue", "-f")
    bare.wait_for(lambda: "kept:" in bare.mailbox("bob"), "what was held to be delivered by hand")


def test_detach_keeps_what_others_changed_meanwhile(bare: Machine, package: Path) -> None:
    bare.install(package)
    bare.run("holdgate", "attach", "--yes")
    again = bare.run("holdgate", "attach", "--yes").stdout
    assert "nothing to change" in again
    bare.run("postconf", "-e", "message_size_limit=20480000")
    bare.run("holdgate", "detach", "--yes")
    assert bare.run("postconf", "-h", "message_size_limit").stdout.strip() == "20480000"
    assert bare.run("postconf", "-h", "smtpd_milters").stdout.strip() == "inet:127.0.0.1:8891"
    assert "holdgate" not in bare.run("postconf", "-n").stdout
    assert "10027" not in bare.run("postconf", "-M").stdout
    bare.send("after the detach, mail flows")
    bare.wait_for(lambda: "after the detach" in bare.mailbox("bob"), "the delivery")


def test_an_upgrade_keeps_what_is_held_and_a_downgrade_is_refused(bare: Machine, package: Path, workshop: Path) -> None:
    bare.install(package)
    bare.run("holdgate", "attach", "--yes")
    bare.send("upgraded: her social security number is 536-90-4399")
    bare.wait_for(bare.held, "the message to be held")
    settings = bare.root / "etc/holdgate/holdgate.toml"
    settings.write_text(settings.read_text() + "\n[scan]\nworkers = 1\n")
    newer = with_version(package, workshop, "99.0")
    bare.install(newer)
    assert "workers = 1" in settings.read_text()
    (incident,) = bare.held()
    with pytest.raises(MachineError, match="cannot be replaced by the older"):
        bare.install(package)
    assert bare.run("dpkg-query", "-W", "-f", "${Version}", "holdgate").stdout == "99.0"
    bare.wait_for(lambda: bare.run("holdgate", "status", check=False).returncode == 0, "all to be well")
    bare.run("holdgate", "release", incident)
    bare.wait_for(lambda: "upgraded:" in bare.mailbox("bob"), "the delivery")


def test_the_hold_queue_alone_is_enough_to_go_on(bare: Machine, package: Path) -> None:
    bare.install(package)
    bare.run("holdgate", "attach", "--yes")
    bare.send("backup: her social security number is 536-90-4399")
    bare.wait_for(bare.held, "the message to be held")
    (old,) = bare.held()
    bare.run("sh", "-c", "systemctl stop holdgate.target && rm /var/lib/holdgate/holdgate.db*")
    bare.run("runuser", "-u", "holdgate", "--", "holdgate", "migrate")
    bare.run("systemctl", "start", "holdgate.target", *(f"holdgate-{name}" for name in ("milter", "queue", "desk")))
    bare.wait_for(bare.held, "the message to be adopted")
    (new,) = bare.held()
    assert new != old
    bare.run("holdgate", "release", new)
    bare.wait_for(lambda: "backup:" in bare.mailbox("bob"), "the delivery")
