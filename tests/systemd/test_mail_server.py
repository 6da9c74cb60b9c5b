"""A mail server with Holdgate: each unit can crash, restart or wait for another."""

import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from holdgate.cli.confinement import PROCESSES
from tests.support.installed import CARD, SECRET, active, approve, checked, hold
from tests.support.machine import Machine, MachineError
from tests.support.samples import TOKEN, samples

UNITS = ("holdgate-scan", "holdgate-milter", "holdgate-queue", "holdgate-desk")


def test_a_message_is_held_approved_and_delivered(machine: Machine) -> None:
    incident, word = hold(machine)
    approve(machine, incident, word)
    assert SECRET in machine.mailbox("bob")


def test_a_clean_message_is_delivered(machine: Machine) -> None:
    machine.send("lunch at half past twelve")
    machine.wait_for(lambda: "half past twelve" in machine.mailbox("bob"), "the delivery")


def test_the_sender_of_a_rejected_message_gets_a_notice(machine: Machine) -> None:
    incident, word = hold(machine)
    machine.run("holdgate", "reject", incident, "--comment", "use the portal")
    machine.wait_for(lambda: "use the portal" in machine.mailbox("anna"), "the notice")
    assert word not in machine.mailbox("bob")


@pytest.mark.parametrize("unit", UNITS)
def test_a_killed_unit_restarts_automatically(machine: Machine, unit: str) -> None:
    incident, word = hold(machine)

    def pid() -> str:
        return machine.run("systemctl", "show", "--property=MainPID", "--value", unit).stdout.strip()

    old = pid()
    machine.run("sh", "-c", f"kill -9 {old}")
    machine.wait_for(lambda: pid() not in ("0", old) and active(machine, unit), f"{unit} to restart", 60)
    approve(machine, incident, word)
    again, other = hold(machine)
    approve(machine, again, other)


@pytest.mark.parametrize("seed", range(3))
def test_postfix_and_all_units_can_restart_in_any_order(machine: Machine, seed: int) -> None:
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


def test_held_and_decided_messages_survive_a_reboot(machine: Machine) -> None:
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
    machine.wait_for(lambda: soon in machine.mailbox("bob"), "the delivery of the message approved before the reboot")
    assert waiting in machine.held()
    assert later not in machine.mailbox("bob")
    approve(machine, waiting, later)


def test_a_reload_applies_new_policies_and_rejects_invalid_ones(machine: Machine) -> None:
    path = machine.root / "etc/holdgate/policies.toml"
    shipped = path.read_text()
    # With a forward file in a home directory that the confined milter cannot read, the owner counts as external.
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
        assert "refused its files, and keeps the earlier ones" in machine.run("holdgate", "status", check=False).stdout
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


@pytest.mark.parametrize(
    ("unit", "users"),
    [
        ("holdgate-scan", {"holdgate-scan"}),
        ("holdgate-milter", {"holdgate-milter"}),
        ("holdgate-desk", {"holdgate-desk"}),
        ("holdgate-queue", {"root", "holdgate"}),
    ],
)
def test_each_daemon_has_a_separate_user_and_writes_no_core_file(machine: Machine, unit: str, users: set[str]) -> None:
    group = machine.run("systemctl", "show", "--property=ControlGroup", "--value", unit).stdout.strip()

    def owners() -> dict[str, str]:
        pids = machine.run("cat", f"/sys/fs/cgroup{group}/cgroup.procs").stdout.split()
        # A Postfix program that the agent ran may have ended since, and a service that restarts has no process.
        listed = machine.run("ps", "-o", "pid=,user:32=", "-p", ",".join(pids), check=False).stdout
        return dict(line.split() for line in listed.splitlines())

    running = machine.wait_for(lambda: (found := owners()) and set(found.values()) == users and found, f"{unit}")
    limits = machine.run("sh", "-c", f"cat {' '.join(f'/proc/{pid}/limits' for pid in running)}", check=False).stdout
    cores = {tuple(line.split()[4:6]) for line in limits.splitlines() if line.startswith("Max core file size")}
    assert cores == {("0", "0")}


def test_the_table_of_processes_agrees_with_the_kernel(machine: Machine) -> None:
    """Each running process has the user, the capabilities and the filters of one row, and each row has a process."""
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
            # A worker has a separate filter, in addition to those of its unit.
            seen.add((known[int(status["Uid"].split()[0])], capable, int(status["Seccomp_filters"])))
        unit = min(filters for _, _, filters in seen)
        assert unit > 0
        found = {(user, capable, filters > unit) for user, capable, filters in seen}
        here = [row for row in PROCESSES if row.unit == name and not row.only_with]
        rows = {(row.user, bool(row.capabilities), row.confines_itself) for row in here}
        assert found == rows, name


def test_no_daemon_has_more_rights_than_it_needs(machine: Machine) -> None:
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
    """The group holdgate can connect to the socket; the service then checks the user."""
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


def test_the_compiled_engine_finds_a_number_in_a_confined_worker(machine: Machine) -> None:
    engine = "import holdgate.detect.scoring as scoring; print(scoring.__file__)"
    assert machine.run("/opt/holdgate/bin/python", "-c", engine).stdout.endswith(".so\n")
    letter = f"Subject: letter\n\nher social security number is {SECRET}\n"
    scan = machine.run("holdgate", "scan", "--json", "-", text=letter, check=False)
    assert scan.returncode == 1, scan.stderr
    assert [finding["identifier"] for finding in json.loads(scan.stdout)["findings"]] == ["us-ssn"]
    # One filter is that of the systemd unit; the worker's filter is in addition.
    statuses = "cd /proc && cat $(grep -l holdgate_engine [0-9]*/maps | sed s/maps/status/)"
    status = machine.run("sh", "-c", statuses).stdout
    filters = [int(count) for count in re.findall(r"(?m)^Seccomp_filters:\s*(\d+)$", status)]
    assert max(filters) > min(filters) > 0


def test_all_formats_are_read_with_the_libraries_of_the_package(machine: Machine) -> None:
    """The package leaves out much of each library (debian/prune.list), but nothing that reads files."""
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


def test_the_canary_passes_and_status_reports_no_problem(machine: Machine) -> None:
    before = checked(machine)
    machine.run("postconf", "-e", "recipient_delimiter=")
    added = set(checked(machine)) - set(before)
    machine.run("postconf", "-e", "recipient_delimiter=+")
    # One more line, about the canary, so there was no such line before.
    assert ["recipient_delimiter: does not contain +" in line and "canary" in line for line in added] == [True]
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

    # A line is written after the store is changed, and the command reads the store.
    machine.wait_for(lambda: "released" in [event["HOLDGATE_EVENT"] for event in logged()], "the last line")
    events = logged()
    # The notice to the sender can be sent before or after the message.
    order = [event["HOLDGATE_EVENT"] for event in events if event["HOLDGATE_EVENT"] != "notice-sent"]
    assert order == ["inspected", "held", "approved", "released"]
    assert {event["HOLDGATE_QUEUE_ID"] for event in events} == {events[0]["MESSAGE"].split(":")[0]}
    ours = machine.run("journalctl", "--no-pager", "--output=export", "--unit", "holdgate-*").stdout
    assert "HOLDGATE_FINDINGS" in ours
    for secret in (SECRET, SECRET.replace("-", ""), CARD, CARD.replace(" ", "")):
        assert secret not in ours


def test_man_pages_are_installed(machine: Machine) -> None:
    names = machine.run("dpkg", "--listfiles", "holdgate").stdout.splitlines()
    assert {Path(name).name for name in names if name.startswith("/usr/share/man/") and name.endswith(".gz")} == {
        *("holdgate.8.gz", "holdgate-milter.8.gz", "holdgate-queue.8.gz", "holdgate-desk.8.gz", "holdgate-scan.8.gz"),
        *("holdgate.toml.5.gz", "policies.toml.5.gz"),
    }
