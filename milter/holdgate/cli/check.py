"""`holdgate check`: looks at settings, rules, store, sockets and Postfix, and names every problem at once."""

import argparse
import fnmatch
import grp
import os
import pwd
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path

from holdgate import headers
from holdgate.cli import canary
from holdgate.config import ConfigError, Settings, load_settings, load_what_is_right
from holdgate.detect import Detector, RuleError
from holdgate.detect.loader import Loaded
from holdgate.extract.extractor import READERS
from holdgate.policy.model import Exemption, Policy, PolicyFile, load_policies
from holdgate.policy.review import review
from holdgate.quarantine.store import StoreError, open_store
from holdgate.queue.attach import longest_inspection, names_us
from holdgate.queue.postfix import Postfix, PostfixError
from holdgate.scan import sandbox
from holdgate.seal import KeyFileError, load_keys
from holdgate.tables import TableError, Tables, is_table, split_list


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    check = commands.add_parser("check", help="check settings, rules, store, sockets, permissions and Postfix")
    check.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    problems = check(arguments.config)
    for problem in problems:
        print(problem)
    if not problems:
        print("holdgate check: no problem found")
    return 2 if problems else 0


def check(path: Path) -> list[str]:
    """Return one line for each problem: the file or setting, what is wrong, and the remedy."""
    problems: list[str] = []
    settings: Settings | None
    try:
        settings = load_settings(path)
    except ConfigError as error:
        problems = error.problems
        settings = load_what_is_right(path)
        if settings is None:
            return problems
    checks: tuple[Callable[[Path, Settings], Iterator[str]], ...] = (
        _user,
        _directories,
        _rules,
        _seal,
        _sandbox,
        _store,
        _desk,
        _postfix,
    )
    return problems + [problem for one in checks for problem in one(path, settings)]


def _user(path: Path, settings: Settings) -> Iterator[str]:
    try:
        pwd.getpwnam(settings.user)
    except KeyError:
        yield f'{path}: user: there is no user "{settings.user}"; create it: systemd-sysusers, or adduser --system'


def _directories(path: Path, settings: Settings) -> Iterator[str]:
    spool = settings.milter.spool_directory
    if not spool.is_dir():
        yield f"{path}: [milter] spool_directory: {spool} is not there; create it for the user {settings.user}"
    if settings.milter.socket.startswith("unix:"):
        directory = Path(settings.milter.socket.removeprefix("unix:")).parent
        yield from _socket_directory(path, directory)
    for name, socket in (("queue", settings.queue.socket),):
        if not socket.parent.is_dir():
            yield f"{path}: [{name}] socket: {socket.parent} is not there; create it, or start the units"


def _socket_directory(path: Path, directory: Path) -> Iterator[str]:
    where = f"{path}: [milter] socket: the directory {directory}"
    if not directory.is_dir():
        yield f"{where} is not there; create it, or start the units"
        return
    status = directory.stat()
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = str(status.st_gid)
    if not status.st_mode & stat.S_ISGID or group != "postfix":
        yield (
            f"{where} must lend its group to the socket so that Postfix can connect: "
            f"chgrp postfix {directory} && chmod g+s {directory}"
        )


def _rules(_path: Path, settings: Settings) -> Iterator[str]:
    rules = settings.rules
    loaded: Loaded | None = None
    try:
        loaded = Detector.from_rules(rules.shipped(), local_dir=rules.local_directory).loaded
    except (RuleError, OSError) as error:
        yield str(error)
    where = settings.policy.file
    try:
        policies = load_policies(where)
    except ConfigError as error:
        yield from error.problems
        return
    for policy in policies.policy:
        for problem in _unknown_names(policy, loaded):
            yield f'{where}: policy "{policy.name}": {problem}'
    yield from (f"{where}: {problem}" for problem in review(policies, datetime.now(UTC).date()))
    yield from (f"{where}: {problem}" for problem in canary.policy_problems(settings, policies))
    yield from (f"{where}: {problem}" for problem in _tables(policies, _as_daemons_do(settings)))


def _unknown_names(policy: Policy, loaded: Loaded | None) -> Iterator[str]:
    """Yield what a policy names and nobody knows: no message would ever fit it."""
    if loaded is not None:
        for profile in policy.profile:
            if profile not in loaded.profiles:
                yield f'profile: there is no "{profile}"; see "holdgate rules list"'
        for need in policy.found:
            if not fnmatch.filter(loaded.identifiers, need.id):
                yield f'found: there is no identifier "{need.id}"; see "holdgate rules list"'
    for kind in policy.attachment.type if policy.attachment is not None else ():
        if kind.lower() not in READERS:
            yield f'attachment.type: there is no "{kind}"; known: {", ".join(sorted(READERS))}'


def _as_daemons_do(settings: Settings) -> Tables:
    """Return tables as milter and desk see them; who is not root sees them as himself."""
    try:
        pwd.getpwnam(settings.user)
    except KeyError:
        return Tables(settings.queue.postfix_config)
    return Tables(settings.queue.postfix_config, user=settings.user if os.geteuid() == 0 else "")


def _tables(policies: PolicyFile, tables: Tables) -> Iterator[str]:
    """Yield the Postfix tables that cannot be asked; while one cannot, mail it is needed for is deferred."""
    named: dict[str, str] = {table: "internal_domains" for table in policies.internal_domains if is_table(table)}
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
            yield f"{place}: {error}; make the table (postmap), correct its name, or let the daemons' user read it"


def _seal(path: Path, settings: Settings) -> Iterator[str]:
    try:
        if not load_keys(settings.seal.keys):
            yield f"{settings.seal.keys}: no key for the seal; make one: holdgate seal new-key"
    except KeyFileError as error:
        yield str(error)


def _sandbox(_path: Path, _settings: Settings) -> Iterator[str]:
    for layer in sandbox.available().missing:
        yield f"this machine: workers run without {layer}; docs/explanation/sandbox.md says what that means"


def _store(path: Path, settings: Settings) -> Iterator[str]:
    try:
        open_store(settings.store.url).close()
    except StoreError as error:
        yield f"{path}: [store] url: {error}"


def _desk(path: Path, settings: Settings) -> Iterator[str]:
    desk, moderation = settings.desk, settings.moderation
    if not desk.own_domains and parseaddr(desk.notice_from)[1].endswith("@localhost"):
        yield f"{path}: [desk] own_domains: no domain is ours, so no sender is told what became of his message; set it"
    if not desk.token_key.parent.is_dir():
        yield f"{path}: [desk] token_key: {desk.token_key.parent} is not there; create it for the user {settings.user}"
    for name, file in (("certificate", desk.certificate), ("private_key", desk.private_key)):
        if file is not None and not os.access(file, os.R_OK):
            yield f"{path}: [desk] {name}: {file} cannot be read"
    if moderation.managers:
        table = moderation.managers if is_table(moderation.managers) else f"texthash:{moderation.managers}"
        try:
            _as_daemons_do(settings).lookup(table, "postmaster@localhost")
        except TableError as error:
            yield f"{path}: [moderation] managers: {error}"


def _postfix(path: Path, settings: Settings) -> Iterator[str]:
    where = settings.queue.postfix_config / "main.cf"
    if shutil.which("postconf") is None:
        yield f"{where}: Postfix's commands are not found; install Postfix, or add /usr/sbin to PATH"
        return
    postfix = Postfix(settings.queue.postfix_config)
    try:
        yield from _main_cf(str(where), postfix, settings)
        yield from (f"{where}: {problem}" for problem in canary.delivery_problems(settings, postfix))
        yield from _master_cf(str(where.with_name("master.cf")), postfix, settings)
    except PostfixError as error:
        yield f"{where}: {error}"


def _main_cf(where: str, postfix: Postfix, settings: Settings) -> Iterator[str]:
    seconds = round(longest_inspection(settings).total_seconds())
    for name in ("smtpd_milters", "non_smtpd_milters"):
        entry = next((item for item in split_list(postfix.setting(name)) if names_us(item, settings, postfix)), None)
        if entry is None:
            yield f'{where}: {name}: does not name our socket; run "holdgate attach"'
            continue
        if _option(entry, "default_action", postfix) == "accept":
            yield f"{where}: {name}: default_action=accept delivers what nobody has read; set tempfail"
        if _seconds(_option(entry, "content_timeout", postfix)) < seconds:
            yield f"{where}: {name}: content_timeout: an inspection may take {seconds} s; set at least {seconds}s"
    if postfix.setting("enable_long_queue_ids") != "yes":
        yield f"{where}: enable_long_queue_ids: must be yes, for short queue ids are used again"
    if not postfix.setting("milter_header_checks"):
        yield f"{where}: milter_header_checks: not set; nothing holds what the milter marks ({headers.ACTION})"
    for name in ("milter_header_checks", "smtp_header_checks"):
        for table in re.findall(r"(?:regexp|pcre):(\S+)", postfix.setting(name)):
            if not os.access(table, os.R_OK):
                yield f"{where}: {name}: {table} cannot be read"


def _master_cf(where: str, postfix: Postfix, settings: Settings) -> Iterator[str]:
    host, port = settings.desk.notice_relay
    services = [line.split(None, 1)[0] for line in postfix.services().splitlines() if line.strip()]
    if host in ("127.0.0.1", "localhost", "::1") and not {f"{host}:{port}", f"127.0.0.1:{port}", str(port)} & set(
        services
    ):
        yield f"{where}: no listener on {host}:{port} for our notices (desk.notice_relay); see postfix/master.cf"


def _option(entry: str, name: str, postfix: Postfix) -> str:
    """Return a milter's own option, from the braces of its entry, or else the setting for all of them."""
    match = re.search(rf"\b{name}\s*=\s*([^\s,}}]+)", entry)
    return match[1] if match else postfix.setting(f"milter_{name}")


def _seconds(value: str) -> float:
    """Read a time of Postfix's, such as 300s or 5m; seconds without a unit (postconf(5))."""
    match = re.fullmatch(r"(\d+)([smhdw]?)", value)
    units = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    return int(match[1]) * units[match[2]] if match else 0.0
