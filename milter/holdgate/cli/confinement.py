"""What each process is allowed to do, declared once, for `holdgate check --confinement` and a reference page.

Tests compare these lines with the units in systemd/, the workers' filter, and the state of the running processes of an
installed package in the kernel. Names of system call groups are those of systemd.exec(5).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from holdgate.scan import seccomp

_SERVICE = ("@system-service", "~@privileged")
_SOCKETS = ("AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK")


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its user, what the kernel allows it, and what it uses that for.

    `unit` is its systemd unit, and `user` the system user that the package sets. `calls` are the lines of
    SystemCallFilter= in the unit, `writes` the paths of ReadWritePaths=, `families` those of RestrictAddressFamilies=,
    `network` what IPAddressDeny= and IPAddressAllow= leave, `capabilities` those that it can ever have.
    `listens` and `connects` name sockets by their settings. `confines_itself` is set if the process drops more than its
    unit does: then `calls`, `writes` and `families` are what remains after that. `only_with` names the setting without
    which the process does not exist.
    """

    name: str
    unit: str
    user: str
    does: str
    calls: tuple[str, ...]
    writes: tuple[str, ...] = ()
    families: tuple[str, ...] = _SOCKETS
    network: str = "loopback"
    capabilities: tuple[str, ...] = ()
    listens: tuple[str, ...] = ()
    connects: tuple[str, ...] = ()
    confines_itself: bool = False
    only_with: str = ""


# For the kernel, the scan service and its zygotes are equal: only their unit confines them until a zygote is ready.
_SCAN: dict[str, Any] = {
    "unit": "holdgate-scan",
    "user": "holdgate-scan",
    "calls": (
        "@system-service seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self",
        "~@privileged",
        "capset",
    ),
    "writes": ("/run/holdgate/scan",),
    "families": ("AF_UNIX",),
    "network": "none",
}

PROCESSES: tuple[Process, ...] = (
    Process(
        name="milter",
        unit="holdgate-milter",
        user="holdgate-milter",
        does="inspects Postfix's messages by its workers, writes incidents; reads the keys of the seal",
        calls=_SERVICE,
        writes=("/var/lib/holdgate", "-/var/spool/postfix/holdgate"),
        listens=("milter.socket", "metrics.milter"),
        connects=("scan.socket", "milter.split_relay", "store.url", "postmap(1), postconf(1)"),
    ),
    Process(
        name="scan service",
        does="starts a zygote for each daemon that connects, and ends it with that connection; reads no message",
        listens=("scan.socket",),
        **_SCAN,
    ),
    Process(name="zygote", does="loads the rules, forks workers and ends them; reads no message", **_SCAN),
    Process(
        name="worker",
        unit="holdgate-scan",
        user="holdgate-scan",
        does="reads a message with every parser; returns masked findings",
        calls=(f"{len(seccomp.ALLOWED)} calls on memory, time and open descriptors (scan/seccomp.py)",),
        families=(),
        network="none",
        confines_itself=True,
    ),
    Process(
        name="desk",
        unit="holdgate-desk",
        user="holdgate-desk",
        does="asks moderators, serves the page and the API, gets replies, sends notices; reads the key of the tokens",
        calls=_SERVICE,
        writes=("/var/lib/holdgate",),
        network="any",
        listens=("desk.web_listen", "desk.lmtp_listen", "metrics.desk"),
        connects=(
            "scan.socket",
            "queue.socket: list, show",
            "node.listen of other nodes",
            "desk.notice_relay",
            "desk.change_relay",
            "desk.replacement_relay",
            "store.url",
            "postmap(1)",
        ),
    ),
    Process(
        name="queue agent",
        unit="holdgate-queue",
        user="root",
        does="lists, shows, releases and deletes held messages with Holdgate's mark; opens no database, parses no mail",
        calls=("@system-service", "~@resources"),
        writes=("/var/spool", "/var/lib/holdgate", "/var/lib/postfix", "/run/holdgate"),
        capabilities=("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_SETGID", "CAP_SETUID"),
        listens=("queue.socket",),
        connects=("postqueue(1), postsuper(1), postcat(1)",),
    ),
    Process(
        name="reconciler",
        unit="holdgate-queue",
        user="holdgate",
        does="compares store and hold queue, and has the queue agent carry out decisions",
        calls=("@system-service", "~@resources"),
        writes=("/var/spool", "/var/lib/holdgate", "/var/lib/postfix", "/run/holdgate"),
        listens=("metrics.queue",),
        connects=("queue.socket: all", "store.url"),
    ),
    Process(
        name="node listener",
        unit="holdgate-queue",
        user="holdgate-desk",
        does="shows held messages to desks of other nodes, and submits approved ones for them, by mutual TLS",
        calls=("@system-service", "~@resources"),
        writes=("/var/spool", "/var/lib/holdgate", "/var/lib/postfix", "/run/holdgate"),
        listens=("node.listen",),
        connects=("queue.socket: show", "desk.change_relay", "store.url"),
        only_with="node.listen",
    ),
    Process(
        name="canary",
        unit="holdgate-canary",
        user="holdgate",
        does="sends one marked message per hour and decides on it; runs for some seconds",
        calls=("@system-service", "~@privileged @resources"),
        writes=("/var/lib/holdgate",),
        families=("AF_UNIX", "AF_INET", "AF_INET6"),
        network="any",
        connects=("Postfix", "store.url"),
    ),
)

_HEAD = ("process", "user", "system calls", "writes", "listens", "connects", "network", "capabilities")


def rows() -> Iterator[tuple[str, ...]]:
    """Yield the table's header, then a row for each process."""
    yield _HEAD
    for one in PROCESSES:
        yield (
            f"{one.name} ({one.only_with})" if one.only_with else one.name,
            one.user,
            ", ".join(one.calls),
            " ".join(path.lstrip("-") for path in one.writes) or "nothing",
            ", ".join(one.listens) or "–",
            ", ".join(one.connects) or "–",
            one.network,
            " ".join(one.capabilities) or "none",
        )


def text() -> str:
    """Return the table for a terminal: a block for each process."""
    lines: list[str] = []
    for one, row in zip(PROCESSES, list(rows())[1:], strict=True):
        lines.append(f"{one.name}: {one.does}")
        lines += [f"  {head:13} {value}" for head, value in zip(_HEAD[1:], row[1:], strict=True)]
    return "\n".join(lines)
