"""A mail server with Holdgate, from installation to purge: each unit can crash, restart or wait for another.

One file, however long, so that one worker of pytest-xdist makes package and Debian once.
"""

import itertools
import json
import random
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from holdgate.cli.confinement import PROCESSES
from holdgate.renamed import RULES, SETTINGS
from testbed import interfaces
from tests.support import neighbours
from tests.support.machine import Machine, MachineError
from tests.support.samples import TOKEN, samples

UNITS = ("holdgate-scan", "holdgate-milter", "holdgate-queue", "holdgate-desk")
# python-stdnum's sample number and a card of payment providers' documentation.
SECRET = "536-90-4399"
CARD = "4111 1111 1111 1111"
_numbers = itertools.count()
# Files that a purge leaves: the records of dpkg and systemd.
_BOOKS = re.compile(r"^/(var/lib/(dpkg|apt|systemd)|var/cache|var/log|run|tmp|proc|sys|dev)/")


def hold(machine: Machine) -> tuple[str, str]:
    """Send a message that must be held; return its incident and a word that only it has."""
    before = set(machine.held())
    word = f"letter{next(_numbers)}x{random.randrange(10**6)}"
    machine.send(f"{word} her social security number is {SECRET}")
    machine.wait_for(lambda: set(machine.held()) - before, "the message to be held")
    (incident,) = set(machine.held()) - before
    assert word not in machine.mailbox("bob")
    return incident, word


def approve(machine: Machine, incident: str, word: str) -> None:
    machine.run("holdgate", "release", incident)
    machine.wait_for(lambda: word in machine.mailbox("bob"), "the delivery")


def stop(machine: Machine) -> None:
    """Stop all daemons with the documented command, which returns when none of them runs any more."""
    page = (Path(__file__).parents[2] / "docs/howto/backup.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"(?m)^systemctl stop .+$", page)
    machine.run("sh", "-c", command)
    daemons = [f"holdgate-{name}" for name in ("milter", "queue", "desk", "scan")]
    states = machine.run("systemctl", "is-active", *daemons, check=False).stdout.split()
    assert set(states) == {"inactive"}, dict(zip(daemons, states, strict=True))


def active(machine: Machine, unit: str) -> bool:
    return machine.run("systemctl", "is-active", unit, check=False).stdout.strip() == "active"


def checked(machine: Machine) -> list[str]:
    """Return the lines of `holdgate check`, which has come to its end."""
    done = machine.run("holdgate", "check", check=False)
    assert (done.returncode, done.stderr) in ((0, ""), (2, "")), done.stderr
    assert done.stdout
    return done.stdout.splitlines()


def test_a_message_is_held_approved_and_delivered(machine: Machine) -> None:
    incident, word = hold(machine)
    approve(machine, incident, word)
    assert SECRET in machine.mailbox("bob")


def test_a_clean_message_passes(machine: Machine) -> None:
    machine.send("lunch at half past twelve")
    machine.wait_for(lambda: "half past twelve" in machine.mailbox("bob"), "the delivery")


def test_a_rejected_message_goes_back(machine: Machine) -> None:
    incident, word = hold(machine)
    machine.run("holdgate", "reject", incident, "--comment", "use the portal")
    machine.wait_for(lambda: "use the portal" in machine.mailbox("anna"), "the notice")
    assert word not in machine.mailbox("bob")


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_that_is_killed_comes_back_by_itself(machine: Machine, unit: str) -> None:
    incident, word = hold(machine)

    def pid() -> str:
        return machine.run("systemctl", "show", "--property=MainPID", "--value", unit).stdout.strip()

    old = pid()
    machine.run("sh", "-c", f"kill -9 {old}")
    machine.wait_for(lambda: pid() not in ("0", old) and active(machine, unit), f"{unit} to come back", 60)
    approve(machine, incident, word)
    again, other = hold(machine)
    approve(machine, again, other)


@pytest.mark.parametrize("seed", range(3))
def test_everything_may_restart_in_any_order(machine: Machine, seed: int) -> None:
    order = ["postfix", *UNITS]
    random.Random(seed).shuffle(order)
    incident, word = hold(machine)
    for unit in order:
        machine.run("systemctl", "restart", unit)
    approve(machine, incident, word)


def test_mail_is_deferred_while_the_milter_is_down(machine: Machine) -> None:
    machine.run("systemctl", "stop", "holdgate-milter")
    try:
        with pytest.raises(MachineError, match="451"):
            machine.send("nobody has read this")
    finally:
        machine.run("systemctl", "start", "holdgate-milter")


def test_a_reboot_forgets_nothing(machine: Machine) -> None:
    waiting, later = hold(machine)
    decided, soon = hold(machine)
    # The queue agent is down, so that the decision is taken but cannot be carried out before the reboot.
    machine.run("systemctl", "stop", "holdgate-queue")
    with subprocess.Popen(machine.command("holdgate", "release", decided), stdout=subprocess.DEVNULL) as command:
        machine.wait_for(
            lambda: decided in machine.run("holdgate", "list", "--state", "approved").stdout,
            "the decision to be recorded",
        )
        command.kill()
    assert soon not in machine.mailbox("bob")
    machine.power_off()
    machine.boot()
    machine.wait_for(lambda: soon in machine.mailbox("bob"), "the delivery of what was approved before the reboot")
    assert waiting in machine.held()
    assert later not in machine.mailbox("bob")
    approve(machine, waiting, later)


def test_a_reload_puts_policies_in_force_and_refuses_mistakes(machine: Machine) -> None:
    path = machine.root / "etc/holdgate/policies.toml"
    shipped = path.read_text()
    # A forward file in a home that the confined milter cannot look into would make its owner count as outside.
    machine.run("postconf", "-e", "forward_path=")
    try:
        path.write_text(shipped.replace("internal_domains = []", 'internal_domains = ["localhost"]'))
        machine.run("systemctl", "reload", "holdgate-milter")
        machine.wait_for(lambda: "reloaded" in journal(machine, "holdgate-milter"), "the reload")
        machine.send(f"inside, her social security number is {SECRET}")
        machine.wait_for(lambda: "Subject: inside," in machine.mailbox("bob"), "the delivery")
        path.write_text("nonsense")
        assert machine.run("systemctl", "reload", "holdgate-milter", check=False).returncode != 0
        assert machine.run("systemctl", "is-active", "holdgate-milter").stdout.strip() == "active"
        machine.wait_for(lambda: "stage=reload" in journal(machine, "holdgate-milter"), "the refusal")
        assert "refused its files and keeps older ones" in machine.run("holdgate", "status", check=False).stdout
        assert active(machine, "holdgate-milter")
    finally:
        path.write_text(shipped)
        machine.run("postconf", "-X", "forward_path")
        machine.run("systemctl", "restart", "holdgate-milter")


def journal(machine: Machine, unit: str) -> str:
    return machine.run("journalctl", "--no-pager", "--boot", "--unit", unit).stdout


@pytest.mark.parametrize(
    ("unit", "limit"),
    [("holdgate-milter", 2.0), ("holdgate-scan", 2.0), ("holdgate-desk", 2.0), ("holdgate-queue", 4.0)],
)
def test_units_are_confined(machine: Machine, unit: str, limit: float) -> None:
    lines = machine.run("systemd-analyze", "security", "--no-pager", f"{unit}.service").stdout.splitlines()
    overall = next(line for line in lines if "Overall exposure level" in line)
    assert float(overall.split(":")[1].split()[0]) <= limit


def test_each_daemon_is_a_user_of_its_own_and_leaves_no_core_file(machine: Machine) -> None:
    for unit, users in (
        ("holdgate-scan", {"holdgate-scan"}),
        ("holdgate-milter", {"holdgate-milter"}),
        ("holdgate-desk", {"holdgate-desk"}),
        ("holdgate-queue", {"root", "holdgate"}),
    ):
        group = machine.run("systemctl", "show", "--property=ControlGroup", "--value", unit).stdout.strip()
        pids = machine.run("cat", f"/sys/fs/cgroup{group}/cgroup.procs").stdout.split()
        # A program of Postfix's that the agent runs may have ended meanwhile.
        owners = machine.run("ps", "-o", "user:32=", "-p", ",".join(pids), check=False).stdout.split()
        assert set(owners) == users
        limits = machine.run("sh", "-c", f"cat {' '.join(f'/proc/{pid}/limits' for pid in pids)}", check=False).stdout
        cores = {tuple(line.split()[4:6]) for line in limits.splitlines() if line.startswith("Max core file size")}
        assert cores == {("0", "0")}


def test_the_table_of_processes_is_what_the_kernel_says(machine: Machine) -> None:
    """Each running process has the user, the capabilities and the filters of one row, and each row is seen."""
    known = {0: "root"}
    for line in machine.run("getent", "passwd").stdout.splitlines():
        known[int(line.split(":")[2])] = line.split(":")[0]
    for name in UNITS:
        group = machine.run("systemctl", "show", "--property=ControlGroup", "--value", name).stdout.strip()
        pids = machine.run("cat", f"/sys/fs/cgroup{group}/cgroup.procs").stdout.split()
        seen = set()
        for pid in pids:
            output = machine.run("cat", f"/proc/{pid}/status", check=False).stdout
            status = dict(line.split(":\t", 1) for line in output.splitlines() if ":\t" in line)
            if not status or status["Name"].strip() in ("postqueue", "postcat", "postsuper", "postmap", "postconf"):
                continue
            assert status["NoNewPrivs"] == "1"
            capable = int(status["CapEff"], 16) != 0
            # A worker has a filter of its own, on top of those of its unit.
            seen.add((known[int(status["Uid"].split()[0])], capable, int(status["Seccomp_filters"])))
        unit = min(filters for _, _, filters in seen)
        assert unit > 0
        found = {(user, capable, filters > unit) for user, capable, filters in seen}
        here = [row for row in PROCESSES if row.unit == name and not row.only_with]
        rows = {(row.user, bool(row.capabilities), row.confines_itself) for row in here}
        assert found == rows, name


def test_no_daemon_may_do_more_than_its_part(machine: Machine) -> None:
    def may(user: str, *command: str) -> bool:
        return machine.run("runuser", "-u", user, "--", *command, check=False).returncode == 0

    incident, word = hold(machine)
    asked = "import sys; from holdgate.queue.client import QueueClient; from pathlib import Path; "
    client = "QueueClient(Path('/run/holdgate/queue.sock'))"
    (held,) = [
        line.split()
        for line in machine.run(
            *("/opt/holdgate/bin/python", "-c", f"{asked}[print(m.queue_id, m.arrival_time) for m in {client}.held()]")
        ).stdout.splitlines()
        if line
    ][-1:]
    act = f"('{held[0]}', {held[1]})"
    for user, shows, releases in (
        ("holdgate-milter", False, False),
        ("holdgate-scan", False, False),
        ("holdgate-desk", True, False),
        ("anna", False, False),
    ):
        assert may(user, "/opt/holdgate/bin/python", "-c", f"{asked}{client}.show{act}") == shows, user
        assert may(user, "/opt/holdgate/bin/python", "-c", f"{asked}{client}.release{act}") == releases, user
    for path, readers in (
        ("/etc/holdgate/seal.keys", {"holdgate", "holdgate-milter", "holdgate-desk"}),
        ("/var/lib/holdgate/holdgate.db", {"holdgate", "holdgate-milter", "holdgate-desk"}),
        ("/var/lib/holdgate/token.key", {"holdgate-desk"}),
        ("/var/lib/holdgate/spool", {"holdgate-milter"}),
    ):
        users = ("holdgate", "holdgate-milter", "holdgate-desk", "holdgate-scan", "anna")
        assert {user for user in users if may(user, "test", "-r", path)} == readers, path
    assert word not in machine.mailbox("bob")
    approve(machine, incident, word)


def test_only_milter_desk_and_root_get_workers_from_the_scan_service(machine: Machine) -> None:
    """The directory lets the group holdgate connect; the service looks at who of it did."""
    code = (
        "import socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); "
        "s.connect('/run/holdgate/scan/scan.sock'); print(s.recv(1000)[4:].decode())"
    )

    def answer(user: str) -> str:
        done = machine.run("runuser", "-u", user, "--", "/opt/holdgate/bin/python", "-c", code, check=False)
        return done.stdout if done.returncode == 0 else done.stderr

    for user in ("holdgate-milter", "holdgate-desk", "root"):
        assert '"zygote": ' in answer(user), user
    for user in ("holdgate", "holdgate-scan"):
        assert "is not one that may have mail inspected" in answer(user), user
    assert "Permission denied" in answer("anna")
    assert "holdgate" not in machine.run("id", "-nG", "holdgate-scan").stdout.split()


def test_a_local_user_does_not_deliver_replies_to_the_desk(machine: Machine) -> None:
    path = machine.root / "etc/holdgate/holdgate.toml"
    shipped = path.read_text()
    code = (
        "import smtplib; s = smtplib.LMTP('127.0.0.1', 10024); s.ehlo(); "
        "print(s.mail('boss@partner.example')); s.rset(); s.quit()"
    )

    def response(user: str) -> str:
        return machine.run("runuser", "-u", user, "--", "/opt/holdgate/bin/python", "-c", code, check=False).stdout

    try:
        path.write_text(f'{shipped}\n[desk]\nlmtp_listen = "127.0.0.1:10024"\nreply_address = "holdgate@localhost"\n')
        machine.run("systemctl", "restart", "holdgate-desk")
        machine.wait_for(lambda: response("postfix").startswith("(250"), "the desk to listen")
        assert "Only Postfix delivers here" in response("anna")
    finally:
        path.write_text(shipped)
        machine.run("systemctl", "restart", "holdgate-desk")


def test_mail_is_deferred_while_the_scan_service_is_down(machine: Machine) -> None:
    machine.run("systemctl", "stop", "holdgate-scan")
    try:
        assert active(machine, "holdgate-milter")
        with pytest.raises(MachineError, match="451"):
            machine.send("nobody has read this either")
        assert "no process listens on" in machine.run("holdgate", "status", check=False).stdout
        assert not machine.run("pgrep", "-u", "holdgate-scan", check=False).stdout
    finally:
        machine.run("systemctl", "start", "holdgate-scan")
    incident, word = hold(machine)
    approve(machine, incident, word)


def test_the_compiled_engine_finds_in_a_confined_worker(machine: Machine) -> None:
    engine = "import holdgate.detect.scoring as scoring; print(scoring.__file__)"
    assert machine.run("/opt/holdgate/bin/python", "-c", engine).stdout.endswith(".so\n")
    letter = f"Subject: letter\n\nher social security number is {SECRET}\n"
    scan = machine.run("holdgate", "scan", "--json", "-", text=letter, check=False)
    assert scan.returncode == 1, scan.stderr
    assert [finding["identifier"] for finding in json.loads(scan.stdout)["findings"]] == ["us-ssn"]
    # One filter is of systemd's unit; the worker's own comes on top.
    statuses = "cd /proc && cat $(grep -l holdgate_engine [0-9]*/maps | sed s/maps/status/)"
    status = machine.run("sh", "-c", statuses).stdout
    filters = [int(count) for count in re.findall(r"(?m)^Seccomp_filters:\s*(\d+)$", status)]
    assert max(filters) > min(filters) > 0


def test_all_formats_are_read_with_what_the_package_brings(machine: Machine) -> None:
    """Much of each library is left out (debian/prune.list); what reads files is there."""
    directory = machine.path("/root/samples")
    directory.mkdir()
    for name, content in samples().items():
        (directory / name).write_bytes(content)
    for path in sorted((Path(__file__).parents[1] / "data/documents").iterdir()):
        shutil.copy(path, directory)
    names = sorted(path.name for path in directory.iterdir())
    paths = [f"/root/samples/{name}" for name in names]
    done = machine.run("holdgate", "extract", "--json", *paths, check=False)
    assert done.returncode == 2, done.stderr  # one of them, on purpose, is of no known format
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(names) > 40
    failed = {name: one.get("reason") for name, one in zip(names, found, strict=True) if one["status"] == "failed"}
    assert failed == {}
    assert sum(TOKEN in done.stdout.splitlines()[number] for number in range(len(names))) >= len(samples())


def test_the_canary_comes_through_and_status_is_content(machine: Machine) -> None:
    before = checked(machine)
    machine.run("postconf", "-e", "recipient_delimiter=")
    added = set(checked(machine)) - set(before)
    machine.run("postconf", "-e", "recipient_delimiter=+")
    # One line more, of the canary: so there was none of it before.
    assert ["recipient_delimiter: has no +" in line and "canary" in line for line in added] == [True]
    assert not [line for line in before if "canary" in line]
    machine.run("systemctl", "start", "holdgate-canary.service")
    output = machine.run("holdgate", "status").stdout
    assert "last success 0 min ago" in output
    assert "NOT OK" not in output
    metrics = machine.run(
        "/opt/holdgate/bin/python",
        "-c",
        "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:9853/metrics').read().decode())",
    ).stdout
    assert "holdgate_canary_success_timestamp_seconds 0.0" not in metrics
    assert "holdgate_canary_success_timestamp_seconds" in metrics


def test_the_journal_has_fields_and_no_line_has_a_match(machine: Machine) -> None:
    before = len(machine.held())
    machine.send(f"card{CARD.replace(' ', '')} {CARD} and {SECRET}")
    machine.wait_for(lambda: len(machine.held()) > before, "the message to be held")
    incident, word = hold(machine)
    approve(machine, incident, word)

    def logged() -> list[dict[str, str]]:
        command = ("journalctl", "--no-pager", "--output=json", f"HOLDGATE_INCIDENT={incident}")
        return [json.loads(line) for line in machine.run(*command).stdout.splitlines()]

    # A line is written after the store, where the command sees what is done.
    machine.wait_for(lambda: "released" in [event["HOLDGATE_EVENT"] for event in logged()], "the last line")
    events = logged()
    # The notice to the sender goes out while the message does: before or after it.
    order = [event["HOLDGATE_EVENT"] for event in events if event["HOLDGATE_EVENT"] != "notice-sent"]
    assert order == ["inspected", "held", "approved", "released"]
    assert {event["HOLDGATE_QUEUE_ID"] for event in events} == {events[0]["MESSAGE"].split(":")[0]}
    ours = machine.run("journalctl", "--no-pager", "--output=export", "--unit", "holdgate-*").stdout
    assert "HOLDGATE_FINDINGS" in ours
    for secret in (SECRET, SECRET.replace("-", ""), CARD, CARD.replace(" ", "")):
        assert secret not in ours


def test_man_pages_are_there(machine: Machine) -> None:
    names = machine.run("dpkg", "--listfiles", "holdgate").stdout.splitlines()
    assert {Path(name).name for name in names if name.startswith("/usr/share/man/") and name.endswith(".gz")} == {
        *("holdgate.8.gz", "holdgate-milter.8.gz", "holdgate-queue.8.gz", "holdgate-desk.8.gz", "holdgate-scan.8.gz"),
        *("holdgate.toml.5.gz", "policies.toml.5.gz"),
    }


# -- coming and going ---------------------------------------------------------------------------------------------


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
    # A purge does not remove held mail, nor files that systemd and Postfix write.
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


# A value for each setting that had another name before.
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
    """Write settings, policies and a rule under all names that have changed. Return what an upgrade prints of them."""
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


def test_an_upgrade_keeps_what_is_held_and_a_downgrade_is_refused(bare: Machine, package: Path, workshop: Path) -> None:
    bare.install(package)
    bare.run("holdgate", "attach", "--yes")
    bare.send("upgraded: her social security number is 536-90-4399")
    bare.wait_for(bare.held, "the message to be held")
    settings = bare.root / "etc/holdgate/holdgate.toml"
    # Every setting that the last release knew, and every one that had another name before, under that name.
    released = interfaces.released()["settings"]
    released["scan"]["workers"] = 1
    renamed = with_old_names(bare, released)
    newer = with_version(package, workshop, "99.0")
    # As a version with one user for all daemons left it.
    stop(bare)
    bare.run("chown", "-R", "holdgate:holdgate", "/var/lib/holdgate", "/var/spool/postfix/holdgate")
    bare.run("sh", "-c", "chmod 0750 /var/lib/holdgate && chmod 0640 /var/lib/holdgate/holdgate.db*")
    bare.run("chgrp", "postfix", "/var/spool/postfix/holdgate")
    # As a version whose workers were the milter's left it.
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
    bare.wait_for(lambda: bare.run("holdgate", "status", check=False).returncode == 0, "all to be well")
    bare.run("holdgate", "release", incident)
    bare.wait_for(lambda: "upgraded:" in bare.mailbox("bob"), "the delivery")
    # A removal keeps the store.
    bare.run("apt-get", "remove", "--yes", "holdgate")
    with pytest.raises(MachineError, match="cannot be replaced by the older"):
        bare.install(package)


def test_the_hold_queue_alone_is_enough_to_go_on(bare: Machine, package: Path) -> None:
    bare.install(package)
    bare.run("holdgate", "attach", "--yes")
    bare.send("backup: her social security number is 536-90-4399")
    bare.wait_for(bare.held, "the message to be held")
    (old,) = bare.held()
    stop(bare)
    bare.run("sh", "-c", "rm /var/lib/holdgate/holdgate.db*")
    bare.run("runuser", "-u", "holdgate", "--", "holdgate", "migrate")
    bare.run("systemctl", "start", "holdgate.target", *(f"holdgate-{name}" for name in ("milter", "queue", "desk")))
    bare.wait_for(bare.held, "the message to be adopted")
    (new,) = bare.held()
    assert new == old  # as its header names it
    bare.run("holdgate", "release", new)
    bare.wait_for(lambda: "backup:" in bare.mailbox("bob"), "the delivery")


def documented(page: str) -> list[str]:
    """Return the blocks of commands of a page, in order."""
    text = (Path(__file__).parents[2] / page).read_text(encoding="utf-8")
    return re.findall(r"(?ms)^```\n(.*?)^```$", text)


def test_a_backup_is_restored_as_it_is_documented(bare: Machine, package: Path) -> None:
    backup, restore = documented("docs/howto/backup.md")
    bare.install(package)
    bare.run("holdgate", "attach", "--yes")
    gone, word = hold(bare)
    kept, other = hold(bare)
    bare.run("sh", "-ec", backup)
    approve(bare, gone, word)
    hold(bare)
    key = bare.path("/var/lib/holdgate/token.key").read_text()
    stop(bare)
    bare.run("sh", "-c", "rm /var/lib/holdgate/holdgate.db* /var/lib/holdgate/token.key")
    bare.run("sh", "-ec", restore)
    assert bare.path("/var/lib/holdgate/token.key").read_text() == key
    # What the store says of the first is fixed by the queue, and the third, which it has never known, is adopted.
    bare.wait_for(lambda: gone not in bare.held() and len(bare.held()) == 2, "store and queue to agree")
    assert kept in bare.held()
    assert "vanished" in bare.run("holdgate", "show", gone).stdout
    approve(bare, kept, other)
    assert bare.mailbox("bob").count(f"Subject: {word}") == 1


# -- setup ---------------------------------------------------------------------------------------------------------


def set_up(machine: Machine, answers: str, *words: str) -> dict[str, object]:
    """Run `holdgate setup` with these answers and return its report."""
    machine.path("/etc/holdgate/answers.toml").write_text(answers)
    done = machine.run("holdgate", "setup", "--answers", "/etc/holdgate/answers.toml", "--json", *words)
    result: dict[str, object] = json.loads(done.stdout)
    return result


def test_only_those_who_must_wait_wait(bare: Machine, package: Path) -> None:
    # Not a user of the machine, whose .forward file the milter must not read: such a recipient counts as outside.
    mailboxes = "virtual_mailbox_maps=inline:{anna@corp.example=carla}"
    owner = ("virtual_minimum_uid=1", "virtual_uid_maps=static:8", "virtual_gid_maps=static:8")
    bare.run(
        "postconf", "-e", "virtual_mailbox_domains=corp.example", "virtual_mailbox_base=/var/mail", mailboxes, *owner
    )
    bare.install(package)
    bare.run("holdgate", "attach", "--yes")
    policies = bare.root / "etc/holdgate/policies.toml"
    shipped = policies.read_text()
    policies.write_text(shipped.replace("internal_domains = []", 'internal_domains = ["corp.example"]'))
    assert policies.read_text() != shipped
    bare.run("holdgate", "reload")
    # A bounce to another domain than corp.example would leave, too.
    both = {"sender": "anna@corp.example", "to": "anna@corp.example,bob@localhost"}
    bare.send(f"divided: her social security number is {SECRET}", **both)
    bare.wait_for(lambda: "divided:" in bare.mailbox("carla"), "the delivery to who need not wait")
    bare.wait_for(bare.held, "the copy to be held")
    (incident,) = bare.held()
    assert "divided:" not in bare.mailbox("bob")
    bare.run("holdgate", "release", incident)
    bare.wait_for(lambda: "divided:" in bare.mailbox("bob"), "the delivery of the copy")
    assert bare.mailbox("carla").count("divided: her") == bare.mailbox("bob").count("divided: her") == 1


def test_setup_goes_from_the_package_to_a_message_that_is_held(bare: Machine, package: Path) -> None:
    bare.install(package)
    before = postfix_files(bare)
    answers = 'domains = ["corp.example"]\nmoderators = ["bob@localhost"]\nmode = "observe"\n'
    assert set_up(bare, answers, "--dry-run")["changed"] is True
    assert postfix_files(bare) == before
    first = set_up(bare, answers)
    assert (first["done"], first["changed"], first["problems"]) == (True, True, [])
    settings = bare.path("/etc/holdgate/holdgate.toml").read_text()
    assert "# Settings of Holdgate." in settings
    assert set_up(bare, answers)["changed"] is False
    assert bare.path("/etc/holdgate/holdgate.toml").read_text() == settings
    # Observed: recorded, and delivered.
    bare.send(f"observed her social security number is {SECRET}")
    bare.wait_for(lambda: "Subject: observed" in bare.mailbox("bob"), "the delivery")
    # Enforced: the canary is held and released on the way, and the next message waits for its moderator.
    assert set_up(bare, answers.replace("observe", "enforce"))["changed"] is True
    assert "holdgate_canary" not in bare.mailbox("bob")
    assert bare.path("/var/lib/holdgate/canary").read_text().strip().isdecimal()
    assert bare.path("/var/lib/holdgate/canary").stat().st_uid == int(bare.run("id", "-u", "holdgate").stdout)
    incident, word = hold(bare)
    approve(bare, incident, word)
    # A mistake is named, and changes nothing.
    settings = bare.path("/etc/holdgate/holdgate.toml").read_text()
    bare.path("/etc/holdgate/answers.toml").write_text('domains = ["@corp.example"]\n')
    refused = bare.run("holdgate", "setup", "--answers", "/etc/holdgate/answers.toml", check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert 'did you mean "corp.example"?' in refused.stderr
    assert bare.path("/etc/holdgate/holdgate.toml").read_text() == settings
    # And all of it goes again.
    bare.run("holdgate", "detach", "--yes")
    assert postfix_files(bare) == before


# -- beside others ------------------------------------------------------------------------------------------------


def test_what_leaves_has_valid_signatures(bare: Machine, package: Path) -> None:
    keys = neighbours.start_signers(bare)
    neighbours.start_world(bare)
    bare.run("systemctl", "restart", "postfix")
    settings = postfix_files(bare)
    bare.install(package)
    bare.run("holdgate", "attach", "--yes")
    entries = bare.run("postconf", "-h", "smtpd_milters").stdout
    places = [entries.find(name) for name in ("holdgate/milter.sock", neighbours.RSPAMD, neighbours.OPENDKIM)]
    assert -1 not in places
    assert places == sorted(places)

    def arrives_signed(word: str) -> None:
        message = bare.wait_for(lambda: neighbours.received(bare, word), "the delivery")
        assert neighbours.valid_signers(message, keys) == {"opendkim", "rspamd"}
        assert b"X-Netskope" not in message
        assert b"X-Holdgate" not in message
        assert not neighbours.valid_signers(message.replace(b"anna@", b"eve@"), keys)

    addresses = {"sender": "anna@corp.example", "to": "carol@partner.example"}
    bare.send("clean lunch at half past twelve", **addresses)
    arrives_signed("half past twelve")
    bare.send(f"kept her social security number is {SECRET}", **addresses)
    bare.wait_for(bare.held, "the message to be held")
    assert neighbours.received(bare, SECRET) is None
    bare.run("holdgate", "release", *bare.held())
    arrives_signed(SECRET)

    bare.run("holdgate", "detach", "--yes")
    assert postfix_files(bare) == settings
    bare.send("afterwards we sign as before", **addresses)
    arrives_signed("as before")


def test_units_may_ask_tables_of_any_kind(bare: Machine, package: Path) -> None:
    bare.run("useradd", "boss")
    tables = neighbours.make_tables(bare)
    bare.install(package)
    bare.run("holdgate", "attach", "--yes")
    policies = [
        f'[[policy]]\nname = "asked-{kind}"\nrecipient = "{table}"\naction = "quarantine"\n'
        f'[policy.moderation]\nmanagers = "{table}"\n'
        for kind, table in tables.items()
    ]
    bare.path("/etc/holdgate/policies.toml").write_text("\n".join([*policies, ""]))
    # Without it the milter reaches no other machine, where the kernel has control groups of version 2.
    drop_in = bare.path("/etc/systemd/system/holdgate-milter.service.d/directory.conf")
    drop_in.parent.mkdir()
    drop_in.write_text(f"[Service]\nIPAddressAllow={neighbours.DIRECTORY}\n")
    bare.run("systemctl", "daemon-reload")
    bare.run("systemctl", "restart", "holdgate-milter", "holdgate-desk")
    for kind in tables:
        bare.send(f"asked-{kind} nothing of interest", to=f"bob+{kind}@localhost")
    for kind in tables:
        bare.wait_for(
            lambda kind=kind: f"To: <boss+{kind}@localhost>" in bare.mailbox("boss"), f"the request by {kind}"
        )
    assert len(bare.held()) == len(tables)
    bare.send("unknown to all tables", to="bob@localhost")
    bare.wait_for(lambda: "unknown to all tables" in bare.mailbox("bob"), "the delivery")

    before = checked(bare)
    assert not [line for line in before if "asked-" in line]
    # What root can read the daemons may not.
    bare.run("chmod", "0640", "/etc/postfix/tables/sqlite.cf")
    added = set(checked(bare)) - set(before)
    assert ['policy "asked-sqlite": recipient: sqlite:' in line for line in added] == [True]
