"""From installation to purge: attach, upgrade, backup and setup, and the files after each of them."""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from holdgate.renamed import RULES, SETTINGS
from testbed import interfaces
from tests.support.installed import SECRET, active, approve, hold, postfix_files, stop
from tests.support.machine import Machine, MachineError

# Files that a purge leaves: the records of dpkg and systemd.
_BOOKS = re.compile(r"^/(var/lib/(dpkg|apt|systemd)|var/cache|var/log|run|tmp|proc|sys|dev)/")


def files(machine: Machine) -> set[str]:
    found = machine.run(
        "find", "/", "-xdev", "(", "-path", "/proc", "-o", "-path", "/sys", ")", "-prune", "-o", "-print"
    )
    return {name for name in found.stdout.splitlines() if not _BOOKS.match(name)}


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


def test_a_purge_restores_the_mail_system(bare: Machine, package: Path) -> None:
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
    # A purge does not remove held mail, nor files that systemd and Postfix write.
    assert not {name for name in left if "holdgate" in name}, left
    bare.send("afterwards, mail flows")
    bare.wait_for(lambda: "afterwards, mail flows" in bare.mailbox("bob"), "the delivery")
    assert "kept:" not in bare.mailbox("bob")
    bare.run("postsuper", "-H", "ALL")
    bare.run("postqueue", "-f")
    bare.wait_for(lambda: "kept:" in bare.mailbox("bob"), "the delivery of the message released by hand")


def test_detach_keeps_changes_that_others_made_after_attach(server: Machine) -> None:
    server.run("holdgate", "attach", "--yes")
    again = server.run("holdgate", "attach", "--yes").stdout
    assert "nothing to change" in again
    server.run("postconf", "-e", "message_size_limit=20480000")
    server.run("holdgate", "detach", "--yes")
    assert server.run("postconf", "-h", "message_size_limit").stdout.strip() == "20480000"
    assert server.run("postconf", "-h", "smtpd_milters").stdout.strip() == "inet:127.0.0.1:8891"
    assert "holdgate" not in server.run("postconf", "-n").stdout
    assert "10027" not in server.run("postconf", "-M").stdout
    server.send("after the detach, mail flows")
    server.wait_for(lambda: "after the detach" in server.mailbox("bob"), "the delivery")


# A value for each setting whose name has changed.
OLD_VALUES: dict[tuple[str, str], Any] = {
    ("moderation", "managers_patience"): "5m",
    ("moderation", "tell_sender_held"): True,
    ("moderation", "tell_sender_approved"): False,
    ("policy", "foreign_marks"): {"X-Example-Action": "hold"},
    ("desk", "web"): "127.0.0.1:9860",
    ("desk", "lmtp"): "127.0.0.1:10028",
    ("desk", "session"): "6h",
    ("canary", "patience"): "4m",
}
OLD_RULE = """id = "badge"
description = "Address on a badge, in texts that hold other data too"
region = "global"
source = ["RFC 5321 section 4.1.2"]

[keywords]
en = ["badge"]

[[shapes]]
name = "mailbox at domain"
finder = "email-address"
in_company = true
alone = "low"
with_keyword = "medium"

[samples]
medium = ["badge: «anna@corp.example»"]
low = ["SSN 536-90-4399, «bob@corp.example»", "SSN 536-90-4399 «carl@corp.example»"]
none = ["badge: anna", "badge: @corp.example", "badge: anna@localhost"]
"""


def with_old_names(machine: Machine, settings: dict[str, Any]) -> list[str]:
    """Write settings, policies and a rule with all earlier names. Return the lines that an upgrade prints of them."""
    directory = machine.root / "etc/holdgate"
    settings["desk"] |= {"public_url": "https://approve.corp.example", "reply_address": "holdgate@approve.corp.example"}
    lines = []
    for (table, old), new in SETTINGS.items():
        settings[table].pop(new, None)
        settings[table][old] = OLD_VALUES[table, old]
        lines.append(f"/etc/holdgate/holdgate.toml: [{table}] {old} is now {new}")
    (directory / "holdgate.toml").write_text(interfaces.toml(settings))
    policies = directory / "policies.toml"
    added = "split = true\n\n[policy.moderation]\ntell_sender_held = true\n"
    policies.write_text(policies.read_text().replace("split = true\n", added))
    lines.append("/etc/holdgate/policies.toml: [policy.moderation] tell_sender_held is now notify_sender_on_hold")
    rule = "rules.d/identifiers/badge.toml"
    (directory / rule).parent.mkdir(exist_ok=True)
    (directory / rule).write_text(OLD_RULE)
    lines += [f"/etc/holdgate/{rule}: [{table}] {old} is now {new}" for (table, old), new in RULES.items()]
    return lines


def test_an_upgrade_keeps_held_mail_and_a_downgrade_is_refused(bare: Machine, package: Path, workshop: Path) -> None:
    bare.install(package)
    bare.run("holdgate", "attach", "--yes")
    bare.send("upgraded: her social security number is 536-90-4399")
    bare.wait_for(bare.held, "the message to be held")
    settings = bare.root / "etc/holdgate/holdgate.toml"
    # Every setting of the last release, and every renamed setting under its earlier name.
    released = interfaces.released()["settings"]
    released["scan"]["workers"] = 1
    renamed = with_old_names(bare, released)
    newer = with_version(package, workshop, "99.0")
    # The state that a version with one user for all daemons left.
    stop(bare)
    bare.run("chown", "-R", "holdgate:holdgate", "/var/lib/holdgate", "/var/spool/postfix/holdgate")
    bare.run("sh", "-c", "chmod 0750 /var/lib/holdgate && chmod 0640 /var/lib/holdgate/holdgate.db*")
    bare.run("chgrp", "postfix", "/var/spool/postfix/holdgate")
    # The state that a version without a scan service left.
    bare.run(
        "sh", "-c", "systemctl disable holdgate-scan && rm -r /run/holdgate/scan /var/lib/systemd/deb-systemd-*/*scan*"
    )
    bare.run("sh", "-c", "userdel holdgate-scan; rm -f /usr/lib/systemd/system/holdgate-scan.service")
    bare.run("sh", "-c", "touch /etc/holdgate/rules.d/own.txt && chmod 0600 /etc/holdgate/rules.d/own.txt")
    installed = bare.install(newer)
    assert "/etc/holdgate/rules.d/own.txt: the user holdgate-scan must be able to read it; run: setfacl" in installed
    assert active(bare, "holdgate-scan")
    assert bare.run("systemctl", "is-enabled", "holdgate-scan").stdout.strip() == "enabled"
    for line in renamed:
        assert line in installed
    assert "workers = 1" in settings.read_text()
    carried = tomllib.loads(settings.read_text())
    assert {at: carried[at[0]][new] for at, new in SETTINGS.items()} == OLD_VALUES
    assert "notify_sender_on_hold = true" in (bare.root / "etc/holdgate/policies.toml").read_text()
    shape = 'needs_cooccurrence = true\nwithout_evidence = "low"\nwith_evidence = "medium"\n'
    assert shape in (bare.root / "etc/holdgate/rules.d/identifiers/badge.toml").read_text()
    (incident,) = bare.held()
    with pytest.raises(MachineError, match="cannot be replaced by the older"):
        bare.install(package)
    assert bare.run("dpkg-query", "-W", "-f", "${Version}", "holdgate").stdout == "99.0"
    bare.wait_for(lambda: bare.run("holdgate", "status", check=False).returncode == 0, "the status without problems")
    # The next upgrade finds the files as this version writes them: each daemon has files of its own.
    bare.wait_for(lambda: bare.path("/var/lib/holdgate/audit.head").exists(), "the head of the audit trail")
    bare.run("/var/lib/dpkg/info/holdgate.postinst", "configure", "99.0")
    owners = bare.run("stat", "-c", "%U %a", "/var/lib/holdgate/token.key", "/var/lib/holdgate/audit.head").stdout
    assert owners.splitlines() == ["holdgate-desk 600", "holdgate-desk 640"]
    bare.run("holdgate", "release", incident)
    bare.wait_for(lambda: "upgraded:" in bare.mailbox("bob"), "the delivery")
    # A removal keeps the store.
    bare.run("apt-get", "remove", "--yes", "holdgate")
    with pytest.raises(MachineError, match="cannot be replaced by the older"):
        bare.install(package)


def documented(page: str) -> list[str]:
    """Return the blocks of commands of a page, in order."""
    text = (Path(__file__).parents[2] / page).read_text(encoding="utf-8")
    return re.findall(r"(?ms)^```\n(.*?)^```$", text)


def test_held_messages_are_recovered_if_the_store_is_lost(server: Machine) -> None:
    server.run("holdgate", "attach", "--yes")
    server.send("backup: her social security number is 536-90-4399")
    server.wait_for(server.held, "the message to be held")
    (old,) = server.held()
    *_, without_backup = documented("docs/howto/backup.md")
    server.run("sh", "-ec", without_backup)
    server.wait_for(server.held, "the message to be adopted")
    (new,) = server.held()
    assert new == old  # as its header names it
    server.run("holdgate", "release", new)
    server.wait_for(lambda: "backup:" in server.mailbox("bob"), "the delivery")


def test_a_backup_is_restored_with_the_documented_commands(server: Machine) -> None:
    backup, restore, _ = documented("docs/howto/backup.md")
    server.run("holdgate", "attach", "--yes")
    gone, word = hold(server)
    kept, other = hold(server)
    server.run("sh", "-ec", backup)
    approve(server, gone, word)
    hold(server)
    key = server.path("/var/lib/holdgate/token.key").read_text()
    stop(server)
    server.run("sh", "-c", "rm /var/lib/holdgate/holdgate.db* /var/lib/holdgate/token.key")
    server.run("sh", "-ec", restore)
    assert server.path("/var/lib/holdgate/token.key").read_text() == key
    # The first is corrected according to the queue, and the third, which the store does not have, is adopted.
    server.wait_for(lambda: gone not in server.held() and len(server.held()) == 2, "store and queue to agree")
    assert kept in server.held()
    assert "vanished" in server.run("holdgate", "show", gone).stdout
    approve(server, kept, other)
    assert server.mailbox("bob").count(f"Subject: {word}") == 1


def set_up(machine: Machine, answers: str, *words: str) -> dict[str, object]:
    """Run `holdgate setup` with these answers and return its report."""
    machine.path("/etc/holdgate/answers.toml").write_text(answers)
    done = machine.run("holdgate", "setup", "--answers", "/etc/holdgate/answers.toml", "--json", *words)
    result: dict[str, object] = json.loads(done.stdout)
    return result


def test_setup_configures_an_installed_package_in_each_mode(server: Machine) -> None:
    before = postfix_files(server)
    answers = 'domains = ["corp.example"]\nmoderators = ["bob@localhost"]\nmode = "observe"\n'
    assert set_up(server, answers, "--dry-run")["changed"] is True
    assert postfix_files(server) == before
    first = set_up(server, answers)
    assert (first["done"], first["changed"], first["problems"]) == (True, True, [])
    settings = server.path("/etc/holdgate/holdgate.toml").read_text()
    assert "# Settings of Holdgate." in settings
    assert set_up(server, answers)["changed"] is False
    assert server.path("/etc/holdgate/holdgate.toml").read_text() == settings
    # In the mode observe, a message is recorded and delivered.
    server.send(f"observed her social security number is {SECRET}")
    server.wait_for(lambda: "Subject: observed" in server.mailbox("bob"), "the delivery")
    # In the mode enforce, setup sends the canary, and the next message waits for its moderator.
    assert set_up(server, answers.replace("observe", "enforce"))["changed"] is True
    assert "holdgate_canary" not in server.mailbox("bob")
    assert server.path("/var/lib/holdgate/canary").read_text().strip().isdecimal()
    assert server.path("/var/lib/holdgate/canary").stat().st_uid == int(server.run("id", "-u", "holdgate").stdout)
    incident, word = hold(server)
    approve(server, incident, word)
    # Setup reports a mistake and changes nothing.
    settings = server.path("/etc/holdgate/holdgate.toml").read_text()
    server.path("/etc/holdgate/answers.toml").write_text('domains = ["@corp.example"]\n')
    refused = server.run("holdgate", "setup", "--answers", "/etc/holdgate/answers.toml", check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert 'did you mean "corp.example"?' in refused.stderr
    assert server.path("/etc/holdgate/holdgate.toml").read_text() == settings
    # Detach removes all of it.
    server.run("holdgate", "detach", "--yes")
    assert postfix_files(server) == before
