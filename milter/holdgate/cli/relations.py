"""`holdgate relations`: learns who writes to whom from old mail, reports how much is known, and forgets people."""

import argparse
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from holdgate import daemon
from holdgate.cli.output import print_result, progress
from holdgate.config import Settings
from holdgate.configfile import ConfigError, load_settings
from holdgate.findings import Inspection
from holdgate.gate.recipients import own_domains
from holdgate.phrases import counted
from holdgate.policy.conditions import inside_matcher
from holdgate.policy.model import policies_of
from holdgate.quarantine.store import Store, open_store
from holdgate.relations.correspondence import Except, hasher_of, teacher_of
from holdgate.relations.keys import Hasher
from holdgate.relations.report import report
from holdgate.relations.sent import Sent, day_of, is_automatic, sent, traces_of
from holdgate.relations.sources import SourceError, read
from holdgate.tables import Tables

_TOGETHER = 500
_EPOCH = date(1970, 1, 1)


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommands."""
    family = commands.add_parser("relations", help="learn, report and delete who writes to whom")
    steps = family.add_subparsers(dest="step", required=True, metavar="STEP")
    learn = steps.add_parser(
        "learn",
        help="learn from sent mail in a Maildir, an mbox or files, or from Postfix's log",
        description="Learns who writes to whom from mail that was sent before. Reads Maildirs, mbox files, single "
        "messages, folders of these, and logs of Postfix (also .gz). Only senders in internal_domains count. Mail that "
        "is learned twice counts twice. Run it as root or as the milter's user.",
    )
    learn.add_argument("path", type=Path, nargs="+", metavar="PATH", help="a file or folder")
    learn.set_defaults(run=_learn)
    known = steps.add_parser("report", help="show how much was learned, and whether it is enough; exits with 1 if not")
    known.set_defaults(run=_report)
    forget = steps.add_parser(
        "forget",
        help="delete everything that was learned about an address",
        description="Deletes all relations of an address, as a sender and as a recipient. To keep Holdgate from "
        "learning them again, add the address to relations.except_for first. A running milter may use "
        "what it read from the store in the last five minutes.",
    )
    whom = forget.add_mutually_exclusive_group(required=True)
    whom.add_argument("address", nargs="?", metavar="ADDRESS", help="the address")
    whom.add_argument("--all", action="store_true", help="delete everything that was learned")
    forget.set_defaults(run=_forget)


@contextmanager
def _opened(arguments: argparse.Namespace) -> Iterator[tuple[Settings, Hasher, Store]]:
    settings = load_settings(arguments.config)
    hasher = hasher_for_milter(settings)
    with closing(open_store(settings.store.url)) as store:
        yield settings, hasher, store


def hasher_for_milter(settings: Settings) -> Hasher:
    """Return the hasher. A key file that root creates here gets the milter's user as its owner, who must read it."""
    is_there = settings.relations.key.exists()
    hasher = hasher_of(settings.relations)
    if not is_there and os.geteuid() == 0:
        with suppress(KeyError):  # the user does not exist because nothing is installed here
            os.chown(settings.relations.key, *daemon.ids_of(settings.account("milter")))
    return hasher


def _learn(arguments: argparse.Namespace) -> int:
    with _opened(arguments) as (settings, hasher, store):
        policies = policies_of(settings.policy)
        if not policies.internal_domains:
            raise ConfigError([f"{settings.policy.file}: internal_domains is empty; list your domains there"])
        is_inside = inside_matcher(policies.internal_domains, Tables(settings.queue.postfix_config))
        excepted = Except(settings.relations.except_for)
        teacher = teacher_of(settings.relations, hasher, store, own_domains(policies))
        if teacher.has_other_key():
            raise ConfigError(
                [
                    f"{settings.relations.key}: the relations in the store were learned with another key; "
                    "restore that key, "
                    "or run: holdgate relations forget --all"
                ]
            )
        now = datetime.now(UTC)
        oldest = now - settings.relations.retention
        messages = outside = 0
        waiting: list[Sent] = []
        for path in arguments.path:
            try:
                for envelope, moment in progress(read(path, now), "messages"):
                    messages += 1
                    if moment < oldest or is_automatic(envelope):
                        continue
                    if not is_inside(envelope.sender) or excepted.names(envelope.sender.lower()):
                        continue
                    message = sent(envelope, Inspection(), is_inside, moment)
                    if excepted:
                        message = replace(message, outside=excepted.without(message.outside), inside=())
                    outside += bool(message.outside)
                    waiting.append(message)
                    if len(waiting) >= _TOGETHER:
                        teacher.write(teacher.gather(waiting))
                        waiting = []
            except SourceError as error:
                raise ConfigError([str(error)]) from error
        teacher.write(teacher.gather(waiting))
    print_result(
        arguments,
        f"read {counted(messages, 'message')}; learned {outside} of them, from internal senders to external recipients",
        read=messages,
        learned=outside,
    )
    return 0


def _report(arguments: argparse.Namespace) -> int:
    with _opened(arguments) as (settings, hasher, store):
        known = report(hasher, store.relations, day_of(datetime.now(UTC)))
        if teacher_of(settings.relations, hasher, store, ()).has_other_key():
            known.missing.insert(
                0, f"the relations in the store were learned with another key than {settings.relations.key}"
            )
    lines = [f"mode:       {settings.relations.mode}", f"relations:  {known.relations}"]
    for day in known.days:
        share = f"{day.first * 100 // day.recipients} %" if day.recipients else "–"
        lines.append(
            f"{_EPOCH + timedelta(days=day.day)}  {counted(day.messages, 'message')}, "
            f"{counted(day.recipients, 'recipient')}, "
            f"{share} of them new to the sender"
        )
    lines += [f"not enough: {one}" for one in known.missing] or ['enough:     yes; you can set relations.mode = "on"']
    days = [asdict(day) | {"day": str(_EPOCH + timedelta(days=day.day))} for day in known.days]
    enough = known.is_enough
    print_result(
        arguments,
        "\n".join(lines),
        mode=settings.relations.mode,
        relations=known.relations,
        days=days,
        missing=known.missing,
        enough=enough,
    )
    return 0 if enough else 1


def _forget(arguments: argparse.Namespace) -> int:
    with _opened(arguments) as (settings, hasher, store):
        if arguments.all:
            removed = store.relations.forget_all()
        else:
            address = arguments.address.strip().lower()
            if "@" not in address:
                raise ConfigError([f'"{arguments.address}" is no address; write one as "bob@partner.example"'])
            removed = sum(progress(store.relations.forget(*traces_of(hasher, address)), "parts"))
            teacher_of(settings.relations, hasher, store, ()).forgot(day_of(datetime.now(UTC)))
    print_result(arguments, f"deleted {counted(removed, 'relation')}", deleted=removed)
    return 0
