"""The table of each process's confinement matches its unit and its sandbox."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from holdgate.cli import confinement
from holdgate.cli.main import main
from holdgate.scan import seccomp
from testbed import interfaces

UNITS = Path(__file__).parents[3] / "systemd"
NETWORKS: dict[str, dict[str, list[str]]] = {
    "loopback": {"IPAddressDeny": ["any"], "IPAddressAllow": ["localhost"], "PrivateNetwork": []},
    "any": {"IPAddressDeny": [], "IPAddressAllow": [], "PrivateNetwork": []},
    "none": {"IPAddressDeny": ["any"], "IPAddressAllow": [], "PrivateNetwork": ["yes"]},
}
# What every unit denies alike.
COMMON = {
    "LimitCORE": ["0"],
    "NoNewPrivileges": ["yes"],
    "MemoryDenyWriteExecute": ["yes"],
    "ProtectSystem": ["strict"],
    "ProtectHome": ["yes"],
    "PrivateTmp": ["yes"],
    "PrivateDevices": ["yes"],
    "ProtectProc": ["invisible"],
    "RestrictNamespaces": ["yes"],
    "RestrictSUIDSGID": ["yes"],
    "SystemCallArchitectures": ["native"],
    "SystemCallErrorNumber": ["EPERM"],
    "AmbientCapabilities": [""],
    "UMask": ["0007"],
}


def unit(name: str) -> dict[str, list[str]]:
    """Return the lines of a unit by their keys, each in the order it has."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in (UNITS / f"{name}.service").read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[key].append(value)
    return found


def test_every_unit_is_in_the_table() -> None:
    units = {path.stem for path in UNITS.glob("*.service")}
    assert {process.unit for process in confinement.PROCESSES} == units


def test_socket_names_in_the_table_are_settings() -> None:
    words = [word for process in confinement.PROCESSES for word in (*process.listens, *process.connects)]
    named = {found[0] for word in words if (found := re.match(r"[a-z]+\.[a-z_]+", word))}
    assert {"desk.web_listen", "queue.socket"} <= named
    assert named - interfaces.settings() == set()


@pytest.mark.parametrize("process", confinement.PROCESSES, ids=lambda process: process.name)
def test_a_row_matches_its_unit(process: confinement.Process) -> None:
    output = unit(process.unit)
    assert {key: output[key] for key in COMMON} == COMMON
    if process.unit == "holdgate-queue":  # its child changes to its user itself
        assert "User" not in output
        agent = next(one for one in confinement.PROCESSES if one.user == "root")
        assert output["CapabilityBoundingSet"] == [" ".join(agent.capabilities)]
    else:
        assert output["User"] == [process.user]
        assert output["CapabilityBoundingSet"] == [""]
        assert process.capabilities == ()
    if process.confines_itself:
        assert process.writes == process.families == ()
        assert process.network == "none"
        assert process.calls[0].startswith(f"{len(seccomp.ALLOWED)} calls")
    else:
        assert output["SystemCallFilter"] == list(process.calls)
        assert " ".join(output["ReadWritePaths"]).split() == list(process.writes)
        assert " ".join(output["RestrictAddressFamilies"]).split() == list(process.families)
        assert {key: output[key] for key in NETWORKS[process.network]} == NETWORKS[process.network]


def test_a_worker_cannot_open_connect_or_start_anything() -> None:
    denied = {"open", "openat", "openat2", "socket", "connect", "bind", "execve", "fork", "vfork", "clone3", "ptrace"}
    assert not denied & set(seccomp.ALLOWED)
    assert len(set(seccomp.ALLOWED)) == len(seccomp.ALLOWED)


def test_the_command_prints_every_process(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", "--confinement"])
    assert ended.value.code == 0
    output = capsys.readouterr().out
    for process in confinement.PROCESSES:
        assert f"{process.name}: {process.does}" in output.splitlines()
    assert output.count("system calls") == len(confinement.PROCESSES)
