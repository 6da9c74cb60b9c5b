"""What `holdgate check` reports about the daemons: users, file permissions, workers, sockets."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from holdgate.cli.scrape import scrape
from holdgate.config import RulesSettings, Settings
from holdgate.gate import probe
from holdgate.milters import Place, place_of
from holdgate.queue.client import AT_TERMINAL, QueueClient, QueueError
from holdgate.queue.postfix import Postfix, PostfixError
from holdgate.scan import sandbox
from holdgate.scan.pool import Pool, PoolSettings, ScanError

_Daemon = Literal["milter", "queue", "desk", "scan"]
_DAEMONS: tuple[_Daemon, ...] = ("milter", "queue", "desk")


def user(path: Path, settings: Settings) -> Iterator[str]:
    """Yield the daemons' users that do not exist."""
    for account in dict.fromkeys(settings.account(daemon) for daemon in (*_DAEMONS, *_scan(settings))):
        if _entry(account) is None:
            yield f'{path}: user: there is no user "{account}"; run: systemd-sysusers, or adduser --system {account}'


def permissions(path: Path, settings: Settings) -> Iterator[str]:
    """Yield files that a daemon's user cannot read or write. Missing files are reported elsewhere."""
    written: list[tuple[str, Path, tuple[_Daemon, ...]]] = [
        ("[milter] spool_directory", settings.milter.spool_directory, ("milter",))
    ]
    milter = place_of(settings.milter.socket)
    if isinstance(milter, Path):
        written.append(("[milter] socket", milter.parent, ("milter",)))
    if settings.store.url.startswith("sqlite:///"):
        database = Path(settings.store.url.removeprefix("sqlite:///"))
        # SQLite creates its journal next to the database.
        written += [("[store] url", database, _DAEMONS), ("[store] url: the directory", database.parent, _DAEMONS)]
        # They have the permissions that the database had when they were created, and keep them.
        written += [("[store] url", database.with_name(f"{database.name}{end}"), _DAEMONS) for end in ("-wal", "-shm")]
    loading = _scan(settings) or ("milter", "desk")
    read: list[tuple[str, Path | None, tuple[_Daemon, ...]]] = [
        ("the settings", path, (*_DAEMONS, *_scan(settings))),
        ("[policy] file", settings.policy.file, ("milter", "desk")),
        ("[rules] directory", settings.rules.shipped(), loading),
        ("[rules] local_directory", settings.rules.local_directory, loading),
        *(("[rules] local_directory", file, loading) for file in sorted(settings.rules.local_directory.rglob("*"))),
        ("[extract] directory", settings.extract.directory if settings.extract.readers else None, loading),
        ("[seal] keys", settings.seal.keys, ("milter",)),
        ("[desk] certificate", settings.desk.certificate, ("desk",)),
        ("[desk] private_key", settings.desk.private_key, ("desk",)),
        ("[desk] proxy_secret", settings.desk.proxy_secret, ("desk",)),
    ]
    if settings.desk.token_key.exists():
        read.append(("[desk] token_key", settings.desk.token_key, ("desk",)))
    else:
        written.append(("[desk] token_key: the directory", settings.desk.token_key.parent, ("desk",)))
    for key, file, daemons in written:
        for account in _refused(settings, daemons, "-w", file):
            yield f"{path}: {key}: {account} cannot write {file}; run: chgrp {settings.user} {file}; chmod g+w {file}"
    for key, readable, daemons in read:
        if readable is not None:
            for account in _refused(settings, daemons, "-r", readable):
                yield f"{path}: {key}: {account} cannot read {readable}; {_remedy(account, readable, settings)}"


def connection(path: Path, settings: Settings) -> Iterator[str]:
    """Yield why Postfix cannot connect to the milter's socket, although it exists."""
    if owner := refused_by_socket(settings):
        yield (
            f"{path}: [milter] socket: Postfix's user {owner} cannot connect to {place_of(settings.milter.socket)}, so "
            "mail is deferred; run: systemd-tmpfiles --create holdgate.conf && systemctl restart holdgate-milter"
        )


def refused_by_socket(settings: Settings) -> str:
    """Return the user of Postfix's smtpd if it may not connect to the milter's existing socket, else ""."""
    place = place_of(settings.milter.socket)
    if os.geteuid() != 0 or not isinstance(place, Path) or not place.is_socket():
        return ""
    try:
        owner = Postfix(settings.queue.postfix_config).setting("mail_owner")
    except (PostfixError, OSError, subprocess.SubprocessError):
        return ""  # reported as a problem elsewhere
    entry = _entry(owner)
    return owner if entry is not None and not _may(entry, "-w", place) else ""


def _remedy(account: str, file: Path, settings: Settings) -> str:
    """Return how to give a user read access; the workers' user shares no group with the others."""
    if _scan(settings) and account == settings.account("scan") != settings.user:
        return f"run: setfacl -m u:{account}:rX {file}"
    return f"run: chgrp {settings.user} {file}; chmod g+r {file}"


def _scan(settings: Settings) -> tuple[_Daemon, ...]:
    """Return "scan" if the scan service is used."""
    return ("scan",) if settings.scan.service() is not None else ()


def _refused(settings: Settings, daemons: tuple[_Daemon, ...], option: str, file: Path) -> Iterator[str]:
    """Yield those daemons' users, each once, for which test(1) fails on an existing file."""
    for account in dict.fromkeys(settings.account(daemon) for daemon in daemons):
        entry = _entry(account)
        if entry is not None and file.exists() and not _may(entry, option, file):
            yield account


def _entry(account: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(account)
    except KeyError:
        return None


def confinement(path: Path, settings: Settings) -> Iterator[str]:
    """Yield what prevents confining workers: missing kernel features, and the result of a real attempt."""
    yield from sandbox.available().missing
    # The shipped rules are used, so that errors in a site's own rules do not matter.
    wanted = PoolSettings(rules=RulesSettings().shipped(), workers=1)
    try:
        Pool(wanted).close()
    except ScanError as error:
        yield f"this machine: {error}; if a container or SystemCallFilter= of a unit refuses it, allow it there"
    service = settings.scan.service()
    if service is None:
        return
    others = [name for name in _DAEMONS if settings.account(name) == settings.account("scan")]
    if others and settings.account("scan") != "root":
        yield f"{path}: scan_user: workers run as the same user as holdgate-{others[0]}; give them a separate user"
    if probe.listens(service):
        try:
            Pool(replace(wanted, service=service)).close()
        except ScanError as error:
            yield f"{path}: [scan] socket: {error}; run: systemctl restart holdgate-scan"


def absent(settings: Settings) -> Iterator[str]:
    """Yield the daemons that do not run, which is expected before the first start."""
    for name, address in _sockets(settings).items():
        if probe.listens(address) is False:
            yield f"{name} does not run; start it: systemctl start {name}"


def answers(path: Path, settings: Settings) -> Iterator[str]:
    """Yield the sockets of running daemons that do not answer correctly."""
    sockets = _sockets(settings)
    if probe.listens(sockets["holdgate-milter"]) and not probe.answers(settings.milter.socket):
        yield f"{path}: [milter] socket: holdgate-milter does not answer there; run: systemctl restart holdgate-milter"
    if probe.listens(sockets["holdgate-queue"]):
        try:
            QueueClient(settings.queue.socket, timeout=AT_TERMINAL).held()
        except QueueError as error:
            yield f"{path}: [queue] socket: {error}; run: systemctl restart holdgate-queue"
    if probe.listens(sockets["holdgate-desk"]):
        if scrape(settings.metrics.desk) is None:
            yield f"{path}: [metrics] desk: holdgate-desk does not answer there; run: systemctl restart holdgate-desk"
        for key, address in (("web_listen", settings.desk.web_listen), ("lmtp_listen", settings.desk.lmtp_listen)):
            if address is not None and probe.listens(address) is False:
                yield f"{path}: [desk] {key}: holdgate-desk does not listen there; run: systemctl restart holdgate-desk"


def _sockets(settings: Settings) -> dict[str, Place]:
    service = settings.scan.service()
    return {
        **({} if service is None else {"holdgate-scan": service}),
        "holdgate-milter": place_of(settings.milter.socket),
        "holdgate-queue": settings.queue.socket,
        "holdgate-desk": settings.metrics.desk,
    }


def _may(user: pwd.struct_passwd, option: str, path: Path) -> bool:
    """Run test(1) as `user`. Only root can do that; for others the result is true."""
    if os.geteuid() != 0:
        return True
    groups = os.getgrouplist(user.pw_name, user.pw_gid)
    command = ["test", option, str(path.resolve())]
    done = subprocess.run(command, check=False, cwd="/", user=user.pw_uid, group=user.pw_gid, extra_groups=groups)
    return done.returncode == 0
