"""`holdgate check`: checks settings, rules, store, daemons and Postfix, and reports all problems at once.

`check_daemons` checks the daemons' permissions and whether they run, `check_postfix` Postfix's settings.
"""

import argparse
import fnmatch
import grp
import os
import pwd
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path

from holdgate.cli import (
    canary,
    check_daemons,
    check_disks,
    check_mailboxes,
    check_nodes,
    check_people,
    check_postfix,
    check_replies,
    check_rules,
    check_settings,
    confinement,
)
from holdgate.cli.output import colour, print_result
from holdgate.config import Settings
from holdgate.configfile import ConfigError, load_leniently, load_settings
from holdgate.desk import trial
from holdgate.desk.channel import MAIL, ChannelError
from holdgate.desk.channels import REGISTRY as CHANNELS
from holdgate.desk.moderators import shortage
from holdgate.detect import Detector, RuleError
from holdgate.detect.loader import Loaded
from holdgate.extract.formats import REGISTRY
from holdgate.extract.ocr import missing_languages, package_of
from holdgate.milters import place_of
from holdgate.mistakes import did_you_mean
from holdgate.node import rules_of
from holdgate.plugins import PluginError
from holdgate.policy.model import Exemption, Policy, PolicyFile, policies_of
from holdgate.policy.patterns import domain_mistake
from holdgate.policy.review import hardly_meant, review, weaker_than_uninspected
from holdgate.quarantine.nodes import differing
from holdgate.quarantine.store import StoreError, open_store
from holdgate.seal import KeyFileError, load_keys
from holdgate.tables import TableError, Tables, is_table, remedy_of

_MORE_PEOPLE = "add people to moderators or fallback: until then, every held message is returned at its deadline"


@dataclass(frozen=True, slots=True)
class Report:
    """The result of the checks, one line each: `problems` must be fixed, `remarks` may be intended."""

    problems: list[str]
    remarks: list[str]


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    check = commands.add_parser(
        "check",
        help="check settings, rules, store, daemons, permissions and Postfix",
        description="Run it as root, before the daemons start or while they run. A line that begins with problem: "
        "must be fixed. One that begins with warning: can be intended, such as a daemon that does not run. Each "
        "names its file, the value and the remedy. Exit code 0: no problem; 2: there are problems.",
    )
    check.add_argument(
        "--confinement",
        action="store_true",
        help="print what each process may do, as the package's units and the sandbox declare it, and check nothing",
    )
    check.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.confinement:
        head, *rows = confinement.rows()
        print_result(arguments, confinement.text(), processes=[dict(zip(head, row, strict=True)) for row in rows])
        return 0
    report = check(arguments.config)
    lines = [f"{colour('red', 'problem:')} {problem}" for problem in report.problems]
    lines += [f"{colour('yellow', 'warning:')} {remark}" for remark in report.remarks]
    if not report.problems:
        lines.append("holdgate check: no problem found")
    print_result(arguments, "\n".join(lines), problems=report.problems, warnings=report.remarks)
    return 2 if report.problems else 0


def check(path: Path) -> Report:
    """Check everything that the settings file at `path` refers to.

    A problem names the file or setting, the error, and the remedy.
    """
    problems: list[str] = []
    settings: Settings | None
    try:
        settings = load_settings(path)
    except ConfigError as error:
        problems = error.problems
        settings = load_leniently(path)
        if settings is None:
            return Report(problems, [])
    checks: tuple[Callable[[Path, Settings], Iterator[str]], ...] = (
        check_settings.problems,
        check_daemons.user,
        _directories,
        check_daemons.permissions,
        check_daemons.connection,
        _rules,
        _seal,
        check_daemons.confinement,
        _ocr,
        _store,
        check_nodes.problems,
        _desk,
        _channels,
        check_replies.problems,
        check_people.problems,
        _templates,
        check_disks.problems,
        check_daemons.answers,
        check_postfix.problems,
    )
    problems += [problem for one in checks for problem in one(path, settings)]
    return Report(
        problems,
        [
            *_remarks_on_policies(settings),
            *_remarks_on_proxies(settings),
            *check_people.warnings(path, settings),
            *check_mailboxes.warnings(path, settings),
            *check_rules.warnings(path, settings),
            *check_replies.remarks(path, settings),
            *check_daemons.absent(settings),
            *check_postfix.remarks(settings),
            *check_nodes.remarks(settings),
            *canary.remarks(settings),
        ],
    )


# -- files --------------------------------------------------------------------------------------------------------


def _directories(path: Path, settings: Settings) -> Iterator[str]:
    spool = settings.milter.spool_directory
    if not spool.is_dir():
        owner = settings.account("milter")
        yield f"{path}: [milter] spool_directory: {spool} does not exist; create it for the user {owner}"
    milter = place_of(settings.milter.socket)
    if isinstance(milter, Path):
        yield from _socket_directory(path, milter.parent)
    if not settings.queue.socket.parent.is_dir():
        yield (
            f"{path}: [queue] socket: the directory {settings.queue.socket.parent} does not exist; create "
            "it, or start the units"
        )


def _socket_directory(path: Path, directory: Path) -> Iterator[str]:
    where = f"{path}: [milter] socket: the directory {directory}"
    if not directory.is_dir():
        yield f"{where} does not exist; create it, or start the units"
        return
    status = directory.stat()
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = str(status.st_gid)
    if not status.st_mode & stat.S_ISGID or group != "postfix":
        yield (
            f"{where} must give its group to the socket, so that Postfix can connect; run: "
            f"chgrp postfix {directory} && chmod g+s {directory}"
        )


# -- rules and policies -------------------------------------------------------------------------------------------


def _rules(_path: Path, settings: Settings) -> Iterator[str]:
    rules = settings.rules
    loaded: Loaded | None = None
    try:
        loaded = Detector.from_rules(rules.shipped(), local_dir=rules.local_directory).loaded
    except (RuleError, OSError) as error:
        yield str(error)
    where = settings.policy.file
    try:
        REGISTRY.add_modules(settings.extract.readers, str(settings.extract.directory))
    except PluginError as error:
        yield str(error)
    try:
        policies = policies_of(settings.policy)
    except ConfigError as error:
        yield from error.problems
        return
    for policy in policies.policy:
        for problem in _unknown_names(policy, loaded):
            yield f'{where}: policy "{policy.name}": {problem}'
    yield from (f"{where}: {problem}" for problem in _people(settings, policies))
    yield from (f"{where}: {problem}" for problem in review(policies, datetime.now(UTC).date()))
    yield from (f"{where}: {problem}" for problem in _tables(policies, _as_daemons_do(settings)))


def _remarks_on_policies(settings: Settings) -> Iterator[str]:
    where = settings.policy.file
    try:
        policies = policies_of(settings.policy)
    except ConfigError:
        return
    yield from (f"{where}: {warning}" for warning in weaker_than_uninspected(policies))
    yield from (f"{where}: {warning}" for warning in hardly_meant(policies))
    yield from _remarks_on_machines(settings, policies)
    if settings.relations.mode != "on":
        for policy in policies.policy:
            if policy.recipient_risk is not None and policy.recipient_risk.needs_relations:
                yield (
                    f'{where}: policy "{policy.name}": recipient_risk is never true while relations.mode is '
                    f'"{settings.relations.mode}"; set it to "on" when "holdgate relations report" exits with 0'
                )


def _remarks_on_machines(settings: Settings, policies: PolicyFile) -> Iterator[str]:
    if settings.machines.mode == "on":
        return
    for policy in policies.policy:
        if policy.machine is not None:
            yield (
                f'{settings.policy.file}: policy "{policy.name}": machine is never true while machines.mode is '
                f'"{settings.machines.mode}"; set it to "on"'
            )


def _remarks_on_proxies(settings: Settings) -> Iterator[str]:
    if settings.desk.user_header and settings.desk.proxy_secret is None:
        yield (
            "[desk] user_header: anyone who can connect from an address of trusted_proxies, such as a local user "
            "of the proxy's machine, can sign in as any person; set proxy_secret and have the proxy send it"
        )


def _people(settings: Settings, policies: PolicyFile) -> Iterator[str]:
    """Yield the policies whose moderation settings can never provide enough approvers."""
    everywhere = shortage(settings.moderation)
    for policy in policies.policy:
        short = shortage(policy.moderation_over(settings.moderation))
        if short and short != everywhere:
            yield f'policy "{policy.name}": moderation.approvals: {short}; {_MORE_PEOPLE}'


def _unknown_names(policy: Policy, loaded: Loaded | None) -> Iterator[str]:
    """Yield unknown names in a policy, which no message can match."""
    if loaded is not None:
        for profile in policy.profile:
            if profile not in loaded.profiles:
                meant = did_you_mean(profile, loaded.profiles)
                yield f'profile: there is no profile "{profile}"; see: holdgate rules list{meant}'
        named = [("found", need.id) for need in policy.found] + [("not_found", need.id) for need in policy.not_found]
        for key, name in [*named, *(("only", name) for name in policy.only)]:
            if not fnmatch.filter(loaded.identifiers, name):
                meant = did_you_mean(name, loaded.identifiers)
                yield f'{key}: there is no identifier "{name}"; see: holdgate rules list{meant}'
    for kind in policy.attachment.type if policy.attachment is not None else ():
        if kind.lower() not in REGISTRY.formats:
            known = ", ".join(sorted(REGISTRY.formats))
            yield (
                f'attachment.type: there is no type "{kind}"; write one of '
                f"{known}{did_you_mean(kind, REGISTRY.formats)}"
            )


def _as_daemons_do(settings: Settings) -> Tables:
    """Return tables with the access rights of the milter, which the desk has too; without root, of the current user."""
    account = settings.account("milter")
    try:
        pwd.getpwnam(account)
    except KeyError:
        return Tables(settings.queue.postfix_config)
    return Tables(settings.queue.postfix_config, user=account if os.geteuid() == 0 else "")


def _tables(policies: PolicyFile, tables: Tables) -> Iterator[str]:
    """Yield the Postfix tables whose lookups fail; until that is fixed, mail that needs them is deferred."""
    named = {one: "internal_domains" for one in policies.internal_domains if is_table(one) and not domain_mistake(one)}
    entries: list[tuple[str, Policy | Exemption]] = [(f'policy "{policy.name}"', policy) for policy in policies.policy]
    entries += [(f"exemption {number}", exemption) for number, exemption in enumerate(policies.exemption, 1)]
    for entry, conditions in entries:
        for key in ("sender", "not_sender", "recipient", "not_recipient", "auth_user"):
            for pattern in getattr(conditions, key, ()):
                if is_table(pattern):
                    named.setdefault(pattern, f"{entry}: {key}")
    for table, place in named.items():
        try:
            tables.lookup(table, "postmaster@localhost")
        except TableError as error:
            yield f"{place}: {error}; {remedy_of(table)}"


# -- seal, OCR, store, desk and channels --------------------------------------------------------------------------


def _seal(path: Path, settings: Settings) -> Iterator[str]:
    try:
        if not load_keys(settings.seal.keys):
            yield f"{settings.seal.keys}: contains no key for the seal; run: holdgate seal new-key"
    except KeyFileError as error:
        yield str(error)


def _ocr(path: Path, settings: Settings) -> Iterator[str]:
    if settings.ocr.mode != "off":
        for language in missing_languages(settings.ocr.languages):
            yield f'{path}: [ocr] languages: no data for "{language}"; run: apt install {package_of(language)}'


def _store(path: Path, settings: Settings) -> Iterator[str]:
    try:
        store = open_store(settings.store.url)
    except StoreError as error:
        damaged = any(words in str(error) for words in ("is not a database", "is malformed"))  # SQLite's texts
        remedy = "; restore a backup, or continue without one: docs/howto/backup.md" if damaged else ""
        yield f"{path}: [store] url: {error}{remedy}"
        return
    for name in differing(store.nodes.all(), rules_of(settings)) if settings.store.is_shared else ():
        yield (
            f"{settings.policy.file}: node {name} has other policies or local rules; copy to all nodes the same "
            f"{settings.policy.file.name} and {settings.rules.local_directory}"
        )
    store.close()


def _desk(path: Path, settings: Settings) -> Iterator[str]:
    desk, moderation = settings.desk, settings.moderation
    if not desk.own_domains and parseaddr(desk.notice_from)[1].endswith("@localhost"):
        yield f"{path}: [desk] own_domains: is empty, so no sender is notified of the outcome; list your domains"
    if not desk.token_key.parent.is_dir():
        owner = settings.account("desk")
        yield (
            f"{path}: [desk] token_key: the directory {desk.token_key.parent} does not exist; create it "
            f"for the user {owner}"
        )
    for name, file in (("certificate", desk.certificate), ("private_key", desk.private_key)):
        if file is not None and not os.access(file, os.R_OK):
            yield f"{path}: [desk] {name}: {file} cannot be read; correct the path, or run the command as root"
    if desk.proxy_secret is not None and not os.access(desk.proxy_secret, os.R_OK):
        yield (
            f"{path}: [desk] proxy_secret: {desk.proxy_secret} cannot be read; correct the path, or run "
            "the command as root"
        )
    if short := shortage(moderation):
        yield f"{path}: [moderation] approvals: {short}; {_MORE_PEOPLE}"
    if settings.machines.mode != "off":
        try:
            _as_daemons_do(settings).lookup(settings.machines.accounts, "postmaster@localhost")
        except TableError as error:
            yield f"{path}: [machines] accounts: {error}; {remedy_of(settings.machines.accounts)}"
    if moderation.managers:
        table = moderation.managers if is_table(moderation.managers) else f"texthash:{moderation.managers}"
        try:
            _as_daemons_do(settings).lookup(table, "postmaster@localhost")
        except TableError as error:
            yield f"{path}: [moderation] managers: {error}; {remedy_of(table)}"


def _channels(path: Path, settings: Settings) -> Iterator[str]:
    """Yield channels that cannot be used, and channels that a policy names but the site does not have."""
    try:
        known = CHANNELS.make(settings)
        policies = policies_of(settings.policy).policy
    except (ChannelError, PluginError) as error:
        yield f"{path}: {error}"
        return
    except ConfigError:
        policies = []  # another check reports why
    places = {f"{path}: [moderation] notify_over": settings.moderation}
    places |= {
        f'{settings.policy.file}: policy "{one.name}": moderation.notify_over': one.moderation
        for one in policies
        if one.moderation is not None
    }
    for place, rules in places.items():
        for name in rules.notify_over:
            if name == MAIL or name not in known:
                others = ", ".join(sorted(known.keys() - {MAIL})) or "none; list modules in [channels]"
                meant = (
                    "every request is sent by mail anyway; remove it"
                    if name == MAIL
                    else f'there is no channel "{name}"'
                )
                yield f"{place}: {meant}; known: {others}"


def _templates(_path: Path, settings: Settings) -> Iterator[str]:
    for problem in trial.problems(settings.desk.templates, UTC):
        yield f"{problem}; until it is fixed, the built-in one is used"
