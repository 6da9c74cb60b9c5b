"""`holdgate nodes`: the mail servers that share the store, what waits at each, and how to retire one."""

import argparse
import json
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from holdgate.cli.output import colour, print_error, print_result, progress, wants_json
from holdgate.cli.parsing import whole_number
from holdgate.configfile import ConfigError, load_settings
from holdgate.desk.context import Desk
from holdgate.node import rules_of
from holdgate.phrases import counted, reason_of
from holdgate.quarantine.incident import Actor, Incident, NewNotice
from holdgate.quarantine.nodes import RETIRED, Node, NodeTakenError, differing
from holdgate.quarantine.outbox import LOST
from holdgate.quarantine.states import OPEN, State
from holdgate.quarantine.store import ConflictError, Store, open_store
from holdgate.queue.mutual import fingerprints_of

_DESCRIPTION = (
    "Without an argument: lists each node with its version, the time since its last report, the messages that it "
    "holds, the age of the oldest one, and the number of decisions that it has not carried out yet. Exit code 0: no "
    "difference; 1: a node is silent, or has other policies or rules than this machine."
)

# The same form as `[node] name` in the settings.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_DAYS = 730
_LONGEST_DAYS = 3650


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    nodes = commands.add_parser("nodes", help="list the mail servers that share the store", description=_DESCRIPTION)
    nodes.add_argument("--json", action="store_true", help="print one JSON object")
    nodes.set_defaults(run=_list)
    steps = nodes.add_subparsers(dest="step", metavar="STEP")
    retire = steps.add_parser(
        "retire",
        help="close the open incidents of a node that was removed",
        description="Closes its open incidents as vanished: their messages cannot be reached, and Holdgate does not "
        "know whether they were delivered. If you recover its hold queue, start a node with it: its messages are "
        "held again there, and need a new decision. Its certificates are revoked, so create new ones for it.",
    )
    retire.add_argument("name", metavar="NAME", help="its name, as `holdgate nodes` prints it")
    retire.add_argument(
        "--notify-senders",
        action="store_true",
        help="notify the senders of these messages that the outcome is not known; this cannot be done later",
    )
    retire.set_defaults(run=_retire)
    revoke = steps.add_parser(
        "revoke",
        help="revoke the certificates of a node, because its key was stolen: all nodes refuse them",
        description="Revokes all certificates that the node has used. The other nodes refuse them at once. Then create "
        "another certificate for it: holdgate nodes certificate NAME. A second call does not revoke one that the "
        "node has used since the first; with --again it does.",
    )
    revoke.add_argument("name", metavar="NAME", help="name of the node, or of a machine with a desk only")
    revoke.add_argument(
        "--certificate",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a certificate that the node has not used yet, or only with an earlier version of Holdgate",
    )
    revoke.add_argument(
        "--again", action="store_true", help="revoke also what the node has used since its certificates were revoked"
    )
    revoke.set_defaults(run=_revoke)
    certificate = steps.add_parser(
        "certificate",
        help="create the certificates with which nodes identify themselves to each other",
        description="Creates an authority in the directory at the first call, and for each NAME a folder "
        "with the three "
        "files that this node needs. Keep the directory private: anyone who has its authority.key can read "
        "held messages. Run it again with the same directory to renew certificates or to add nodes.",
    )
    certificate.add_argument(
        "names", nargs="+", metavar="NAME", help="name of a node, or of a machine with a desk only"
    )
    certificate.add_argument(
        "--directory", type=Path, required=True, help="directory of the authority, created if it does not exist"
    )
    certificate.add_argument(
        "--days",
        type=whole_number(1, _LONGEST_DAYS),
        default=_DAYS,
        metavar="NUMBER",
        help="for how many days the certificates are valid (default: %(default)s)",
    )
    certificate.set_defaults(run=_certificate)


def _list(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config)
    store = open_store(settings.store.url)
    found, desks = store.nodes.all(), store.claims.desks()
    others = differing(found, rules_of(settings))
    now = datetime.now(UTC)
    if wants_json(arguments):
        living = [{"machine": one.machine, "version": one.version} for one in desks]
        print(json.dumps({"nodes": [_plain(node) for node in found], "desks": living, "differing": others}))
    else:
        for node in found:
            print(_line(node, now, is_shared=settings.store.is_shared))
        for desk in desks:
            print(f"desk on {desk.machine}, version {desk.version}")
        for name in others:
            print(f"{name} has other policies or rules than this machine: compare policies.toml and rules.d")
        if not found:
            print("No node has used this store yet; start holdgate-queue.")
    return 1 if others or any(node.is_silent for node in found) else 0


def _plain(node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "machine": node.machine,
        "version": node.version,
        "seen_at": node.seen_at.isoformat(),
        "silent_seconds": round(node.silent_for.total_seconds(), 1),
        "silent": node.is_silent,
        "retired_at": node.retired_at.isoformat() if node.retired_at else None,
        "held": node.open.get(State.HELD, 0),
        "oldest_held_at": node.oldest.isoformat() if node.oldest else None,
        "waiting": node.waiting,
        "rules": node.rules,
        "address": node.address,
    }


def _line(node: Node, now: datetime, *, is_shared: bool) -> str:
    """Return the line of a node; without the time of its last report for SQLite, which only one machine uses."""
    if node.retired_at is not None:
        return f"{node.name:32}  retired {node.retired_at.astimezone():%Y-%m-%d %H:%M %Z}"
    oldest = f", the oldest for {int((now - node.oldest).total_seconds()) // 60} min" if node.oldest else ""
    word = colour("red", "silent") if node.is_silent else colour("green", "ok")
    silent_for = f"{int(node.silent_for.total_seconds())} s ago" if node.machine else "never"
    silence = f"{word}, last report {silent_for}, " if is_shared else ""
    held = f"{node.open.get(State.HELD, 0)} held{oldest}"
    return (
        f"{node.name:32}  {silence}version {node.version or 'unknown'} on "
        f"{node.machine or 'an unknown machine'}; {held}; "
        f"{counted(node.waiting, 'decision')} to carry out"
    )


def _retire(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config)
    store = open_store(settings.store.url)
    # Before anything is changed, because the settings of notices may have an error.
    desk = Desk(store, settings) if arguments.notify_senders else None
    name = str(arguments.name)
    try:
        known = store.nodes.retire(name)
    except NodeTakenError as error:
        print_error(arguments, f"{error}; nothing was changed")
        return 2
    if not known:
        print_error(arguments, f'there is no node "{name}"; for the names, run: holdgate nodes')
        return 2
    closed, notified = _close(store, name, desk)
    notices = f" Notices to senders: {notified}." if desk is not None else ""
    message = (
        f"{name} is retired. Open incidents closed: {closed}. Their messages cannot be reached, and may have been "
        f"delivered; see: holdgate list --state vanished.{notices}"
    )
    print_result(arguments, message, name=name, closed=closed, notified=notified)
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config)
    name = str(arguments.name)
    fingerprints = []
    for file in arguments.certificate:
        try:
            fingerprints.append(fingerprints_of(file)[0])
        except (OSError, ValueError) as error:
            raise ConfigError([f"--certificate: {file}: not a certificate in PEM: {reason_of(error)}"]) from error
    with closing(open_store(settings.store.url)) as store:
        renewed = 0 if arguments.again else store.certificates.renewed(name)
        count = 0
        if fingerprints or not renewed:
            count = store.certificates.revoke(name, fingerprints, only_these=bool(renewed))
    if renewed and not count:
        message = (
            f'the certificates of "{name}" were revoked before, and it has used another one since; if the key of this '
            "one was stolen too, add --again"
        )
        print_error(arguments, message)
        return 2
    if not count:
        message = (
            f'no certificate of "{name}" has been used; for the names, run: holdgate nodes, or name its file with '
            "--certificate"
        )
        print_error(arguments, message)
        return 2
    message = (
        f"Revoked certificates of {name}: {count}. Other nodes refuse them from now on. Create another one, "
        "and copy its "
        f"files: holdgate nodes certificate {name} --directory DIRECTORY"
    )
    print_result(arguments, message, name=name, revoked=count)
    return 0


def _certificate(arguments: argparse.Namespace) -> int:
    # Imported here because the library loads more slowly than most commands run.
    from holdgate.cli import authority

    directory, names = arguments.directory, [str(name) for name in arguments.names]
    for name in names:
        if not _NAME.fullmatch(name):
            raise ConfigError([f'NAME: "{name}" is no name of a node; write letters, digits, ".", "_" and "-"'])
    now = datetime.now(UTC)
    try:
        signer = authority.Authority.open(directory, now)
        lifetime = timedelta(days=arguments.days)
        if now + lifetime > signer.certificate.not_valid_after_utc:
            raise ConfigError(
                [f"{directory}: the authority expires before {arguments.days} days; use fewer, or a new --directory"]
            )
        for name in names:
            signer.write(directory / name, name, now, lifetime)
    except OSError as error:
        where = error.filename or directory
        raise ConfigError([f"--directory: {where}: {reason_of(error)}; name a directory that you can write"]) from error
    valid = counted(arguments.days, "day")
    lines = [f"{directory / name}: certificate of {name}, valid for {valid}" for name in names]
    lines.append(
        "Copy the three files of each folder to /etc/holdgate/node on that machine (node.key: mode 640, group "
        "holdgate), and set authority, certificate and private_key in [node]."
    )
    print_result(arguments, "\n".join(lines), directory=str(directory), names=names, days=arguments.days)
    return 0


def _close(store: Store, name: str, desk: Desk | None) -> tuple[int, int]:
    """Close the open incidents of a node; return their number, and that of the notified senders (none without `desk`).

    An incident that was changed meanwhile is processed in its new state.
    """
    actor = Actor("holdgate nodes", "command")
    found = [one for one in store.incidents(OPEN) if store.nodes.has(name, one)]
    notified = 0
    for one in progress(found, "closing", len(found)):
        incident = one
        while incident.state in OPEN:
            is_notified = desk is not None and desk.can_notify(incident.sender) and not _knows(store, incident)
            try:
                store.change(
                    incident,
                    State.VANISHED,
                    actor,
                    note=f"node {name} was retired: the message cannot be reached",
                    outbox=[NewNotice(LOST, incident.sender)] if is_notified else [],
                    closed_at=datetime.now(UTC),
                    decided_how=RETIRED,
                )
            except ConflictError as error:
                incident = error.incident
            else:
                notified += is_notified
                break
    return len(found), notified


def _knows(store: Store, incident: Incident) -> bool:
    """Return whether the sender was already notified that the message is not delivered to its recipients."""
    is_ended = incident.state in (State.REJECTED, State.EXPIRED)
    return is_ended and incident.id not in store.outbox.awaiting_report()
